//! What can happen to orders, and what a waiting caller is told.

use std::borrow::Cow;
use std::sync::Arc;

use super::model::{Actor, Metadata, Order};
use crate::event::{EventType, FailureCode, NotificationSettled, ProductChanged, Shortage};
use crate::id::{CorrelationId, OrderId, PaymentMethodId, ProductId, UserId};
use crate::money::Money;
use crate::quantity::Quantity;
use crate::saga::{Label, Signal};

/// Everything that can happen to orders.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// Somebody orders.
    Place(Box<Place>),
    /// Something concerns the saga of an order: a fact, a cancellation, a deadline, an operator.
    Saga {
        /// The order.
        order_id: OrderId,
        /// What came.
        signal: Signal<Fact>,
    },
    /// A product is new or has changed.
    ProductChanged(ProductChanged),
    /// A notice went out or was given up.
    Notice(Notice),
}

impl Input {
    /// A fact about an order.
    pub const fn fact(order_id: OrderId, fact: Fact) -> Self {
        Self::Saga { order_id, signal: Signal::Input(fact) }
    }

    /// Somebody does not want an order any more. The reason may be empty; it has up to [`Order::REASON_MAX`] characters.
    pub fn cancel(order_id: OrderId, by: Actor, reason: impl Into<String>) -> Self {
        Self::fact(order_id, Fact::Cancel { by, reason: reason.into() })
    }

    /// A deadline of an order.
    pub fn deadline(order_id: OrderId, kind: impl Into<Cow<'static, str>>, epoch: u64) -> Self {
        Self::Saga { order_id, signal: Signal::Deadline { kind: kind.into(), epoch } }
    }

    /// An operator lets what an order is owed be asked for again.
    pub fn retry(order_id: OrderId, actor: UserId, reason: &str) -> Self {
        let reason = format!("{}: {reason}", Actor::Admin(actor));
        Self::Saga { order_id, signal: Signal::Retry { reason } }
    }

    /// An operator has looked, and takes what an order is still owed on himself.
    pub fn resolve(order_id: OrderId, actor: UserId, reason: &str) -> Self {
        let reason = format!("{}: {reason}", Actor::Admin(actor));
        Self::Saga { order_id, signal: Signal::Resolve { reason } }
    }
}

/// Somebody orders.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// The new order's id, minted by the caller.
    pub order_id: OrderId,
    /// Who orders.
    pub user_id: UserId,
    /// Shared by everything that the order causes, minted by the caller: also the correlation of this message.
    pub correlation_id: CorrelationId,
    /// The correlation id that the request brought.
    pub request_correlation_id: Option<String>,
    /// What is ordered. Lines of the same product are merged.
    pub items: Vec<PlacedLine>,
    /// How it is to be paid; `None`: the user's default method.
    pub payment_method_id: Option<PaymentMethodId>,
    /// What is to be kept with it.
    pub metadata: Option<Metadata>,
}

/// A line as it is ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PlacedLine {
    /// What.
    pub product_id: ProductId,
    /// How many pieces.
    pub quantity: Quantity,
    /// The price that the buyer saw: refused when it is not the price.
    pub unit_price: Option<Money>,
}

/// What a saga of an order reacts to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Fact {
    /// All lines are held.
    InventoryReserved,
    /// Nothing is held.
    ReservationFailed {
        /// Why.
        reason: FailureCode,
        /// More about it.
        detail: String,
    },
    /// Nothing is held any more.
    InventoryReleased {
        /// Whether anything had been.
        held: bool,
    },
    /// What was held is sold.
    InventoryCommitted,
    /// Something is held, for long, and inventory has not heard of the order's end.
    HoldOverdue,
    /// The payment was captured.
    PaymentProcessed {
        /// What was captured.
        amount: Money,
    },
    /// The payment was refused.
    PaymentFailed {
        /// Why.
        reason: FailureCode,
        /// The provider's words.
        detail: String,
    },
    /// No money was taken, and none will be.
    PaymentVoided {
        /// Whether there was a payment.
        known: bool,
        /// Whether money was authorized and given back.
        authorized: bool,
    },
    /// Money was given back.
    PaymentRefunded {
        /// Whether everything that was captured is now given back.
        full: bool,
        /// Whether the order's end asked for it, and not an administrator.
        undo: bool,
    },
    /// Somebody does not want the order any more.
    Cancel {
        /// Who.
        by: Actor,
        /// Why; may be empty.
        reason: String,
    },
}

