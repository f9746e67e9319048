//! The worlds of an upgrade, and what must hold in them.

use std::sync::Arc;

use ecom_core::engine::{Idempotency, Message, Origin};
use ecom_core::event::Service as Name;
use ecom_core::id::{CorrelationId, MessageId};
use uuid::Uuid;

use super::{Desk, Input, NextVersion, OLD, OneField, Part, Releases, Rolling, Row};
use crate::invariant::{Broken, Own, When};
use crate::run::Rules;
use crate::scenario::Scenario;
use crate::world::{Client, Command, Fleet, Service, Settings, World};

/// The names of the worlds without a bug.
pub const NAMES: &[&str] = &["upgrade-field", "upgrade-field-off", "upgrade-version", "upgrade-version-off"];

/// How often a client sends a wish again whose end he does not know.
const RETRIES: u32 = 12;

const ORDER: &[Name] = &[Name::Order];

/// Who wishes which trip: the first client's wishes reach the older release at first, the second one's the newer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One trip, wished by the second.
    One,
    /// One trip, wished by both.
    Same,
    /// A trip each, and then that of the other.
    Both,
}

impl Kind {
    const fn wishes(self) -> [&'static [u128]; 2] {
        match self {
            Self::One => [&[], &[1]],
            Self::Same => [&[1], &[1]],
            Self::Both => [&[1, 2], &[2, 1]],
        }
    }
}

/// A world without a bug, by its name, and what must hold in it.
pub fn named(name: &str) -> Option<(Scenario, Rules)> {
    let full = name.ends_with("-off").then_some(Part::Car);
    let kind = Kind::Both;
    Some(match name {
        "upgrade-field" | "upgrade-field-off" => (scenario::<OneField<0>>(name, kind, full), rules::<OneField<0>>()),
        "upgrade-version" | "upgrade-version-off" => {
            (scenario::<NextVersion<0>>(name, kind, full), rules::<NextVersion<0>>())
        }
        _ => return None,
    })
}

/// A world of these releases: a process of each on one database.
pub fn scenario<R: Releases>(name: &str, kind: Kind, full: Option<Part>) -> Scenario {
    let service = Service::<Rolling<R>>::new().with_outside(Desk::without(full));
    let settings = Settings { copies: 2, ..Settings::default() };
    let clients = (0_u32..).zip(kind.wishes()).map(|(client, trips)| {
        let wishes = (0_u32..).zip(trips).map(|(which, trip)| wish::<R>(client, which, trip_id(*trip)));
        Client::new(false, wishes.collect::<Vec<_>>())
    });
    Scenario::new(name, &Fleet::default().with_service(service), settings, vec![], clients.collect())
}

fn trip_id(trip: u128) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000 << 80 | 0x7_b00 << 64 | 0b10 << 62 | trip)
}

fn wish<R: Releases>(client: u32, which: u32, trip: Uuid) -> Command {
    Command::new::<Rolling<R>>("wish a trip", RETRIES, move |known| {
        let number = u128::from(client) << 40 | u128::from(which) << 20 | u128::from(known.attempt);
        let key =
            Idempotency { scope: format!("client {client}"), key: which.to_string(), fingerprint: trip.to_string() };
        Message {
            id: MessageId(Uuid::from_u128(0x0190_0000_0000 << 80 | 0x7_f00 << 64 | 0b10 << 62 | number)),
            origin: Origin::Command(Some(key)),
            correlation: CorrelationId(trip),
            causation: None,
            traceparent: None,
            input: super::Told::new(trip, Input::Wish),
        }
    })
}

/// What must hold while two releases work beside each other.
pub fn rules<R: Releases>() -> Rules {
    let own = vec![
        Own::new("what a release wrote in a state the other one keeps", When::Always, ORDER, |world| {
            each::<R>(world, |row, _| {
                let noted = R::TELLS || row.begun_by == OLD || !row.text.contains(r#""running""#);
                holds(row, noted || row.text.contains(r#""breakfast":true"#), "the breakfast that was noted")
            })
        }),
        Own::new("no release writes over what it cannot read", When::Always, ORDER, |world| {
            each::<R>(world, |row, _| holds(row, row.definition == row.highest, "the highest version that wrote it"))
        }),
        Own::new("nothing is booked or paid twice", When::Always, ORDER, |world| {
            each::<R>(world, |row, desk| holds(row, desk.booked(row.id) <= 2 && desk.paid(row.id) <= 1, "once each"))
        }),
        Own::new("every trip ends, as a whole or not at all", When::AtRest, ORDER, |world| {
            each::<R>(world, |row, desk| {
                let booked = row.text.contains(r#""booked":true"#);
                let whole = desk.booked(row.id) == if booked { 2 } else { 0 };
                // The older release takes no money.
                let paid = desk.paid(row.id) == usize::from(booked && row.definition > 1);
                holds(
                    row,
                    row.text.contains(r#""ended""#) && whole && paid,
                    "ended, and all of it booked and paid, or nothing",
                )
            })
        }),
        Own::new("nothing is left to do", When::AtRest, ORDER, |world| {
            match world.nodes().flat_map(crate::world::Node::residue).next() {
                Some(left) => Err(Broken::new("the service", "nothing left to do", left)),
                None => Ok(()),
            }
        }),
    ];
    Rules { invariants: Arc::new([]), own: own.into(), ..Rules::default() }
}

fn each<R: Releases>(world: &World, check: impl Fn(&Row, &Desk) -> Result<(), Broken>) -> Result<(), Broken> {
    let Some(service) = world.service::<Rolling<R>>() else { return Ok(()) };
    service.tables().snapshot().values().try_for_each(|row| check(row, service.outside()))
}

fn holds(row: &Row, holds: bool, expected: &str) -> Result<(), Broken> {
    if holds { Ok(()) } else { Err(Broken::new(format!("trip {}", row.id), expected, row.text.as_ref())) }
}
