use std::collections::BTreeMap;

use ecom_core::event::Service;
use ecom_core::id::OrderId;
use ecom_core::inventory::{HOLD_TIMER, InventoryContext, ReservationState};
use ecom_core::order::{OrderContext, Status};
use ecom_core::time::Timestamp;

use super::{Broken, Invariant, When, subjects};
use crate::world::{World, Written};

pub(super) const ARMED: Invariant = Invariant {
    name: "whoever waits has its timer, and no other timer is armed",
    when: When::Always,
    of: &[Service::Order, Service::Inventory],
    near: Some(near),
    check: armed,
};

pub(super) const NOT_EARLY: Invariant = Invariant {
    name: "no order fails of a deadline that has not come",
    when: When::AtRest,
    of: &[],
    near: None,
    check: not_early,
};

fn armed(world: &World) -> Result<(), Broken> {
    if let Some(service) = world.service::<OrderContext>() {
        let waits = service.tables().snapshot().orders.values().filter_map(|order| {
            let armed = order.saga.armed.as_ref()?;
            Some((order.id.0, (armed.kind.to_string(), armed.epoch)))
        });
        same("order", waits.collect(), service.tables().timers())?;
    }
    if let Some(service) = world.service::<InventoryContext>() {
        let held = service.tables().snapshot().reservations.values();
        let held = held.filter(|it| matches!(it.state, ReservationState::Held(_)));
        let waits = held.map(|it| (it.order_id.0, (HOLD_TIMER.to_owned(), it.version)));
        same("the hold of order", waits.collect(), service.tables().timers())?;
    }
    Ok(())
}

/// The orders and holds that were written, and the subjects of timers that were.
fn near(world: &World, written: &[Written]) -> Result<(), Broken> {
    if let Some(service) = world.service::<OrderContext>() {
        for subject in subjects(written, Service::Order, &["order", "timer"]) {
            let armed = service.tables().snapshot().orders.get(&OrderId(subject)).and_then(|it| it.saga.armed.as_ref());
            let wanted = armed.map(|armed| (armed.kind.as_ref(), armed.epoch));
            same_of("order", subject, wanted, service.tables().timers_of(subject))?;
        }
    }
    if let Some(service) = world.service::<InventoryContext>() {
        for subject in subjects(written, Service::Inventory, &["reservation", "timer"]) {
            let hold = service.tables().snapshot().reservations.get(&OrderId(subject));
            let held = hold.filter(|it| matches!(it.state, ReservationState::Held(_)));
            let wanted = held.map(|it| (HOLD_TIMER, it.version));
            same_of("the hold of order", subject, wanted, service.tables().timers_of(subject))?;
        }
    }
    Ok(())
}

fn same_of<'a>(
    what: &str,
    subject: uuid::Uuid,
    wanted: Option<(&str, u64)>,
    timers: impl Iterator<Item = (&'a str, u64)>,
) -> Result<(), Broken> {
    let mut missing = wanted;
    for armed in timers {
        if wanted != Some(armed) {
            let expected = wanted.map_or_else(|| "no timer".to_owned(), |(kind, epoch)| format!("{kind} {epoch}"));
            let actual = format!("{} {} is armed", armed.0, armed.1);
            return Err(Broken::new(format!("{what} {subject}"), expected, actual));
        }
        missing = None;
    }
    let Some((kind, epoch)) = missing else { return Ok(()) };
    Err(Broken::new(format!("{what} {subject}"), format!("the timer {kind} {epoch}"), "no timer is armed"))
}

type Waits = BTreeMap<uuid::Uuid, (String, u64)>;

fn same(what: &str, mut waits: Waits, timers: Vec<(ecom_core::decide::Timer, Timestamp)>) -> Result<(), Broken> {
    for (timer, _) in timers {
        let found = (timer.kind.to_string(), timer.epoch);
        let wanted = waits.remove(&timer.subject);
        if wanted.as_ref() != Some(&found) {
            let expected = wanted.map_or_else(|| "no timer".to_owned(), |(kind, epoch)| format!("{kind} {epoch}"));
            let actual = format!("{} {} is armed", found.0, found.1);
            return Err(Broken::new(format!("{what} {}", timer.subject), expected, actual));
        }
    }
    match waits.pop_first() {
        Some((id, (kind, epoch))) => {
            Err(Broken::new(format!("{what} {id}"), format!("the timer {kind} {epoch}"), "no timer is armed"))
        }
        None => Ok(()),
    }
}

/// By the history: the state must have lasted as long as the policy says.
fn not_early(world: &World) -> Result<(), Broken> {
    let Some(service) = world.service::<OrderContext>() else { return Ok(()) };
    if service.was_set_back() {
        return Ok(());
    }
    let policy = &world.settings().policy;
    let mut entered: BTreeMap<_, Timestamp> = BTreeMap::new();
    for row in service.tables().history() {
        let entry = &row.entry;
        let patience = match Status::parse(&entry.from) {
            Some(Status::Pending) => policy.inventory_deadline,
            Some(Status::Processing) => policy.payment_deadline,
            Some(Status::Completed | Status::Failed | Status::Cancelled) | None => std::time::Duration::ZERO,
        };
        let since = entered.get(&entry.subject).copied().unwrap_or(row.at);
        if entry.from != entry.to && entry.event.starts_with("deadline.") && row.at.since(since) < patience {
            let actual = format!("{} after {:?} of being {}", entry.event, row.at.since(since), entry.from);
            return Err(Broken::new(format!("order {}", entry.subject), format!("after {patience:?}"), actual));
        }
        if entry.from != entry.to {
            entered.insert(entry.subject, row.at);
        }
    }
    Ok(())
}
