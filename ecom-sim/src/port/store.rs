//! The simulated database: how a transaction reads, locks, decides, and ends, and the same behind the port of a store,
//! so that it can be held to what the real ones are held to.

use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use ecom_core::decide::Timer;
use ecom_core::engine::{Batch, Buried, Committed, DeadLetter, EffectRow, Fault, Message, Retention, Transacted};
use ecom_core::event::Envelope;
use ecom_core::id::MessageId;
use ecom_core::policy::Policy;
use ecom_core::port::{Claimed, Clock, Page, PageRequest, Store};
use ecom_core::testing::counter::{Bell, Counter, Counters, Ring};
use ecom_core::testing::{Begun, MemoryTables, Terms};
use uuid::Uuid;

use super::{OutsideWorld, RowKey, Simulated};
use crate::choose::Fate;
use crate::mutant::Mutable;

/// Reads, locks what it reads, and decides.
pub fn begin<C: Simulated>(tables: &MemoryTables<C>, batch: Batch<C>, terms: Terms<'_>) -> Begun<C> {
    let mut scope = C::Scope::default();
    batch.messages.iter().for_each(|message| C::scope(&message.input, &mut scope));
    let mut begun = tables.begin(batch, terms);
    tables.lock(&mut begun, C::locks(&scope, tables.snapshot()));
    begun
}

/// Locks what the messages make a transaction read.
pub fn lock<C: Simulated>(tables: &MemoryTables<C>, begun: &mut Begun<C>, messages: &[Message<C>]) {
    let mut scope = C::Scope::default();
    for message in messages {
        C::scope(&message.input, &mut scope);
    }
    tables.lock(begun, C::locks(&scope, tables.snapshot()));
}

/// Whether what was to be written is durable in the end.
pub const fn is_done(fate: Fate) -> bool {
    matches!(fate, Fate::Fine | Fate::UnknownDone | Fate::CrashAfter)
}

/// What the database says when it does not do it.
pub fn fault(fate: Fate) -> Fault {
    match fate {
        Fate::Conflict => Fault::Conflict,
        Fate::Broken => Fault::Broken("the simulated database refuses".to_owned()),
        _ => Fault::Unavailable("the simulated database is away".to_owned()),
    }
}

/// How a simulated database carries transactions out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Each in one step: a service with one process.
    OneStep,
    /// Each in two, between which others may come: a service with several.
    TwoSteps,
}

/// The rows of a simulated service behind the port of a store. Clones share them.
#[derive(Clone)]
pub struct SimStore<C: Simulated> {
    tables: Arc<Mutex<MemoryTables<C>>>,
    clock: Arc<dyn Clock>,
    lease: Duration,
    way: Way,
    /// How a transaction ends.
    fate: fn(&Batch<C>) -> Fate,
    is_away: bool,
}

impl<C: Simulated> SimStore<C> {
    /// An empty one by that clock.
    pub fn new(clock: Arc<dyn Clock>, lease: Duration, way: Way, fate: fn(&Batch<C>) -> Fate) -> Self {
        Self { tables: Arc::default(), clock, lease, way, fate, is_away: false }
    }

    /// The same, and it cannot be reached.
    #[must_use]
    pub fn away(self) -> Self {
        Self { is_away: true, ..self }
    }

    fn tables(&self) -> MutexGuard<'_, MemoryTables<C>> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reach(&self) -> Result<MutexGuard<'_, MemoryTables<C>>, Fault> {
        if self.is_away { Err(fault(Fate::Away)) } else { Ok(self.tables()) }
    }

    async fn run(&self, batch: Batch<C>) -> Result<Committed<C>, Fault> {
        let fate = if self.is_away { Fate::Away } else { (self.fate)(&batch) };
        let policy = Policy::default();
        let terms = Terms { now: self.clock.now(), lease: self.lease, policy: &policy };
        if self.way == Way::OneStep {
            return if is_done(fate) { self.tables().transact(batch, terms) } else { Err(fault(fate)) };
        }
        let begun = begin(&*self.tables(), batch, terms);
        others_come().await;
        if is_done(fate) { self.tables().commit(begun, self.lease) } else { Err(fault(fate)) }
    }
}

/// Lets whoever waits beside this go on first.
async fn others_come() {
    let mut once = false;
    poll_fn(|context| {
        if std::mem::replace(&mut once, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[async_trait]
impl<C: Simulated> Store<C> for SimStore<C> {
    async fn transact(&self, batch: Batch<C>) -> Transacted<C> {
        match self.run(batch).await {
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

/// The context of the suites.
impl Mutable for Counters {}

impl Simulated for Counters {
    type Outside = Bells;

    fn locks(scope: &BTreeSet<Uuid>, _rows: &BTreeMap<Uuid, Counter>) -> Vec<RowKey> {
        scope.iter().map(|id| ("counter", *id)).collect()
    }
}

/// Bells that ring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Bells;

impl OutsideWorld<Counters> for Bells {
    fn call(&mut self, _row: &EffectRow<Ring>) -> Option<Bell> {
        Some(Bell::Rang)
    }

    fn unknown(&self) -> Option<Bell> {
        None
    }

    fn transient(&self) -> Option<Bell> {
        Some(Bell::Silent(Duration::ZERO))
    }
}
