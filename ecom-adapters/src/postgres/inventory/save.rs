//! Changes into rows.

use ecom_core::event::{FailureCode, Shortage};
use ecom_core::inventory::{Change, Hold, Movement, Product, Reservation, ReservationState, Stock};
use serde::Serialize;
use sqlx::PgConnection;

use crate::postgres::fault::expect_rows;
use crate::postgres::rows::{Moment, column, decimal, printable, statements};
use crate::sql::latest::{Latest, Written};

statements! {
    INSERT_PRODUCTS = "
        INSERT INTO products (id, version, name, description, price, currency, is_active, updated_at, sku, created_at)
        SELECT id, version, name, description, price, currency, is_active, updated_at, sku, created_at
        FROM unnest($1::UUID[], $2::BIGINT[], $3::TEXT[], $4::TEXT[], $5::NUMERIC[], $6::TEXT[], $7::BOOLEAN[],
                    $8::TIMESTAMPTZ[], $9::TEXT[], $10::TIMESTAMPTZ[])
            AS new (id, version, name, description, price, currency, is_active, updated_at, sku, created_at)";
    UPDATE_PRODUCTS = "
        UPDATE products SET version = new.version, name = new.name, description = new.description, price = new.price,
               currency = new.currency, is_active = new.is_active, updated_at = new.updated_at
        FROM unnest($1::UUID[], $2::BIGINT[], $3::TEXT[], $4::TEXT[], $5::NUMERIC[], $6::TEXT[], $7::BOOLEAN[],
                    $8::TIMESTAMPTZ[], $9::BIGINT[])
            AS new (id, version, name, description, price, currency, is_active, updated_at, base)
        WHERE products.id = new.id AND products.version = new.base";
    INSERT_STOCK = "
        INSERT INTO stock (product_id, version, on_hand, reserved, committed)
        SELECT product_id, version, on_hand, reserved, committed
        FROM unnest($1::UUID[], $2::BIGINT[], $3::BIGINT[], $4::BIGINT[], $5::BIGINT[])
            AS new (product_id, version, on_hand, reserved, committed)";
    UPDATE_STOCK = "
        UPDATE stock SET version = new.version, on_hand = new.on_hand, reserved = new.reserved, committed = new.committed
        FROM unnest($1::UUID[], $2::BIGINT[], $3::BIGINT[], $4::BIGINT[], $5::BIGINT[], $6::BIGINT[])
            AS new (product_id, version, on_hand, reserved, committed, base)
        WHERE stock.product_id = new.product_id AND stock.version = new.base";
    INSERT_RESERVATIONS = "
        INSERT INTO reservations (order_id, state, user_id, reservation_id, lines, total, currency, payment_method_id,
                                  alarm_at, correlation, reason, shortages, created_at, version)
        SELECT order_id, state, user_id, reservation_id, lines::JSON, total, currency, payment_method_id, alarm_at,
               correlation, reason, shortages::JSON, created_at, version
        FROM unnest($1::UUID[], $2::TEXT[], $3::UUID[], $4::UUID[], $5::TEXT[], $6::NUMERIC[], $7::TEXT[], $8::UUID[],
                    $9::TIMESTAMPTZ[], $10::UUID[], $11::TEXT[], $12::TEXT[], $13::TIMESTAMPTZ[], $14::BIGINT[])
            AS new (order_id, state, user_id, reservation_id, lines, total, currency, payment_method_id, alarm_at,
                    correlation, reason, shortages, created_at, version)";
    /// Only a hold changes, and only these columns of it.
    UPDATE_RESERVATIONS = "
        UPDATE reservations SET state = new.state, alarm_at = new.alarm_at, version = new.version
        FROM unnest($1::UUID[], $2::TEXT[], $3::TIMESTAMPTZ[], $4::BIGINT[], $5::BIGINT[])
            AS new (order_id, state, alarm_at, version, base)
        WHERE reservations.order_id = new.order_id AND reservations.version = new.base";
    INSERT_MOVEMENTS = "
        INSERT INTO movements (product_id, at, id, kind, delta, reason, actor, order_id)
        SELECT product_id, at, id, kind, delta, reason, actor, order_id
        FROM unnest($1::UUID[], $2::TIMESTAMPTZ[], $3::UUID[], $4::TEXT[], $5::BIGINT[], $6::TEXT[], $7::UUID[],
                    $8::UUID[])
            AS new (product_id, at, id, kind, delta, reason, actor, order_id)";
}

