//! Writing what a batch changed.

use std::collections::BTreeMap;

use ecom_core::id::{CorrelationId, OrderId, PaymentMethodId, ProductId, UserId};
use ecom_core::order::{CatalogueEntry, Change, Metadata, Order};
use serde::Serialize;
use uuid::Uuid;

use crate::sql::latest::{Latest, Written};
use crate::sql::order::Standing;
use crate::sqlite::script::Script;

/// Changes orders that are in the version that was decided on.
const UPDATE: &str = "
    UPDATE orders SET status = new.value->>'status', failure_code = new.value->>'failure',
           payment_status = new.value->>'payment', saga = new.value->>'saga', attention = new.value->>'attention',
           settled = new.value->>'settled', updated_at = new.value->>'updated', version = new.value->>'version'
    FROM jsonb_each(?) AS new
    WHERE orders.id = new.value->>'id' AND orders.version = new.value->>'base'";

/// Each statement that looks for rows, with the index that it must use.
#[cfg(test)]
pub(super) const STATEMENTS: &[(&str, &str)] = &[(UPDATE, "SEARCH orders USING PRIMARY KEY (id=?)")];

/// Writes the changes: at most one statement for each of new orders, their lines, changed orders and the catalogue.
pub(super) fn save(script: &mut Script, changes: &[Change]) -> Result<(), sqlx::Error> {
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
    insert_orders(script, &new)?;
    insert_items(script, &new)?;
    update_orders(script, &changed)?;
    put_catalogue(script, &catalogue)
}

/// What of an order never changes.
#[derive(Serialize)]
struct Placed<'a> {
    user_id: UserId,
    total: i64,
    currency: &'static str,
    method: Option<PaymentMethodId>,
    metadata: Option<&'a str>,
    correlation: CorrelationId,
    request: Option<&'a str>,
    created: i64,
    definition: u32,
    #[serde(flatten)]
    changing: Changing,
}

impl<'a> Placed<'a> {
    fn of(written: &Written<'a, Order>) -> Result<Self, sqlx::Error> {
        let order = written.row;
        Ok(Self {
            user_id: order.user_id,
            total: order.total.minor(),
            currency: order.total.currency().code(),
            method: order.payment_method_id,
            metadata: order.metadata.as_ref().map(Metadata::as_str),
            correlation: order.correlation_id,
            request: order.request_correlation_id.as_deref(),
            created: order.created_at.as_micros(),
            definition: order.saga.definition_version,
            changing: Changing::of(written)?,
        })
    }
}

/// What of an order changes.
#[derive(Serialize)]
struct Changing {
    id: OrderId,
    base: u64,
    version: u64,
    updated: i64,
    #[serde(flatten)]
    standing: Standing,
}

impl Changing {
    fn of(written: &Written<'_, Order>) -> Result<Self, sqlx::Error> {
        let order = written.row;
        Ok(Self {
            id: order.id,
            base: written.base,
            version: order.version(),
            updated: order.updated_at.as_micros(),
            standing: Standing::of(order)?,
        })
    }
}

fn insert_orders(script: &mut Script, new: &[Written<'_, Order>]) -> Result<(), sqlx::Error> {
    let rows = new.iter().map(Placed::of).collect::<Result<Vec<_>, _>>()?;
    script.put(
        "orders",
        "INSERT INTO orders (id, user_id, status, failure_code, total_minor, currency, payment_method_id,
                             payment_status, metadata, correlation_id, request_correlation_id,
                             saga_definition_version, saga, attention, settled, created_at, updated_at, version)
         SELECT value->>'id', value->>'user_id', value->>'status', value->>'failure', value->>'total',
                value->>'currency', value->>'method', value->>'payment', value->>'metadata', value->>'correlation',
                value->>'request', value->>'definition', value->>'saga', value->>'attention', value->>'settled',
                value->>'created', value->>'updated', value->>'version'
         FROM jsonb_each(?)",
        &rows,
    )
}

fn insert_items(script: &mut Script, new: &[Written<'_, Order>]) -> Result<(), sqlx::Error> {
    /// Order, product, position, id, SKU, name, quantity, price, total.
    type Row<'a> = (OrderId, ProductId, usize, Uuid, &'a str, &'a str, u32, i64, i64);
    let rows: Vec<Row<'_>> = new
        .iter()
        .flat_map(|written| written.row.items.iter().enumerate().map(|item| (written.row.id, item)))
        .map(|(order_id, (position, item))| {
            let (sku, name) = (item.sku.as_str(), item.name.as_str());
            let (price, total) = (item.unit_price.minor(), item.line_total.minor());
            (order_id, item.product_id, position, item.id, sku, name, item.quantity.get(), price, total)
        })
        .collect();
    script.put(
        "order_items",
        "INSERT INTO order_items (order_id, product_id, position, id, sku, name, quantity, unit_price_minor,
                                  line_total_minor)
         SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6, value->>7, value->>8
         FROM jsonb_each(?)",
        &rows,
    )
}

fn update_orders(script: &mut Script, changed: &[Written<'_, Order>]) -> Result<(), sqlx::Error> {
    let rows = changed.iter().map(Changing::of).collect::<Result<Vec<_>, _>>()?;
    script.put("orders", UPDATE, &rows)
}

fn put_catalogue(script: &mut Script, catalogue: &BTreeMap<ProductId, &CatalogueEntry>) -> Result<(), sqlx::Error> {
    let rows: Vec<_> = catalogue
        .values()
        .map(|entry| {
            let (price, currency) = (entry.price.minor(), entry.price.currency().code());
            (entry.product_id, entry.version, &entry.sku, &entry.name, price, currency, u8::from(entry.is_active))
        })
        .collect();
    script.put(
        "catalogue",
        "INSERT INTO catalogue (product_id, version, sku, name, price_minor, currency, is_active)
         SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6 FROM jsonb_each(?)
         WHERE true
         ON CONFLICT (product_id) DO UPDATE SET version = excluded.version, sku = excluded.sku, name = excluded.name,
                price_minor = excluded.price_minor, currency = excluded.currency, is_active = excluded.is_active
         WHERE catalogue.version < excluded.version",
        &rows,
    )
}
