//! A small saga, for tests of the kit and of what stores sagas: a room and a car are booked side by side; if one cannot
//! be had, both are let go.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::decide::{Because, Context};
use crate::event::{Event, Service};
use crate::policy::Policy;
use crate::saga::{Answered, Call, Hosted, Label, Ledger, Repair, Saga, Step, Transition, Wait};

/// The one trip.
pub const ID: Uuid = Uuid::from_u128(7);

/// The trip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Trip;

/// What is booked so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Booking {
    /// Whether the room is booked.
    pub room: bool,
    /// Whether the car is booked.
    pub car: bool,
}

/// How it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum End {
    /// Both are booked.
    Booked,
    /// One cannot be had.
    Off,
}

/// What is booked, and after the end let go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Part {
    /// The room.
    Room,
    /// The car.
    Car,
}

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// Begins it.
    Wish,
    /// A part is booked.
    Booked(Part),
    /// A part cannot be had.
    Full(Part),
    /// A part was let go.
    LetGo(Part),
    /// There was no part to let go.
    NeverHad(Part),
    /// Contradicts everything.
    Strange,
    /// Somebody has not heard of the end.
    AskAgain,
}

/// Calls to the outside.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Effect {
    /// Books a part of a trip.
    Book(Uuid, Part),
    /// Lets it go.
    LetGo(Uuid, Part),
}

/// An input that cannot come in this state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not now")]
pub struct NotNow;

impl Label for Booking {
    fn label(&self) -> &'static str {
        "booking"
    }
}

impl Label for End {
    fn label(&self) -> &'static str {
        match self {
            Self::Booked => "booked",
            Self::Off => "off",
        }
    }
}

impl Label for Part {
    fn label(&self) -> &'static str {
        match self {
            Self::Room => "room",
            Self::Car => "car",
        }
    }
}

impl Label for Input {
    fn label(&self) -> &'static str {
        match self {
            Self::Wish => "wish",
            Self::Booked(_) => "part booked",
            Self::Full(_) => "part full",
            Self::LetGo(_) => "part let go",
            Self::NeverHad(_) => "part never had",
            Self::Strange => "strange",
            Self::AskAgain => "ask again",
        }
    }
}

/// A call without delay.
pub const fn call(key: &'static str, round: u32, effect: Effect) -> Call<Effect> {
    Call { key, round, after: Duration::ZERO, effect }
}

impl Saga for Trip {
    const NAME: &'static str = "trip";
    const VERSION: u32 = 3;
    const TRANSITIONS: &'static [Transition] = &[
        Transition { from: "booking", input: "part booked", to: "booking" },
        Transition { from: "booking", input: "part booked", to: "booked" },
        Transition { from: "booking", input: "part full", to: "off" },
        Transition { from: "booking", input: "deadline.booking", to: "off" },
    ];

    type Running = Booking;
    type Ended = End;
    type Input = Input;
    type Debt = Part;
    type Output = Call<Effect>;
    type Rejection = NotNow;

    fn wait(_: &Booking, _: &Policy) -> Option<Wait> {
        Some(Wait { kind: "booking", after: Duration::from_secs(60) })
    }

    fn decide(booking: &Booking, input: &Input, _: &Context<'_>) -> Result<Step<Self>, NotNow> {
        Ok(match input {
            Input::Booked(part) => {
                let (room, car) = (booking.room || *part == Part::Room, booking.car || *part == Part::Car);
                if room && car { Step::end(End::Booked) } else { Step::go(Booking { room, car }) }
            }
            Input::Full(_) => Step::end(End::Off),
            Input::Wish | Input::AskAgain => Step::Stay(Because::AlreadyKnown),
            Input::LetGo(_) | Input::NeverHad(_) => return Err(NotNow),
            Input::Strange => Step::Flag("strange".to_owned()),
        })
    }

    fn expire(_: &Booking, _: &Context<'_>) -> Step<Self> {
        Step::end(End::Off)
    }

    fn obligations(end: &End) -> Vec<Part> {
        match end {
            End::Booked => vec![],
            End::Off => vec![Part::Room, Part::Car],
        }
    }

    fn ask(_: &End, ledger: &Ledger<Part>) -> Vec<Call<Effect>> {
        ledger.outstanding().map(|(part, round)| call(part.label(), round, Effect::LetGo(ID, part))).collect()
    }

    fn repair(_: &End, input: &Input, _: &Context<'_>) -> Result<Repair<Self>, NotNow> {
        Ok(match input {
            Input::Booked(part) => Repair::Late(*part),
            Input::LetGo(part) => Repair::Answered(*part, Answered::Done),
            Input::NeverHad(part) => Repair::Answered(*part, Answered::Nothing),
            Input::Strange => Repair::Flag("strange".to_owned()),
            Input::AskAgain => Repair::Ask { confirms: None },
            Input::Full(_) => Repair::Stay(Because::AlreadyEnded),
            Input::Wish => return Err(NotNow),
        })
    }
}

impl Hosted for Trip {
    const SERVICE: Service = Service::Order;
    const WAITS: &'static [&'static str] = &["booking"];
    type Effect = Effect;
    type EffectAnswer = bool;

    fn begin(input: &Input, _: &Context<'_>) -> Option<(Booking, Vec<Call<Effect>>)> {
        let calls = [Part::Room, Part::Car].map(|part| call(part.label(), 0, Effect::Book(ID, part)));
        (*input == Input::Wish).then(|| (Booking { room: false, car: false }, calls.to_vec()))
    }

    fn on_event(_: &Event) -> Option<(Uuid, Input)> {
        None
    }

    fn on_answer(effect: Effect, _: u32, done: bool) -> (Uuid, Input) {
        match effect {
            Effect::Book(id, part) => (id, if done { Input::Booked(part) } else { Input::Full(part) }),
            Effect::LetGo(id, part) => (id, if done { Input::LetGo(part) } else { Input::NeverHad(part) }),
        }
    }
}
