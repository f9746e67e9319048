//! The tables of the notification context.

mod load;
mod read;
mod save;
#[cfg(test)]
mod tests;

use async_trait::async_trait;
use ecom_core::notification::{Change, NotificationContext, NotificationScope, NotificationSnapshot};
use sqlx::SqliteConnection;

use super::script::Script;
use super::tables::Tables;

pub use read::SqliteNotificationReader;

/// Contacts, preferences and notices.
#[derive(Clone, Copy, Debug)]
pub struct NotificationTables;

#[async_trait]
impl Tables<NotificationContext> for NotificationTables {
    const MIGRATIONS: &'static [(&'static str, &'static str)] =
        &[("notification/0001_init", include_str!("../../../../migrations/sqlite/notification/0001_init.sql"))];

    async fn load(
        connection: &mut SqliteConnection,
        scope: &NotificationScope,
    ) -> Result<NotificationSnapshot, sqlx::Error> {
        load::snapshot(connection, scope).await
    }

    fn write(script: &mut Script, changes: &[Change]) -> Result<(), sqlx::Error> {
        save::changes(script, changes)
    }
}
