//! What happens to an order that is placed.

use std::sync::Arc;

use crate::decide::{Because, Context, Decision, HistoryEntry, Move};
use crate::event::{Event, FailureCode, OrderCancelled, OrderCompleted, OrderFailed};
use crate::id::OrderId;
use crate::order::error::Rejection;
use crate::order::message::{Fact, Reply};
use crate::order::model::{Actor, Ended, Order, OrderSaga, PaymentStatus};
use crate::order::store::{Change, OrderContext};
use crate::saga::{Advance, Handled, Label, Signal, State};

/// The version that an end announces which the order service gave to an order it does not know: below every real one.
const NO_VERSION: u64 = 0;

/// A signal for an order that is there.
pub(super) fn known(
    order: &Arc<Order>,
    signal: &Signal<Fact>,
    context: &Context<'_>,
) -> Result<Decision<OrderContext>, Rejection> {
    check(order, signal)?;
    let payment = payment_after(order.payment, signal);
    match order.saga.handle(signal, context).map_err(|refused| Rejection::of(refused, order.id))? {
        Handled::Advanced(advance) => Ok(commit(order, payment, *advance, signal, context)),
        Handled::Stayed(because) => match signal {
            // The saga knew enough, but of the payment something is new.
            Signal::Input(fact) if payment != order.payment => {
                Ok(commit(order, payment, order.saga.touch(fact.label(), fact.detail()), signal, context))
            }
            Signal::Input(_) | Signal::Deadline { .. } | Signal::Retry { .. } | Signal::Resolve { .. } => {
                Ok(Decision::Stay { because, reply: reply(signal, order) })
            }
        },
    }
}

/// A signal for an order that is not there.
pub(super) fn unknown(order_id: OrderId, signal: &Signal<Fact>) -> Result<Decision<OrderContext>, Rejection> {
    match signal {
        Signal::Input(Fact::HoldOverdue) => Ok(disown(order_id)),
        Signal::Input(Fact::Cancel { .. }) | Signal::Retry { .. } | Signal::Resolve { .. } => {
            Err(Rejection::OrderNotFound(order_id))
        }
        Signal::Deadline { .. } => Ok(Decision::stay(Because::StaleTimer)),
        Signal::Input(
            Fact::InventoryReserved
            | Fact::ReservationFailed { .. }
            | Fact::InventoryReleased { .. }
            | Fact::InventoryCommitted
            | Fact::PaymentProcessed { .. }
            | Fact::PaymentFailed { .. }
            | Fact::PaymentVoided { .. }
            | Fact::PaymentRefunded { .. },
        ) => Err(Rejection::UnknownOrder(order_id)),
    }
}

/// Somebody holds stock for an order that never was: lets it go.
fn disown(order_id: OrderId) -> Decision<OrderContext> {
    let event = OrderFailed {
        order_id,
        user_id: None,
        reason: FailureCode::UnknownOrder,
        detail: "the order service does not know this order".to_owned(),
    };
    let entry = HistoryEntry {
        subject: order_id.0,
        event: Fact::HoldOverdue.label().into(),
        from: "".into(),
        to: FailureCode::UnknownOrder.as_str().into(),
        detail: None,
    };
    Move::default().emit(order_id.0, NO_VERSION, Event::OrderFailed(event)).note(entry).done()
}

/// What the saga cannot check, because it knows no owner and no total.
fn check(order: &Order, signal: &Signal<Fact>) -> Result<(), Rejection> {
    let Signal::Input(fact) = signal else { return Ok(()) };
    match fact {
        // Another user's order is not there.
        Fact::Cancel { by: Actor::User(user_id), .. } if *user_id != order.user_id => {
            Err(Rejection::OrderNotFound(order.id))
        }
        Fact::Cancel { reason, .. } if reason.chars().count() > Order::REASON_MAX => Err(Rejection::ReasonTooLong),
        Fact::PaymentProcessed { amount } if *amount != order.total => {
            Err(Rejection::AmountMismatch { order_id: order.id, total: order.total, captured: *amount })
        }
        Fact::Cancel { .. }
        | Fact::PaymentProcessed { .. }
        | Fact::InventoryReserved
        | Fact::ReservationFailed { .. }
        | Fact::InventoryReleased { .. }
        | Fact::InventoryCommitted
        | Fact::HoldOverdue
        | Fact::PaymentFailed { .. }
        | Fact::PaymentVoided { .. }
        | Fact::PaymentRefunded { .. } => Ok(()),
    }
}

