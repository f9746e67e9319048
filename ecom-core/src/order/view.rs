//! Orders over HTTP: the JSON bodies.

use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::model::{Ended, Item, Order, OrderSaga, PaymentStatus, Status};
use crate::engine::HistoryRow;
use crate::event::FailureCode;
use crate::id::{CorrelationId, MessageId, OrderId, ProductId, UserId};
use crate::money::Money;
use crate::quantity::Quantity;
use crate::saga::{Entry, Label, Saga, Standing, State};
use crate::time::Timestamp;

/// An order.
#[derive(Clone, Debug, Serialize)]
pub struct OrderView {
    /// Its id.
    pub id: OrderId,
    /// Who ordered.
    pub user_id: UserId,
    /// `pending`, `processing`, `completed`, `failed` or `cancelled`.
    pub status: Status,
    /// Why it failed; null unless it did.
    pub failure: Option<FailureView>,
    /// What is to be paid.
    pub total_amount: Money,
    /// Its lines.
    pub items: Vec<ItemView>,
    /// Its payment.
    pub payment: PaymentView,
    /// What the caller wanted kept, as it was given; absent when nothing was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Box<RawValue>>,
    /// Shared by everything that the order causes.
    pub correlation_id: CorrelationId,
    /// When it was placed.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Rises with each change.
    pub version: u64,
}

/// Why an order failed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct FailureView {
    /// The stable word.
    pub code: FailureCode,
    /// More about it.
    pub detail: String,
}

/// A line of an order.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct ItemView {
    /// Its id.
    pub id: Uuid,
    /// What was ordered.
    pub product_id: ProductId,
    /// Its stock keeping unit.
    pub sku: String,
    /// Its name.
    pub name: String,
    /// How many pieces.
    pub quantity: Quantity,
    /// The price of one piece.
    pub unit_price: Money,
    /// Price times quantity.
    pub line_total: Money,
}

/// What is known of an order's payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct PaymentView {
    /// `pending`, `processed`, `failed`, `voided`, `refunded` or `partially_refunded`.
    pub status: &'static str,
}

impl From<PaymentStatus> for PaymentView {
    fn from(status: PaymentStatus) -> Self {
        let status = match status {
            // Nothing was charged, or what was authorized was given back: to a buyer that is the same.
            PaymentStatus::NotCharged | PaymentStatus::Voided => PaymentStatus::Voided.as_str(),
            PaymentStatus::Pending
            | PaymentStatus::Failed
            | PaymentStatus::Processed
            | PaymentStatus::PartiallyRefunded
            | PaymentStatus::Refunded => status.as_str(),
        };
        Self { status }
    }
}

impl From<&Item> for ItemView {
    fn from(item: &Item) -> Self {
        Self {
            id: item.id,
            product_id: item.product_id,
            sku: item.sku.clone(),
            name: item.name.clone(),
            quantity: item.quantity,
            unit_price: item.unit_price,
            line_total: item.line_total,
        }
    }
}

impl From<&Order> for OrderView {
    fn from(order: &Order) -> Self {
        let failure = match &order.saga.state {
            State::Ended(Ended::Failed { code, detail }) => Some(FailureView { code: *code, detail: detail.clone() }),
            State::Running(_) | State::Ended(Ended::Completed | Ended::Cancelled { .. }) => None,
        };
        // Metadata was parsed when the order was placed, so it is valid JSON.
        let metadata = order.metadata.as_ref().and_then(|kept| RawValue::from_string(kept.as_str().to_owned()).ok());
        Self {
            id: order.id,
            user_id: order.user_id,
            status: order.status(),
            failure,
            total_amount: order.total,
            items: order.items.iter().map(ItemView::from).collect(),
            payment: order.payment.into(),
            metadata,
            correlation_id: order.correlation_id,
            created_at: order.created_at,
            updated_at: order.updated_at,
            version: order.version(),
        }
    }
}

/// The saga of an order, for operators.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct SagaView {
    /// The order, and the saga.
    pub order_id: OrderId,
    /// The definition's name.
    pub definition: &'static str,
    /// The definition's version.
    pub definition_version: u32,
    /// The order's state.
    pub state: Status,
    /// The order's version.
    pub version: u64,
    /// The timer that it waits on; null when it waits for nothing.
    pub waits_for: Option<String>,
    /// What it is owed, and how that stands.
    pub owed: Vec<DebtView>,
    /// How often what is open was asked for again.
    pub repeats: u32,
    /// Whether an operator must look.
    pub needs_attention: bool,
    /// Why an operator must look; null when nobody must.
    pub attention: Option<String>,
    /// When the order was placed.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Something that an order is owed after its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct DebtView {
    /// `stock_commit`, `stock_release` or `payment_undo`.
    pub debt: &'static str,
    /// `open`, `done`, `nothing` or `written_off`.
    pub standing: Standing,
    /// 1, and one more each time it was opened again.
    pub round: u32,
}

impl From<&Order> for SagaView {
    fn from(order: &Order) -> Self {
        let saga = &order.saga;
        let debt = |debt: &dyn Label, entry: Entry| DebtView {
            debt: debt.label(),
            standing: entry.standing,
            round: entry.round,
        };
        Self {
            order_id: order.id,
            definition: OrderSaga::NAME,
            definition_version: saga.definition_version,
            state: order.status(),
            version: saga.version,
            waits_for: saga.armed.as_ref().map(|armed| armed.kind.clone().into_owned()),
            owed: saga.ledger.iter().map(|(owed, entry)| debt(&owed, entry)).collect(),
            repeats: saga.ledger.repeats(),
            needs_attention: saga.attention.is_some(),
            attention: saga.attention.as_ref().map(ToString::to_string),
            created_at: order.created_at,
            updated_at: order.updated_at,
        }
    }
}

/// What happened to an order, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct TimelineView {
    /// The lines.
    pub items: Vec<TimelineEntryView>,
}

/// One line of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct TimelineEntryView {
    /// When.
    pub at: Timestamp,
    /// What came: an event, a command, a deadline.
    pub event: String,
    /// The state before; null when there was none.
    pub from: Option<String>,
    /// The state after.
    pub to: String,
    /// The message that came.
    pub message_id: MessageId,
    /// What caused it; null when that is not known.
    pub causation_id: Option<MessageId>,
    /// More about it.
    pub detail: Option<String>,
}

impl From<&HistoryRow> for TimelineEntryView {
    fn from(row: &HistoryRow) -> Self {
        Self {
            at: row.at,
            event: row.entry.event.to_string(),
            from: Some(row.entry.from.to_string()).filter(|state| !state.is_empty()),
            to: row.entry.to.to_string(),
            message_id: row.message_id,
            causation_id: row.causation_id,
            detail: row.entry.detail.clone(),
        }
    }
}

impl From<&[HistoryRow]> for TimelineView {
    fn from(rows: &[HistoryRow]) -> Self {
        Self { items: rows.iter().map(TimelineEntryView::from).collect() }
    }
}
