//! All rows of one service as a plain value: no clock, no lock, no future.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::decide::{BoundedContext, Row, Timer};
use crate::engine::{
    Batch, Buried, Committed, DeadLetter, EffectRow, Fault, HistoryRow, KeptAnswer, Loaded, Message, Origin, Writes,
    fold, fold_into,
};
use crate::event::Envelope;
use crate::id::MessageId;
use crate::policy::Policy;
use crate::time::Timestamp;

/// Says why a change cannot be stored: what the tables' constraints are elsewhere.
pub type Constraint<C> = fn(&<C as BoundedContext>::Snapshot, &<C as BoundedContext>::Change) -> Result<(), String>;

/// What a transaction needs to know beside its messages.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// The time of the transaction.
    pub now: Timestamp,
    /// How long claims last.
    pub lease: Duration,
    /// Durations and limits of the rules.
    pub policy: &'a Policy,
}

/// The rows.
#[derive(Clone, Debug)]
pub struct MemoryTables<C: BoundedContext> {
    pub(super) snapshot: C::Snapshot,
    versions: BTreeMap<(&'static str, Uuid), u64>,
    /// How often each row was locked by a transaction that committed.
    locks: BTreeMap<(&'static str, Uuid), u64>,
    pub(super) lines: Vec<Arc<C::Change>>,
    pub(super) inbox: BTreeMap<MessageId, Timestamp>,
    pub(super) outbox: Vec<Leased<Arc<Envelope>>>,
    /// Every event that was ever in the outbox.
    pub(super) raised: Vec<Arc<Envelope>>,
    pub(super) effects: BTreeMap<MessageId, Leased<EffectRow<C::Effect>>>,
    pub(super) timers: BTreeMap<(Uuid, Cow<'static, str>), (u64, Timestamp)>,
    pub(super) kept: BTreeMap<(String, String), (KeptAnswer, Timestamp)>,
    pub(super) history: Vec<Arc<HistoryRow>>,
    pub(super) attempts: BTreeMap<(String, MessageId), (u32, Timestamp)>,
    pub(super) letters: Vec<Buried>,
    pub(super) exhumed: Vec<(DeadLetter, String, String)>,
    constraint: Option<Constraint<C>>,
    pub(super) written: Vec<(&'static str, Uuid)>,
    /// The first change that did not raise the version of its row, and the version that the row had.
    pub(super) unraised: Option<(Row, u64)>,
}

/// A row that somebody works on until a time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Leased<T> {
    /// The row.
    pub item: T,
    /// When others may have it.
    pub until: Timestamp,
}

/// A transaction that has read and decided, and has written nothing yet.
#[derive(Clone, Debug)]
pub struct Begun<C: BoundedContext> {
    pub(super) batch: Batch<C>,
    pub(super) now: Timestamp,
    pub(super) writes: Writes<C>,
    /// The version of each row that is to be written, as it was read; 0 for none.
    pub(super) read: BTreeMap<(&'static str, Uuid), u64>,
    /// The rows that it holds, and how often each was locked before.
    pub(super) locked: BTreeMap<(&'static str, Uuid), u64>,
    /// What was known of the messages' origins.
    pub(super) known: Known,
}

pub(super) type Known =
    (BTreeSet<MessageId>, BTreeMap<(String, String), KeptAnswer>, BTreeSet<Timer>, BTreeMap<MessageId, u32>);

impl<C: BoundedContext> Default for MemoryTables<C> {
    fn default() -> Self {
        Self {
            snapshot: C::Snapshot::default(),
            versions: BTreeMap::new(),
            locks: BTreeMap::new(),
            lines: vec![],
            inbox: BTreeMap::new(),
            outbox: vec![],
            raised: vec![],
            effects: BTreeMap::new(),
            timers: BTreeMap::new(),
            kept: BTreeMap::new(),
            history: vec![],
            attempts: BTreeMap::new(),
            letters: vec![],
            exhumed: vec![],
            constraint: None,
            written: vec![],
            unraised: None,
        }
    }
}

/// The journals are left out: no transaction depends on them. Whoever compares what is in them goes through them.
impl<C: BoundedContext<Snapshot: Hash>> Hash for MemoryTables<C> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.snapshot, &self.outbox, &self.effects, &self.timers).hash(state);
        self.inbox.keys().for_each(|id| id.hash(state));
        self.kept.values().for_each(|(kept, _)| kept.hash(state));
        self.attempts.iter().for_each(|(key, (count, _))| (key, count).hash(state));
        self.letters.iter().for_each(|row| row.letter.hash(state));
    }
}

/// What was read and decided follows from the messages, the versions and what was known.
impl<C: BoundedContext> Hash for Begun<C> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for message in &self.batch.messages {
            (message.id, &message.origin).hash(state);
        }
        (self.now, self.batch.leased, &self.batch.delivered, &self.read, &self.known).hash(state);
    }
}

