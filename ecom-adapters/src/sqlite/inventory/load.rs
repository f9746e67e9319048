//! Loads the rows that a batch needs.

use std::collections::{BTreeMap, BTreeSet};

use ecom_core::id::{OrderId, ProductId};
use ecom_core::inventory::{InventoryScope, InventorySnapshot, Product, Reservation, ReservationState, Stock};
use sqlx::SqliteConnection;

use crate::sql::inventory::{product, reservation, stock};
use crate::sqlite::rows::{column, parse, text_list};

/// The rows in scope, and the products of the holds among them: an order's end does not name its products.
pub(super) async fn snapshot(
    connection: &mut SqliteConnection,
    scope: &InventoryScope,
) -> Result<InventorySnapshot, sqlx::Error> {
    let reservations = reservations(connection, &scope.orders).await?;
    let mut wanted = scope.products.clone();
    for reservation in reservations.values() {
        if let ReservationState::Held(hold) = &reservation.state {
            wanted.extend(hold.lines.iter().map(|line| line.product_id));
        }
    }
    let (products, stock) = products(connection, &wanted).await?;
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
    rows.iter().map(|row| reservation(row).map(|reservation| (reservation.order_id, reservation))).collect()
}

async fn products(
    connection: &mut SqliteConnection,
    ids: &BTreeSet<ProductId>,
) -> Result<(BTreeMap<ProductId, Product>, BTreeMap<ProductId, Stock>), sqlx::Error> {
    let mut found = (BTreeMap::new(), BTreeMap::new());
    if ids.is_empty() {
        return Ok(found);
    }
    let rows = sqlx::query(
        "SELECT p.*, s.product_id, s.on_hand, s.reserved, s.committed, s.version AS stock_version
         FROM products AS p JOIN stock AS s ON s.product_id = p.id
         WHERE p.id IN (SELECT value FROM json_each(?1))",
    )
    .bind(text_list(ids))
    .fetch_all(connection)
    .await?;
    for row in &rows {
        let (product, stock) = (product(row)?, stock(row)?);
        found.0.insert(product.id, product);
        found.1.insert(stock.product_id, stock);
    }
    Ok(found)
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
