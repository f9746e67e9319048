use ecom_core::order::OrderContext;

use super::{Broken, Invariant, When};
use crate::world::World;

pub(super) const INVARIANT: Invariant = Invariant {
    name: "when faults stop, every order ends, everything owed is answered and nothing is left",
    when: When::AtRest,
    of: &[],
    near: None,
    check,
};

fn check(world: &World) -> Result<(), Broken> {
    if let Some(service) = world.service::<OrderContext>() {
        for order in service.tables().snapshot().orders.values() {
            if !order.saga.is_settled() || order.saga.attention.is_some() {
                let attention = order.saga.attention.as_ref().map(ToString::to_string).unwrap_or_default();
                let debts: Vec<_> =
                    order.saga.ledger.iter().map(|(debt, it)| format!("{debt:?} is {:?}", it.standing)).collect();
                let actual = format!("{}, {} {attention}", order.status().as_str(), debts.join(", "));
                return Err(Broken::new(format!("order {}", order.id), "ended and settled", actual));
            }
        }
    }
    for node in world.nodes() {
        if let Some(left) = node.residue().first() {
            return Err(Broken::new("the services", "nothing left to do", left.clone()));
        }
    }
    if world.broker().depth() > 0 {
        return Err(Broken::new("the broker", "empty queues", format!("{} messages", world.broker().depth())));
    }
    let waiting = world.clients().iter().filter(|client| !client.is_done()).count();
    if waiting > 0 {
        return Err(Broken::new("the clients", "an answer for each", format!("{waiting} without one")));
    }
    Ok(())
}
