//! What holds for every saga.

use std::collections::BTreeMap;
use std::hash::Hash;

use ecom_core::engine::HistoryRow;
use ecom_core::event::Service;
use ecom_core::saga::{Hosted, Label, SagaContext, Transition};

use crate::invariant::{Broken, Invariant, When};
use crate::world::{self, World};

/// How a closure says whether something holds.
pub trait Holds {
    /// What is wrong, if anything.
    fn verdict(self) -> Result<(), String>;
}

impl Holds for bool {
    fn verdict(self) -> Result<(), String> {
        if self { Ok(()) } else { Err("it does not".to_owned()) }
    }
}

impl Holds for Result<(), String> {
    fn verdict(self) -> Result<(), String> {
        self
    }
}

/// Any service: there is one alone.
pub(super) const ANY: &[Service] = &Service::ALL;

/// What holds for every saga.
pub(crate) fn defaults<S: Hosted<EffectAnswer: Hash>>() -> Vec<Invariant> {
    let always = |name, check| Invariant { name, when: When::Always, of: ANY, near: None, check };
    let at_rest = |name, check| Invariant { name, when: When::AtRest, of: ANY, near: None, check };
    vec![
        always("a key is never used for two things", keys_are_stable::<S>),
        always("nothing is done twice", nothing_is_done_twice::<S>),
        always("the state changes only as the transitions declare", changes_are_declared::<S>),
        at_rest("every saga ends, settles what it owes, and needs no operator", all_are_settled::<S>),
        at_rest("nothing is left to do", nothing_is_left),
        at_rest("what others tell is handled", what_is_told_is_handled::<S>),
    ]
}

pub(super) fn service<S: Hosted<EffectAnswer: Hash>>(world: &World) -> Option<&world::Service<SagaContext<S>>> {
    world.service::<SagaContext<S>>()
}

fn keys_are_stable<S: Hosted<EffectAnswer: Hash>>(world: &World) -> Result<(), Broken> {
    let reused = service::<S>(world).and_then(|service| service.outside().reused());
    reused.map_or(Ok(()), |effect| {
        Err(Broken::new("a call", "the effect that came first under its key", format!("{effect:?}")))
    })
}

fn nothing_is_done_twice<S: Hosted<EffectAnswer: Hash>>(world: &World) -> Result<(), Broken> {
    let twice = service::<S>(world).and_then(|service| service.outside().twice());
    twice.map_or(Ok(()), |effect| {
        Err(Broken::new("a call", "carried out once", format!("carried out under two keys: {effect:?}")))
    })
}

fn changes_are_declared<S: Hosted<EffectAnswer: Hash>>(world: &World) -> Result<(), Broken> {
    let Some(service) = service::<S>(world) else { return Ok(()) };
    let states = follow::<S>(service.tables().history())?;
    for (id, saga) in service.tables().snapshot() {
        let (now, told) = (saga.state.label(), states.get(id).copied().unwrap_or_default());
        if now != told {
            let actual = format!("it is {now}, its history says {told:?}");
            return Err(Broken::new(format!("saga {id}"), "a history that leads to the state", actual));
        }
    }
    Ok(())
}

/// Where the lines of a history lead each of its subjects, if each begins and goes on as declared. By convention the first
/// transition leaves the first state.
fn follow<'a, S: Hosted>(
    history: impl IntoIterator<Item = &'a HistoryRow>,
) -> Result<BTreeMap<uuid::Uuid, &'a str>, Broken> {
    let (mut states, first) = (BTreeMap::new(), S::TRANSITIONS.first().map_or("", |it| it.from));
    for HistoryRow { entry, .. } in history {
        let known: &str = states.insert(entry.subject, &*entry.to).unwrap_or_default();
        let is_it = |it: &Transition| (it.from, it.input, it.to) == (&*entry.from, &*entry.event, &*entry.to);
        let declared = match &*entry.from {
            "" => entry.to == first,
            from => entry.to == from || S::TRANSITIONS.iter().any(is_it),
        };
        if known != entry.from || !declared {
            let actual = format!("{known:?}, then {:?} -> {} by {}", entry.from, entry.to, entry.event);
            return Err(Broken::new(format!("saga {}", entry.subject), "a declared transition", actual));
        }
    }
    Ok(states)
}

