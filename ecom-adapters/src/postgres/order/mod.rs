//! The tables of the order context.
//!
//! An order and its saga are one row, written by one statement for each batch: they have one id, one version and change
//! together. Lines are written once, with their order.

mod load;
mod read;
mod row;
mod save;
#[cfg(test)]
mod tests;

use async_trait::async_trait;
use ecom_core::order::{Change, OrderContext, OrderScope, OrderSnapshot};
use sqlx::PgConnection;

use super::tables::Tables;

pub use read::PgOrderReader;

/// The tables `orders`, `order_items` and `catalogue`, and the view `sagas`.
#[derive(Clone, Copy, Debug)]
pub struct OrderTables;

#[async_trait]
impl Tables<OrderContext> for OrderTables {
    const MIGRATIONS: &'static [(&'static str, &'static str)] =
        &[("order/0001_init", include_str!("../../../../migrations/order/0001_init.sql"))];

    async fn load(connection: &mut PgConnection, scope: &OrderScope) -> Result<OrderSnapshot, sqlx::Error> {
        load::snapshot(connection, scope).await
    }

    async fn save(connection: &mut PgConnection, changes: &[Change]) -> Result<(), sqlx::Error> {
        save::changes(connection, changes).await
    }
}

/// All statements, for the test that prepares them.
#[cfg(test)]
pub(super) const STATEMENTS: &[&[(&str, &str)]] = &[load::STATEMENTS, read::STATEMENTS, save::STATEMENTS];
