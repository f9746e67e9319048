//! Rows into entities.

use std::collections::{BTreeMap, BTreeSet};

use ecom_core::event::FailureCode;
use ecom_core::id::{OrderId, ProductId};
use ecom_core::inventory::{
    Hold, InventoryScope, InventorySnapshot, Movement, MovementKind, Product, Reservation, ReservationState, Stock,
};
use ecom_core::money::{Currency, Money};
use ecom_core::time::Timestamp;
use serde::de::DeserializeOwned;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use crate::sql::Inconsistent;
use crate::sqlite::latest::count;
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

/// A product from its columns.
pub(super) fn product(row: &SqliteRow) -> Result<Product, sqlx::Error> {
    Ok(Product {
        id: parse(row, "id")?,
        sku: column(row, "sku")?,
        name: column(row, "name")?,
        description: column(row, "description")?,
        price: money(row, "price_minor")?,
        is_active: column(row, "is_active")?,
        version: count(column(row, "version")?, "version")?,
        created_at: time(row, "created_at")?,
        updated_at: time(row, "updated_at")?,
    })
}

/// A stock from its columns, its version under `stock_version`.
pub(super) fn stock(row: &SqliteRow) -> Result<Stock, sqlx::Error> {
    Ok(Stock {
        product_id: parse(row, "product_id")?,
        on_hand: count(column(row, "on_hand")?, "on_hand")?,
        reserved: count(column(row, "reserved")?, "reserved")?,
        committed: count(column(row, "committed")?, "committed")?,
        version: count(column(row, "stock_version")?, "stock_version")?,
    })
}

/// A reservation from its columns.
pub(super) fn reservation(row: &SqliteRow) -> Result<Reservation, sqlx::Error> {
    let state: String = column(row, "state")?;
    let state = match state.as_str() {
        "held" => ReservationState::Held(hold(row)?),
        "committed" => ReservationState::Committed(hold(row)?),
        "released" => ReservationState::Released(hold(row)?),
        "refused" => {
            let reason: String = column(row, "reason")?;
            ReservationState::Refused {
                user_id: parse(row, "user_id")?,
                reason: FailureCode::parse(&reason).ok_or(Inconsistent { column: "reason", value: reason })?,
                shortages: nested(row, "shortages")?,
            }
        }
        "barred" => ReservationState::Barred,
        _ => return Err(Inconsistent { column: "state", value: state }.into()),
    };
    Ok(Reservation {
        order_id: parse(row, "order_id")?,
        state,
        created_at: time(row, "created_at")?,
        version: count(column(row, "version")?, "version")?,
    })
}

fn hold(row: &SqliteRow) -> Result<Hold, sqlx::Error> {
    let method: Option<String> = column(row, "payment_method_id")?;
    Ok(Hold {
        reservation_id: parse(row, "reservation_id")?,
        user_id: parse(row, "user_id")?,
        lines: nested(row, "lines")?,
        total: money(row, "total_minor")?,
        payment_method_id: method.map(|_| parse(row, "payment_method_id")).transpose()?,
        alarm_at: time(row, "alarm_at")?,
        correlation: parse(row, "correlation")?,
    })
}

/// A movement from its columns.
pub(super) fn movement(row: &SqliteRow) -> Result<Movement, sqlx::Error> {
    let kind: String = column(row, "kind")?;
    let kind = match kind.as_str() {
        "initial" => MovementKind::Initial,
        "adjustment" => MovementKind::Adjustment,
        "commit" => MovementKind::Commit { order_id: parse(row, "order_id")? },
        _ => return Err(Inconsistent { column: "kind", value: kind }.into()),
    };
    let actor: Option<String> = column(row, "actor")?;
    Ok(Movement {
        id: parse(row, "id")?,
        product_id: parse(row, "product_id")?,
        kind,
        delta: column(row, "delta")?,
        reason: column(row, "reason")?,
        actor: actor.map(|_| parse(row, "actor")).transpose()?,
        at: time(row, "at")?,
    })
}

fn time(row: &SqliteRow, name: &'static str) -> Result<Timestamp, sqlx::Error> {
    column(row, name).map(Timestamp::from_micros)
}

fn money(row: &SqliteRow, minor: &'static str) -> Result<Money, sqlx::Error> {
    let code: String = column(row, "currency")?;
    let currency = Currency::from_code(&code).ok_or(Inconsistent { column: "currency", value: code })?;
    Ok(Money::new(column(row, minor)?, currency))
}

fn nested<T: DeserializeOwned>(row: &SqliteRow, name: &'static str) -> Result<T, sqlx::Error> {
    let text: &str = column(row, name)?;
    serde_json::from_str(text).map_err(|_| Inconsistent { column: name, value: text.to_owned() }.into())
}
