//! What the calls of both releases reach: rooms, cars and money.

use std::collections::BTreeMap;

use ecom_core::engine::EffectRow;
use ecom_core::id::MessageId;
use uuid::Uuid;

use super::{Effect, Part, Releases, Rolling};
use crate::port::OutsideWorld;

/// The desk. Under one key it does what it is asked once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Desk {
    keys: BTreeMap<MessageId, bool>,
    full: Option<Part>,
    booked: Vec<(Uuid, Part)>,
    paid: Vec<Uuid>,
}

impl Desk {
    /// A desk at which that cannot be had.
    pub fn without(full: Option<Part>) -> Self {
        Self { full, ..Self::default() }
    }

    /// What is booked for a trip.
    pub fn booked(&self, trip: Uuid) -> usize {
        self.booked.iter().filter(|(id, _)| *id == trip).count()
    }

    /// How often a trip was paid.
    pub fn paid(&self, trip: Uuid) -> usize {
        self.paid.iter().filter(|id| **id == trip).count()
    }

    fn carry_out(&mut self, effect: &Effect) -> bool {
        match effect {
            Effect::Book(_, part) if self.full == Some(*part) => false,
            Effect::Book(trip, part) => {
                self.booked.push((*trip, *part));
                true
            }
            Effect::LetGo(trip, part) => {
                let before = self.booked.len();
                self.booked.retain(|booked| *booked != (*trip, *part));
                self.booked.len() < before
            }
            Effect::Pay(trip) => {
                self.paid.push(*trip);
                true
            }
        }
    }
}

impl<R: Releases> OutsideWorld<Rolling<R>> for Desk {
    fn call(&mut self, row: &EffectRow<Effect>) -> Option<bool> {
        if let Some(known) = self.keys.get(&row.id) {
            return Some(*known);
        }
        let answer = self.carry_out(&row.effect);
        self.keys.insert(row.id, answer);
        Some(answer)
    }

    fn unknown(&self) -> Option<bool> {
        None
    }

    fn transient(&self) -> Option<bool> {
        None
    }
}
