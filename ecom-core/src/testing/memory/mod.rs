//! A store in memory, for tests, examples and the simulator: everything but durability.

mod doors;
mod tables;
mod tamper;

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use crate::decide::{BoundedContext, Timer};
use crate::engine::{Batch, Buried, DeadLetter, EffectRow, Fault, HistoryRow, Retention, Transacted};
use crate::event::Envelope;
use crate::id::MessageId;
use crate::policy::Policy;
use crate::port::{Claimed, Clock, Page, PageRequest, Store};
use crate::time::Timestamp;

pub use tables::{Begun, Constraint, Leased, MemoryTables, Terms};

/// A clock that stands still until it is moved.
#[derive(Debug, Default)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// Lets time pass.
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

/// The store: [`MemoryTables`] behind a lock and a clock. Clones share it.
#[derive(Clone)]
pub struct MemoryStore<C: BoundedContext> {
    clock: Arc<dyn Clock>,
    lease: Duration,
    policy: Policy,
    tables: Arc<Mutex<MemoryTables<C>>>,
    is_away: bool,
}

impl<C: BoundedContext> MemoryStore<C> {
    /// An empty store by that clock.
    pub fn new(clock: Arc<dyn Clock>, lease: Duration, policy: Policy) -> Self {
        Self { clock, lease, policy, tables: Arc::default(), is_away: false }
    }

    /// Refuses changes as the constraints of tables do.
    pub fn constrained(self, constraint: Constraint<C>) -> Self {
        Self { tables: Arc::new(Mutex::new(MemoryTables::default().constrained(constraint))), ..self }
    }

    /// A handle that reaches nothing: whatever it is asked, the database is unavailable.
    pub fn away(self) -> Self {
        Self { is_away: true, ..self }
    }

    /// All rows of the context.
    pub fn snapshot(&self) -> C::Snapshot {
        self.tables().snapshot().clone()
    }

    /// All lines of history.
    pub fn history(&self) -> Vec<HistoryRow> {
        self.tables().history().cloned().collect()
    }

    /// The timers that are armed, with their due times.
    pub fn timers(&self) -> Vec<(Timer, Timestamp)> {
        self.tables().timers()
    }

    fn tables(&self) -> MutexGuard<'_, MemoryTables<C>> {
        // A transaction decides before it writes, so a panic of a rule leaves the rows as they were.
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reach(&self) -> Result<MutexGuard<'_, MemoryTables<C>>, Fault> {
        if self.is_away { Err(Fault::Unavailable("away".to_owned())) } else { Ok(self.tables()) }
    }
}

#[async_trait]
impl<C: BoundedContext> Store<C> for MemoryStore<C> {
    async fn transact(&self, batch: Batch<C>) -> Transacted<C> {
        let mut tables = match self.reach() {
            Ok(tables) => tables,
            Err(fault) => return Transacted::RolledBack(fault),
        };
        let terms = Terms { now: self.clock.now(), lease: self.lease, policy: &self.policy };
        let begun = tables.begin(batch, terms);
        match tables.commit(begun, self.lease) {
            Ok(committed) => Transacted::Committed(committed),
            Err(fault) => Transacted::RolledBack(fault),
        }
    }

    async fn claim_outbox(&self, limit: usize) -> Result<Claimed<Arc<Envelope>>, Fault> {
        Ok(self.reach()?.claim_outbox(limit, self.clock.now(), self.lease))
    }

    async fn delivered(&self, ids: Vec<MessageId>) -> Result<(), Fault> {
        self.reach()?.delivered(&ids);
        Ok(())
    }

    async fn claim_effects(&self, limit: usize) -> Result<Claimed<EffectRow<C::Effect>>, Fault> {
        Ok(self.reach()?.claim_effects(limit, self.clock.now(), self.lease))
    }

    async fn due_timers(&self, limit: usize) -> Result<Claimed<Timer>, Fault> {
        Ok(self.reach()?.due_timers(limit, self.clock.now()))
    }

    async fn count_attempt(&self, queue: &str, id: MessageId) -> Result<u32, Fault> {
        Ok(self.reach()?.count_attempt(queue, id, self.clock.now()))
    }

    async fn bury(&self, letter: DeadLetter) -> Result<(), Fault> {
        self.reach()?.bury(letter, self.clock.now());
        Ok(())
    }

    async fn dead_letters(&self, request: PageRequest) -> Result<Page<Buried>, Fault> {
        Ok(self.reach()?.dead_letters(request))
    }

    async fn dead_letter(&self, id: MessageId) -> Result<Option<DeadLetter>, Fault> {
        Ok(self.reach()?.letters().find(|letter| letter.id == id).cloned())
    }

    async fn exhume(&self, id: MessageId, actor: &str, reason: &str) -> Result<Option<DeadLetter>, Fault> {
        Ok(self.reach()?.exhume(id, actor, reason))
    }

    async fn outbox_depth(&self) -> Result<u64, Fault> {
        Ok(self.reach()?.outbox().len() as u64)
    }

    async fn purge(&self, keep: Retention, limit: usize) -> Result<u64, Fault> {
        Ok(self.reach()?.purge(keep, limit, self.clock.now()))
    }

    async fn void_leases(&self) -> Result<(), Fault> {
        self.reach()?.void_leases(self.clock.now(), self.lease);
        Ok(())
    }

    async fn ready(&self) -> Result<(), Fault> {
        self.reach().map(drop)
    }
}
