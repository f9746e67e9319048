//! The tables of the notification context.

mod load;
mod read;
mod save;
#[cfg(test)]
mod tests;

use async_trait::async_trait;
use ecom_core::notification::{Change, NotificationContext, NotificationScope, NotificationSnapshot};
use sqlx::PgConnection;

use super::tables::Tables;

pub use read::PgNotificationReader;

/// Contacts, preferences and notices.
#[derive(Clone, Copy, Debug)]
pub struct NotificationTables;

#[async_trait]
impl Tables<NotificationContext> for NotificationTables {
    const MIGRATIONS: &'static [(&'static str, &'static str)] =
        &[("notification/0001_init", include_str!("../../../../migrations/notification/0001_init.sql"))];

    async fn load(
        connection: &mut PgConnection,
        scope: &NotificationScope,
    ) -> Result<NotificationSnapshot, sqlx::Error> {
        load::snapshot(connection, scope).await
    }

    async fn save(connection: &mut PgConnection, changes: &[Change]) -> Result<(), sqlx::Error> {
        save::changes(connection, changes).await
    }
}

/// All statements, for the test that prepares them.
#[cfg(test)]
pub(super) const STATEMENTS: &[&[(&str, &str)]] = &[load::STATEMENTS, read::STATEMENTS, save::STATEMENTS];
