//! The tables of the user context.

mod keys;
mod load;
mod read;
mod save;
#[cfg(test)]
mod tests;

use async_trait::async_trait;
use ecom_core::user::{Change, UserContext, UserScope, UserSnapshot};
use sqlx::PgConnection;

use super::tables::Tables;

pub use keys::signing_keys;
pub use read::PgUserReader;

/// Users, sessions, password resets, signing keys.
#[derive(Clone, Copy, Debug)]
pub struct UserTables;

#[async_trait]
impl Tables<UserContext> for UserTables {
    const MIGRATIONS: &'static [(&'static str, &'static str)] =
        &[("user/0001_init", include_str!("../../../../migrations/user/0001_init.sql"))];

    async fn load(connection: &mut PgConnection, scope: &UserScope) -> Result<UserSnapshot, sqlx::Error> {
        load::snapshot(connection, scope).await
    }

    async fn save(connection: &mut PgConnection, changes: &[Change]) -> Result<(), sqlx::Error> {
        save::changes(connection, changes).await
    }
}

/// All statements, for the test that prepares them.
#[cfg(test)]
pub(super) const STATEMENTS: &[&[(&str, &str)]] =
    &[keys::STATEMENTS, load::STATEMENTS, read::STATEMENTS, save::STATEMENTS];
