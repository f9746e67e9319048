use ecom_core::event::Service;
use ecom_core::inventory::{Change, InventoryContext, MovementKind, ReservationState, pieces_by_product};

use super::{Broken, Invariant, When};
use crate::world::World;

pub(super) const INVARIANT: Invariant = Invariant {
    name: "stock adds up: reserved is what is held, on hand and sold is what came in",
    when: When::Always,
    of: &[Service::Inventory],
    check,
};

fn check(world: &World) -> Result<(), Broken> {
    let Some(service) = world.service::<InventoryContext>() else { return Ok(()) };
    let rows = service.tables().snapshot();
    for stock in rows.stock.values() {
        let id = stock.product_id;
        let fail = |expected: String, actual: String| Err(Broken::new(format!("product {id}"), expected, actual));
        if stock.reserved > stock.on_hand {
            return fail(format!("reserved up to {}", stock.on_hand), format!("reserved {}", stock.reserved));
        }
        let (mut held, mut sold) = (0, 0);
        for reservation in rows.reservations.values() {
            let pieces = |lines| pieces_by_product(lines).get(&id).copied().unwrap_or(0);
            match &reservation.state {
                ReservationState::Held(hold) => held += pieces(&hold.lines),
                ReservationState::Committed(hold) => sold += pieces(&hold.lines),
                ReservationState::Released(_) | ReservationState::Refused { .. } | ReservationState::Barred => {}
            }
        }
        if (stock.reserved, stock.committed) != (held, sold) {
            let actual = format!("reserved {}, sold {}", stock.reserved, stock.committed);
            return fail(format!("reserved {held}, sold {sold}"), actual);
        }
        let (mut came_in, mut on_hand) = (0, 0);
        for line in service.tables().lines() {
            if let Change::AddMovement(movement) = line
                && movement.product_id == id
            {
                on_hand += movement.delta;
                came_in += match movement.kind {
                    MovementKind::Initial | MovementKind::Adjustment => movement.delta,
                    MovementKind::Commit { .. } => 0,
                };
            }
        }
        if i64::try_from(stock.on_hand) != Ok(on_hand) || i64::try_from(stock.on_hand + stock.committed) != Ok(came_in)
        {
            let actual = format!("on hand {}, sold {}", stock.on_hand, stock.committed);
            return fail(format!("on hand {on_hand} by the log, {came_in} with what is sold"), actual);
        }
    }
    Ok(())
}
