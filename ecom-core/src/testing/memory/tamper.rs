//! Bugs on purpose: what a transaction hears, reads and writes, changed on its way. For tests that show that a bug is
//! found.

use std::collections::BTreeMap;

use super::tables::{Begun, MemoryTables, Terms, load};
use crate::decide::BoundedContext;
use crate::engine::{Batch, Loaded, Writes, fold};

impl<C: BoundedContext> MemoryTables<C> {
    /// As [`MemoryTables::begin`], but the rules see what `read` makes of the rows, and what they decide is what `write`
    /// makes of it; `write` is shown the rows as they are.
    pub fn begin_tampered(
        &self,
        batch: Batch<C>,
        terms: Terms<'_>,
        read: impl FnOnce(&mut Loaded<C>),
        write: impl FnOnce(&C::Snapshot, &mut Writes<C>),
    ) -> Begun<C> {
        let known = self.known(&batch.messages);
        let mut loaded = load(self.snapshot.clone(), known.clone(), terms.now);
        read(&mut loaded);
        let mut writes = fold(loaded, &batch.messages, terms.policy);
        write(&self.snapshot, &mut writes);
        let rows = writes.changes.iter().filter_map(C::row).map(|row| (row.kind, row.key));
        let read = rows.map(|key| (key, self.version(key))).collect();
        Begun { batch, now: terms.now, writes, read, locked: BTreeMap::new(), known }
    }
}

impl<C: BoundedContext> Begun<C> {
    /// What it will write.
    pub const fn writes(&self) -> &Writes<C> {
        &self.writes
    }

    /// Lets it in although others have changed what it has read.
    pub fn forget_versions(&mut self) {
        self.read.clear();
        self.locked.clear();
    }
}
