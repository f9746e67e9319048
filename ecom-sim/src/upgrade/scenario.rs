//! The worlds of an upgrade, and what must hold in them.

use ecom_core::engine::{Idempotency, Message, Origin};
use ecom_core::event::Service as Name;
use ecom_core::id::{CorrelationId, MessageId, UserId};
use uuid::Uuid;

use super::{Bug, Desk, Input, NextVersion, OLD, OneField, Part, Releases, Rolling, Row};
use crate::invariant::{Broken, Own, When};
use crate::run::Rules;
use crate::scenario::Scenario;
use crate::world::{Answered, Client, Command, Fleet, Service, Settings, World};

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
    planted(name, Bug::None)
}

/// A world with that bug, by its name, and what must hold in it: `upgrade-field` or `upgrade-version`; with `-one` for one
/// trip, with `-same` for one that both wish; with `-off` when there is no car. `None` when releases of that kind cannot
/// have it.
pub fn planted(name: &str, bug: Bug) -> Option<(Scenario, Rules)> {
    let of_field = name.strip_prefix("upgrade-field");
    let how = of_field.or_else(|| name.strip_prefix("upgrade-version"))?;
    let (kind, full) = match how.strip_suffix("-off") {
        Some(kind) => (kind, Some(Part::Car)),
        None => (how, None),
    };
    let kind = match kind {
        "" => Kind::Both,
        "-one" => Kind::One,
        "-same" => Kind::Same,
        _ => return None,
    };
    Some(match (of_field.is_some(), bug) {
        (true, Bug::None) => world::<OneField<0>>(name, kind, full),
        (true, Bug::DropsFields) => world::<OneField<1>>(name, kind, full),
        (false, Bug::None) => world::<NextVersion<0>>(name, kind, full),
        (false, Bug::BeginsAnew) => world::<NextVersion<1>>(name, kind, full),
        (false, Bug::DropsEvents) => world::<NextVersion<2>>(name, kind, full),
        (true, Bug::BeginsAnew | Bug::DropsEvents) | (false, Bug::DropsFields) => return None,
    })
}

fn world<R: Releases>(name: &str, kind: Kind, full: Option<Part>) -> (Scenario, Rules) {
    (scenario::<R>(name, kind, full), rules::<R>())
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
    .asking(UserId(Uuid::from_u128(u128::from(client))), trip.to_string())
}

/// What must hold while two releases work beside each other: what holds in any world, and what these promise.
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
        Own::new("a wish that was answered is there", When::AtRest, ORDER, answered_are_there::<R>),
    ];
    Rules { own: own.into(), ..Rules::default() }
}

/// The row of each trip whose wish was answered as carried out, now or before.
fn answered_are_there<R: Releases>(world: &World) -> Result<(), Broken> {
    let Some(service) = world.service::<Rolling<R>>() else { return Ok(()) };
    for (command, reply) in world.clients().iter().flat_map(|client| client.commands().iter().zip(client.replies())) {
        let trip = command.request.as_ref().and_then(|request| Uuid::parse_str(&request.asks).ok());
        let Some(trip) = trip.filter(|_| matches!(reply.answered, Answered::Done { .. })) else { continue };
        if !service.tables().snapshot().contains_key(&trip) {
            return Err(Broken::new(format!("trip {trip}"), "there, as was answered", "it is not there"));
        }
    }
    Ok(())
}

fn each<R: Releases>(world: &World, check: impl Fn(&Row, &Desk) -> Result<(), Broken>) -> Result<(), Broken> {
    let Some(service) = world.service::<Rolling<R>>() else { return Ok(()) };
    service.tables().snapshot().values().try_for_each(|row| check(row, service.outside()))
}

fn holds(row: &Row, holds: bool, expected: &str) -> Result<(), Broken> {
    if holds { Ok(()) } else { Err(Broken::new(format!("trip {}", row.id), expected, row.text.as_ref())) }
}
