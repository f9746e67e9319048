//! What a service holds, in words: its rows, what the outside did for it, what it owes, and what only its processes know.

use ecom_core::engine::EffectRow;
use ecom_core::event::Envelope;
use ecom_core::time::Timestamp;

use super::DAWN;
use super::service::Service;
use crate::facts::{Fact, events, list};
use crate::port::{Broker, OutsideWorld, Simulated};

/// Digits of a millisecond.
const MILLIS: u128 = 1_000;

pub(super) fn facts<C: Simulated>(service: &Service<C>, broker: &Broker, time: Timestamp) -> Vec<Fact> {
    let tables = service.tables();
    let mut facts = C::facts(tables.snapshot());
    facts.extend(service.outside().facts(C::OUTSIDE));
    let call = |row: &EffectRow<C::Effect>| {
        let attempts = if row.attempts > 0 { format!(", attempt {}", row.attempts) } else { String::new() };
        format!("{}{attempts}", C::asks_for(&row.effect))
    };
    let timer = |kind: &str, due: Timestamp| format!("{kind} at +{}", passed(due));
    let mut message = |label: &str, value: String| facts.push(Fact::new("messages", label, value));
    message("queue", events(broker.waiting(service.node).iter().map(|it| it.envelope.as_ref())));
    message("in hand", events(broker.handed(service.node).map(AsRef::as_ref)));
    message("inbox", format!("{} handled", tables.inbox().len()));
    message("outbox", events(tables.outbox().iter().map(|row| row.item.as_ref())));
    let mut owed = |label: &str, value: String| facts.push(Fact::new("to do", label, value));
    owed("calls owed", list(tables.effects().map(|row| call(&row.item))));
    owed("timers", list(tables.timers().iter().map(|(it, due)| timer(&it.kind, *due))));
    let letters = list(tables.letters().map(|it| format!("{} ({})", it.event_type, it.reason)));
    if letters != "–" {
        owed("dead letters", letters);
    }
    if !service.late.is_empty() {
        owed("calls on their way", list(service.late.iter().map(call)));
    }
    for (number, process) in (1..).zip(&service.processes) {
        let subject =
            if service.processes.len() > 1 { format!("memory of process {number}") } else { "memory".to_owned() };
        let mut known = |label: &str, value: String| facts.push(Fact::new(subject.clone(), label, value));
        let rows: Vec<&Envelope> = process.rows.iter().flatten().map(AsRef::as_ref).collect();
        known("to publish", events(rows.into_iter()));
        known("calls under way", list(process.calls.iter().map(|it| call(&it.row))));
        if process.under.is_some() {
            known("transaction", "read and decided, not durable".to_owned());
        }
    }
    if service.is_cut(time) {
        facts.push(Fact::new("network", "broker", "not reached"));
    }
    if let Some(told) = service.timepiece.told(time) {
        facts.push(Fact::new("network", "clock", told));
    }
    facts
}

fn passed(at: Timestamp) -> String {
    let (millis, back) = if at < DAWN { (DAWN.since(at), "-") } else { (at.since(DAWN), "") };
    let millis = millis.as_millis();
    format!("{back}{}.{:03} s", millis / MILLIS, millis % MILLIS)
}
