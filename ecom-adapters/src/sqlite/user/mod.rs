//! The tables of the user context.

mod keys;
mod load;
mod read;
mod save;
#[cfg(test)]
mod tests;

use async_trait::async_trait;
use ecom_core::user::{Change, UserContext, UserScope, UserSnapshot};
use sqlx::SqliteConnection;

use super::script::Script;
use super::tables::Tables;

pub use keys::signing_keys;
pub use read::SqliteUserReader;

/// Users, sessions, password resets, signing keys.
#[derive(Clone, Copy, Debug)]
pub struct UserTables;

#[async_trait]
impl Tables<UserContext> for UserTables {
    const MIGRATIONS: &'static [(&'static str, &'static str)] =
        &[("user/0001_init", include_str!("../../../../migrations/sqlite/user/0001_init.sql"))];

    async fn load(connection: &mut SqliteConnection, scope: &UserScope) -> Result<UserSnapshot, sqlx::Error> {
        load::snapshot(connection, scope).await
    }

    fn write(script: &mut Script, changes: &[Change]) -> Result<(), sqlx::Error> {
        save::changes(script, changes)
    }
}
