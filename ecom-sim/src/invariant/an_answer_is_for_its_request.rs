use std::collections::BTreeMap;

use ecom_core::id::OrderId;
use ecom_core::order::OrderContext;

use super::{Broken, Invariant, When};
use crate::world::{Answered, World};

pub(super) const INVARIANT: Invariant = Invariant {
    name: "a client is answered for its own request, and never with what another asked for",
    when: When::AtRest,
    of: &[],
    near: None,
    check,
};

fn check(world: &World) -> Result<(), Broken> {
    let Some(service) = world.service::<OrderContext>() else { return Ok(()) };
    let orders = &service.tables().snapshot().orders;
    let mut asked = BTreeMap::new();
    for client in world.clients() {
        for (command, reply) in client.commands().iter().zip(client.replies()) {
            let (Some(request), Answered::Done { resource, .. }) = (&command.request, reply.answered) else { continue };
            let subject = format!("order {resource}");
            let owner = orders.get(&OrderId(resource)).map(|order| order.user_id);
            if owner.is_some_and(|owner| owner != request.user) {
                return Err(Broken::new(subject, format!("an order of {}", request.user), "another user's order"));
            }
            let first = asked.insert(resource, request);
            if let Some(first) = first.filter(|first| *first != request) {
                return Err(Broken::new(subject, first.asks.clone(), format!("answered for {}", request.asks)));
            }
        }
    }
    Ok(())
}
