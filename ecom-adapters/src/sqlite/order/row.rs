//! Rows as values.

use std::borrow::Cow;

use ecom_core::id::ProductId;
use ecom_core::money::{Currency, Money};
use ecom_core::order::{CatalogueEntry, Debt, Item, Metadata, Order, OrderSaga, PaymentStatus};
use ecom_core::quantity::Quantity;
use ecom_core::saga::{Armed, Attention, Instance, Ledger, Saga, State};
use ecom_core::time::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use crate::sqlite::latest::count;
use crate::sqlite::rows::{Inconsistent, column, parse};

/// A query for whole orders: one row each, its lines as JSON, so that there is one round trip.
macro_rules! orders {
    ($rest:literal) => {
        concat!(
            "SELECT o.id, o.user_id, o.total_minor, o.currency, o.payment_method_id, o.payment_status, o.metadata,
                    o.correlation_id, o.request_correlation_id, o.saga_definition_version, o.saga, o.attention,
                    o.created_at, o.updated_at, o.version,
                    (SELECT json_group_array(json_array(i.position, i.id, i.product_id, i.sku, i.name, i.quantity,
                                                        i.unit_price_minor, i.line_total_minor))
                     FROM order_items AS i WHERE i.order_id = o.id) AS items
             FROM orders AS o ",
            $rest
        )
    };
}

/// A query for entries of the catalogue.
macro_rules! catalogue {
    ($rest:literal) => {
        concat!("SELECT product_id, version, sku, name, price_minor, currency, is_active FROM catalogue ", $rest)
    };
}

pub(super) use {catalogue, orders};

/// The column `saga`: what of an instance has no column of its own.
#[derive(Serialize, Deserialize)]
pub(super) struct SagaColumn<'a> {
    pub(super) state: Cow<'a, State<OrderSaga>>,
    pub(super) ledger: Cow<'a, Ledger<Debt>>,
    pub(super) armed: Cow<'a, Option<Armed>>,
}

/// A line: position, id, product, SKU, name, quantity, price, total.
#[derive(Deserialize)]
struct ItemColumn(u8, Uuid, ProductId, String, String, Quantity, i64, i64);

/// An order from its row.
pub(super) fn order(row: &SqliteRow) -> Result<Order, sqlx::Error> {
    let currency = currency(row)?;
    let id: Uuid = parse(row, "id")?;
    let payment: String = column(row, "payment_status")?;
    let metadata = column::<Option<String>>(row, "metadata")?.map(|text| {
        Metadata::parse(&text).map_err(|_| Inconsistent { column: "metadata", value: text.chars().take(80).collect() })
    });
    Ok(Order {
        id: id.into(),
        user_id: parse(row, "user_id")?,
        items: items(row, currency)?,
        total: Money::new(column(row, "total_minor")?, currency),
        payment_method_id: column::<Option<String>>(row, "payment_method_id")?
            .map(|_| parse(row, "payment_method_id"))
            .transpose()?,
        metadata: metadata.transpose()?,
        correlation_id: parse(row, "correlation_id")?,
        request_correlation_id: column(row, "request_correlation_id")?,
        payment: PaymentStatus::parse(&payment)
            .ok_or(Inconsistent { column: "payment_status", value: payment.clone() })?,
        saga: instance(row, id)?,
        created_at: Timestamp::from_micros(column(row, "created_at")?),
        updated_at: Timestamp::from_micros(column(row, "updated_at")?),
    })
}

fn instance(row: &SqliteRow, id: Uuid) -> Result<Instance<OrderSaga>, sqlx::Error> {
    let definition_version: u32 = column(row, "saga_definition_version")?;
    if definition_version != OrderSaga::VERSION {
        // A version that this program does not know: written by a later one.
        return Err(Inconsistent { column: "saga_definition_version", value: definition_version.to_string() }.into());
    }
    let saga: SagaColumn<'_> = json(row, "saga")?;
    Ok(Instance {
        id,
        definition_version,
        version: count(column(row, "version")?, "version")?,
        state: saga.state.into_owned(),
        ledger: saga.ledger.into_owned(),
        armed: saga.armed.into_owned(),
        attention: column::<Option<String>>(row, "attention")?
            .map(|_| json::<Attention>(row, "attention"))
            .transpose()?,
    })
}

fn items(row: &SqliteRow, currency: Currency) -> Result<Vec<Item>, sqlx::Error> {
    let mut columns: Vec<ItemColumn> = json(row, "items")?;
    columns.sort_by_key(|ItemColumn(position, ..)| *position);
    let item = |ItemColumn(_, id, product_id, sku, name, quantity, price, total)| Item {
        id,
        product_id,
        sku,
        name,
        quantity,
        unit_price: Money::new(price, currency),
        line_total: Money::new(total, currency),
    };
    Ok(columns.into_iter().map(item).collect())
}

/// An entry of the catalogue from its row.
pub(super) fn catalogue_entry(row: &SqliteRow) -> Result<CatalogueEntry, sqlx::Error> {
    Ok(CatalogueEntry {
        product_id: parse(row, "product_id")?,
        version: count(column(row, "version")?, "version")?,
        sku: column(row, "sku")?,
        name: column(row, "name")?,
        price: Money::new(column(row, "price_minor")?, currency(row)?),
        is_active: column(row, "is_active")?,
    })
}

fn currency(row: &SqliteRow) -> Result<Currency, sqlx::Error> {
    let code: String = column(row, "currency")?;
    Currency::from_code(&code).ok_or_else(|| Inconsistent { column: "currency", value: code }.into())
}

fn json<T: DeserializeOwned>(row: &SqliteRow, name: &'static str) -> Result<T, sqlx::Error> {
    let text: &str = column(row, name)?;
    serde_json::from_str(text).map_err(|_| Inconsistent { column: name, value: text.chars().take(80).collect() }.into())
}
