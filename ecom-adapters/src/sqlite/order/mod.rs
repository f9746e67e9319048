//! The tables of the order context.
//!
//! An order and its saga are one row, written by one statement for each batch: they have one id, one version and change
//! together. Lines are written once, with their order.

mod read;
mod row;
mod save;
#[cfg(test)]
mod tests;

use async_trait::async_trait;
use ecom_core::order::{Change, OrderContext, OrderScope, OrderSnapshot};
use sqlx::SqliteConnection;

use super::rows::text_list;
use super::script::Script;
use super::tables::Tables;
use crate::sql::order as row_of;

pub use read::SqliteOrderReader;

/// The tables `orders`, `order_items` and `catalogue`, and the view `sagas`.
#[derive(Clone, Copy, Debug)]
pub struct OrderTables;

#[async_trait]
impl Tables<OrderContext> for OrderTables {
    const MIGRATIONS: &'static [(&'static str, &'static str)] =
        &[("order/0001_init", include_str!("../../../../migrations/sqlite/order/0001_init.sql"))];

    async fn load(connection: &mut SqliteConnection, scope: &OrderScope) -> Result<OrderSnapshot, sqlx::Error> {
        let mut snapshot = OrderSnapshot::default();
        if !scope.orders.is_empty() {
            let rows = sqlx::query(row::orders!("WHERE o.id IN (SELECT value FROM json_each(?1))"))
                .bind(text_list(&scope.orders))
                .fetch_all(&mut *connection)
                .await?;
            for order in rows.iter().map(row_of::order) {
                let order = order?;
                snapshot.orders.insert(order.id, order.into());
            }
        }
        if !scope.products.is_empty() {
            let rows = sqlx::query(row::catalogue!("WHERE product_id IN (SELECT value FROM json_each(?1))"))
                .bind(text_list(&scope.products))
                .fetch_all(connection)
                .await?;
            for entry in rows.iter().map(row_of::catalogue_entry) {
                let entry = entry?;
                snapshot.catalogue.insert(entry.product_id, entry);
            }
        }
        Ok(snapshot)
    }

    fn write(script: &mut Script, changes: &[Change]) -> Result<(), sqlx::Error> {
        save::save(script, changes)
    }
}
