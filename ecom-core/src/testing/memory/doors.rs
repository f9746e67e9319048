//! What a store does beside transactions, and what is in its tables.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::tables::{Leased, MemoryTables};
use crate::decide::{BoundedContext, Row, Timer};
use crate::engine::{Buried, DeadLetter, EffectRow, HistoryRow, Retention};
use crate::event::Envelope;
use crate::id::MessageId;
use crate::port::{Claimed, Cursor, Page, PageRequest};
use crate::time::Timestamp;

/// What the store's other doors do.
impl<C: BoundedContext> MemoryTables<C> {
    /// As [`crate::port::Store::claim_outbox`].
    pub fn claim_outbox(&mut self, limit: usize, now: Timestamp, lease: Duration) -> Claimed<Arc<Envelope>> {
        let mut items = vec![];
        let mut free: Vec<_> = self.outbox.iter_mut().filter(|row| row.until <= now).collect();
        free.sort_by_key(|row| row.until);
        for row in free.into_iter().take(limit) {
            row.until = now.after(lease);
            items.push(Arc::clone(&row.item));
        }
        Claimed { items, next: self.outbox.iter().map(|row| row.until).min() }
    }

    /// As [`crate::port::Store::delivered`].
    pub fn delivered(&mut self, ids: &[MessageId]) {
        self.outbox.retain(|row| !ids.contains(&row.item.event_id));
    }

    /// As [`crate::port::Store::claim_effects`].
    pub fn claim_effects(&mut self, limit: usize, now: Timestamp, lease: Duration) -> Claimed<EffectRow<C::Effect>> {
        let due = |row: &Leased<EffectRow<C::Effect>>| row.until.max(row.item.due);
        let mut ripe: Vec<_> = self.effects.values_mut().filter(|row| due(row) <= now).collect();
        ripe.sort_by_key(|row| row.item.due);
        let mut items = vec![];
        for row in ripe.into_iter().take(limit) {
            row.until = now.after(lease);
            row.item.attempts += 1;
            items.push(row.item.clone());
        }
        Claimed { items, next: self.effects.values().map(due).min() }
    }

    /// As [`crate::port::Store::due_timers`].
    pub fn due_timers(&self, limit: usize, now: Timestamp) -> Claimed<Timer> {
        let mut timers = self.timers();
        timers.sort_by_key(|(_, due)| *due);
        let count = timers.iter().take_while(|(_, due)| *due <= now).count().min(limit);
        let next = timers.get(count).map(|(_, due)| *due);
        Claimed { items: timers.into_iter().take(count).map(|(timer, _)| timer).collect(), next }
    }

    /// As [`crate::port::Store::count_attempt`].
    pub fn count_attempt(&mut self, queue: &str, id: MessageId, now: Timestamp) -> u32 {
        let (count, at) = self.attempts.entry((queue.to_owned(), id)).or_default();
        *count += 1;
        *at = now;
        *count
    }

    /// As [`crate::port::Store::bury`].
    pub fn bury(&mut self, letter: DeadLetter, at: Timestamp) {
        self.letters.retain(|known| known.letter.id != letter.id || known.letter.queue != letter.queue);
        self.attempts.remove(&(letter.queue.clone(), letter.id));
        self.letters.push(Buried { letter, at });
    }

    /// As [`crate::port::Store::dead_letters`].
    pub fn dead_letters(&self, request: PageRequest) -> Page<Buried> {
        let cursor = |row: &Buried| Cursor { created_at: row.at, id: row.letter.id.0 };
        let mut letters = self.letters.clone();
        letters.retain(|row| cursor(row) < request.after());
        letters.sort_by_key(|row| std::cmp::Reverse(cursor(row)));
        Page::of(letters, request, cursor)
    }

    /// As [`crate::port::Store::exhume`].
    pub fn exhume(&mut self, id: MessageId, actor: &str, reason: &str) -> Option<DeadLetter> {
        let at = self.letters.iter().position(|row| row.letter.id == id)?;
        let letter = self.letters.remove(at).letter;
        self.exhumed.push((letter.clone(), actor.to_owned(), reason.to_owned()));
        Some(letter)
    }

