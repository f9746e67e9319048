//! Bugs of the rules, one file for each context.

mod inventory;
mod notification;
mod order;
mod payment;

use std::collections::BTreeSet;
use std::sync::Arc;

use ecom_core::decide::BoundedContext;
use ecom_core::engine::{Message, Origin, Writes};
use ecom_core::event::{Envelope, Event};
use ecom_core::id::{MessageId, derive};

use super::Mutant;

/// What a planted bug can change of a context's transactions. Each does nothing unless it says otherwise.
pub trait Mutable: BoundedContext {
    /// What the transaction takes a message for; `rows` are as they are.
    fn mishear(_mutant: Mutant, _message: &mut Message<Self>, _rows: &Self::Snapshot) {}

    /// What the rules see of the rows.
    fn misread(_mutant: Mutant, _message: &Message<Self>, _rows: &mut Self::Snapshot) {}

    /// Makes the inbox forget a message.
    fn unsee(_message: &Message<Self>, _seen: &mut BTreeSet<MessageId>) {}

    /// What is written; `rows` are as they were.
    fn miswrite(_mutant: Mutant, _message: &Message<Self>, _rows: &Self::Snapshot, _writes: &mut Writes<Self>) {}
}

/// A call that is asked for again gets an id of its own.
fn fresh_keys<C: BoundedContext>(message: &Message<C>, writes: &mut Writes<C>, concerns: impl Fn(&C::Effect) -> bool) {
    let Origin::Answer { effect, .. } = message.origin else { return };
    let Some(Some(row)) = writes.effects.get(&effect) else { return };
    if concerns(&row.effect) {
        let id = MessageId(derive(C::SERVICE.name(), message.id.0, "another attempt", effect.0, 0));
        let row = ecom_core::engine::EffectRow { id, ..row.clone() };
        writes.effects.insert(effect, None);
        writes.effects.insert(id, Some(row));
    }
}

/// Puts another event in the place of one.
fn retell<C: BoundedContext>(writes: &mut Writes<C>, tell: impl Fn(&Event) -> Option<Event>) {
    for row in &mut writes.outbox {
        if let Some(event) = tell(&row.event) {
            *row = Arc::new(Envelope { event, ..Envelope::clone(row) });
        }
    }
}

impl<S: ecom_core::saga::Hosted> Mutable for ecom_core::saga::SagaContext<S> {}
