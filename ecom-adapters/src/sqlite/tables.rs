//! What a context adds to the shared store: its own tables.

use async_trait::async_trait;
use ecom_core::decide::BoundedContext;
use sqlx::SqliteConnection;

use super::script::Script;

/// The relational tables of one context. The shared store brings inbox, outbox, effects, timers, history and answers.
#[async_trait]
pub trait Tables<C: BoundedContext>: Send + Sync + 'static {
    /// The context's migrations, oldest first: a name and its SQL. Never edited once released.
    const MIGRATIONS: &'static [(&'static str, &'static str)];

    /// Loads the rows in scope: one query for each kind of row, never one for each key.
    async fn load(connection: &mut SqliteConnection, scope: &C::Scope) -> Result<C::Snapshot, sqlx::Error>;

    /// Adds what writes the changes: one statement for each kind of row, rows in key order. The script *must* fail, and
    /// so roll everything back, when a row is not in the version that the change was decided on: [`Script::put`] does.
    fn write(script: &mut Script, changes: &[C::Change]) -> Result<(), sqlx::Error>;

    /// Writes the changes by themselves, in whatever transaction the connection has open.
    async fn save(connection: &mut SqliteConnection, changes: &[C::Change]) -> Result<(), sqlx::Error> {
        let mut script = Script::default();
        Self::write(&mut script, changes)?;
        script.run(connection).await.map(drop)
    }
}