/// Writes the changes: one statement for each kind of row and whether it is new. Products come before what names them.
pub(super) async fn changes(connection: &mut PgConnection, changes: &[Change]) -> Result<(), sqlx::Error> {
    let (mut products, mut stock, mut reservations) = (Latest::new(), Latest::new(), Latest::new());
    let mut movements = vec![];
    for change in changes {
        match change {
            Change::PutProduct(row) => products.put(row.id, row.version, row),
            Change::PutStock(row) => stock.put(row.product_id, row.version, row),
            Change::PutReservation(row) => reservations.put(row.order_id, row.version, row),
            Change::AddMovement(row) => movements.push(row),
        }
    }
    save_products(connection, products.split()).await?;
    save_stock(connection, stock.split()).await?;
    let (new, changed) = reservations.split();
    insert_reservations(connection, &new).await?;
    update_reservations(connection, &changed).await?;
    movements.sort_by_key(|row| (row.product_id, row.at, row.id));
    insert_movements(connection, &movements).await
}

/// Rows that are new, and rows that are to be changed.
type NewAndChanged<'a, R> = (Vec<Written<'a, R>>, Vec<Written<'a, R>>);

async fn save_products(
    connection: &mut PgConnection,
    (new, changed): NewAndChanged<'_, Product>,
) -> Result<(), sqlx::Error> {
    for (statement, rows) in [(INSERT_PRODUCTS, new), (UPDATE_PRODUCTS, changed)] {
        if rows.is_empty() {
            continue;
        }
        let query = sqlx::query(statement)
            .bind(column(&rows, |new| new.row.id.0))
            .bind(column(&rows, |new| new.row.version.cast_signed()))
            .bind(column(&rows, |new| new.row.name.as_str()))
            .bind(column(&rows, |new| new.row.description.as_str()))
            .bind(column(&rows, |new| decimal(new.row.price)))
            .bind(column(&rows, |new| new.row.price.currency().code()))
            .bind(column(&rows, |new| new.row.is_active))
            .bind(column(&rows, |new| Moment(new.row.updated_at)));
        let query = if statement == INSERT_PRODUCTS {
            query.bind(column(&rows, |new| new.row.sku.as_str())).bind(column(&rows, |new| Moment(new.row.created_at)))
        } else {
            query.bind(column(&rows, |new| new.base.cast_signed()))
        };
        expect_rows(&query.execute(&mut *connection).await?, rows.len(), "products")?;
    }
    Ok(())
}

async fn save_stock(
    connection: &mut PgConnection,
    (new, changed): NewAndChanged<'_, Stock>,
) -> Result<(), sqlx::Error> {
    for (statement, rows) in [(INSERT_STOCK, new), (UPDATE_STOCK, changed)] {
        if rows.is_empty() {
            continue;
        }
        let query = sqlx::query(statement)
            .bind(column(&rows, |new| new.row.product_id.0))
            .bind(column(&rows, |new| new.row.version.cast_signed()))
            .bind(column(&rows, |new| new.row.on_hand.cast_signed()))
            .bind(column(&rows, |new| new.row.reserved.cast_signed()))
            .bind(column(&rows, |new| new.row.committed.cast_signed()));
        let query =
            if statement == UPDATE_STOCK { query.bind(column(&rows, |new| new.base.cast_signed())) } else { query };
        expect_rows(&query.execute(&mut *connection).await?, rows.len(), "stock")?;
    }
    Ok(())
}

