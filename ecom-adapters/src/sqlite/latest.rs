//! Several changes of one row in a batch: only the last is written, on the version that the first was decided on.

use std::collections::BTreeMap;

use serde_json::Value;
use sqlx::sqlite::SqliteQueryResult;

/// The last state of each row that a batch changes, in key order.
pub(super) struct Latest<'a, K, R> {
    rows: BTreeMap<K, (u64, &'a R)>,
}

impl<'a, K: Ord, R> Latest<'a, K, R> {
    /// Nothing yet.
    pub(super) const fn new() -> Self {
        Self { rows: BTreeMap::new() }
    }

    /// Takes a row in its new version, one above the version that was decided on.
    pub(super) fn put(&mut self, key: K, version: u64, row: &'a R) {
        self.rows.entry(key).or_insert((version.saturating_sub(1), row)).1 = row;
    }

    /// Rows that are new, and rows that are to be changed, each with the version it *must* still have under `base`.
    pub(super) fn split(
        &self,
        mut json: impl FnMut(&'a R) -> Result<Value, sqlx::Error>,
    ) -> Result<(Vec<Value>, Vec<Value>), sqlx::Error> {
        let (mut new, mut changed) = (vec![], vec![]);
        for (base, row) in self.rows.values() {
            let mut value = json(row)?;
            if *base == 0 {
                new.push(value);
            } else {
                if let Value::Object(fields) = &mut value {
                    fields.insert("base".to_owned(), (*base).into());
                }
                changed.push(value);
            }
        }
        Ok((new, changed))
    }
}

/// Fails, and so rolls everything back, unless exactly that many rows were written: somebody else has changed one.
pub(super) fn expect_rows(done: &SqliteQueryResult, rows: usize, table: &'static str) -> Result<(), sqlx::Error> {
    if done.rows_affected() == rows as u64 {
        return Ok(());
    }
    Err(sqlx::Error::Protocol(format!("{table}: {} of {rows} rows were in the expected version", done.rows_affected())))
}

/// A version or count as SQLite keeps it.
pub(super) fn count(value: i64, column: &'static str) -> Result<u64, sqlx::Error> {
    u64::try_from(value).map_err(|_| super::rows::Inconsistent { column, value: value.to_string() }.into())
}
