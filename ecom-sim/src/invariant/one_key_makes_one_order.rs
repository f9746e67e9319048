use std::collections::BTreeMap;

use ecom_core::event::Service;
use ecom_core::id::OrderId;
use ecom_core::order::OrderContext;

use super::{Broken, Invariant, When};
use crate::world::{World, Written};

pub(super) const INVARIANT: Invariant =
    Invariant { name: "one key makes one order", when: When::Always, of: &[Service::Order], near: Some(near), check };

/// Every request of one key brings the same correlation id.
fn check(world: &World) -> Result<(), Broken> {
    let Some(service) = world.service::<OrderContext>() else { return Ok(()) };
    let mut seen = BTreeMap::new();
    for order in service.tables().snapshot().orders.values() {
        let Some(request) = &order.request_correlation_id else { continue };
        if let Some(other) = seen.insert(request, order.id) {
            return Err(Broken::new(format!("key {request}"), "one order", format!("{other} and {}", order.id)));
        }
    }
    Ok(())
}

/// The orders that were written, beside all others.
fn near(world: &World, written: &[Written]) -> Result<(), Broken> {
    let Some(service) = world.service::<OrderContext>() else { return Ok(()) };
    let orders = &service.tables().snapshot().orders;
    for row in written.iter().filter(|row| row.kind == "order") {
        let Some(order) = orders.get(&OrderId(row.key)) else { continue };
        // What an order was placed with never changes.
        let Some(request) = order.request_correlation_id.as_ref().filter(|_| order.version() == 1) else { continue };
        let same = |it: &&std::sync::Arc<ecom_core::order::Order>| it.request_correlation_id.as_ref() == Some(request);
        if let Some(other) = orders.values().filter(same).find(|it| it.id != order.id) {
            return Err(Broken::new(format!("key {request}"), "one order", format!("{} and {}", other.id, order.id)));
        }
    }
    Ok(())
}
