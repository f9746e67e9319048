//! The door to a service's database.

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::paging::{Page, PageRequest};
use crate::decide::{BoundedContext, Timer};
use crate::engine::{Batch, Buried, DeadLetter, EffectRow, Fault, Retention, Transacted};
use crate::event::Envelope;
use crate::id::MessageId;
use crate::time::Timestamp;

/// What was claimed, and when to ask again if nothing else wakes the caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claimed<T> {
    /// Leased to the caller: nobody else gets them until the lease ends.
    pub items: Vec<T>,
    /// When the next one is due or its lease ends; `None` when there is none.
    pub next: Option<Timestamp>,
}

/// One service's database: its own tables, inbox, outbox, effects, timers, history, kept answers and dead letters.
#[async_trait]
pub trait Store<C: BoundedContext>: Send + Sync + 'static {
    /// Handles a batch in **one** transaction: reads what it needs, calls [`crate::engine::fold`], writes the result.
    ///
    /// It *must* be durable when it says `Committed`, leave no trace when it says `RolledBack`, and say `Unknown`
    /// when it cannot tell. It *must not* let two transactions decide on the same version of a row. Locks are taken
    /// in key order. It may call `fold` again after a conflict. An event that is handled leaves no count of attempts.
    async fn transact(&self, batch: Batch<C>) -> Transacted<C>;

    /// Claims up to `limit` outbox rows whose lease has ended, oldest first.
    async fn claim_outbox(&self, limit: usize) -> Result<Claimed<Arc<Envelope>>, Fault>;

    /// Deletes outbox rows that are known to be delivered. Unknown ids are no error.
    async fn delivered(&self, ids: Vec<MessageId>) -> Result<(), Fault>;

    /// Claims up to `limit` effects that are due and whose lease has ended; counts the attempt before it returns.
    async fn claim_effects(&self, limit: usize) -> Result<Claimed<EffectRow<C::Effect>>, Fault>;

    /// Up to `limit` timers that are due, by the database's clock. No lease: firing one twice is harmless.
    async fn due_timers(&self, limit: usize) -> Result<Claimed<Timer>, Fault>;

    /// Counts a failed attempt to handle a message and returns how many there were. Survives restarts.
    async fn count_attempt(&self, queue: &str, id: MessageId) -> Result<u32, Fault>;

    /// Stores a dead letter. It *must not* write an inbox row: a replay under the same id is to be handled.
    async fn bury(&self, letter: DeadLetter) -> Result<(), Fault>;

    /// Open dead letters, the newest first; the cursor is the time of the letter and its id.
    async fn dead_letters(&self, request: PageRequest) -> Result<Page<Buried>, Fault>;

    /// An open dead letter, which stays where it is.
    async fn dead_letter(&self, id: MessageId) -> Result<Option<DeadLetter>, Fault>;

    /// Takes a dead letter out, to be replayed or discarded; the reason and the actor are kept for audit.
    async fn exhume(&self, id: MessageId, actor: &str, reason: &str) -> Result<Option<DeadLetter>, Fault>;

    /// How many rows the outbox holds: the gauge for back-pressure.
    async fn outbox_depth(&self) -> Result<u64, Fault>;

    /// Deletes up to `limit` rows of each kind that have been kept for longer than `keep`, the oldest first, and returns
    /// how many there were; none: nothing more is old. It *must not* hold up transactions for long.
    async fn purge(&self, keep: Retention, limit: usize) -> Result<u64, Fault>;

    /// Voids all leases: only for the sole process on a database, at its start.
    async fn void_leases(&self) -> Result<(), Fault>;

    /// Whether the database answers and its schema is the expected one.
    async fn ready(&self) -> Result<(), Fault>;
}
