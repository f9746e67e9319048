use std::sync::Arc;

use ecom_core::engine::{Message, Writes};
use ecom_core::event::EventType;
use ecom_core::order::{Change, Ended, Fact, Input, OrderContext, OrderSnapshot, PaymentStatus, Status};
use ecom_core::saga::{Signal, State};

use super::{Mutable, Mutant};

impl Mutable for OrderContext {
    fn mishear(mutant: Mutant, message: &mut Message<Self>, rows: &OrderSnapshot) {
        if let (Mutant::DeadlineUnchecked, Input::Saga { order_id, signal: Signal::Deadline { kind, epoch } }) =
            (mutant, &mut message.input)
            && let Some(armed) = rows.orders.get(order_id).and_then(|order| order.saga.armed.as_ref())
        {
            kind.clone_from(&armed.kind);
            *epoch = armed.epoch;
        }
    }

    fn misread(mutant: Mutant, message: &Message<Self>, rows: &mut OrderSnapshot) {
        match (mutant, &message.input) {
            (Mutant::OldPriceWins, Input::ProductChanged(product)) => {
                rows.catalogue.remove(&product.product_id);
            }
            (
                Mutant::LastPaymentFactWins,
                Input::Saga { order_id, signal: Signal::Input(Fact::PaymentProcessed { .. }) },
            ) => {
                if let Some(order) = rows.orders.get_mut(order_id) {
                    Arc::make_mut(order).payment = PaymentStatus::Pending;
                }
            }
            _ => {}
        }
    }

    fn miswrite(mutant: Mutant, message: &Message<Self>, rows: &OrderSnapshot, writes: &mut Writes<Self>) {
        match mutant {
            Mutant::DeadlineNotSet => writes.timers.retain(|_, timer| timer.is_none()),
            Mutant::DeadlineNotCancelled => writes.timers.retain(|_, timer| timer.is_some()),
            Mutant::CancellationUntold => {
                writes.outbox.retain(|row| row.event.event_type() != EventType::OrderCancelled);
            }
            Mutant::LatePaymentWins => complete_late(message, rows, writes),
            _ => {}
        }
    }
}

fn complete_late(message: &Message<OrderContext>, rows: &OrderSnapshot, writes: &mut Writes<OrderContext>) {
    let Input::Saga { order_id, signal: Signal::Input(Fact::PaymentProcessed { .. }) } = &message.input else { return };
    if rows.orders.get(order_id).is_none_or(|order| order.status() != Status::Cancelled) {
        return;
    }
    for change in &mut writes.changes {
        if let Change::PutOrder(order) = change {
            Arc::make_mut(order).saga.state = State::Ended(Ended::Completed);
        }
    }
    for row in &mut writes.history {
        row.entry.to = Status::Completed.as_str().into();
    }
}