/// The greatest of what is known: facts about a payment may come in any order.
fn payment_after(known: PaymentStatus, signal: &Signal<Fact>) -> PaymentStatus {
    let Signal::Input(fact) = signal else { return known };
    known.max(match fact {
        Fact::PaymentProcessed { .. } => PaymentStatus::Processed,
        Fact::PaymentFailed { .. } => PaymentStatus::Failed,
        Fact::PaymentVoided { authorized: true, .. } => PaymentStatus::Voided,
        Fact::PaymentVoided { authorized: false, .. } => PaymentStatus::NotCharged,
        Fact::PaymentRefunded { full: true, .. } => PaymentStatus::Refunded,
        Fact::PaymentRefunded { full: false, .. } => PaymentStatus::PartiallyRefunded,
        Fact::InventoryReserved
        | Fact::ReservationFailed { .. }
        | Fact::InventoryReleased { .. }
        | Fact::InventoryCommitted
        | Fact::HoldOverdue
        | Fact::Cancel { .. } => known,
    })
}

fn commit(
    order: &Order,
    payment: PaymentStatus,
    advance: Advance<OrderSaga>,
    signal: &Signal<Fact>,
    context: &Context<'_>,
) -> Decision<OrderContext> {
    let Advance { instance, outputs, deadlines, history } = advance;
    let next = Arc::new(Order { payment, saga: instance, updated_at: context.now, ..order.clone() });
    let mut step = Move::default().correlated(order.correlation_id).note(history);
    step.deadlines = deadlines;
    // Each output announces the end, and only an order that has ended has outputs.
    if let (false, State::Ended(end)) = (outputs.is_empty(), &next.saga.state) {
        step = step.emit(next.id.0, next.version(), announcement(&next, end));
    }
    step.reply = reply(signal, &next);
    step.change(Change::PutOrder(next)).done()
}

/// The event that tells of an order's end.
fn announcement(order: &Order, end: &Ended) -> Event {
    let (order_id, user_id) = (order.id, order.user_id);
    match end {
        Ended::Completed => {
            Event::OrderCompleted(OrderCompleted { order_id, user_id, total_amount: order.total, items: order.lines() })
        }
        Ended::Failed { code, detail } => {
            Event::OrderFailed(OrderFailed { order_id, user_id: Some(user_id), reason: *code, detail: detail.clone() })
        }
        Ended::Cancelled { by, reason } => {
            let unsaid = match by {
                Actor::User(_) => "cancelled by the user",
                Actor::Admin(_) => "cancelled by an administrator",
            };
            let reason = if reason.is_empty() { unsaid } else { reason }.to_owned();
            Event::OrderCancelled(OrderCancelled { order_id, user_id, reason })
        }
    }
}

/// Whoever commands waits for an answer.
fn reply(signal: &Signal<Fact>, order: &Arc<Order>) -> Option<Reply> {
    match signal {
        Signal::Input(Fact::Cancel { .. }) => Some(Reply::Cancelled(Arc::clone(order))),
        Signal::Retry { .. } | Signal::Resolve { .. } => Some(Reply::Administered(Arc::clone(order))),
        Signal::Deadline { .. }
        | Signal::Input(
            Fact::InventoryReserved
            | Fact::ReservationFailed { .. }
            | Fact::InventoryReleased { .. }
            | Fact::InventoryCommitted
            | Fact::HoldOverdue
            | Fact::PaymentProcessed { .. }
            | Fact::PaymentFailed { .. }
            | Fact::PaymentVoided { .. }
            | Fact::PaymentRefunded { .. },
        ) => None,
    }
}
