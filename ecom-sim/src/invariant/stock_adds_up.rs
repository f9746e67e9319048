use ecom_core::event::{Line, Service};
use ecom_core::id::{OrderId, ProductId};
use ecom_core::inventory::{Change, InventoryContext, MovementKind, ReservationState, Stock};

use super::{Broken, Invariant, When};
use crate::world::{Service as Running, World, Written};

pub(super) const INVARIANT: Invariant = Invariant {
    name: "stock adds up: reserved is what is held, on hand and sold is what came in",
    when: When::Always,
    of: &[Service::Inventory],
    near: Some(near),
    check,
};

fn check(world: &World) -> Result<(), Broken> {
    let Some(service) = world.service::<InventoryContext>() else { return Ok(()) };
    service.tables().snapshot().stock.values().try_for_each(|stock| adds_up(service, stock))
}

/// The products that were written, and those of the holds that were.
fn near(world: &World, written: &[Written]) -> Result<(), Broken> {
    let Some(service) = world.service::<InventoryContext>() else { return Ok(()) };
    let rows = service.tables().snapshot();
    let one = |id: &ProductId| rows.stock.get(id).map_or(Ok(()), |stock| adds_up(service, stock));
    for row in written.iter().filter(|row| row.node == Service::Inventory as u8) {
        match row.kind {
            "stock" => one(&ProductId(row.key))?,
            "reservation" => {
                let hold = rows.reservations.get(&OrderId(row.key)).and_then(|it| it.state.hold());
                let lines = hold.map(|hold| hold.lines.as_slice()).unwrap_or_default();
                lines.iter().try_for_each(|line| one(&line.product_id))?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn adds_up(service: &Running<InventoryContext>, stock: &Stock) -> Result<(), Broken> {
    let id = stock.product_id;
    let fail = |expected: String, actual: String| Err(Broken::new(format!("product {id}"), expected, actual));
    if stock.reserved > stock.on_hand {
        return fail(format!("reserved up to {}", stock.on_hand), format!("reserved {}", stock.reserved));
    }
    let (mut held, mut sold) = (0, 0);
    for reservation in service.tables().snapshot().reservations.values() {
        let pieces = |lines: &[Line]| -> u64 {
            lines.iter().filter(|line| line.product_id == id).map(|line| u64::from(line.quantity.get())).sum()
        };
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
    if i64::try_from(stock.on_hand) != Ok(on_hand) || i64::try_from(stock.on_hand + stock.committed) != Ok(came_in) {
        let actual = format!("on hand {}, sold {}", stock.on_hand, stock.committed);
        return fail(format!("on hand {on_hand} by the log, {came_in} with what is sold"), actual);
    }
    Ok(())
}
