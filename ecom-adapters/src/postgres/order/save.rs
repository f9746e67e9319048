//! Writing what a batch changed.

use std::collections::BTreeMap;

use ecom_core::id::{OrderId, ProductId};
use ecom_core::order::{CatalogueEntry, Change, Item, Metadata, Order};
use sqlx::PgConnection;

use crate::postgres::fault::expect_rows;
use crate::postgres::rows::{Moment, column, decimal, printable, statements};
use crate::sql::latest::{Latest, Written};
use crate::sql::order::Standing;

statements! {
    INSERT_ORDERS = "
        INSERT INTO orders (id, user_id, status, failure_code, total, currency, payment_method_id, payment_status,
                            metadata, correlation_id, request_correlation_id, saga_definition_version, saga, attention,
                            settled, created_at, updated_at, version)
        SELECT id, user_id, status, failure_code, total, currency, payment_method_id, payment_status, metadata::JSON,
               correlation_id, request_correlation_id, saga_definition_version, saga::JSON, attention::JSON, settled,
               created_at, updated_at, version
        FROM unnest($1::UUID[], $2::UUID[], $3::TEXT[], $4::TEXT[], $5::NUMERIC[], $6::TEXT[], $7::UUID[], $8::TEXT[],
                    $9::TEXT[], $10::UUID[], $11::TEXT[], $12::BIGINT[], $13::TEXT[], $14::TEXT[], $15::BOOLEAN[],
                    $16::TIMESTAMPTZ[], $17::TIMESTAMPTZ[], $18::BIGINT[])
            AS new (id, user_id, status, failure_code, total, currency, payment_method_id, payment_status, metadata,
                    correlation_id, request_correlation_id, saga_definition_version, saga, attention, settled,
                    created_at, updated_at, version)";
    INSERT_ITEMS = "
        INSERT INTO order_items (order_id, product_id, position, id, sku, name, quantity, unit_price, line_total)
        SELECT order_id, product_id, position, id, sku, name, quantity, unit_price, line_total
        FROM unnest($1::UUID[], $2::UUID[], $3::BIGINT[], $4::UUID[], $5::TEXT[], $6::TEXT[], $7::BIGINT[],
                    $8::NUMERIC[], $9::NUMERIC[])
            AS new (order_id, product_id, position, id, sku, name, quantity, unit_price, line_total)";
    /// Changes orders that are in the version that was decided on.
    UPDATE_ORDERS = "
        UPDATE orders SET status = new.status, failure_code = new.failure_code, payment_status = new.payment_status,
               saga = new.saga::JSON, attention = new.attention::JSON, settled = new.settled,
               updated_at = new.updated_at, version = new.version
        FROM unnest($1::UUID[], $2::BIGINT[], $3::BIGINT[], $4::TEXT[], $5::TEXT[], $6::TEXT[], $7::TEXT[],
                    $8::TEXT[], $9::BOOLEAN[], $10::TIMESTAMPTZ[])
            AS new (id, base, version, status, failure_code, payment_status, saga, attention, settled, updated_at)
        WHERE orders.id = new.id AND orders.version = new.base";
    PUT_CATALOGUE = "
        INSERT INTO catalogue (product_id, version, sku, name, price, currency, is_active)
        SELECT product_id, version, sku, name, price, currency, is_active
        FROM unnest($1::UUID[], $2::BIGINT[], $3::TEXT[], $4::TEXT[], $5::NUMERIC[], $6::TEXT[], $7::BOOLEAN[])
            AS new (product_id, version, sku, name, price, currency, is_active)
        ON CONFLICT (product_id) DO UPDATE SET version = excluded.version, sku = excluded.sku, name = excluded.name,
               price = excluded.price, currency = excluded.currency, is_active = excluded.is_active
        WHERE catalogue.version < excluded.version";
}

/// Writes the changes: at most one statement for each of new orders, their lines, changed orders and the catalogue.
pub(super) async fn changes(connection: &mut PgConnection, changes: &[Change]) -> Result<(), sqlx::Error> {
    let mut orders = Latest::new();
    let mut catalogue: BTreeMap<ProductId, &CatalogueEntry> = BTreeMap::new();
    for change in changes {
        match change {
            Change::PutOrder(order) => orders.put(order.id, order.version(), &**order),
            Change::PutCatalogueEntry(entry) => {
                catalogue.insert(entry.product_id, entry);
            }
        }
    }
    let (new, changed) = orders.split();
    insert_orders(connection, &standing(&new)?).await?;
    insert_items(connection, &new).await?;
    update_orders(connection, &standing(&changed)?).await?;
    put_catalogue(connection, &catalogue.into_values().collect::<Vec<_>>()).await
}

