//! What holds for every saga.

use std::hash::Hash;

use ecom_core::event::Service;
use ecom_core::saga::{Hosted, SagaContext, Transition};

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
pub(super) fn defaults<S: Hosted<EffectAnswer: Hash>>() -> Vec<Invariant> {
    let always = |name, check| Invariant { name, when: When::Always, of: ANY, near: None, check };
    let at_rest = |name, check| Invariant { name, when: When::AtRest, of: ANY, near: None, check };
    vec![
        always("a key is never used for two things", keys_are_stable::<S>),
        always("nothing is done twice", nothing_is_done_twice::<S>),
        always("the state changes only as the transitions declare", changes_are_declared::<S>),
        at_rest("every saga ends, settles what it owes, and needs no operator", all_are_settled::<S>),
        at_rest("nothing is left to do", nothing_is_left),
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
    let Some(line) = service.tables().history().last() else { return Ok(()) };
    let entry = &line.entry;
    let is_it = |it: &Transition| (it.from, it.input, it.to) == (&*entry.from, &*entry.event, &*entry.to);
    if entry.from.is_empty() || entry.from == entry.to || S::TRANSITIONS.iter().any(is_it) {
        return Ok(());
    }
    let actual = format!("{} -> {} by {}", entry.from, entry.to, entry.event);
    Err(Broken::new(format!("saga {}", entry.subject), "a declared transition", actual))
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
