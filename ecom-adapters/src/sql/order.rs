//! Orders and catalogue entries as rows.

use std::borrow::Cow;

use ecom_core::decide::HistoryEntry;
use ecom_core::engine::HistoryRow;
use ecom_core::id::ProductId;
use ecom_core::money::Currency;
use ecom_core::order::{CatalogueEntry, Debt, Ended, Item, Metadata, Order, OrderSaga, PaymentStatus};
use ecom_core::quantity::Quantity;
use ecom_core::saga::stored::Unknown;
use ecom_core::saga::{Armed, Attention, Instance, Ledger, Saga, State};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Inconsistent;
use super::fields::Fields;

/// The column `saga`: what of an instance has no column of its own.
#[derive(Serialize, Deserialize)]
struct SagaColumn<'a> {
    state: Cow<'a, State<OrderSaga>>,
    ledger: Cow<'a, Ledger<Debt>>,
    armed: Cow<'a, Option<Armed>>,
}

/// A line: position, id, product, SKU, name, quantity, price, total.
#[derive(Deserialize)]
struct ItemColumn<A>(u8, Uuid, ProductId, String, String, Quantity, A, A);

/// What of an order changes, as columns that are words or JSON.
#[derive(Serialize)]
pub(crate) struct Standing {
    pub(crate) status: &'static str,
    pub(crate) failure: Option<&'static str>,
    pub(crate) payment: &'static str,
    pub(crate) saga: String,
    pub(crate) attention: Option<String>,
    pub(crate) settled: bool,
}

impl Standing {
    /// The standing of an order.
    pub(crate) fn of(order: &Order) -> Result<Self, sqlx::Error> {
        let saga = &order.saga;
        let failure = match &saga.state {
            State::Ended(Ended::Failed { code, .. }) => Some(code.as_str()),
            State::Running(_) | State::Ended(Ended::Completed | Ended::Cancelled { .. }) => None,
        };
        let column = SagaColumn {
            state: Cow::Borrowed(&saga.state),
            ledger: Cow::Borrowed(&saga.ledger),
            armed: Cow::Borrowed(&saga.armed),
        };
        Ok(Self {
            status: order.status().as_str(),
            failure,
            payment: order.payment.as_str(),
            saga: text(&column)?,
            attention: saga.attention.as_ref().map(text).transpose()?,
            settled: saga.is_settled(),
        })
    }
}

fn text<T: Serialize>(value: &T) -> Result<String, sqlx::Error> {
    serde_json::to_string(value).map_err(|error| sqlx::Error::Encode(Box::new(error)))
}

/// An order from its row, its lines under `items`.
pub(crate) fn order<F: Fields>(row: &F) -> Result<Order, sqlx::Error> {
    let currency = row.currency()?;
    let id: Uuid = row.id("id")?;
    let metadata = row.text("metadata")?;
    let metadata = metadata.map(|text| Metadata::parse(text).map_err(|_| Inconsistent::new("metadata", text)));
    Ok(Order {
        id: id.into(),
        user_id: row.id("user_id")?,
        items: items(row, currency)?.into(),
        total: row.sum("total", currency)?,
        payment_method_id: row.id_if_any("payment_method_id")?,
        metadata: metadata.transpose()?,
        correlation_id: row.id("correlation_id")?,
        request_correlation_id: row.string_if_any("request_correlation_id")?,
        payment: row.known("payment_status", PaymentStatus::parse)?,
        saga: instance(row, id)?,
        created_at: row.moment("created_at")?,
        updated_at: row.moment("updated_at")?,
    })
}

fn instance<F: Fields>(row: &F, id: Uuid) -> Result<Instance<OrderSaga>, sqlx::Error> {
    let definition_version: u32 = row.count("saga_definition_version")?;
    if definition_version != OrderSaga::VERSION {
        // A version that this program does not know: written by a later one.
        return Err(Inconsistent::new("saga_definition_version", &definition_version.to_string()).into());
    }
    let saga: SagaColumn<'_> = row.json("saga")?;
    Ok(Instance {
        id,
        definition_version,
        version: row.count("version")?,
        state: saga.state.into_owned(),
        ledger: saga.ledger.into_owned(),
        armed: saga.armed.into_owned(),
        attention: row.json_if_any::<Attention>("attention")?,
        unknown: Unknown::default(),
    })
}

fn items<F: Fields>(row: &F, currency: Currency) -> Result<Vec<Item>, sqlx::Error> {
    let mut columns: Vec<ItemColumn<F::Amount>> = row.json("items")?;
    columns.sort_by_key(|ItemColumn(position, ..)| *position);
    let item = |ItemColumn(_, id, product_id, sku, name, quantity, price, total)| {
        let (unit_price, line_total) = (F::amount(&price, currency)?, F::amount(&total, currency)?);
        Ok(Item { id, product_id, sku, name, quantity, unit_price, line_total })
    };
    columns.into_iter().map(item).collect()
}

/// An entry of the catalogue from its row.
pub(crate) fn catalogue_entry<F: Fields>(row: &F) -> Result<CatalogueEntry, sqlx::Error> {
    Ok(CatalogueEntry {
        product_id: row.id("product_id")?,
        version: row.count("version")?,
        sku: row.string("sku")?,
        name: row.string("name")?,
        price: row.sum("price", row.currency()?)?,
        is_active: row.is("is_active")?,
    })
}

/// A line of an order's history from its row.
pub(crate) fn history<F: Fields>(row: &F) -> Result<HistoryRow, sqlx::Error> {
    Ok(HistoryRow {
        at: row.moment("at")?,
        message_id: row.id("message_id")?,
        causation_id: row.id_if_any("causation_id")?,
        entry: HistoryEntry {
            subject: row.id("subject")?,
            event: row.string("event")?.into(),
            from: row.string("from_state")?.into(),
            to: row.string("to_state")?.into(),
            detail: row.string_if_any("detail")?,
        },
    })
}
