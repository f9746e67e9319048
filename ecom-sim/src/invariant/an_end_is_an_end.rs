use std::collections::BTreeMap;

use ecom_core::engine::HistoryRow;
use ecom_core::event::Service;
use ecom_core::id::OrderId;
use ecom_core::order::{Order, OrderContext, OrderSaga, Status};
use ecom_core::saga::Saga;

use super::{Broken, Invariant, When, subjects};
use crate::world::{World, Written};

pub(super) const INVARIANT: Invariant = Invariant {
    name: "an order goes the ways of its saga, and an end is an end",
    when: When::Always,
    of: &[Service::Order],
    near: Some(near),
    check,
};

/// By the history, which is also shown to be without gaps.
fn check(world: &World) -> Result<(), Broken> {
    let Some(service) = world.service::<OrderContext>() else { return Ok(()) };
    let orders = &service.tables().snapshot().orders;
    let mut states: BTreeMap<_, &str> = BTreeMap::new();
    for row in service.tables().history() {
        let known = states.insert(row.entry.subject, &*row.entry.to).unwrap_or("");
        follows(row, known)?;
    }
    orders.values().try_for_each(|order| leads_to(order, states.get(&order.id.0).copied().unwrap_or("")))
}

/// The histories that were written on, and those of orders that were written.
fn near(world: &World, written: &[Written]) -> Result<(), Broken> {
    let Some(service) = world.service::<OrderContext>() else { return Ok(()) };
    let orders = &service.tables().snapshot().orders;
    for subject in subjects(written, Service::Order, &["order", "history"]) {
        let lines = written.iter().filter(|row| row.kind == "history" && row.key == subject).count();
        let mut history = service.tables().history().rev().filter(|row| row.entry.subject == subject).peekable();
        let now = history.peek().map_or("", |row| &*row.entry.to);
        for _ in 0..lines {
            let Some(row) = history.next() else { break };
            let known = history.peek().map_or("", |row| &*row.entry.to);
            follows(row, known)?;
        }
        orders.get(&OrderId(subject)).map_or(Ok(()), |order| leads_to(order, now))?;
    }
    Ok(())
}

fn follows(row: &HistoryRow, known: &str) -> Result<(), Broken> {
    let (from, to) = (&*row.entry.from, &*row.entry.to);
    let declared =
        || OrderSaga::TRANSITIONS.iter().any(|it| it.from == from && it.to == to && it.input == row.entry.event);
    if known != from || (from != to && !from.is_empty() && !declared()) {
        let actual = format!("{known}, then {} from {from} to {to}", row.entry.event);
        return Err(Broken::new(format!("order {}", row.entry.subject), "a way of the saga", actual));
    }
    Ok(())
}

fn leads_to(order: &Order, told: &str) -> Result<(), Broken> {
    let status = order.status();
    if Status::parse(told) != Some(status) {
        let actual = format!("the order is {}, its history says {told:?}", status.as_str());
        return Err(Broken::new(format!("order {}", order.id), "a history that leads to the state", actual));
    }
    Ok(())
}
