use std::collections::BTreeMap;

use ecom_core::event::Service;
use ecom_core::order::OrderContext;

use super::{Broken, Invariant, When};
use crate::world::World;

pub(super) const INVARIANT: Invariant =
    Invariant { name: "one key makes one order", when: When::Always, of: &[Service::Order], check };

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
