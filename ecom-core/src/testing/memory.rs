//! A store in memory, for tests and examples: everything but durability.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use crate::decide::{BoundedContext, Timer};
use crate::engine::{
    Batch, Buried, Committed, DeadLetter, EffectRow, Fault, HistoryRow, KeptAnswer, Loaded, Message, Origin, Retention,
    Transacted, Writes, fold,
};
use crate::event::Envelope;
use crate::id::MessageId;
use crate::policy::Policy;
use crate::port::{Claimed, Clock, Cursor, Page, PageRequest, Store};
use crate::time::Timestamp;

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

/// Says why a change cannot be stored: what the tables' constraints are elsewhere.
pub type Constraint<C> = fn(&<C as BoundedContext>::Snapshot, &<C as BoundedContext>::Change) -> Result<(), String>;

/// The store. Its database is one snapshot with all rows of the context. Clones share it.
#[derive(Clone)]
pub struct MemoryStore<C: BoundedContext> {
    clock: Arc<dyn Clock>,
    lease: Duration,
    policy: Policy,
    constraint: Constraint<C>,
    rows: Arc<Mutex<Rows<C>>>,
}

#[derive(Clone)]
struct Rows<C: BoundedContext> {
    snapshot: C::Snapshot,
    inbox: BTreeMap<MessageId, Timestamp>,
    outbox: Vec<Leased<Arc<Envelope>>>,
    effects: BTreeMap<MessageId, Leased<EffectRow<C::Effect>>>,
    timers: BTreeMap<(Uuid, Cow<'static, str>), (u64, Timestamp)>,
    kept: BTreeMap<(String, String), (KeptAnswer, Timestamp)>,
    history: Vec<HistoryRow>,
    attempts: BTreeMap<(String, MessageId), (u32, Timestamp)>,
    letters: Vec<Buried>,
    exhumed: Vec<(DeadLetter, String, String)>,
}

#[derive(Clone, Debug)]
struct Leased<T> {
    item: T,
    until: Timestamp,
}

impl<C: BoundedContext> MemoryStore<C> {
    /// An empty store by that clock.
    pub fn new(clock: Arc<dyn Clock>, lease: Duration, policy: Policy) -> Self {
        let rows = Rows {
            snapshot: C::Snapshot::default(),
            inbox: BTreeMap::new(),
            outbox: vec![],
            effects: BTreeMap::new(),
            timers: BTreeMap::new(),
            kept: BTreeMap::new(),
            history: vec![],
            attempts: BTreeMap::new(),
            letters: vec![],
            exhumed: vec![],
        };
        Self { clock, lease, policy, constraint: |_, _| Ok(()), rows: Arc::new(Mutex::new(rows)) }
    }

    /// Refuses changes as the constraints of tables do.
    pub fn constrained(mut self, constraint: Constraint<C>) -> Self {
        self.constraint = constraint;
        self
    }

    /// All rows of the context.
    pub fn snapshot(&self) -> C::Snapshot {
        self.rows().snapshot.clone()
    }

    /// All lines of history.
    pub fn history(&self) -> Vec<HistoryRow> {
        self.rows().history.clone()
    }

    /// The timers that are armed, with their due times.
    pub fn timers(&self) -> Vec<(Timer, Timestamp)> {
        let timer = |(subject, kind): &(Uuid, Cow<'static, str>), epoch: u64| Timer {
            subject: *subject,
            kind: kind.clone(),
            epoch,
        };
        self.rows().timers.iter().map(|(key, (epoch, due))| (timer(key, *epoch), *due)).collect()
    }

