//! Changes into rows.

use ecom_core::inventory::{Change, Movement, Product, Reservation, ReservationState, Stock};
use serde_json::{Value, json as value};

use crate::sqlite::latest::{Latest, split};
use crate::sqlite::rows::json;
use crate::sqlite::script::Script;

/// Writes the changes: one statement for each kind of row and whether it is new. Products come before what names them.
pub(super) fn changes(script: &mut Script, changes: &[Change]) -> Result<(), sqlx::Error> {
    let (mut products, mut stock, mut reservations) = (Latest::new(), Latest::new(), Latest::new());
    let mut movements = vec![];
    for change in changes {
        match change {
            Change::PutProduct(row) => products.put(row.id, row.version, row),
            Change::PutStock(row) => stock.put(row.product_id, row.version, row),
            Change::PutReservation(row) => reservations.put(row.order_id, row.version, row),
            Change::AddMovement(row) => movements.push(movement(row)),
        }
    }
    save_products(script, split(products, |row| Ok(product(row)))?)?;
    save_stock(script, split(stock, |row| Ok(stock_row(row)))?)?;
    save_reservations(script, split(reservations, reservation)?)?;
    save_movements(script, &movements)
}

type NewAndChanged = (Vec<Value>, Vec<Value>);

fn save_products(script: &mut Script, (new, changed): NewAndChanged) -> Result<(), sqlx::Error> {
    script.put(
        "products",
        "INSERT INTO products (id, sku, name, description, price_minor, currency, is_active, version, created_at,
                                   updated_at)
             SELECT value->>'id', value->>'sku', value->>'name', value->>'description', value->>'price_minor',
                    value->>'currency', value->>'is_active', value->>'version', value->>'created_at',
                    value->>'updated_at'
             FROM jsonb_each(?)",
        &new,
    )?;
    script.put(
        "products",
        "UPDATE products SET name = value->>'name', description = value->>'description',
                    price_minor = value->>'price_minor', currency = value->>'currency',
                    is_active = value->>'is_active', version = value->>'version', updated_at = value->>'updated_at'
             FROM jsonb_each(?) AS row WHERE products.id = row.value->>'id' AND products.version = row.value->>'base'",
        &changed,
    )?;
    Ok(())
}

fn save_stock(script: &mut Script, (new, changed): NewAndChanged) -> Result<(), sqlx::Error> {
    script.put(
        "stock",
        "INSERT INTO stock (product_id, on_hand, reserved, committed, version)
             SELECT value->>'product_id', value->>'on_hand', value->>'reserved', value->>'committed', value->>'version'
             FROM jsonb_each(?)",
        &new,
    )?;
    script.put(
        "stock",
        "UPDATE stock SET on_hand = value->>'on_hand', reserved = value->>'reserved',
                    committed = value->>'committed', version = value->>'version'
             FROM jsonb_each(?) AS row
             WHERE stock.product_id = row.value->>'product_id' AND stock.version = row.value->>'base'",
        &changed,
    )?;
    Ok(())
}

fn save_reservations(script: &mut Script, (new, changed): NewAndChanged) -> Result<(), sqlx::Error> {
    script.put(
        "reservations",
        "INSERT INTO reservations (order_id, state, user_id, reservation_id, lines, total_minor, currency,
                                       payment_method_id, alarm_at, correlation, reason, shortages, created_at, version)
             SELECT value->>'order_id', value->>'state', value->>'user_id', value->>'reservation_id', value->>'lines',
                    value->>'total_minor', value->>'currency', value->>'payment_method_id', value->>'alarm_at',
                    value->>'correlation', value->>'reason', value->>'shortages', value->>'created_at',
                    value->>'version'
             FROM jsonb_each(?)",
        &new,
    )?;
    // Only a hold changes, and only these columns of it.
    script.put(
        "reservations",
        "UPDATE reservations SET state = value->>'state', alarm_at = value->>'alarm_at',
                    version = value->>'version'
             FROM jsonb_each(?) AS row
             WHERE reservations.order_id = row.value->>'order_id' AND reservations.version = row.value->>'base'",
        &changed,
    )?;
    Ok(())
}

fn save_movements(script: &mut Script, movements: &[Value]) -> Result<(), sqlx::Error> {
    script.put(
        "movements",
        "INSERT INTO movements (product_id, at, id, kind, delta, reason, actor, order_id)
         SELECT value->>'product_id', value->>'at', value->>'id', value->>'kind', value->>'delta', value->>'reason',
                value->>'actor', value->>'order_id'
         FROM jsonb_each(?)",
        movements,
    )
}

fn product(row: &Product) -> Value {
    value!({
        "id": row.id, "sku": row.sku, "name": row.name, "description": row.description,
        "price_minor": row.price.minor(), "currency": row.price.currency(), "is_active": i64::from(row.is_active),
        "version": row.version, "created_at": row.created_at.as_micros(), "updated_at": row.updated_at.as_micros(),
    })
}

fn stock_row(row: &Stock) -> Value {
    value!({
        "product_id": row.product_id, "on_hand": row.on_hand, "reserved": row.reserved, "committed": row.committed,
        "version": row.version,
    })
}

fn movement(row: &Movement) -> Value {
    value!({
        "product_id": row.product_id, "at": row.at.as_micros(), "id": row.id, "kind": row.kind.name(),
        "delta": row.delta, "reason": row.reason, "actor": row.actor, "order_id": row.kind.order_id(),
    })
}

fn reservation(row: &Reservation) -> Result<Value, sqlx::Error> {
    let mut value = value!({
        "order_id": row.order_id, "state": row.state.name(), "user_id": row.state.user_id(),
        "created_at": row.created_at.as_micros(), "version": row.version,
    });
    match &row.state {
        ReservationState::Held(hold) | ReservationState::Committed(hold) | ReservationState::Released(hold) => {
            value["reservation_id"] = value!(hold.reservation_id);
            value["lines"] = value!(json(&hold.lines)?);
            value["total_minor"] = value!(hold.total.minor());
            value["currency"] = value!(hold.total.currency());
            value["payment_method_id"] = value!(hold.payment_method_id);
            value["alarm_at"] = value!(hold.alarm_at.as_micros());
            value["correlation"] = value!(hold.correlation);
        }
        ReservationState::Refused { user_id: _, reason, shortages } => {
            value["reason"] = value!(reason.as_str());
            value["shortages"] = value!(json(shortages)?);
        }
        ReservationState::Barred => {}
    }
    Ok(value)
}
