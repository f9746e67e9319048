use ecom_core::id::OrderId;
use ecom_core::order::{OrderContext, Status};

use super::{Broken, Invariant, When};
use crate::world::{Answered, World};

pub(super) const INVARIANT: Invariant = Invariant {
    name: "what a client was told holds: a placed order is there, a cancelled one stays cancelled",
    when: When::AtRest,
    of: &[],
    near: None,
    check,
};

fn check(world: &World) -> Result<(), Broken> {
    let Some(service) = world.service::<OrderContext>() else { return Ok(()) };
    let orders = &service.tables().snapshot().orders;
    for client in world.clients() {
        for (command, reply) in client.commands().iter().zip(client.replies()) {
            let Answered::Done { status, resource, .. } = reply.answered else { continue };
            if command.node != ecom_core::event::Service::Order as u8 {
                continue;
            }
            let state = orders.get(&OrderId(resource)).map(|order| order.status());
            let right = match (status, state) {
                (_, None) => false,
                (202, Some(state)) => state == Status::Cancelled,
                (_, Some(_)) => true,
            };
            if !right {
                let actual = state.map_or("it is not there".to_owned(), |state| format!("it is {}", state.as_str()));
                let expected = if status == 202 { "cancelled, as was answered" } else { "there, as was answered" };
                return Err(Broken::new(format!("order {resource}"), expected, actual));
            }
        }
    }
    Ok(())
}
