use ecom_core::engine::{Message, Writes};
use ecom_core::event::{Event, InventoryReserved, OrderCreated};
use ecom_core::id::OrderId;
use ecom_core::inventory::{
    Change, Input, InventoryContext, InventorySnapshot, MovementKind, ReservationState, reservation_id,
};

use super::{Mutable, Mutant, retell};

impl Mutable for InventoryContext {
    fn misread(mutant: Mutant, message: &Message<Self>, rows: &mut InventorySnapshot) {
        match (mutant, &message.input) {
            (Mutant::ReleaseUnchecked, Input::OrderFailed(event)) => still_held(rows, event.order_id),
            (Mutant::ReleaseUnchecked, Input::OrderCancelled(event)) => still_held(rows, event.order_id),
            (Mutant::SoldTwice, Input::OrderCompleted(event)) => still_held(rows, event.order_id),
            (Mutant::HoldsNotCounted, Input::OrderCreated(order)) => {
                for line in &order.items {
                    rows.stock.entry(line.product_id).and_modify(|stock| stock.reserved = 0);
                }
            }
            (Mutant::AdjustIgnoresHolds, Input::AdjustStock(adjust)) => {
                rows.stock.entry(adjust.product_id).and_modify(|stock| stock.reserved = 0);
            }
            _ => {}
        }
    }

    fn miswrite(mutant: Mutant, message: &Message<Self>, _rows: &InventorySnapshot, writes: &mut Writes<Self>) {
        let is_stock = |change: &Change| matches!(change, Change::PutStock(_));
        match (mutant, &message.input) {
            (Mutant::ReleaseKeepsPieces, Input::OrderFailed(_) | Input::OrderCancelled(_)) => {
                writes.changes.retain(|change| !is_stock(change));
            }
            (Mutant::HalfReserved, Input::OrderCreated(_)) => {
                if writes.changes.iter().filter(|change| is_stock(change)).count() > 1
                    && let Some(last) = writes.changes.iter().rposition(is_stock)
                {
                    writes.changes.remove(last);
                }
            }
            (Mutant::AdjustKeyNotKept, Input::AdjustStock(_)) => writes.kept.clear(),
            (Mutant::VersionKept, Input::AdjustStock(_)) => {
                for change in &mut writes.changes {
                    if let Change::PutStock(stock) = change {
                        stock.version -= 1;
                    }
                }
            }
            (Mutant::SaleNotLogged, Input::OrderCompleted(_)) => {
                let sale = |change: &Change| match change {
                    Change::AddMovement(movement) => matches!(movement.kind, MovementKind::Commit { .. }),
                    _ => false,
                };
                writes.changes.retain(|change| !sale(change));
            }
            (Mutant::ToldHeld, Input::OrderCreated(order)) => retell(writes, |event| match event {
                Event::InventoryReservationFailed(_) => Some(reserved(order)),
                _ => None,
            }),
            _ => {}
        }
    }
}

/// What is let go or sold looks held.
fn still_held(rows: &mut InventorySnapshot, order: OrderId) {
    if let Some(reservation) = rows.reservations.get_mut(&order)
        && let Some(hold) = reservation.state.hold()
    {
        reservation.state = ReservationState::Held(hold.clone());
    }
}

fn reserved(order: &OrderCreated) -> Event {
    Event::InventoryReserved(InventoryReserved {
        order_id: order.order_id,
        reservation_id: reservation_id(order.order_id),
        items: order.items.clone(),
        total_amount: order.total_amount,
        user_id: order.user_id,
        payment_method_id: order.payment_method_id,
    })
}
