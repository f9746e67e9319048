//! The tables of the inventory context.

mod load;
mod read;
mod save;
#[cfg(test)]
mod tests;

use async_trait::async_trait;
use ecom_core::inventory::{Change, InventoryContext, InventoryScope, InventorySnapshot};
use sqlx::SqliteConnection;

use super::script::Script;
use super::tables::Tables;

pub use read::SqliteInventoryReader;

/// Products, stock, reservations and movements.
#[derive(Clone, Copy, Debug)]
pub struct InventoryTables;

#[async_trait]
impl Tables<InventoryContext> for InventoryTables {
    const MIGRATIONS: &'static [(&'static str, &'static str)] =
        &[("inventory/0001_init", include_str!("../../../../migrations/sqlite/inventory/0001_init.sql"))];

    async fn load(connection: &mut SqliteConnection, scope: &InventoryScope) -> Result<InventorySnapshot, sqlx::Error> {
        load::snapshot(connection, scope).await
    }

    fn write(script: &mut Script, changes: &[Change]) -> Result<(), sqlx::Error> {
        save::changes(script, changes)
    }
}
