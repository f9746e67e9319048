//! Loads the rows that a batch needs.

use ecom_core::order::{OrderScope, OrderSnapshot};
use sqlx::PgConnection;

use super::row;
use crate::postgres::rows::{statements, uuids};
use crate::sql::order as row_of;

statements! {
    /// Lines are never changed, so the lock of the order is theirs too.
    ORDERS = row::orders!("WHERE o.id = ANY ($1) ORDER BY o.id FOR UPDATE OF o");
    /// Not locked: an order is placed at the prices of one moment, and a newer entry never gives way to an older one.
    CATALOGUE = row::catalogue!("WHERE product_id = ANY ($1)");
}

/// The rows in scope.
pub(super) async fn snapshot(connection: &mut PgConnection, scope: &OrderScope) -> Result<OrderSnapshot, sqlx::Error> {
    let mut snapshot = OrderSnapshot::default();
    if !scope.orders.is_empty() {
        let ids = uuids(scope.orders.iter().map(|id| id.0));
        let rows = sqlx::query(ORDERS).bind(ids).fetch_all(&mut *connection).await?;
        for order in rows.iter().map(row_of::order) {
            let order = order?;
            snapshot.orders.insert(order.id, order.into());
        }
    }
    if !scope.products.is_empty() {
        let ids = uuids(scope.products.iter().map(|id| id.0));
        let rows = sqlx::query(CATALOGUE).bind(ids).fetch_all(connection).await?;
        for entry in rows.iter().map(row_of::catalogue_entry) {
            let entry = entry?;
            snapshot.catalogue.insert(entry.product_id, entry);
        }
    }
    Ok(snapshot)
}
