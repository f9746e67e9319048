//! Products, stock, reservations and movements as rows.

use ecom_core::event::FailureCode;
use ecom_core::inventory::{Hold, Movement, MovementKind, Product, Reservation, ReservationState, Stock};

use super::Inconsistent;
use super::fields::Fields;

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
