use ecom_core::inventory::{InventoryContext, ReservationState};
use ecom_core::order::{OrderContext, Status};
use ecom_core::payment::PaymentContext;

use super::{Broken, Invariant, When, money};
use crate::world::World;

pub(super) const INVARIANT: Invariant = Invariant {
    name: "an order that failed or was cancelled keeps no money and no stock",
    when: When::AtRest,
    of: &[],
    near: None,
    check,
};

fn check(world: &World) -> Result<(), Broken> {
    let Some(orders) = world.service::<OrderContext>() else { return Ok(()) };
    for order in orders.tables().snapshot().orders.values() {
        if !matches!(order.status(), Status::Failed | Status::Cancelled) {
            continue;
        }
        let (subject, status) = (format!("order {}", order.id), order.status().as_str());
        if let Some(payment) = world.service::<PaymentContext>() {
            let (taken, returned, _) = payment.outside().balance(order.id);
            if taken != returned {
                let like = |minor| money(minor, order.total);
                let actual = format!("{status}, {} taken, {} given back", like(taken), like(returned));
                return Err(Broken::new(subject, format!("{} kept", like(0)), actual));
            }
        }
        let held = world.service::<InventoryContext>().and_then(|inventory| {
            let reservation = inventory.tables().snapshot().reservations.get(&order.id)?;
            matches!(reservation.state, ReservationState::Held(_) | ReservationState::Committed(_))
                .then(|| reservation.state.name())
        });
        if let Some(held) = held {
            return Err(Broken::new(subject, "no stock held or sold", format!("{status}, its stock {held}")));
        }
    }
    Ok(())
}
