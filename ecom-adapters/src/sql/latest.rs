//! Several changes of one row in a batch: only the last is written, on the version that the first was decided on.

use std::collections::BTreeMap;

/// The last state of each row that a batch changes, in key order.
pub(crate) struct Latest<'a, K, R> {
    rows: BTreeMap<K, Written<'a, R>>,
}

/// A row to write.
pub(crate) struct Written<'a, R> {
    /// The version that the first change was decided on; 0 for a new row.
    pub(crate) base: u64,
    /// What the row becomes.
    pub(crate) row: &'a R,
}

impl<'a, K: Ord, R> Latest<'a, K, R> {
    /// Nothing yet.
    pub(crate) const fn new() -> Self {
        Self { rows: BTreeMap::new() }
    }

    /// Takes a row in its new version, one above the version that was decided on.
    pub(crate) fn put(&mut self, key: K, version: u64, row: &'a R) {
        let base = version.saturating_sub(1);
        self.rows.entry(key).or_insert(Written { base, row }).row = row;
    }

    /// Rows that are new, and rows that are to be changed.
    pub(crate) fn split(self) -> (Vec<Written<'a, R>>, Vec<Written<'a, R>>) {
        self.rows.into_values().partition(|written| written.base == 0)
    }
}
