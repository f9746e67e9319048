//! How a transaction ends.

use ecom_core::decide::BoundedContext;
use ecom_core::engine::{Committed, Writes};
use ecom_core::time::Timestamp;

/// How far a failed transaction had come.
pub(crate) enum Failure {
    /// Not to the commit: nothing of it is there.
    Before(sqlx::Error),
    /// The commit itself failed.
    Commit(sqlx::Error),
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Before(error)
    }
}

/// What the writer is told of his transaction.
pub(crate) fn committed<C: BoundedContext>(writes: Writes<C>, now: Timestamp, leased: bool) -> Committed<C> {
    let effects = if leased { writes.due_effects(now) } else { vec![] };
    let (next_due, touched) = (writes.next_due(now), writes.touched());
    Committed { outcomes: writes.outcomes, outbox: writes.outbox, effects, next_due, touched }
}
