//! A service in the world, whatever its context: what the world asks of it.

use std::any::Any;
use std::fmt::{self, Debug};
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use ecom_core::decide::Row;
use ecom_core::engine::consumer;
use ecom_core::event::Envelope;
use ecom_core::id::MessageId;
use ecom_core::policy::Policy;
use ecom_core::time::Timestamp;
use uuid::Uuid;

use super::trace::Trace;
use super::{Action, Lane, Trouble};
use crate::choose::{Chooser, Fate, Op, Site};
use crate::facts::Fact;
use crate::hash::fingerprint;
use crate::mutant::Mutant;
use crate::port::Broker;

/// What stays the same through a run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Durations and limits of the rules.
    pub policy: Policy,
    /// How long claims last.
    pub lease: Duration,
    /// How long a call of the outside may take.
    pub call_max: Duration,
    /// What bounds the consumers.
    pub consumer: consumer::Limits,
    /// How many processes each service has.
    pub copies: u8,
    /// How far the clock of each service is ahead, in microseconds.
    pub skews: [i64; 6],
    /// Whether claims and small writes may fail: they have choices of their own.
    pub small_faults: bool,
    /// Whether what leaves a process is handed on in the form in which it is sent or stored.
    pub wire: bool,
    /// The planted bug, for the proof that it is found.
    pub mutant: Option<Mutant>,
    /// Ends that never come: how the coverage is shown to notice a simulator that is too kind.
    pub never: &'static [(Op, Fate)],
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            policy: Policy::default(),
            lease: Duration::from_secs(15),
            call_max: Duration::from_secs(5),
            consumer: consumer::Limits { batch_max: 1, ..consumer::Limits::default() },
            copies: 1,
            skews: [0; 6],
            small_faults: false,
            wire: false,
            mutant: None,
            never: &[],
        }
    }
}

/// What a service works on beside itself.
pub struct Env<'a> {
    /// Now, by the service's own clock.
    pub now: Timestamp,
    /// Now, by the world's.
    pub time: Timestamp,
    /// What stays the same.
    pub settings: &'a Settings,
    /// The broker.
    pub broker: &'a mut Broker,
    /// The oracle.
    pub chooser: &'a mut dyn Chooser,
    /// What is written down.
    pub trace: &'a mut Trace,
    /// Answers to clients.
    pub replies: Vec<(u8, Answered)>,
}

impl Env<'_> {
    pub(super) fn fate(&mut self, node: u8, op: Op, options: &[Fate]) -> Fate {
        let fate = if self.settings.never.is_empty() {
            self.chooser.fate(Site { node, op }, options)
        } else {
            let never = self.settings.never;
            let options: Vec<_> = options.iter().copied().filter(|fate| !never.contains(&(op, *fate))).collect();
            self.chooser.fate(Site { node, op }, &options)
        };
        self.trace.fate(node, op, fate);
        fate
    }

    /// Keeps that something happened which is no end of a port.
    pub(super) fn happens(&mut self, what: &'static str) {
        if let Some(coverage) = self.trace.coverage() {
            coverage.note(what);
        }
    }

    pub(super) fn has(&self, mutant: Mutant) -> bool {
        self.settings.mutant == Some(mutant)
    }

    pub(super) fn small_fault(&mut self, node: u8, op: Op) -> bool {
        self.settings.small_faults && self.fate(node, op, &[Fate::Fine, Fate::Away]) == Fate::Away
    }
}

/// What a client sees of something that it looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Seen {
    /// What it looked at.
    pub resource: Uuid,
    /// The word for where that stands.
    pub status: &'static str,
    /// The word for where its payment stands.
    pub payment: &'static str,
}

/// What a client hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answered {
    /// It was carried out, or had been.
    Done {
        /// The HTTP status.
        status: u16,
        /// What was created or changed.
        resource: Uuid,
        /// What its body says.
        said: Said,
    },
    /// It was looked at.
    Seen(Seen),
    /// A rule refused it, or there is no such thing.
    Refused,
    /// Nothing happened; it may be sent again.
    Failed,
    /// It may have happened.
    Unknown,
}

/// What the body of an answer says, as a number, in worlds in which bodies are made (`wire`). Nobody acts on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Said(u64);

impl Said {
    pub(super) fn of(body: &str) -> Self {
        Self(fingerprint(body) as u64)
    }
}

/// Nothing: worlds have the same future whether bodies are made or not.
impl Hash for Said {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

impl fmt::Display for Answered {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done { status, .. } => write!(formatter, "done ({status})"),
            Self::Seen(Seen { status, payment, .. }) => write!(formatter, "it is {status}, its payment {payment}"),
            Self::Refused => formatter.write_str("refused"),
            Self::Failed => formatter.write_str("nothing happened, it may be sent again"),
            Self::Unknown => formatter.write_str("no answer, it may have happened"),
        }
    }
}

/// A service and the processes that run it.
pub trait Node: Debug + Send + Sync {
    /// A copy.
    fn boxed(&self) -> Arc<dyn Node>;

    /// The fingerprint of all that decides its future.
    fn fingerprint(&self) -> u128;

    /// Starts its processes.
    fn boot(&mut self, env: &mut Env<'_>);

    /// Adds the lanes that can go on now.
    fn runnable(&self, now: Timestamp, broker: &Broker, actions: &mut Vec<Action>);

    /// Whether that lane can go on now.
    fn can_run(&self, copy: u8, lane: Lane, now: Timestamp, broker: &Broker) -> bool;

    /// The first lane that can go on now.
    fn first(&self, now: Timestamp, broker: &Broker) -> Option<Action>;

    /// Tells the times at which a lane can go on that cannot now.
    fn dues(&self, now: Timestamp, tell: &mut dyn FnMut(Timestamp, Action));

    /// One step of a lane.
    fn run(&mut self, copy: u8, lane: Lane, env: &mut Env<'_>);

    /// Whether a lane is in the middle of something that only it can end.
    fn is_busy(&self, copy: u8, lane: Lane) -> bool;

    /// Whether a process can begin a client's command.
    fn is_free(&self, copy: u8) -> bool;

    /// A process dies and starts again.
    fn crash(&mut self, copy: u8, env: &mut Env<'_>);

    /// Its clock jumps, or it is cut off from the broker for a while.
    fn trouble(&mut self, trouble: Trouble, env: &mut Env<'_>);

    /// Requests on their way to the outside that nobody waits for any more.
    fn late(&self) -> usize;

    /// One of them arrives.
    fn arrive(&mut self, which: u8, env: &mut Env<'_>);

    /// Carries a client's command out; `message` is a `Message<C>`.
    fn execute(&mut self, client: u8, message: &(dyn Any + Send + Sync), env: &mut Env<'_>);

    /// Gives every dead letter back to its queue; how many there were.
    fn replay_letters(&mut self, env: &mut Env<'_>) -> usize;

    /// What is left that should not be when all is done, in words.
    fn residue(&self) -> Vec<String>;

    /// Whether it has handled that message.
    fn has_handled(&self, id: MessageId) -> bool;

    /// Every event that it ever wrote down to be published, in order.
    fn raised(&self) -> &[Arc<Envelope>];

    /// The first change that did not raise the version of its row, and the version that the row had.
    fn unraised(&self) -> Option<(Row, u64)>;

    /// What it holds, in words.
    fn facts(&self, broker: &Broker, now: Timestamp) -> Vec<Fact>;

    /// For whoever knows its type.
    fn as_any(&self) -> &dyn Any;
}