fn hold(state: &ReservationState) -> Option<&Hold> {
    match state {
        ReservationState::Held(hold) | ReservationState::Committed(hold) | ReservationState::Released(hold) => {
            Some(hold)
        }
        ReservationState::Refused { .. } | ReservationState::Barred => None,
    }
}

fn refusal(state: &ReservationState) -> Option<(FailureCode, &[Shortage])> {
    match state {
        ReservationState::Refused { user_id: _, reason, shortages } => Some((*reason, shortages)),
        ReservationState::Held(_)
        | ReservationState::Committed(_)
        | ReservationState::Released(_)
        | ReservationState::Barred => None,
    }
}

fn json<T: Serialize + ?Sized>(value: Option<&T>) -> Result<Option<String>, sqlx::Error> {
    value.map(serde_json::to_string).transpose().map_err(|error| sqlx::Error::Encode(Box::new(error)))
}

async fn insert_reservations(
    connection: &mut PgConnection,
    rows: &[Written<'_, Reservation>],
) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let holds = column(rows, |new| hold(&new.row.state));
    let refusals = column(rows, |new| refusal(&new.row.state));
    let lines = holds.iter().map(|hold| json(hold.map(|hold| &hold.lines))).collect::<Result<Vec<_>, _>>()?;
    let shortages =
        refusals.iter().map(|refusal| json(refusal.map(|(_, list)| list))).collect::<Result<Vec<_>, _>>()?;
    let done = sqlx::query(INSERT_RESERVATIONS)
        .bind(column(rows, |new| new.row.order_id.0))
        .bind(column(rows, |new| new.row.state.name()))
        .bind(column(rows, |new| new.row.state.user_id().map(|id| id.0)))
        .bind(column(&holds, |hold| hold.map(|hold| hold.reservation_id.0)))
        .bind(lines)
        .bind(column(&holds, |hold| hold.map(|hold| decimal(hold.total))))
        .bind(column(&holds, |hold| hold.map(|hold| hold.total.currency().code())))
        .bind(column(&holds, |hold| hold.and_then(|hold| hold.payment_method_id).map(|id| id.0)))
        .bind(column(&holds, |hold| hold.map(|hold| Moment(hold.alarm_at))))
        .bind(column(&holds, |hold| hold.map(|hold| hold.correlation.0)))
        .bind(column(&refusals, |refusal| refusal.map(|(reason, _)| reason.as_str())))
        .bind(shortages)
        .bind(column(rows, |new| Moment(new.row.created_at)))
        .bind(column(rows, |new| new.row.version.cast_signed()))
        .execute(connection)
        .await?;
    expect_rows(&done, rows.len(), "reservations")
}

async fn update_reservations(
    connection: &mut PgConnection,
    rows: &[Written<'_, Reservation>],
) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let done = sqlx::query(UPDATE_RESERVATIONS)
        .bind(column(rows, |new| new.row.order_id.0))
        .bind(column(rows, |new| new.row.state.name()))
        .bind(column(rows, |new| hold(&new.row.state).map(|hold| Moment(hold.alarm_at))))
        .bind(column(rows, |new| new.row.version.cast_signed()))
        .bind(column(rows, |new| new.base.cast_signed()))
        .execute(connection)
        .await?;
    expect_rows(&done, rows.len(), "reservations")
}

async fn insert_movements(connection: &mut PgConnection, rows: &[&Movement]) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let done = sqlx::query(INSERT_MOVEMENTS)
        .bind(column(rows, |row| row.product_id.0))
        .bind(column(rows, |row| Moment(row.at)))
        .bind(column(rows, |row| row.id))
        .bind(column(rows, |row| row.kind.name()))
        .bind(column(rows, |row| row.delta))
        .bind(column(rows, |row| printable(&row.reason).into_owned()))
        .bind(column(rows, |row| row.actor.map(|id| id.0)))
        .bind(column(rows, |row| row.kind.order_id().map(|id| id.0)))
        .execute(connection)
        .await?;
    expect_rows(&done, rows.len(), "movements")
}
