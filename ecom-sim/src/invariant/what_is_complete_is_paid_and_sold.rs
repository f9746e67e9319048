use ecom_core::event::Service;
use ecom_core::id::{OrderId, PaymentId, RefundId};
use ecom_core::inventory::{InventoryContext, ReservationState};
use ecom_core::order::{Order, OrderContext, Status};
use ecom_core::payment::{PaymentContext, Record, Refund, RefundCause, RefundStatus, payment_id};

use super::{Broken, Invariant, When, money};
use crate::world::{Service as Running, World, Written};

pub(super) const ALWAYS: Invariant = Invariant {
    name: "an order that is complete is paid, and its stock is held or sold",
    when: When::Always,
    of: &[Service::Order, Service::Inventory, Service::Payment],
    near: Some(near),
    check: |world| check(world, false),
};

pub(super) const AT_REST: Invariant = Invariant {
    name: "an order that is complete is paid, and its stock is sold",
    when: When::AtRest,
    of: &[],
    near: None,
    check: |world| check(world, true),
};

type Services<'a> = (&'a Running<OrderContext>, &'a Running<InventoryContext>, &'a Running<PaymentContext>);

fn services(world: &World) -> Option<Services<'_>> {
    Some((world.service()?, world.service()?, world.service()?))
}

fn check(world: &World, at_rest: bool) -> Result<(), Broken> {
    let Some(services) = services(world) else { return Ok(()) };
    services.0.tables().snapshot().orders.values().try_for_each(|order| one(services, order, at_rest))
}

/// The orders of which anything was written.
fn near(world: &World, written: &[Written]) -> Result<(), Broken> {
    let Some(services) = services(world) else { return Ok(()) };
    let (orders, _, payment) = services;
    let money = payment.tables().snapshot();
    let of_payment = |id: PaymentId| match money.records.get(&id)? {
        Record::Payment(payment) => Some(payment.order_id),
        Record::Barrier(barrier) => Some(barrier.order_id),
    };
    for row in written {
        let id = match row.kind {
            "order" | "reservation" => Some(OrderId(row.key)),
            "payment" => of_payment(PaymentId(row.key)),
            "refund" => money.refunds.get(&RefundId(row.key)).and_then(|refund| of_payment(refund.payment_id)),
            _ => None,
        };
        if let Some(order) = id.and_then(|id| orders.tables().snapshot().orders.get(&id)) {
            one(services, order, false)?;
        }
    }
    Ok(())
}

/// How much may go back of what a complete order paid: what administrators asked for, and nothing else.
fn allowed(payment: &Running<PaymentContext>, order: &Order) -> i64 {
    let id = payment_id(order.id);
    let refunds = payment.tables().snapshot().refunds.values().filter(|refund| refund.payment_id == id);
    let asked = |refund: &&Refund| {
        let is_refused = matches!(refund.status, RefundStatus::Failed { .. });
        matches!(refund.cause, RefundCause::Administrator { .. }) && !is_refused
    };
    refunds.filter(asked).map(|refund| refund.amount.minor()).sum()
}

fn one((_, inventory, payment): Services<'_>, order: &Order, at_rest: bool) -> Result<(), Broken> {
    if order.status() != Status::Completed {
        return Ok(());
    }
    let subject = || format!("order {}", order.id);
    let (taken, returned, _) = payment.outside().balance(order.id);
    let allowed = allowed(payment, order);
    if taken != order.total.minor() || returned > allowed {
        let like = |minor| money(minor, order.total);
        let actual = format!("completed, {} taken, {} given back", like(taken), like(returned));
        let kept = if allowed > 0 { format!("no more than {} given back", like(allowed)) } else { "kept".to_owned() };
        return Err(Broken::new(subject(), format!("{} taken, and {kept}", order.total), actual));
    }
    let state = inventory.tables().snapshot().reservations.get(&order.id).map(|it| &it.state);
    let right = match state {
        Some(ReservationState::Committed(_)) => true,
        Some(ReservationState::Held(_)) => !at_rest,
        Some(ReservationState::Released(_) | ReservationState::Refused { .. } | ReservationState::Barred) | None => {
            false
        }
    };
    if right {
        return Ok(());
    }
    let actual = format!("completed, its stock {}", state.map_or("never asked for", ReservationState::name));
    Err(Broken::new(subject(), if at_rest { "stock sold" } else { "stock held or sold" }, actual))
}
