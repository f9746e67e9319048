//! A trip as three releases know it: an older one, one with a field more, and one with a state more.

use std::time::Duration;

use ecom_core::decide::{Because, Context};
use ecom_core::event::{Event, Service};
use ecom_core::policy::Policy;
use ecom_core::saga::stored::fields;
use ecom_core::saga::{Answered, Call, Hosted, Label, Ledger, Repair, Saga, Step, Transition, Wait};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// What is booked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Part {
    /// A room.
    Room,
    /// A car.
    Car,
}

/// What can happen; each release handles all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// Begins a trip.
    Wish,
    /// A part is booked.
    Booked(Part),
    /// A part cannot be had.
    Full(Part),
    /// A part was let go, or there was none.
    LetGo(Part, bool),
    /// It is paid.
    Paid,
    /// The newer release's own event came back.
    Confirmed,
}

/// Calls to the outside.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Effect {
    /// Books a part.
    Book(Uuid, Part),
    /// Lets it go.
    LetGo(Uuid, Part),
    /// Pays.
    Pay(Uuid),
}

/// An input that cannot come in this state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not now")]
pub struct NotNow;

/// What is booked so far. Each call names the trip, so the trip is noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Booking {
    trip: Uuid,
    room: bool,
    car: bool,
}

/// The same in the release with a field more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BookingWithBreakfast {
    #[serde(flatten)]
    booking: Booking,
    #[serde(default)]
    breakfast: bool,
}

/// The running states of the release with a state more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Parts are booked.
    Booking {
        /// What is.
        booking: Booking,
        /// Whether the event came back.
        confirmed: bool,
    },
    /// All is booked: it is paid, and its event must come back.
    Paying {
        /// Which trip.
        trip: Uuid,
        /// Whether it is paid.
        paid: bool,
        /// Whether the event came back.
        confirmed: bool,
    },
}

/// How it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct End {
    trip: Uuid,
    booked: bool,
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
            Self::LetGo(..) => "part let go",
            Self::Paid => "paid",
            Self::Confirmed => "confirmed",
        }
    }
}

impl Label for Booking {
    fn label(&self) -> &'static str {
        "booking"
    }
}

impl Label for BookingWithBreakfast {
    fn label(&self) -> &'static str {
        "booking"
    }
}

impl Label for Stage {
    fn label(&self) -> &'static str {
        match self {
            Self::Booking { .. } => "booking",
            Self::Paying { .. } => "paying",
        }
    }
}

impl Label for End {
    fn label(&self) -> &'static str {
        if self.booked { "booked" } else { "off" }
    }
}

/// What a booking makes of an input: still the same, further, all booked, or off.
enum Went {
    Nowhere,
    On(Booking),
    Whole,
    Off,
}

impl Booking {
    const fn new(trip: Uuid) -> Self {
        Self { trip, room: false, car: false }
    }

    const fn hear(self, input: Input) -> Result<Went, NotNow> {
        Ok(match input {
            Input::Booked(part) => {
                let (room, car) = (self.room || matches!(part, Part::Room), self.car || matches!(part, Part::Car));
                if room && car { Went::Whole } else { Went::On(Self { room, car, ..self }) }
            }
            Input::Full(_) => Went::Off,
            Input::Wish | Input::Confirmed => Went::Nowhere,
            Input::LetGo(..) | Input::Paid => return Err(NotNow),
        })
    }
}

const fn call(key: &'static str, round: u32, effect: Effect) -> Call<Effect> {
    Call { key, round, after: Duration::ZERO, effect }
}

/// The older release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Old;

/// The release that notes whether there is breakfast.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Field;

/// The release that takes money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version;

const OFF: &str = "off";
const BOOKED: &str = "booked";

/// What all three have in common.
macro_rules! saga {
    ($release:ident, $version:literal, $running:ty, $transitions:expr, $decide:expr, $begin:expr, $upcast:expr, $id:expr) => {
        impl Saga for $release {
            const NAME: &'static str = "trip";
            const VERSION: u32 = $version;
            const TRANSITIONS: &'static [Transition] = $transitions;

            type Running = $running;
            type Ended = End;
            type Input = Input;
            type Debt = Part;
            type Output = Call<Effect>;
            type Rejection = NotNow;

            fn wait(state: &$running, _: &Policy) -> Option<Wait> {
                // What is booked waits for its money and its event for ever: neither may be lost.
                let after = Duration::from_secs(60);
                (state.label() == "booking").then_some(Wait { kind: "booking", after })
            }

            fn decide(state: &$running, input: &Input, _: &Context<'_>) -> Result<Step<Self>, NotNow> {
                let decide: fn(&$running, &Input) -> Result<Step<Self>, NotNow> = $decide;
                decide(state, input)
            }

            fn expire(state: &$running, _: &Context<'_>) -> Step<Self> {
                let id: fn(&$running) -> Uuid = $id;
                Step::end(End { trip: id(state), booked: false })
            }

            fn obligations(end: &End) -> Vec<Part> {
                if end.booked { vec![] } else { vec![Part::Room, Part::Car] }
            }

            fn ask(end: &End, ledger: &Ledger<Part>) -> Vec<Call<Effect>> {
                let let_go = |(part, round): (Part, u32)| call(part.label(), round, Effect::LetGo(end.trip, part));
                ledger.outstanding().map(let_go).collect()
            }

            fn repair(_: &End, input: &Input, _: &Context<'_>) -> Result<Repair<Self>, NotNow> {
                Ok(match input {
                    Input::Booked(part) => Repair::Late(*part),
                    Input::LetGo(part, done) => {
                        Repair::Answered(*part, if *done { Answered::Done } else { Answered::Nothing })
                    }
                    Input::Full(_) | Input::Wish | Input::Paid | Input::Confirmed => {
                        Repair::Stay(Because::AlreadyEnded)
                    }
                })
            }

            fn upcast(version: u32, stored: &mut Value) -> bool {
                let upcast: fn(u32, &mut Value) -> bool = $upcast;
                upcast(version, stored)
            }
        }

        impl Hosted for $release {
            const SERVICE: Service = Service::Order;
            const WAITS: &'static [&'static str] = &["booking"];
            type Effect = Effect;
            type EffectAnswer = bool;

            fn begin(input: &Input, context: &Context<'_>) -> Option<($running, Vec<Call<Effect>>)> {
                let trip = context.correlation.0;
                let begin: fn(Booking) -> $running = $begin;
                let calls = [Part::Room, Part::Car].map(|part| call(part.label(), 0, Effect::Book(trip, part)));
                (*input == Input::Wish).then(|| (begin(Booking::new(trip)), calls.to_vec()))
            }

            fn on_event(_: &Event) -> Option<(Uuid, Input)> {
                None
            }

            fn on_answer(effect: Effect, _: u32, done: bool) -> (Uuid, Input) {
                match effect {
                    Effect::Book(id, part) => (id, if done { Input::Booked(part) } else { Input::Full(part) }),
                    Effect::LetGo(id, part) => (id, Input::LetGo(part, done)),
                    Effect::Pay(id) => (id, Input::Paid),
                }
            }
        }
    };
}