    fn rows(&self) -> MutexGuard<'_, Rows<C>> {
        // Rows are replaced as a whole, so a panic of a rule leaves them as they were.
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl<C: BoundedContext> Store<C> for MemoryStore<C> {
    async fn transact(&self, batch: Batch<C>) -> Transacted<C> {
        let mut rows = self.rows();
        let now = self.clock.now();
        let writes = fold(rows.load(&batch.messages, now), &batch.messages, &self.policy);
        let mut after = rows.clone();
        for change in &writes.changes {
            if let Err(reason) = (self.constraint)(&after.snapshot, change) {
                return Transacted::RolledBack(Fault::Broken(reason));
            }
            C::apply(&mut after.snapshot, change);
        }
        let committed = Committed {
            outcomes: writes.outcomes.clone(),
            outbox: writes.outbox.clone(),
            effects: writes.due_effects(now),
            next_due: writes.next_due(now),
            touched: writes.touched(),
        };
        after.outbox.retain(|row| !batch.delivered.contains(&row.item.event_id));
        let leased_until = if batch.leased { now.after(self.lease) } else { now };
        after.write(writes, now, leased_until);
        *rows = after;
        Transacted::Committed(committed)
    }

    async fn claim_outbox(&self, limit: usize) -> Result<Claimed<Arc<Envelope>>, Fault> {
        let (mut rows, now) = (self.rows(), self.clock.now());
        let mut items = vec![];
        let mut free: Vec<_> = rows.outbox.iter_mut().filter(|row| row.until <= now).collect();
        free.sort_by_key(|row| row.until);
        for row in free.into_iter().take(limit) {
            row.until = now.after(self.lease);
            items.push(Arc::clone(&row.item));
        }
        Ok(Claimed { items, next: rows.outbox.iter().map(|row| row.until).min() })
    }

    async fn delivered(&self, ids: Vec<MessageId>) -> Result<(), Fault> {
        self.rows().outbox.retain(|row| !ids.contains(&row.item.event_id));
        Ok(())
    }

    async fn claim_effects(&self, limit: usize) -> Result<Claimed<EffectRow<C::Effect>>, Fault> {
        let (mut rows, now) = (self.rows(), self.clock.now());
        let due = |row: &Leased<EffectRow<C::Effect>>| row.until.max(row.item.due);
        let mut ripe: Vec<_> = rows.effects.values_mut().filter(|row| due(row) <= now).collect();
        ripe.sort_by_key(|row| row.item.due);
        let mut items = vec![];
        for row in ripe.into_iter().take(limit) {
            row.until = now.after(self.lease);
            row.item.attempts += 1;
            items.push(row.item.clone());
        }
        Ok(Claimed { items, next: rows.effects.values().map(due).min() })
    }

    async fn due_timers(&self, limit: usize) -> Result<Claimed<Timer>, Fault> {
        let now = self.clock.now();
        let mut timers = self.timers();
        timers.sort_by_key(|(_, due)| *due);
        let count = timers.iter().take_while(|(_, due)| *due <= now).count().min(limit);
        let next = timers.get(count).map(|(_, due)| *due);
        Ok(Claimed { items: timers.into_iter().take(count).map(|(timer, _)| timer).collect(), next })
    }

    async fn count_attempt(&self, queue: &str, id: MessageId) -> Result<u32, Fault> {
        let (mut rows, now) = (self.rows(), self.clock.now());
        let (count, at) = rows.attempts.entry((queue.to_owned(), id)).or_default();
        *count += 1;
        *at = now;
        Ok(*count)
    }

    async fn bury(&self, letter: DeadLetter) -> Result<(), Fault> {
        let (mut rows, at) = (self.rows(), self.clock.now());
        rows.letters.retain(|known| known.letter.id != letter.id || known.letter.queue != letter.queue);
        rows.attempts.remove(&(letter.queue.clone(), letter.id));
        rows.letters.push(Buried { letter, at });
        Ok(())
    }

    async fn dead_letters(&self, request: PageRequest) -> Result<Page<Buried>, Fault> {
        let cursor = |row: &Buried| Cursor { created_at: row.at, id: row.letter.id.0 };
        let mut letters = self.rows().letters.clone();
        letters.retain(|row| cursor(row) < request.after());
        letters.sort_by_key(|row| std::cmp::Reverse(cursor(row)));
        Ok(Page::of(letters, request, cursor))
    }

    async fn dead_letter(&self, id: MessageId) -> Result<Option<DeadLetter>, Fault> {
        Ok(self.rows().letters.iter().find(|row| row.letter.id == id).map(|row| row.letter.clone()))
    }

    async fn exhume(&self, id: MessageId, actor: &str, reason: &str) -> Result<Option<DeadLetter>, Fault> {
        let mut rows = self.rows();
        let Some(at) = rows.letters.iter().position(|row| row.letter.id == id) else { return Ok(None) };
        let letter = rows.letters.remove(at).letter;
        rows.exhumed.push((letter.clone(), actor.to_owned(), reason.to_owned()));
        Ok(Some(letter))
    }

    async fn outbox_depth(&self) -> Result<u64, Fault> {
        Ok(self.rows().outbox.len() as u64)
    }

    async fn purge(&self, keep: Retention, limit: usize) -> Result<u64, Fault> {
        let (mut rows, now) = (self.rows(), self.clock.now());
        let Rows { inbox, kept, attempts, .. } = &mut *rows;
        Ok(purge(inbox, |at| *at, now.before(keep.inbox), limit)
            + purge(kept, |(_, at)| *at, now.before(keep.answers), limit)
            + purge(attempts, |(_, at)| *at, now.before(keep.attempts), limit))
    }

    async fn void_leases(&self) -> Result<(), Fault> {
        let (mut rows, now) = (self.rows(), self.clock.now());
        for row in &mut rows.outbox {
            row.until = row.until.min(now);
        }
        for row in rows.effects.values_mut() {
            row.until = row.until.min(now);
        }
        Ok(())
    }

    async fn ready(&self) -> Result<(), Fault> {
        Ok(())
    }
}

/// Removes up to `limit` rows from before that time, the oldest first.
fn purge<K: Ord + Clone, V>(
    rows: &mut BTreeMap<K, V>,
    at: fn(&V) -> Timestamp,
    before: Timestamp,
    limit: usize,
) -> u64 {
    let mut old: Vec<_> = rows.iter().map(|(key, row)| (at(row), key.clone())).filter(|(at, _)| *at < before).collect();
    old.sort();
    old.truncate(limit);
    for (_, key) in &old {
        rows.remove(key);
    }
    old.len() as u64
}

impl<C: BoundedContext> Rows<C> {
    /// Everything: a snapshot may hold more than the scope asks for.
    fn load(&self, messages: &[Message<C>], now: Timestamp) -> Loaded<C> {
        let mut loaded = Loaded {
            snapshot: self.snapshot.clone(),
            seen: BTreeSet::new(),
            kept: BTreeMap::new(),
            armed: BTreeSet::new(),
            owed: BTreeMap::new(),
            now,
        };
        for message in messages {
            match &message.origin {
                Origin::Event => loaded.seen.extend(self.inbox.get_key_value(&message.id).map(|(id, _)| id)),
                Origin::Command(None) => {}
                Origin::Command(Some(key)) => {
                    let key = (key.scope.clone(), key.key.clone());
                    loaded.kept.extend(self.kept.get(&key).map(|(kept, _)| (key, kept.clone())));
                }
                Origin::Timer(timer) => {
                    let armed = self.timers.get(&(timer.subject, timer.kind.clone()));
                    loaded.armed.extend(armed.filter(|(epoch, _)| *epoch == timer.epoch).map(|_| timer.clone()));
                }
                Origin::Answer { effect, .. } => {
                    loaded.owed.extend(self.effects.get(effect).map(|row| (*effect, row.item.attempts)));
                }
            }
        }
        loaded
    }

    fn write(&mut self, writes: Writes<C>, now: Timestamp, leased_until: Timestamp) {
        self.attempts.retain(|(_, id), _| !writes.inbox.contains(id));
        self.inbox.extend(writes.inbox.into_iter().map(|id| (id, now)));
        self.outbox.extend(writes.outbox.into_iter().map(|item| Leased { item, until: leased_until }));
        for (id, row) in writes.effects {
            match row {
                // The writer drives what is due at once; what is due later belongs to whoever claims it then.
                Some(item) => {
                    let until = if item.due <= now { leased_until } else { now };
                    self.effects.insert(id, Leased { item, until })
                }
                None => self.effects.remove(&id),
            };
        }
        for (key, armed) in writes.timers {
            match armed {
                Some(armed) => self.timers.insert(key, armed),
                None => self.timers.remove(&key),
            };
        }
        self.history.extend(writes.history);
        let kept = writes.kept.into_iter();
        self.kept.extend(kept.map(|kept| ((kept.key.scope.clone(), kept.key.key.clone()), (kept, now))));
    }
}
