//! Loads the rows that a batch needs.

use std::collections::{BTreeMap, BTreeSet};

use ecom_core::id::{OrderId, ProductId};
use ecom_core::inventory::{InventoryScope, InventorySnapshot, Reservation};
use sqlx::PgConnection;

use crate::postgres::rows::{printable, statements, uuids};
use crate::sql::fields::Fields;
use crate::sql::inventory::{Stocked, take_products, take_reservations, wanted};

statements! {
    RESERVATIONS = "SELECT * FROM reservations WHERE order_id = ANY ($1) ORDER BY order_id FOR UPDATE";
    /// The stock is locked: every order writes it. A product is not, it is written only in the version that was read.
    PRODUCTS = "SELECT p.*, s.product_id, s.on_hand, s.reserved, s.committed, s.version AS stock_version
        FROM stock AS s JOIN products AS p ON p.id = s.product_id
        WHERE s.product_id = ANY ($1) ORDER BY s.product_id FOR UPDATE OF s";
    SKUS = "SELECT sku, id FROM products WHERE sku = ANY ($1)";
}

/// The rows in scope, and the products of the holds among them: an order's end does not name its products.
pub(super) async fn snapshot(
    connection: &mut PgConnection,
    scope: &InventoryScope,
) -> Result<InventorySnapshot, sqlx::Error> {
    let reservations = reservations(connection, &scope.orders).await?;
    let (products, stock) = products(connection, &wanted(scope, &reservations)).await?;
    Ok(InventorySnapshot { products, stock, skus: skus(connection, &scope.skus).await?, reservations })
}

async fn reservations(
    connection: &mut PgConnection,
    orders: &BTreeSet<OrderId>,
) -> Result<BTreeMap<OrderId, Reservation>, sqlx::Error> {
    if orders.is_empty() {
        return Ok(BTreeMap::new());
    }
    let ids = uuids(orders.iter().map(|id| id.0));
    let rows = sqlx::query(RESERVATIONS).bind(ids).fetch_all(connection).await?;
    take_reservations(&rows)
}

async fn products(connection: &mut PgConnection, ids: &BTreeSet<ProductId>) -> Result<Stocked, sqlx::Error> {
    if ids.is_empty() {
        return Ok(Stocked::default());
    }
    let rows = sqlx::query(PRODUCTS).bind(uuids(ids.iter().map(|id| id.0))).fetch_all(connection).await?;
    take_products(&rows)
}

async fn skus(
    connection: &mut PgConnection,
    skus: &BTreeSet<String>,
) -> Result<BTreeMap<String, ProductId>, sqlx::Error> {
    if skus.is_empty() {
        return Ok(BTreeMap::new());
    }
    let wanted: Vec<_> = skus.iter().map(|sku| printable(sku).into_owned()).collect();
    let rows = sqlx::query(SKUS).bind(wanted).fetch_all(connection).await?;
    rows.iter().map(|row| Ok((row.string("sku")?, row.id("id")?))).collect()
}