impl Label for Fact {
    fn label(&self) -> &'static str {
        match self {
            Self::InventoryReserved => EventType::InventoryReserved.name(),
            Self::ReservationFailed { .. } => EventType::InventoryReservationFailed.name(),
            Self::InventoryReleased { .. } => EventType::InventoryReleased.name(),
            Self::InventoryCommitted => EventType::InventoryCommitted.name(),
            Self::HoldOverdue => EventType::InventoryHoldOverdue.name(),
            Self::PaymentProcessed { .. } => EventType::PaymentProcessed.name(),
            Self::PaymentFailed { .. } => EventType::PaymentFailed.name(),
            Self::PaymentVoided { .. } => EventType::PaymentVoided.name(),
            Self::PaymentRefunded { .. } => EventType::PaymentRefunded.name(),
            Self::Cancel { .. } => "cancel",
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::InventoryReserved | Self::InventoryCommitted | Self::HoldOverdue => None,
            Self::ReservationFailed { reason, detail } | Self::PaymentFailed { reason, detail } => {
                Some(if detail.is_empty() {
                    reason.as_str().to_owned()
                } else {
                    format!("{}: {detail}", reason.as_str())
                })
            }
            Self::InventoryReleased { held } => (!held).then(|| "nothing was held".to_owned()),
            Self::PaymentProcessed { amount } => Some(amount.to_string()),
            Self::PaymentVoided { authorized, .. } => (!authorized).then(|| "nothing was charged".to_owned()),
            Self::PaymentRefunded { full, undo } => {
                let share = if *full { "in full" } else { "in part" };
                Some(format!("{share}, {}", if *undo { "as the order's end asked" } else { "by an administrator" }))
            }
            Self::Cancel { by, reason } => {
                Some(if reason.is_empty() { by.to_string() } else { format!("{by}: {reason}") })
            }
        }
    }
}

/// A notice went out or was given up.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Notice {
    /// The order it is about, if any.
    pub order_id: Option<OrderId>,
    /// Whether it went out.
    pub sent: bool,
    /// Which text, over which channel.
    pub detail: String,
}

impl Notice {
    /// From the event.
    pub(super) fn of(settled: &NotificationSettled, sent: bool) -> Self {
        let detail = format!("{} over {}", settled.template, settled.channel);
        Self { order_id: settled.order_id, sent, detail }
    }
}

/// How many short lines are named; the rest is counted.
const SHORTAGES_NAMED: usize = 3;

/// What was missing, in words.
pub(super) fn shortages(items: &[Shortage]) -> String {
    let mut words: Vec<String> = items
        .iter()
        .take(SHORTAGES_NAMED)
        .map(|short| {
            format!("product {}: {} wanted, {} available", short.product_id, short.requested.get(), short.available)
        })
        .collect();
    if items.len() > SHORTAGES_NAMED {
        words.push(format!("and {} more", items.len() - SHORTAGES_NAMED));
    }
    words.join("; ")
}

/// What the saga tells others: the order's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Announce;

/// What a waiting caller is told.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Reply {
    /// The order is placed.
    Placed(Arc<Order>),
    /// The order is cancelled.
    Cancelled(Arc<Order>),
    /// The operator's command was carried out.
    Administered(Arc<Order>),
}

impl Reply {
    /// The order as it now is.
    pub fn order(&self) -> &Order {
        match self {
            Self::Placed(order) | Self::Cancelled(order) | Self::Administered(order) => order,
        }
    }
}
