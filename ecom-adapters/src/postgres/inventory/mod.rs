//! The tables of the inventory context.

mod load;
mod read;
mod save;
#[cfg(test)]
mod tests;

use async_trait::async_trait;
use ecom_core::inventory::{Change, InventoryContext, InventoryScope, InventorySnapshot};
use sqlx::PgConnection;

use super::tables::Tables;

pub use read::PgInventoryReader;

/// Products, stock, reservations and movements.
#[derive(Clone, Copy, Debug)]
pub struct InventoryTables;

#[async_trait]
impl Tables<InventoryContext> for InventoryTables {
    const MIGRATIONS: &'static [(&'static str, &'static str)] =
        &[("inventory/0001_init", include_str!("../../../../migrations/inventory/0001_init.sql"))];

    async fn load(connection: &mut PgConnection, scope: &InventoryScope) -> Result<InventorySnapshot, sqlx::Error> {
        load::snapshot(connection, scope).await
    }

    async fn save(connection: &mut PgConnection, changes: &[Change]) -> Result<(), sqlx::Error> {
        save::changes(connection, changes).await
    }
}

/// All statements, for the test that prepares them.
#[cfg(test)]
pub(super) const STATEMENTS: &[&[(&str, &str)]] = &[load::STATEMENTS, read::STATEMENTS, save::STATEMENTS];
