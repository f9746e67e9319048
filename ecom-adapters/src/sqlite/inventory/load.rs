//! Loads the rows that a batch needs.

use std::collections::{BTreeMap, BTreeSet};

use ecom_core::id::{OrderId, ProductId};
use ecom_core::inventory::{InventoryScope, InventorySnapshot, Reservation};
use sqlx::SqliteConnection;

use crate::sql::inventory::{Stocked, take_products, take_reservations, wanted};
use crate::sqlite::rows::{column, parse, text_list};

/// The rows in scope, and the products of the holds among them: an order's end does not name its products.
pub(super) async fn snapshot(
    connection: &mut SqliteConnection,
    scope: &InventoryScope,
) -> Result<InventorySnapshot, sqlx::Error> {
    let reservations = reservations(connection, &scope.orders).await?;
    let (products, stock) = products(connection, &wanted(scope, &reservations)).await?;
    Ok(InventorySnapshot { products, stock, skus: skus(connection, &scope.skus).await?, reservations })
}

async fn reservations(
    connection: &mut SqliteConnection,
    orders: &BTreeSet<OrderId>,
) -> Result<BTreeMap<OrderId, Reservation>, sqlx::Error> {
    if orders.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = sqlx::query("SELECT * FROM reservations WHERE order_id IN (SELECT value FROM json_each(?1))")
        .bind(text_list(orders))
        .fetch_all(connection)
        .await?;
    take_reservations(&rows)
}

async fn products(connection: &mut SqliteConnection, ids: &BTreeSet<ProductId>) -> Result<Stocked, sqlx::Error> {
    if ids.is_empty() {
        return Ok(Stocked::default());
    }
    let rows = sqlx::query(
        "SELECT p.*, s.product_id, s.on_hand, s.reserved, s.committed, s.version AS stock_version
         FROM products AS p JOIN stock AS s ON s.product_id = p.id
         WHERE p.id IN (SELECT value FROM json_each(?1))",
    )
    .bind(text_list(ids))
    .fetch_all(connection)
    .await?;
    take_products(&rows)
}

async fn skus(
    connection: &mut SqliteConnection,
    skus: &BTreeSet<String>,
) -> Result<BTreeMap<String, ProductId>, sqlx::Error> {
    if skus.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = sqlx::query("SELECT sku, id FROM products WHERE sku IN (SELECT value FROM json_each(?1))")
        .bind(text_list(skus))
        .fetch_all(connection)
        .await?;
    rows.iter().map(|row| Ok((column(row, "sku")?, parse(row, "id")?))).collect()
}