const BOOKING: &str = "booking";
const PAYING: &str = "paying";

const fn goes(from: &'static str, input: &'static str, to: &'static str) -> Transition {
    Transition { from, input, to }
}

const TRANSITIONS: &[Transition] = &[
    goes(BOOKING, "part booked", BOOKING),
    goes(BOOKING, "part booked", BOOKED),
    goes(BOOKING, "part full", OFF),
    goes(BOOKING, "deadline.booking", OFF),
];

saga!(
    Old,
    1,
    Booking,
    TRANSITIONS,
    |booking, input| {
        Ok(match booking.hear(*input)? {
            Went::Nowhere => Step::Stay(Because::AlreadyKnown),
            Went::On(booking) => Step::go(booking),
            Went::Whole => Step::end(End { trip: booking.trip, booked: true }),
            Went::Off => Step::end(End { trip: booking.trip, booked: false }),
        })
    },
    |booking| booking,
    |_, _| false,
    |booking| booking.trip
);

saga!(
    Field,
    1,
    BookingWithBreakfast,
    TRANSITIONS,
    |BookingWithBreakfast { booking, breakfast }, input| {
        Ok(match booking.hear(*input)? {
            Went::Nowhere => Step::Stay(Because::AlreadyKnown),
            Went::On(booking) => Step::go(BookingWithBreakfast { booking, breakfast: *breakfast }),
            Went::Whole => Step::end(End { trip: booking.trip, booked: true }),
            Went::Off => Step::end(End { trip: booking.trip, booked: false }),
        })
    },
    |booking| BookingWithBreakfast { booking, breakfast: true },
    |_, _| false,
    |state| state.booking.trip
);

saga!(
    Version,
    2,
    Stage,
    &[
        goes(BOOKING, "part booked", BOOKING),
        goes(BOOKING, "confirmed", BOOKING),
        goes(BOOKING, "part booked", PAYING),
        goes(BOOKING, "part full", OFF),
        goes(BOOKING, "deadline.booking", OFF),
        goes(PAYING, "paid", PAYING),
        goes(PAYING, "paid", BOOKED),
        goes(PAYING, "confirmed", PAYING),
        goes(PAYING, "confirmed", BOOKED),
    ],
    |stage, input| advance(*stage, *input),
    |booking| Stage::Booking { booking, confirmed: false },
    from_the_older,
    |stage| match stage {
        Stage::Booking { booking, .. } => booking.trip,
        Stage::Paying { trip, .. } => *trip,
    }
);

fn advance(stage: Stage, input: Input) -> Result<Step<Version>, NotNow> {
    let (trip, paid, confirmed) = match (stage, input) {
        (Stage::Booking { booking, .. }, Input::Confirmed) => {
            return Ok(Step::go(Stage::Booking { booking, confirmed: true }));
        }
        (Stage::Booking { booking, confirmed }, input) => {
            let trip = booking.trip;
            return Ok(match booking.hear(input)? {
                Went::Nowhere => Step::Stay(Because::AlreadyKnown),
                Went::On(booking) => Step::go(Stage::Booking { booking, confirmed }),
                Went::Whole => {
                    let outputs = vec![call("pay", 0, Effect::Pay(trip))];
                    Step::Go { to: Stage::Paying { trip, paid: false, confirmed }, outputs }
                }
                Went::Off => Step::end(End { trip, booked: false }),
            });
        }
        (Stage::Paying { trip, confirmed, .. }, Input::Paid) => (trip, true, confirmed),
        (Stage::Paying { trip, paid, .. }, Input::Confirmed) => (trip, paid, true),
        (Stage::Paying { .. }, Input::Wish | Input::Booked(_)) => return Ok(Step::Stay(Because::AlreadyKnown)),
        (Stage::Paying { .. }, Input::Full(_) | Input::LetGo(..)) => return Err(NotNow),
    };
    Ok(if paid && confirmed {
        Step::end(End { trip, booked: true })
    } else {
        Step::go(Stage::Paying { trip, paid, confirmed })
    })
}

/// The older release told nobody, so nothing has to come back.
fn from_the_older(version: u32, stored: &mut Value) -> bool {
    if version != 1 {
        return false;
    }
    if let Some(state) = fields(stored, &["state"])
        && let Some(booking) = state.remove("running")
    {
        state.insert("running".to_owned(), serde_json::json!({"booking": {"booking": booking, "confirmed": true}}));
    }
    true
}