impl<C: BoundedContext> MemoryTables<C> {
    /// Refuses changes as the constraints of tables do.
    pub fn constrained(mut self, constraint: Constraint<C>) -> Self {
        self.constraint = Some(constraint);
        self
    }

    /// Reads what the batch needs and decides.
    pub fn begin(&self, batch: Batch<C>, terms: Terms<'_>) -> Begun<C> {
        let known = self.known(&batch.messages);
        let loaded = load(self.snapshot.clone(), known.clone(), terms.now);
        let writes = fold(loaded, &batch.messages, terms.policy);
        let read = writes.changes.iter().filter_map(C::row).map(|row| {
            let key = (row.kind, row.key);
            (key, self.version(key))
        });
        let read = read.collect();
        Begun { batch, now: terms.now, writes, read, locked: BTreeMap::new(), known }
    }

    /// Writes what was decided, unless a row that it writes has changed since, or one of its messages was handled.
    pub fn commit(&mut self, begun: Begun<C>, lease: Duration) -> Result<Committed<C>, Fault> {
        if !self.is_current(&begun) {
            return Err(Fault::Conflict);
        }
        let Begun { batch, now, writes, read: _, locked, known: _ } = begun;
        let before = self.constraint.map(|_| self.snapshot.clone());
        for change in &writes.changes {
            if let Some(Err(reason)) = self.constraint.map(|refuses| refuses(&self.snapshot, change)) {
                self.snapshot = before.unwrap_or_default();
                return Err(Fault::Broken(reason));
            }
            C::apply(&mut self.snapshot, change);
        }
        for key in locked.into_keys() {
            *self.locks.entry(key).or_default() += 1;
        }
        Ok(self.write(&batch, writes, now, lease))
    }

    /// Whether nothing has happened since that lets the transaction fail.
    pub fn is_current(&self, begun: &Begun<C>) -> bool {
        begun.read.iter().all(|(key, version)| self.version(*key) == *version)
            && begun.locked.iter().all(|(key, times)| self.locked(*key) == *times)
            && self.known(&begun.batch.messages) == begun.known
    }

    /// [`MemoryTables::begin`] and [`MemoryTables::commit`] in one, without a copy of the rows. A panic of a rule leaves
    /// the tables in ruins.
    pub fn transact(&mut self, batch: Batch<C>, terms: Terms<'_>) -> Result<Committed<C>, Fault> {
        if self.constraint.is_some() {
            return self.commit(self.begin(batch, terms), terms.lease);
        }
        let known = self.known(&batch.messages);
        let mut loaded = load(std::mem::take(&mut self.snapshot), known, terms.now);
        let writes = fold_into(&mut loaded, &batch.messages, terms.policy);
        self.snapshot = loaded.snapshot;
        Ok(self.write(&batch, writes, terms.now, terms.lease))
    }