struct Row<'a> {
    base: u64,
    order: &'a Order,
    standing: Standing,
}

fn standing<'a>(written: &[Written<'a, Order>]) -> Result<Vec<Row<'a>>, sqlx::Error> {
    let row =
        |Written { base, row }: &Written<'a, Order>| Ok(Row { base: *base, order: row, standing: Standing::of(row)? });
    written.iter().map(row).collect()
}

async fn insert_orders(connection: &mut PgConnection, rows: &[Row<'_>]) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let done = sqlx::query(INSERT_ORDERS)
        .bind(column(rows, |row| row.order.id.0))
        .bind(column(rows, |row| row.order.user_id.0))
        .bind(column(rows, |row| row.standing.status))
        .bind(column(rows, |row| row.standing.failure))
        .bind(column(rows, |row| decimal(row.order.total)))
        .bind(column(rows, |row| row.order.total.currency().code()))
        .bind(column(rows, |row| row.order.payment_method_id.map(|id| id.0)))
        .bind(column(rows, |row| row.standing.payment))
        .bind(column(rows, |row| row.order.metadata.as_ref().map(Metadata::as_str)))
        .bind(column(rows, |row| row.order.correlation_id.0))
        .bind(column(rows, |row| row.order.request_correlation_id.as_deref().map(|id| printable(id).into_owned())))
        .bind(column(rows, |row| i64::from(row.order.saga.definition_version)))
        .bind(column(rows, |row| row.standing.saga.as_str()))
        .bind(column(rows, |row| row.standing.attention.as_deref()))
        .bind(column(rows, |row| row.standing.settled))
        .bind(column(rows, |row| Moment(row.order.created_at)))
        .bind(column(rows, |row| Moment(row.order.updated_at)))
        .bind(column(rows, |row| row.order.version().cast_signed()))
        .execute(connection)
        .await?;
    expect_rows(&done, rows.len(), "orders")
}

async fn insert_items(connection: &mut PgConnection, new: &[Written<'_, Order>]) -> Result<(), sqlx::Error> {
    let of = |order: &Order| order.id;
    let rows: Vec<(OrderId, usize, &Item)> = new
        .iter()
        .flat_map(|written| {
            written.row.items.iter().enumerate().map(|(position, item)| (of(written.row), position, item))
        })
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    let done = sqlx::query(INSERT_ITEMS)
        .bind(column(&rows, |(order, ..)| order.0))
        .bind(column(&rows, |(.., item)| item.product_id.0))
        .bind(column(&rows, |(_, position, _)| *position as i64))
        .bind(column(&rows, |(.., item)| item.id))
        .bind(column(&rows, |(.., item)| item.sku.as_str()))
        .bind(column(&rows, |(.., item)| item.name.as_str()))
        .bind(column(&rows, |(.., item)| i64::from(item.quantity.get())))
        .bind(column(&rows, |(.., item)| decimal(item.unit_price)))
        .bind(column(&rows, |(.., item)| decimal(item.line_total)))
        .execute(connection)
        .await?;
    expect_rows(&done, rows.len(), "order_items")
}

async fn update_orders(connection: &mut PgConnection, rows: &[Row<'_>]) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let done = sqlx::query(UPDATE_ORDERS)
        .bind(column(rows, |row| row.order.id.0))
        .bind(column(rows, |row| row.base.cast_signed()))
        .bind(column(rows, |row| row.order.version().cast_signed()))
        .bind(column(rows, |row| row.standing.status))
        .bind(column(rows, |row| row.standing.failure))
        .bind(column(rows, |row| row.standing.payment))
        .bind(column(rows, |row| row.standing.saga.as_str()))
        .bind(column(rows, |row| row.standing.attention.as_deref()))
        .bind(column(rows, |row| row.standing.settled))
        .bind(column(rows, |row| Moment(row.order.updated_at)))
        .execute(connection)
        .await?;
    expect_rows(&done, rows.len(), "orders")
}

async fn put_catalogue(connection: &mut PgConnection, rows: &[&CatalogueEntry]) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let done = sqlx::query(PUT_CATALOGUE)
        .bind(column(rows, |row| row.product_id.0))
        .bind(column(rows, |row| row.version.cast_signed()))
        .bind(column(rows, |row| row.sku.as_str()))
        .bind(column(rows, |row| row.name.as_str()))
        .bind(column(rows, |row| decimal(row.price)))
        .bind(column(rows, |row| row.price.currency().code()))
        .bind(column(rows, |row| row.is_active))
        .execute(connection)
        .await?;
    expect_rows(&done, rows.len(), "catalogue")
}