fn all_are_settled<S: Hosted<EffectAnswer: Hash>>(world: &World) -> Result<(), Broken> {
    let Some(service) = service::<S>(world) else { return Ok(()) };
    for (id, saga) in service.tables().snapshot() {
        if !saga.is_settled() || saga.attention.is_some() {
            let flag = saga.attention.as_ref().map(|flag| format!(", {flag}")).unwrap_or_default();
            let actual = format!("{:?}, owed {:?}{flag}", saga.state, saga.ledger.outstanding().collect::<Vec<_>>());
            return Err(Broken::new(format!("saga {id}"), "ended and settled", actual));
        }
    }
    Ok(())
}

fn nothing_is_left(world: &World) -> Result<(), Broken> {
    if let Some(left) = world.nodes().flat_map(world::Node::residue).next() {
        return Err(Broken::new("the service", "nothing left to do", left));
    }
    let waiting = world.clients().iter().filter(|client| !client.is_done()).count();
    if waiting > 0 {
        return Err(Broken::new("the clients", "an answer for each", format!("{waiting} without one")));
    }
    Ok(())
}

/// The inbox knows each event that is one of the saga's. What is refused is a dead letter, and those are left to do.
fn what_is_told_is_handled<S: Hosted<EffectAnswer: Hash>>(world: &World) -> Result<(), Broken> {
    let node = S::SERVICE as u8;
    let concerned = world.broker().published().iter().filter(|it| S::on_event(&it.event).is_some());
    for envelope in concerned {
        let event = envelope.event.event_type();
        if !world.broker().consumers(event).any(|consumer| consumer == node) {
            let expected = format!("an event that goes to the queue of {}", S::SERVICE.short_name());
            return Err(Broken::new(event.name(), expected, "it is not bound to that queue"));
        }
        if world.node(node).is_some_and(|it| !it.has_handled(envelope.event_id)) {
            return Err(Broken::new(event.name(), "handled by the saga", "published, and not handled"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use ecom_core::decide::HistoryEntry;
    use ecom_core::id::MessageId;
    use ecom_core::testing::trip::Trip;
    use ecom_core::time::Timestamp;
    use uuid::Uuid;

    use super::*;

    type Line = (u128, &'static str, &'static str, &'static str);

    /// Whether a history of trips, as subject, state, input and state, is one that the declaration allows.
    fn is_declared(lines: &[Line]) -> bool {
        let row = |(subject, from, event, to): &Line| HistoryRow {
            at: Timestamp::EPOCH,
            message_id: MessageId(Uuid::nil()),
            causation_id: None,
            entry: HistoryEntry {
                subject: Uuid::from_u128(*subject),
                event: (*event).into(),
                from: (*from).into(),
                to: (*to).into(),
                detail: None,
            },
        };
        let rows: Vec<_> = lines.iter().map(row).collect();
        follow::<Trip>(&rows).is_ok()
    }

    #[test]
    fn each_line_of_each_saga_must_go_on_from_the_one_before_as_declared() {
        const BEGUN: Line = (1, "", "wish", "booking");
        const OTHER: Line = (2, "", "wish", "booking");
        const ENDED: Line = (1, "booking", "part booked", "booked");
        for (about, lines, declared) in [
            ("nothing", &[][..], true),
            ("begun and ended", &[BEGUN, ENDED], true),
            ("two at once", &[BEGUN, OTHER, ENDED, (2, "booking", "deadline.booking", "off")], true),
            ("the same state again", &[BEGUN, ENDED, (1, "booked", "ask again", "booked")], true),
            ("by an input that does not lead there", &[BEGUN, (1, "booking", "wish", "booked")], false),
            (
                "not the last line of the step",
                &[BEGUN, OTHER, (1, "booking", "wish", "off"), (2, "booking", "part full", "off")],
                false,
            ),
            ("a first state that is none", &[(1, "", "wish", "booked")], false),
            ("without a beginning", &[ENDED], false),
            ("begun twice", &[BEGUN, BEGUN], false),
            ("from a state that it was not in", &[BEGUN, ENDED, (1, "booking", "part full", "off")], false),
            ("from the state of another one", &[BEGUN, OTHER, ENDED, (2, "booked", "ask again", "booked")], false),
        ] {
            assert_eq!(is_declared(lines), declared, "{about}");
        }
    }
}
