//! What goes into a transaction and what comes out of it.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::decide::{Answer, Because, BoundedContext, HistoryEntry, Timer};
use crate::event::Envelope;
use crate::id::{CorrelationId, MessageId};
use crate::time::Timestamp;

/// One input with what is needed to handle it once.
#[derive(Clone, Debug, PartialEq)]
pub struct Message<C: BoundedContext> {
    /// Its id; everything that handling it emits is derived from it.
    pub id: MessageId,
    /// Where it comes from, which decides how a duplicate is recognised.
    pub origin: Origin,
    /// What everything of one order shares.
    pub correlation: CorrelationId,
    /// The message that caused this one, when that is known.
    pub causation: Option<MessageId>,
    /// W3C trace context, handed on to what is emitted.
    pub traceparent: Option<String>,
    /// What happened.
    pub input: C::Input,
}

/// Where a message comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// A bus: the inbox knows its duplicates.
    Event,
    /// A caller that waits: the idempotency key, if he gave one, knows its duplicates.
    Command(Option<Idempotency>),
    /// A durable timer: stale unless the timer is still armed with that epoch.
    Timer(Timer),
    /// The answer of an effect: a duplicate unless the effect is still owed with that many attempts.
    Answer {
        /// The effect.
        effect: MessageId,
        /// How often it had been called when this answer was given.
        attempt: u32,
    },
}

/// A caller's idempotency key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Idempotency {
    /// User, method and path: keys of different scopes never meet.
    pub scope: String,
    /// What the caller sent.
    pub key: String,
    /// A digest of the request's body.
    pub fingerprint: String,
}

/// The answer that an idempotency key keeps.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeptAnswer {
    /// The key.
    pub key: Idempotency,
    /// The first answer.
    pub answer: Answer,
}

/// Messages for one transaction.
#[derive(Clone, Debug)]
pub struct Batch<C: BoundedContext> {
    /// Handled in this order.
    pub messages: Vec<Message<C>>,
    /// Outbox rows that are known to be delivered: deleted in the same transaction.
    pub delivered: Vec<MessageId>,
    /// Whether the writer takes a lease on the outbox rows and effects it writes, because it will drive them itself
    /// right after the commit. Otherwise the sweeper may claim them at once.
    pub leased: bool,
}

/// How one message of a committed batch ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome<C: BoundedContext> {
    /// State changed.
    Applied(Option<C::Reply>),
    /// Nothing changed, and that is right.
    Stayed(Because, Option<C::Reply>),
    /// The message had been handled before.
    Duplicate,
    /// The idempotency key had been used for the same request: its first answer.
    Replayed(Answer),
    /// The idempotency key had been used for another request.
    KeyReused,
    /// A rule refused it; nothing was written for it.
    Rejected(C::Rejection),
}

/// How a transaction ended.
#[derive(Clone, Debug)]
pub enum Transacted<C: BoundedContext> {
    /// It is durable.
    Committed(Committed<C>),
    /// Nothing of it happened.
    RolledBack(Fault),
    /// It may have happened or not: nothing may be published from memory, nothing acknowledged.
    Unknown,
}

/// A durable transaction: outcomes by message, and what its writer now drives.
#[derive(Clone, Debug)]
pub struct Committed<C: BoundedContext> {
    /// One for each message, in order.
    pub outcomes: Vec<Outcome<C>>,
    /// The events that it wrote to the outbox.
    pub outbox: Vec<Arc<Envelope>>,
    /// The effects that are due at once, when their writer has the lease.
    pub effects: Vec<EffectRow<C::Effect>>,
    /// The earliest time at which a timer or delayed effect that it wrote is due.
    pub next_due: Option<Timestamp>,
    /// The subjects that it wrote history for: whoever waits for a change of one looks again.
    pub touched: Vec<Uuid>,
}

/// Why a store did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The database cannot be reached or has no room: not the message's fault, not counted as an attempt.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// Somebody else changed the same rows: try again at once.
    #[error("a concurrent transaction changed the same rows")]
    Conflict,
    /// The message, or one of its batch, cannot be stored: a constraint, a bug. Counted as an attempt.
    #[error("the transaction failed: {0}")]
    Broken(String),
}

/// How one message of a durable transaction ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// State changed.
    Done,
    /// It had been handled before.
    Duplicate,
    /// Nothing changed, and that is right.
    Stayed,
    /// A rule refused it; nothing was written for it.
    Refused {
        /// Why, for people.
        reason: String,
    },
    /// No input exists for the event: it reached the wrong queue, or this build is too old for it.
    NotConcerned,
}

/// A call to the outside that is owed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EffectRow<E> {
    /// Stable over all attempts; the idempotency key of the call.
    pub id: MessageId,
    /// What everything of one order shares.
    pub correlation: CorrelationId,
    /// What to do.
    pub effect: E,
    /// How often it has been called, the coming call included once it is claimed.
    pub attempts: u32,
    /// Not before.
    pub due: Timestamp,
    /// W3C trace context of what asked for it; its answer goes on in the same trace.
    pub traceparent: Option<String>,
}

/// One line of a subject's history, as stored.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HistoryRow {
    /// When.
    pub at: Timestamp,
    /// The message that was handled.
    pub message_id: MessageId,
    /// What caused that message.
    pub causation_id: Option<MessageId>,
    /// What changed.
    pub entry: HistoryEntry,
}

/// A message that was given up, kept until somebody replays or discards it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DeadLetter {
    /// The message's own id: a replay keeps it.
    pub id: MessageId,
    /// The queue it came from.
    pub queue: String,
    /// The event's name, as far as it could be read.
    pub event_type: String,
    /// The body as it came.
    pub body: String,
    /// Why it was given up.
    pub reason: String,
    /// How often it was tried.
    pub attempts: u32,
}

/// A dead letter that is open, and since when.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Buried {
    /// The letter.
    pub letter: DeadLetter,
    /// When the message was last given up.
    pub at: Timestamp,
}

/// How long a store keeps what only guards against repetition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Retention {
    /// Ids in the inbox. Longer than any event stays in an outbox or a queue: what comes later is caught by business
    /// keys, which are kept for ever. A dead letter has no id here, however long it lies.
    pub inbox: Duration,
    /// Answers to requests with an idempotency key: at least a day.
    pub answers: Duration,
    /// Counts of failed attempts, from the last one on: longer than the ladder's longest rung.
    pub attempts: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        let days = |count: u64| Duration::from_secs(count * 24 * 60 * 60);
        Self { inbox: days(30), answers: days(2), attempts: days(30) }
    }
}
