//! What a context adds to the shared store: its own tables.

use async_trait::async_trait;
use ecom_core::decide::BoundedContext;
use sqlx::PgConnection;

/// The relational tables of one context. The shared store brings inbox, outbox, effects, timers, history and answers.
#[async_trait]
pub trait Tables<C: BoundedContext>: Send + Sync + 'static {
    /// The context's migrations, oldest first: a name and its SQL. Never edited once released; each leaves the former
    /// version of the program able to work (expand), and takes away only what that no longer uses (contract).
    const MIGRATIONS: &'static [(&'static str, &'static str)];

    /// Loads the rows in scope: one query for each kind of row, never one for each key. It locks those that may be
    /// changed, in key order, so that the next one to decide on them waits and then reads what this one wrote.
    async fn load(connection: &mut PgConnection, scope: &C::Scope) -> Result<C::Snapshot, sqlx::Error>;

    /// Writes the changes in their order: one statement for each kind of row, rows in key order. It *must* fail, with
    /// [`super::Stale`], when a row is not in the version that the change was decided on.
    async fn save(connection: &mut PgConnection, changes: &[C::Change]) -> Result<(), sqlx::Error>;
}
