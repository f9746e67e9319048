//! What an end looks like from outside: no times, no versions, no ids that differ from way to way.

use std::fmt::Write;

use ecom_core::inventory::InventoryContext;
use ecom_core::notification::NotificationContext;
use ecom_core::order::OrderContext;
use ecom_core::payment::{PaymentContext, Record, payment_id};

use crate::world::World;

/// An end in words.
pub fn summary(world: &World) -> String {
    let mut text = String::new();
    if let Some(orders) = world.service::<OrderContext>() {
        let mut lines: Vec<String> = orders
            .tables()
            .snapshot()
            .orders
            .values()
            .map(|order| {
                let name = order.request_correlation_id.clone().unwrap_or_default();
                let (status, paid) = (order.status().as_str(), order.payment.as_str());
                let stock = world
                    .service::<InventoryContext>()
                    .and_then(|it| Some(it.tables().snapshot().reservations.get(&order.id)?.state.name()));
                let payment = world.service::<PaymentContext>().map(|it| {
                    let (taken, returned, _) = it.outside().balance(order.id);
                    let state = match it.tables().snapshot().records.get(&payment_id(order.id)) {
                        Some(Record::Payment(payment)) => payment.state.word(),
                        Some(Record::Barrier(_)) => "barred",
                        None => "none",
                    };
                    format!("{state} {taken}/{returned}")
                });
                format!("{name} {status} {paid} {} {}", stock.unwrap_or("none"), payment.unwrap_or_default())
            })
            .collect();
        lines.sort_unstable();
        text.push_str(&lines.join("; "));
    }
    if let Some(inventory) = world.service::<InventoryContext>() {
        for stock in inventory.tables().snapshot().stock.values() {
            // Writing to a string cannot fail.
            let _ = write!(text, " | {} {} {}", stock.on_hand, stock.reserved, stock.committed);
        }
    }
    if let Some(notices) = world.service::<NotificationContext>() {
        let mut states: Vec<_> =
            notices.tables().snapshot().notices.values().map(|it| (it.template.name(), it.state.status())).collect();
        states.sort_unstable();
        let _ = write!(text, " | {states:?}");
    }
    text
}
