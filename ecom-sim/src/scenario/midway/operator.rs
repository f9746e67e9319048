//! An operator, or somebody who changes his wishes, comes when few would expect him.

use ecom_core::inventory::InventoryContext;
use ecom_core::order::{OrderContext, Status};

use super::super::named::{ADA, MUG, eager, shop_with};
use super::super::{Scenario, Wish};
use super::{INVENTORY, PAYMENT, consumes, has_left, has_sent, processes};
use crate::world::{Command, Fleet, World};

pub(super) fn named(name: &str) -> Option<Scenario> {
    let shop = |fleet: &Fleet, prepare, commands: Vec<Command>| {
        shop_with(name, fleet, processes(1), 3, prepare, vec![eager(commands)])
    };
    let (minimal, place) = (Fleet::minimal(), ADA.place(1, vec![(MUG, 1)], None));
    let (resolve, retry) = (|| ADA.resolve(3, 0), || ADA.retry(4, 0));
    match name {
        // Inventory has heard nothing of an order's end for hours, and now somebody must look.
        "overdue-completed" => shop(&minimal, vec![], vec![place, resolve(), retry()]).midway(
            "",
            |world, action| has_sent(world, action, 1) || consumes(action, INVENTORY) && is_held(world),
            needs_attention,
        ),
        "overdue-failed" => shop(&minimal, vec![], vec![place, resolve(), retry()]).midway(
            "",
            |world, action| has_sent(world, action, 1) || consumes(action, INVENTORY),
            needs_attention,
        ),
        "overdue-cancelled" => shop(&minimal, vec![], vec![place, ADA.cancel(2, 0), resolve(), retry()]).midway(
            "",
            |world, action| has_sent(world, action, 2) || consumes(action, INVENTORY),
            needs_attention,
        ),
        // The order waits for its payment, and owes nothing yet.
        "asked-early" => shop(&minimal, vec![], vec![place, resolve(), retry()]).midway(
            "",
            |world, action| has_sent(world, action, 1) || consumes(action, PAYMENT),
            |world| an_order(world, Status::Processing),
        ),
        // He has left, and says once more how he wants to be told.
        "wish-deactivated" => {
            let commands = vec![ADA.leave(2), ADA.wish(3, Wish::Nothing), ADA.wish(4, Wish::Nothing)];
            shop(&Fleet::whole(), vec![ADA.register(7)], commands).midway(
                "",
                |world, action| has_sent(world, action, 1),
                has_left,
            )
        }
        _ => None,
    }
}

fn needs_attention(world: &World) -> bool {
    let orders = world.service::<OrderContext>().map(|order| &order.tables().snapshot().orders);
    orders.is_some_and(|orders| orders.values().any(|order| order.saga.attention.is_some()))
}

fn an_order(world: &World, status: Status) -> bool {
    let orders = world.service::<OrderContext>().map(|order| &order.tables().snapshot().orders);
    orders.is_some_and(|orders| orders.values().any(|order| order.status() == status))
}

/// Whether stock was held for an order, or refused.
fn is_held(world: &World) -> bool {
    world.service::<InventoryContext>().is_some_and(|it| !it.tables().snapshot().reservations.is_empty())
}
