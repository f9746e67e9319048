//! What runs have reached: cells of message × state × step × outcome, and probes for what should happen at least once.
//!
//! A run keeps it only when asked to ([`Trace::covering`](crate::world::Trace::covering)). The universe of cells is what
//! the alphabets of the contexts span; a cell that nothing reaches has a [`Reason`], or is shown as open.

mod alphabet;
mod context;
mod lean;
mod measure;
mod page;
mod probe;
mod reason;

use std::collections::BTreeMap;
use std::fmt;

use ecom_core::engine::{Batch, Committed, Fault, Message, Outcome};
use ecom_core::event::{Envelope, Service};
use ecom_core::port::{Body, Delivery};
use ecom_core::testing::{MemoryTables, Terms};

pub use alphabet::{GROUPS, Group, Source, universe};
pub use context::Covered;
pub use measure::{Bounds, Measured, SHARE_MIN, Standing, measure, random_runs};
pub use page::page;
pub use probe::{PROBES, Probe};
pub use reason::{REASONS, Reason, UNMET, reason, unmet};

use crate::choose::{Fate, Op};
use crate::world::{Action, World};

/// A step of the machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// The broker hands a message out.
    Deliver,
    /// The rules decide.
    Decide,
    /// The transaction ends.
    Commit,
    /// The message is settled.
    Settle,
    /// The outside is called.
    Call,
    /// An event is published.
    Publish,
}

impl Step {
    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Deliver => "deliver",
            Self::Decide => "decide",
            Self::Commit => "commit",
            Self::Settle => "settle",
            Self::Call => "call",
            Self::Publish => "publish",
        }
    }
}

/// What can be reached: a message meets a state, and a step of handling it ends in some way. The state is the one at that
/// step: a settlement meets what the transaction left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cell {
    /// The service's number.
    pub service: u8,
    /// The kind of message: an event, a command, a timer, an answer, a call.
    pub message: &'static str,
    /// The state that it meets; `-` where it meets none.
    pub state: &'static str,
    /// The step.
    pub step: Step,
    /// How it ended.
    pub outcome: &'static str,
}

/// A kind of message, and the state that it meets.
pub type Met = (&'static str, &'static str);

/// What runs have reached, and how often.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// The cells.
    pub cells: BTreeMap<Cell, u64>,
    /// What the oracle chose, by kind of step.
    pub fates: BTreeMap<(Op, Fate), u64>,
    /// What happened beside the steps of processes: crashes, troubles, arrivals.
    pub happened: BTreeMap<&'static str, u64>,
    /// The probes of ends: how many runs ended so.
    pub ends: BTreeMap<&'static str, u64>,
}

impl Coverage {
    /// A cell is reached.
    pub fn reach(&mut self, service: u8, (message, state): Met, step: Step, outcome: &'static str) {
        *self.cells.entry(Cell { service, message, state, step, outcome }).or_default() += 1;
    }

    /// The oracle has chosen.
    pub fn chosen(&mut self, op: Op, fate: Fate) {
        *self.fates.entry((op, fate)).or_default() += 1;
    }

    /// Somebody goes on.
    pub fn happens(&mut self, action: Action) {
        let what = match action {
            Action::Crash { .. } => "crash",
            Action::Trouble { trouble, .. } => trouble.word(),
            Action::Arrive { .. } => "arrive",
            Action::Elapse(1..) => "elapse",
            Action::Run { .. } | Action::Client(_) | Action::Elapse(0) => return,
        };
        self.note(what);
    }

    /// That happens.
    pub fn note(&mut self, what: &'static str) {
        *self.happened.entry(what).or_default() += 1;
    }

    /// A run is over.
    pub fn ended(&mut self, world: &World) {
        for probe in PROBES {
            if probe.ended(world) {
                *self.ends.entry(probe.name).or_default() += 1;
            }
        }
    }

    /// Adds what another one has reached.
    pub fn add(&mut self, other: Self) {
        other.cells.into_iter().for_each(|(key, count)| *self.cells.entry(key).or_default() += count);
        other.fates.into_iter().for_each(|(key, count)| *self.fates.entry(key).or_default() += count);
        other.happened.into_iter().for_each(|(key, count)| *self.happened.entry(key).or_default() += count);
        other.ends.into_iter().for_each(|(key, count)| *self.ends.entry(key).or_default() += count);
    }

    /// A service gets messages: whether the first overtakes others, and whether it will come twice.
    pub(crate) fn delivered<C: Covered>(
        &mut self,
        service: u8,
        deliveries: &[Delivery],
        (overtaking, twice): (bool, bool),
        rows: &C::Snapshot,
    ) {
        for (place, delivery) in deliveries.iter().enumerate() {
            let Body::Event(envelope) = &delivery.body else { continue };
            let met = meets_event::<C>(envelope, rows);
            self.reach(service, met, Step::Deliver, if delivery.redelivered { "again" } else { "first" });
            if place == 0 && overtaking {
                self.reach(service, met, Step::Deliver, "overtaking");
            }
            if place == 0 && twice {
                self.reach(service, met, Step::Deliver, "twice");
            }
        }
    }

    /// A transaction is over: `met` is what its messages met.
    pub(crate) fn transacted<C: Covered>(
        &mut self,
        service: u8,
        met: &[Met],
        fate: Fate,
        result: &Result<Committed<C>, Fault>,
    ) {
        let beaten = fate == Fate::Fine && matches!(result, Err(Fault::Conflict));
        let ended = if beaten { "beaten" } else { fate.word() };
        for met in met {
            self.reach(service, *met, Step::Commit, ended);
        }
        if let Ok(committed) = result {
            for (met, outcome) in met.iter().zip(&committed.outcomes) {
                self.reach(service, *met, Step::Decide, decided(outcome));
            }
        }
    }
}

/// What an event meets; one that the context does not consume meets nothing.
pub(crate) fn meets_event<C: Covered>(envelope: &Envelope, rows: &C::Snapshot) -> Met {
    let unmet = (envelope.event.event_type().name(), "-");
    C::on_event(&envelope.event).map_or(unmet, |input| C::meets(&input, rows))
}

/// What messages of one transaction meet: each the state that the earlier ones leave.
pub(crate) fn met<C: Covered>(messages: &[Message<C>], tables: &MemoryTables<C>, terms: Terms<'_>) -> Vec<Met> {
    let meets = |(place, message): (usize, &Message<C>)| {
        if place == 0 {
            return C::meets(&message.input, tables.snapshot());
        }
        let earlier = Batch { messages: messages[..place].to_vec(), delivered: vec![], leased: false };
        let mut rows = tables.snapshot().clone();
        tables.begin(earlier, terms).writes().changes.iter().for_each(|change| C::apply(&mut rows, change));
        C::meets(&message.input, &rows)
    };
    messages.iter().enumerate().map(meets).collect()
}

const fn decided<C: Covered>(outcome: &Outcome<C>) -> &'static str {
    match outcome {
        Outcome::Applied(_) => "applied",
        Outcome::Stayed(..) => "stayed",
        Outcome::Duplicate => "duplicate",
        Outcome::Replayed(_) => "replayed",
        Outcome::KeyReused => "key-reused",
        Outcome::Rejected(_) => "refused",
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let service = Service::ALL.into_iter().find(|service| *service as u8 == self.service);
        let service = service.map_or("", Service::short_name);
        let Self { message, state, step, outcome, .. } = self;
        write!(formatter, "{service} | {message} | {state} | {} | {outcome}", step.word())
    }
}
