use ecom_core::event::Service;
use ecom_core::inventory::{InventoryContext, ReservationState};
use ecom_core::order::{OrderContext, Status};
use ecom_core::payment::{PaymentContext, RefundCause};

use super::{Broken, Invariant, When};
use crate::world::World;

pub(super) const ALWAYS: Invariant = Invariant {
    name: "an order that is complete is paid, and its stock is held or sold",
    when: When::Always,
    of: &[Service::Order, Service::Inventory, Service::Payment],
    check: |world| check(world, false),
};

pub(super) const AT_REST: Invariant = Invariant {
    name: "an order that is complete is paid, and its stock is sold",
    when: When::AtRest,
    of: &[],
    check: |world| check(world, true),
};

fn check(world: &World, at_rest: bool) -> Result<(), Broken> {
    let services =
        (world.service::<OrderContext>(), world.service::<InventoryContext>(), world.service::<PaymentContext>());
    let (Some(orders), Some(inventory), Some(payment)) = services else { return Ok(()) };
    let complete = orders.tables().snapshot().orders.values().filter(|it| it.status() == Status::Completed);
    for order in complete {
        let subject = format!("order {}", order.id);
        let (taken, returned, _) = payment.outside().balance(order.id);
        let wanted = payment.tables().snapshot().refunds.values().any(|refund| {
            refund.payment_id == ecom_core::payment::payment_id(order.id)
                && matches!(refund.cause, RefundCause::Administrator { .. })
        });
        if taken != order.total.minor() || (returned > 0 && !wanted) {
            let actual = format!("completed, {taken} taken, {returned} given back");
            return Err(Broken::new(subject, format!("{} taken, and kept", order.total.minor()), actual));
        }
        let state = inventory.tables().snapshot().reservations.get(&order.id).map(|it| &it.state);
        let right = match state {
            Some(ReservationState::Committed(_)) => true,
            Some(ReservationState::Held(_)) => !at_rest,
            Some(ReservationState::Released(_) | ReservationState::Refused { .. } | ReservationState::Barred)
            | None => false,
        };
        if !right {
            let actual = format!("completed, its stock {}", state.map_or("never asked for", ReservationState::name));
            return Err(Broken::new(subject, if at_rest { "stock sold" } else { "stock held or sold" }, actual));
        }
    }
    Ok(())
}