    /// Locks rows that the transaction has read: of two that hold one row the later one fails, whatever they write.
    /// Rows that are not there are not locked.
    pub fn lock(&self, begun: &mut Begun<C>, rows: impl IntoIterator<Item = (&'static str, Uuid)>) {
        let there = rows.into_iter().filter(|key| self.version(*key) > 0);
        begun.locked.extend(there.map(|key| (key, self.locked(key))));
    }

    fn locked(&self, key: (&'static str, Uuid)) -> u64 {
        self.locks.get(&key).copied().unwrap_or(0)
    }

    pub(super) fn version(&self, key: (&'static str, Uuid)) -> u64 {
        self.versions.get(&key).copied().unwrap_or(0)
    }

    pub(super) fn known(&self, messages: &[Message<C>]) -> Known {
        let mut known = Known::default();
        let (seen, kept, armed, owed) = (&mut known.0, &mut known.1, &mut known.2, &mut known.3);
        for message in messages {
            let calls = |effect: &MessageId| self.effects.get(effect).map(|row| (*effect, row.item.attempts));
            owed.extend(C::watch(&message.input).and_then(|effect| calls(&effect)));
            match &message.origin {
                Origin::Event => seen.extend(self.inbox.get_key_value(&message.id).map(|(id, _)| id)),
                Origin::Command(None) => {}
                Origin::Command(Some(key)) => {
                    let key = (key.scope.clone(), key.key.clone());
                    kept.extend(self.kept.get(&key).map(|(kept, _)| (key, kept.clone())));
                }
                Origin::Timer(timer) => {
                    let found = self.timers.get(&(timer.subject, timer.kind.clone()));
                    armed.extend(found.filter(|(epoch, _)| *epoch == timer.epoch).map(|_| timer.clone()));
                }
                Origin::Answer { effect, .. } => owed.extend(calls(effect)),
            }
        }
        known
    }

    fn write(&mut self, batch: &Batch<C>, writes: Writes<C>, now: Timestamp, lease: Duration) -> Committed<C> {
        // Without a lease the writer drives nothing: whoever claims them does.
        let effects = if batch.leased { writes.due_effects(now) } else { vec![] };
        let (next_due, touched) = (writes.next_due(now), writes.touched());
        let leased_until = if batch.leased { now.after(lease) } else { now };
        if !batch.delivered.is_empty() {
            self.delivered(&batch.delivered);
        }
        self.written.clear();
        for change in writes.changes {
            match C::row(&change) {
                Some(row) => {
                    self.written.push((row.kind, row.key));
                    let before = self.versions.insert((row.kind, row.key), row.version).unwrap_or_default();
                    if row.version <= before {
                        self.unraised.get_or_insert((row, before));
                    }
                }
                None => self.lines.push(Arc::new(change)),
            }
        }
        if !self.attempts.is_empty() {
            self.attempts.retain(|(_, id), _| !writes.inbox.contains(id));
        }
        self.inbox.extend(writes.inbox.into_iter().map(|id| (id, now)));
        self.outbox.extend(writes.outbox.iter().map(|row| Leased { item: Arc::clone(row), until: leased_until }));
        self.raised.extend(writes.outbox.iter().map(Arc::clone));
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
            self.written.push(("timer", key.0));
            match armed {
                Some(armed) => self.timers.insert(key, armed),
                None => self.timers.remove(&key),
            };
        }
        self.written.extend(touched.iter().map(|subject| ("history", *subject)));
        self.history.extend(writes.history.into_iter().map(Arc::new));
        let kept = writes.kept.into_iter();
        self.kept.extend(kept.map(|kept| ((kept.key.scope.clone(), kept.key.key.clone()), (kept, now))));
        Committed { outcomes: writes.outcomes, outbox: writes.outbox, effects, next_due, touched }
    }
}

pub(super) fn load<C: BoundedContext>(snapshot: C::Snapshot, known: Known, now: Timestamp) -> Loaded<C> {
    let (seen, kept, armed, owed) = known;
    Loaded { snapshot, seen, kept, armed, owed, now }
}
