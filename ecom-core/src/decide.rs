//! The shape of every rule: a pure function from state and input to a decision.

use std::borrow::Cow;
use std::fmt::Debug;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::body::Body;
use crate::event::{Event, Service};
use crate::id::{CorrelationId, MessageId};
use crate::policy::Policy;
use crate::time::Timestamp;

/// What a rule may know beside state and input.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The time of the transaction, by the database's clock.
    pub now: Timestamp,
    /// The message that is being handled: everything derived from it repeats on a retry.
    pub cause: MessageId,
    /// What everything of one order shares.
    pub correlation: CorrelationId,
    /// Durations and limits.
    pub policy: &'a Policy,
    /// How many calls have begun of the effect that the input watches ([`BoundedContext::watch`]); `None` when it is not
    /// owed. Nobody begins another one before the transaction ends.
    pub calls: Option<u32>,
}

/// What a rule decided.
#[derive(Clone, Debug)]
pub enum Decision<C: BoundedContext> {
    /// State changes, and others are told.
    Move(Box<Move<C>>),
    /// Nothing changes, and that is right.
    Stay {
        /// Why: said and counted, never silent.
        because: Because,
        /// The answer for a caller that waits.
        reply: Option<C::Reply>,
    },
}

/// Why an input changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Because {
    /// The same fact was known already.
    AlreadyKnown,
    /// The subject has ended and the fact needs no repair.
    AlreadyEnded,
    /// A newer version of the same thing is known.
    Stale,
    /// A timer that was cancelled or armed anew.
    StaleTimer,
    /// The action was undone before it came.
    Barred,
    /// The input does not concern this service's state.
    NotConcerned,
}

/// New state and what follows from it, all in one transaction.
#[derive(Clone, Debug)]
pub struct Move<C: BoundedContext> {
    /// Row changes, in order.
    pub changes: Vec<C::Change>,
    /// Events to publish.
    pub events: Vec<Emit>,
    /// Calls to the outside.
    pub effects: Vec<EffectRequest<C::Effect>>,
    /// Calls that are owed no more. Only what the input watches may be withdrawn, and only while nobody makes the call: the
    /// answer of one that is under way would find nobody.
    pub withdrawn: Vec<MessageId>,
    /// Deadlines set and cancelled.
    pub deadlines: Vec<DeadlineChange>,
    /// Lines of history.
    pub history: Vec<HistoryEntry>,
    /// The answer for a caller that waits.
    pub reply: Option<C::Reply>,
    /// The correlation of what is emitted, where the input does not carry it: timers and commands about an order know
    /// the order alone.
    pub correlation: Option<CorrelationId>,
}

/// An event to publish.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Emit {
    /// What happened.
    pub event: Event,
    /// Whom it is about.
    pub aggregate_id: Uuid,
    /// The version of the aggregate that it announces.
    pub aggregate_version: u64,
}

/// A call to the outside that is owed. Requesting the same id again replaces the request and counts an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EffectRequest<E> {
    /// Stable over all attempts; the idempotency key of the call.
    pub id: MessageId,
    /// Not before this delay.
    pub after: Duration,
    /// What to do.
    pub effect: E,
}

/// A durable timer: a row, fired through the same path as a message.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Timer {
    /// Whose timer: the saga, the hold.
    pub subject: Uuid,
    /// Which of the subject's timers.
    pub kind: Cow<'static, str>,
    /// The version of the subject that armed it; a timer of another epoch than the armed one is stale.
    pub epoch: u64,
}

/// A change to the timers of a subject.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum DeadlineChange {
    /// Sets the timer of that subject and kind, in place of the one that was set.
    Arm {
        /// The timer.
        timer: Timer,
        /// From the transaction's time.
        after: Duration,
    },
    /// Cancels the timer of that subject and kind.
    Disarm {
        /// Whose.
        subject: Uuid,
        /// Which.
        kind: Cow<'static, str>,
    },
}

/// One line of a subject's history.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HistoryEntry {
    /// Whose history.
    pub subject: Uuid,
    /// What came: an event, a command, a timer.
    pub event: Cow<'static, str>,
    /// The state before.
    pub from: Cow<'static, str>,
    /// The state after.
    pub to: Cow<'static, str>,
    /// More about it.
    pub detail: Option<String>,
}

/// An answer as HTTP gives it, kept with an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Answer {
    /// The HTTP status: 200, 201, 202 or 204.
    pub status: u16,
    /// What was created or changed; lets `wait` show it as it now is.
    pub resource: Uuid,
    /// The JSON body, byte for byte.
    pub body: Body,
}

/// A row as a change leaves it. A store lets a change in only if the row is still in the version that was decided on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Row {
    /// The kind of row: a table has one or more.
    pub kind: &'static str,
    /// Which of its kind.
    pub key: Uuid,
    /// Its version after the change; rises with each.
    pub version: u64,
}

