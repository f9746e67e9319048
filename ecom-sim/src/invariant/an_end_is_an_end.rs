use std::collections::BTreeMap;

use ecom_core::event::Service;
use ecom_core::order::{OrderContext, OrderSaga, Status};
use ecom_core::saga::Saga;

use super::{Broken, Invariant, When};
use crate::world::World;

pub(super) const INVARIANT: Invariant = Invariant {
    name: "an order goes the ways of its saga, and an end is an end",
    when: When::Always,
    of: &[Service::Order],
    check,
};

/// By the history, which is also shown to be without gaps.
fn check(world: &World) -> Result<(), Broken> {
    let Some(service) = world.service::<OrderContext>() else { return Ok(()) };
    let orders = &service.tables().snapshot().orders;
    let mut states: BTreeMap<_, &str> = BTreeMap::new();
    for row in service.tables().history() {
        let (from, to) = (row.entry.from.as_str(), row.entry.to.as_str());
        let known = states.insert(row.entry.subject, to).unwrap_or("");
        let declared =
            OrderSaga::TRANSITIONS.iter().any(|it| it.from == from && it.to == to && it.input == row.entry.event);
        if known != from || (from != to && !declared && !from.is_empty()) {
            let actual = format!("{known}, then {} from {from} to {to}", row.entry.event);
            return Err(Broken::new(format!("order {}", row.entry.subject), "a way of the saga", actual));
        }
    }
    for order in orders.values() {
        let status = order.status();
        let told = states.get(&order.id.0).copied().unwrap_or("");
        if Status::parse(told) != Some(status) {
            let actual = format!("the order is {}, its history says {told:?}", status.as_str());
            return Err(Broken::new(format!("order {}", order.id), "a history that leads to the state", actual));
        }
    }
    Ok(())
}
