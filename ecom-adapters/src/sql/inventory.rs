//! Products, stock, reservations and movements as rows.

use std::collections::{BTreeMap, BTreeSet};

use ecom_core::event::FailureCode;
use ecom_core::id::{OrderId, ProductId};
use ecom_core::inventory::{
    Hold, InventoryScope, Movement, MovementKind, Product, Reservation, ReservationState, Stock,
};

use super::Inconsistent;
use super::fields::Fields;

/// Products and their stock, by their ids.
pub(crate) type Stocked = (BTreeMap<ProductId, Product>, BTreeMap<ProductId, Stock>);

/// The products that a batch needs: those in scope, and those of the holds, for an order's end does not name its products.
pub(crate) fn wanted(scope: &InventoryScope, reservations: &BTreeMap<OrderId, Reservation>) -> BTreeSet<ProductId> {
    let mut wanted = scope.products.clone();
    for reservation in reservations.values() {
        if let ReservationState::Held(hold) = &reservation.state {
            wanted.extend(hold.lines.iter().map(|line| line.product_id));
        }
    }
    wanted
}

/// Reservations by their orders.
pub(crate) fn take_reservations<F: Fields>(rows: &[F]) -> Result<BTreeMap<OrderId, Reservation>, sqlx::Error> {
    rows.iter().map(|row| reservation(row).map(|reservation| (reservation.order_id, reservation))).collect()
}

/// Products and their stock from rows that bear both.
pub(crate) fn take_products<F: Fields>(rows: &[F]) -> Result<Stocked, sqlx::Error> {
    let mut found = Stocked::default();
    for row in rows {
        let (product, stock) = (product(row)?, stock(row)?);
        found.0.insert(product.id, product);
        found.1.insert(stock.product_id, stock);
    }
    Ok(found)
}

/// A product from its columns.
pub(crate) fn product<F: Fields>(row: &F) -> Result<Product, sqlx::Error> {
    Ok(Product {
        id: row.id("id")?,
        sku: row.string("sku")?,
        name: row.string("name")?,
        description: row.string("description")?,
        price: row.sum("price", row.currency()?)?,
        is_active: row.is("is_active")?,
        version: row.count("version")?,
        created_at: row.moment("created_at")?,
        updated_at: row.moment("updated_at")?,
    })
}

/// A stock from its columns, its version under `stock_version`.
pub(crate) fn stock<F: Fields>(row: &F) -> Result<Stock, sqlx::Error> {
    Ok(Stock {
        product_id: row.id("product_id")?,
        on_hand: row.count("on_hand")?,
        reserved: row.count("reserved")?,
        committed: row.count("committed")?,
        version: row.count("stock_version")?,
    })
}

/// A reservation from its columns.
pub(crate) fn reservation<F: Fields>(row: &F) -> Result<Reservation, sqlx::Error> {
    let state = match row.word("state")? {
        "held" => ReservationState::Held(hold(row)?),
        "committed" => ReservationState::Committed(hold(row)?),
        "released" => ReservationState::Released(hold(row)?),
        "refused" => ReservationState::Refused {
            user_id: row.id("user_id")?,
            reason: row.known("reason", FailureCode::parse)?,
            shortages: row.json("shortages")?,
        },
        "barred" => ReservationState::Barred,
        other => return Err(Inconsistent::new("state", other).into()),
    };
    Ok(Reservation {
        order_id: row.id("order_id")?,
        state,
        created_at: row.moment("created_at")?,
        version: row.count("version")?,
    })
}

fn hold<F: Fields>(row: &F) -> Result<Hold, sqlx::Error> {
    Ok(Hold {
        reservation_id: row.id("reservation_id")?,
        user_id: row.id("user_id")?,
        lines: row.json("lines")?,
        total: row.sum("total", row.currency()?)?,
        payment_method_id: row.id_if_any("payment_method_id")?,
        alarm_at: row.moment("alarm_at")?,
        correlation: row.id("correlation")?,
    })
}

/// A movement from its columns.
pub(crate) fn movement<F: Fields>(row: &F) -> Result<Movement, sqlx::Error> {
    let kind = match row.word("kind")? {
        "initial" => MovementKind::Initial,
        "adjustment" => MovementKind::Adjustment,
        "commit" => MovementKind::Commit { order_id: row.id("order_id")? },
        other => return Err(Inconsistent::new("kind", other).into()),
    };
    Ok(Movement {
        id: row.id("id")?,
        product_id: row.id("product_id")?,
        kind,
        delta: row.count("delta")?,
        reason: row.string("reason")?,
        actor: row.id_if_any("actor")?,
        at: row.moment("at")?,
    })
}