/// A bounded context: its types and its rules. Functions only: there is no `self`, no clock, no I/O.
pub trait BoundedContext: Sized + Clone + Debug + Send + Sync + 'static {
    /// The service that owns it.
    const SERVICE: Service;
    /// Everything that can happen to it, one closed enum: commands, events, timers, answers of effects.
    type Input: Clone + Debug + PartialEq + Send + Sync + 'static;
    /// The keys of the rows that inputs need; inputs of a batch add up.
    type Scope: Clone + Debug + Default + Send + Sync + 'static;
    /// Those rows, loaded.
    type Snapshot: Clone + Debug + Default + Send + Sync + 'static;
    /// A change of one row.
    type Change: Clone + Debug + Send + Sync + 'static;
    /// A call to the outside, as data.
    type Effect: Clone + Debug + PartialEq + Eq + std::hash::Hash + Serialize + DeserializeOwned + Send + Sync + 'static;
    /// How such a call ended.
    type EffectAnswer: Clone + Debug + PartialEq + Send + Sync + 'static;
    /// What a waiting caller is told.
    type Reply: Clone + Debug + PartialEq + Send + Sync + 'static;
    /// Why an input was refused, one variant per broken rule.
    type Rejection: std::error::Error + Clone + PartialEq + Send + Sync + 'static;

    /// Adds what `input` needs to the scope.
    fn scope(input: &Self::Input, scope: &mut Self::Scope);

    /// The rules.
    fn decide(
        snapshot: &Self::Snapshot,
        input: &Self::Input,
        context: &Context<'_>,
    ) -> Result<Decision<Self>, Self::Rejection>;

    /// Carries a change into the snapshot, so that the next message of the batch sees it.
    fn apply(snapshot: &mut Self::Snapshot, change: &Self::Change);

    /// The row that a change writes; `None` for a line that is only ever added.
    fn row(change: &Self::Change) -> Option<Row>;

    /// The effect of which the input must know how often it was called.
    fn watch(_input: &Self::Input) -> Option<MessageId> {
        None
    }

    /// The input that an event is; `None` when this context does not consume it.
    fn on_event(event: &Event) -> Option<Self::Input>;

    /// The input that the firing of a timer is; `None` for a kind that no version ever armed.
    fn on_timer(timer: &Timer) -> Option<Self::Input>;

    /// The input that the answer of an effect is. `attempts` counts the calls so far, this one included.
    fn on_answer(id: MessageId, effect: Self::Effect, attempts: u32, answer: Self::EffectAnswer) -> Self::Input;

    /// The answer over HTTP that an idempotency key keeps.
    fn answer(reply: &Self::Reply) -> Answer;
}

/// For contexts that never call the outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum NoEffect {}

impl<C: BoundedContext> Default for Move<C> {
    fn default() -> Self {
        Self {
            changes: vec![],
            events: vec![],
            effects: vec![],
            withdrawn: vec![],
            deadlines: vec![],
            history: vec![],
            reply: None,
            correlation: None,
        }
    }
}

impl<C: BoundedContext> Move<C> {
    /// A move that changes one row; more is added with the methods below.
    pub fn with(change: C::Change) -> Self {
        Self { changes: vec![change], ..Self::default() }
    }

    /// Adds a row change.
    pub fn change(mut self, change: C::Change) -> Self {
        self.changes.push(change);
        self
    }

    /// Adds an event.
    pub fn emit(mut self, aggregate_id: Uuid, aggregate_version: u64, event: Event) -> Self {
        self.events.push(Emit { event, aggregate_id, aggregate_version });
        self
    }

    /// Adds a call to the outside.
    pub fn effect(mut self, id: MessageId, after: Duration, effect: C::Effect) -> Self {
        self.effects.push(EffectRequest { id, after, effect });
        self
    }

    /// Takes back a call that is owed.
    pub fn withdraw(mut self, id: MessageId) -> Self {
        self.withdrawn.push(id);
        self
    }

    /// Sets a timer.
    pub fn arm(mut self, subject: Uuid, kind: &'static str, epoch: u64, after: Duration) -> Self {
        self.deadlines.push(DeadlineChange::Arm { timer: Timer { subject, kind: Cow::Borrowed(kind), epoch }, after });
        self
    }

    /// Cancels a timer.
    pub fn disarm(mut self, subject: Uuid, kind: &'static str) -> Self {
        self.deadlines.push(DeadlineChange::Disarm { subject, kind: Cow::Borrowed(kind) });
        self
    }

    /// Adds a line of history.
    pub fn note(mut self, entry: HistoryEntry) -> Self {
        self.history.push(entry);
        self
    }

    /// Sets the correlation of what is emitted.
    pub fn correlated(mut self, correlation: CorrelationId) -> Self {
        self.correlation = Some(correlation);
        self
    }

    /// Sets the answer.
    pub fn reply(mut self, reply: C::Reply) -> Self {
        self.reply = Some(reply);
        self
    }

    /// The decision.
    pub fn done(self) -> Decision<C> {
        Decision::Move(Box::new(self))
    }
}

impl<C: BoundedContext> Decision<C> {
    /// Nothing changes.
    pub const fn stay(because: Because) -> Self {
        Self::Stay { because, reply: None }
    }
}