    /// As [`crate::port::Store::purge`].
    pub fn purge(&mut self, keep: Retention, limit: usize, now: Timestamp) -> u64 {
        purge(&mut self.inbox, |at| *at, now.before(keep.inbox), limit)
            + purge(&mut self.kept, |(_, at)| *at, now.before(keep.answers), limit)
            + purge(&mut self.attempts, |(_, at)| *at, now.before(keep.attempts), limit)
    }

    /// As [`crate::port::Store::void_leases`]. A call that waits for its rung cannot be told from one under a lease of the
    /// same length: it may be made early, as in the databases.
    pub fn void_leases(&mut self, now: Timestamp, lease: Duration) {
        for row in &mut self.outbox {
            row.until = row.until.min(now);
        }
        for row in self.effects.values_mut() {
            let ready = row.until.max(row.item.due);
            if row.item.attempts > 0 && ready > now && ready <= now.after(lease) {
                (row.until, row.item.due) = (now, now);
            }
        }
    }
}

/// What is there.
impl<C: BoundedContext> MemoryTables<C> {
    /// All rows of the context.
    pub const fn snapshot(&self) -> &C::Snapshot {
        &self.snapshot
    }

    /// What the last transaction wrote: kinds and keys of its rows, and the subjects of timers (`timer`) and of lines of
    /// history (`history`).
    pub fn written(&self) -> impl Iterator<Item = (&'static str, Uuid)> {
        self.written.iter().copied()
    }

    /// The first change that did not raise the version of its row, and the version that the row had.
    pub const fn unraised(&self) -> Option<(Row, u64)> {
        self.unraised
    }

    /// Whether that message was handled.
    pub fn has_handled(&self, id: MessageId) -> bool {
        self.inbox.contains_key(&id)
    }

    /// The timers of a subject.
    pub fn timers_of(&self, subject: Uuid) -> impl Iterator<Item = (&str, u64)> {
        let timers = self.timers.range((subject, Cow::Borrowed(""))..);
        timers.take_while(move |((of, _), _)| *of == subject).map(|((_, kind), (epoch, _))| (kind.as_ref(), *epoch))
    }

    /// All lines that were ever added, in order.
    pub fn lines(&self) -> impl DoubleEndedIterator<Item = &C::Change> {
        self.lines.iter().map(AsRef::as_ref)
    }

    /// All lines of history, in order.
    pub fn history(&self) -> impl DoubleEndedIterator<Item = &HistoryRow> {
        self.history.iter().map(AsRef::as_ref)
    }

    /// The messages that were handled.
    pub fn inbox(&self) -> impl ExactSizeIterator<Item = &MessageId> {
        self.inbox.keys()
    }

    /// The outbox.
    pub fn outbox(&self) -> &[Leased<Arc<Envelope>>] {
        &self.outbox
    }

    /// Every event that was ever in the outbox, in order.
    pub fn raised(&self) -> &[Arc<Envelope>] {
        &self.raised
    }

    /// The calls that are owed.
    pub fn effects(&self) -> impl ExactSizeIterator<Item = &Leased<EffectRow<C::Effect>>> {
        self.effects.values()
    }

    /// The timers that are armed, with their due times.
    pub fn timers(&self) -> Vec<(Timer, Timestamp)> {
        let timer = |(subject, kind): &(Uuid, Cow<'static, str>), epoch: u64| Timer {
            subject: *subject,
            kind: kind.clone(),
            epoch,
        };
        self.timers.iter().map(|(key, (epoch, due))| (timer(key, *epoch), *due)).collect()
    }

    /// The dead letters, the newest last.
    pub fn letters(&self) -> impl DoubleEndedIterator<Item = &DeadLetter> {
        self.letters.iter().map(|row| &row.letter)
    }

    /// Those that were taken out, with the actor and the reason.
    pub fn exhumed(&self) -> &[(DeadLetter, String, String)] {
        &self.exhumed
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
