//! What an error means for the caller.

use ecom_core::engine::Fault;
use sqlx::postgres::{PgDatabaseError, PgQueryResult, PgSeverity};

/// A row was not in the version that a change was decided on: somebody else has changed it.
#[derive(Debug, thiserror::Error)]
#[error("{table}: {written} of {wanted} rows were in the expected version")]
pub struct Stale {
    /// The table.
    pub table: &'static str,
    /// How many rows were written.
    pub written: u64,
    /// How many were to be written.
    pub wanted: u64,
}

impl From<Stale> for sqlx::Error {
    fn from(error: Stale) -> Self {
        Self::Encode(Box::new(error))
    }
}

/// Fails, and so rolls everything back, unless exactly that many rows were written.
pub(super) fn expect_rows(done: &PgQueryResult, wanted: usize, table: &'static str) -> Result<(), sqlx::Error> {
    let (written, wanted) = (done.rows_affected(), wanted as u64);
    if written == wanted { Ok(()) } else { Err(Stale { table, written, wanted }.into()) }
}

/// Sorts an error by what the caller does about it (SQLSTATE: PostgreSQL's appendix A).
pub(crate) fn fault(error: &sqlx::Error) -> Fault {
    match error {
        sqlx::Error::Database(database) => by_code(&database.code().unwrap_or_default(), error),
        sqlx::Error::Encode(inner) if inner.is::<Stale>() => Fault::Conflict,
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolClosed
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::BeginFailed => Fault::Unavailable(error.to_string()),
        _ => Fault::Broken(error.to_string()),
    }
}

fn by_code(code: &str, error: &sqlx::Error) -> Fault {
    let (class, _) = code.split_at_checked(2).unwrap_or((code, ""));
    match (class, code) {
        // Serialization failure, deadlock; a key that somebody else took in between.
        ("40", _) | (_, "23505") => Fault::Conflict,
        // The connection, who may connect, what is there to connect to; room; an operator; the system; a lock that did
        // not come; a standby; a damaged page.
        ("08" | "28" | "3D" | "53" | "57" | "58", _) | (_, "55P03" | "25006" | "25P03" | "XX001" | "XX002") => {
            Fault::Unavailable(error.to_string())
        }
        // The schema is not ours: no message is to blame for that.
        (_, "42501" | "42P01" | "42703" | "3F000") => Fault::Unavailable(error.to_string()),
        _ => Fault::Broken(error.to_string()),
    }
}

/// Whether an error is a key that is taken. Somebody else may have taken it in between, which another try finds out; if
/// it is still taken then, the message cannot be stored.
pub(super) fn is_taken_key(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(database) if database.code().as_deref() == Some("23505"))
}

/// Whether a failed commit certainly left nothing behind: the server itself says that it undid it. A server that goes
/// down while it commits says so too, but not what became of the commit.
pub(super) fn is_undone(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(database) = error else { return false };
    database.try_downcast_ref::<PgDatabaseError>().is_some_and(|error| {
        matches!(error.severity(), PgSeverity::Error)
            && !error.code().starts_with("57")
            && !error.code().starts_with("08")
    })
}
