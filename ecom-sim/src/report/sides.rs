//! What a broken invariant compares, as values that can be followed through a run.

use ecom_core::event::Line;
use ecom_core::id::{OrderId, ProductId};
use ecom_core::inventory::{InventoryContext, ReservationState};
use ecom_core::order::OrderContext;
use ecom_core::payment::{Account, Change, PaymentContext, Record, payment_id};
use uuid::Uuid;

use crate::facts::Fact;
use crate::invariant::Broken;
use crate::world::World;

/// Says that the invariant does not hold.
pub(super) const BROKEN: &str = "no: broken";

/// Whether it holds, both sides where it does not, and what they are made of.
pub(super) fn facts(
    world: &World,
    about: Option<Uuid>,
    check: Option<&dyn Fn(&World) -> Result<(), Broken>>,
) -> Vec<Fact> {
    let mut facts = vec![];
    let mut fact = |label: &str, value: String| facts.push(Fact::new("", label, value));
    match check.map(|check| check(world)) {
        Some(Ok(())) => fact("holds", "yes".to_owned()),
        Some(Err(broken)) => {
            fact("holds", BROKEN.to_owned());
            fact("expected", broken.expected);
            fact("actual", broken.actual);
        }
        None => {}
    }
    if let Some(id) = about {
        facts.extend(of_order(world, OrderId(id)));
        facts.extend(of_product(world, ProductId(id)));
    }
    facts
}

fn of_order(world: &World, id: OrderId) -> Vec<Fact> {
    let mut facts = vec![];
    let mut fact = |label: &str, value: String| facts.push(Fact::new("", label, value));
    let order = world.service::<OrderContext>().and_then(|it| it.tables().snapshot().orders.get(&id));
    if let Some(order) = order {
        fact("order", order.status().as_str().to_owned());
        fact("total of the order", order.total.to_string());
    }
    if let Some(payment) = world.service::<PaymentContext>() {
        let (taken, returned, _) = payment.outside().balance(id);
        let record = payment.tables().snapshot().records.get(&payment_id(id));
        if let Some(Record::Payment(own)) = record {
            let like = |minor: i64| ecom_core::money::Money::new(minor, own.amount.currency()).to_string();
            fact("taken by the provider", like(taken));
            fact("captured, says payment", own.captured.to_string());
            let (mut booked, mut back) = (0, 0);
            for line in payment.tables().lines() {
                match line {
                    Change::AddPosting(posting) if posting.payment_id == own.id => match posting.debit {
                        Account::ProviderReceivable => booked += posting.amount.minor(),
                        Account::Refunds | Account::CustomerFunds => back += posting.amount.minor(),
                    },
                    _ => {}
                }
            }
            fact("booked as captured", like(booked));
            fact("given back by the provider", like(returned));
            fact("given back, says payment", own.refunded.to_string());
            fact("booked as given back", like(back));
        } else if taken + returned != 0 {
            fact("taken by the provider", payment.outside().money(id, taken).to_string());
            fact("given back by the provider", payment.outside().money(id, returned).to_string());
        }
    }
    let inventory = world.service::<InventoryContext>();
    if let Some(reservation) = inventory.and_then(|it| it.tables().snapshot().reservations.get(&id)) {
        let pieces = |lines: &[Line]| lines.iter().map(|line| u64::from(line.quantity.get())).sum::<u64>();
        let (held, sold) = match &reservation.state {
            ReservationState::Held(hold) => (pieces(&hold.lines), 0),
            ReservationState::Committed(hold) => (0, pieces(&hold.lines)),
            ReservationState::Released(_) | ReservationState::Refused { .. } | ReservationState::Barred => (0, 0),
        };
        fact("pieces held", held.to_string());
        fact("pieces sold", sold.to_string());
    }
    facts
}

fn of_product(world: &World, id: ProductId) -> Vec<Fact> {
    let mut facts = vec![];
    let mut fact = |label: &str, value: String| facts.push(Fact::new("", label, value));
    let Some(inventory) = world.service::<InventoryContext>() else { return facts };
    let rows = inventory.tables().snapshot();
    let Some(stock) = rows.stock.get(&id) else { return facts };
    let (mut held, mut sold) = (0, 0);
    for reservation in rows.reservations.values() {
        let own = |lines: &[Line]| -> u64 {
            lines.iter().filter(|line| line.product_id == id).map(|line| u64::from(line.quantity.get())).sum()
        };
        match &reservation.state {
            ReservationState::Held(hold) => held += own(&hold.lines),
            ReservationState::Committed(hold) => sold += own(&hold.lines),
            ReservationState::Released(_) | ReservationState::Refused { .. } | ReservationState::Barred => {}
        }
    }
    fact("on hand", stock.on_hand.to_string());
    fact("reserved, says the stock", stock.reserved.to_string());
    fact("held by orders", held.to_string());
    fact("sold, says the stock", stock.committed.to_string());
    fact("sold to orders", sold.to_string());
    facts
}
