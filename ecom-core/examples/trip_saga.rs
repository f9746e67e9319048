//! A saga of your own, with no order in it: a trip of a flight and a hotel.
//!
//! Both are booked at the same time. If one cannot be had, or no answer comes in time, the trip is off and *both* are
//! cancelled: a booking whose answer is missing may have happened. An airline that confirms after that does not
//! confuse it.
//!
//! The saga is a pure type; [`SagaContext`] makes it a context of the engine. Here the engine's one pure function,
//! [`fold`], runs it in memory. In production a store calls the same function inside a transaction, and an effector
//! calls the outside with the effect's id as idempotency key.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ecom_core::decide::{Because, BoundedContext, Context, Timer};
use ecom_core::engine::{EffectRow, Loaded, Message, Origin, fold};
use ecom_core::event::{Event, Service};
use ecom_core::id::{CorrelationId, MessageId};
use ecom_core::policy::Policy;
use ecom_core::saga::{
    Addressed, Answered, Call, Hosted, Instance, Label, Ledger, Repair, Saga, SagaContext, Signal, State, Step,
    Transition, Wait, diagram,
};
use ecom_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Trip;

/// While it waits: what has been confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Booking {
    trip: Uuid,
    flight: bool,
    hotel: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
enum End {
    Booked,
    Off { trip: Uuid },
}

/// What the trip consists of; after its end, what is to be cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
enum Part {
    Flight,
    Hotel,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Input {
    Wish { trip: Uuid },
    Confirmed(Part),
    Full(Part),
    Cancelled(Part),
    NothingToCancel(Part),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
enum Effect {
    Book { trip: Uuid, part: Part },
    Cancel { trip: Uuid, part: Part },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nothing was cancelled yet")]
struct NotCancelled;

impl Label for Booking {
    fn label(&self) -> &'static str {
        "booking"
    }
}

impl Label for End {
    fn label(&self) -> &'static str {
        match self {
            Self::Booked => "booked",
            Self::Off { .. } => "off",
        }
    }
}

impl Label for Part {
    fn label(&self) -> &'static str {
        match self {
            Self::Flight => "flight",
            Self::Hotel => "hotel",
        }
    }
}

impl Label for Input {
    fn label(&self) -> &'static str {
        match self {
            Self::Wish { .. } => "wish",
            Self::Confirmed(_) => "confirmed",
            Self::Full(_) => "full",
            Self::Cancelled(_) => "cancelled",
            Self::NothingToCancel(_) => "nothing_to_cancel",
        }
    }
}

impl Saga for Trip {
    const NAME: &'static str = "trip";
    const VERSION: u32 = 1;
    const TRANSITIONS: &'static [Transition] = &[
        Transition { from: "booking", input: "confirmed", to: "booking" },
        Transition { from: "booking", input: "confirmed", to: "booked" },
        Transition { from: "booking", input: "full", to: "off" },
        Transition { from: "booking", input: "deadline.confirmation", to: "off" },
    ];

    type Running = Booking;
    type Ended = End;
    type Input = Input;
    type Debt = Part;
    type Output = Call<Effect>;
    type Rejection = NotCancelled;

    fn wait(_: &Booking, _: &Policy) -> Option<Wait> {
        Some(Wait { kind: "confirmation", after: Duration::from_secs(3_600) })
    }

    fn decide(booking: &Booking, input: &Input, _: &Context<'_>) -> Result<Step<Self>, NotCancelled> {
        Ok(match input {
            Input::Confirmed(part) => {
                let flight = booking.flight || *part == Part::Flight;
                let hotel = booking.hotel || *part == Part::Hotel;
                if flight && hotel { Step::end(End::Booked) } else { Step::go(Booking { flight, hotel, ..*booking }) }
            }
            Input::Full(_) => Step::end(End::Off { trip: booking.trip }),
            Input::Wish { .. } => Step::Stay(Because::AlreadyKnown),
            Input::Cancelled(_) | Input::NothingToCancel(_) => return Err(NotCancelled),
        })
    }

    fn expire(booking: &Booking, _: &Context<'_>) -> Step<Self> {
        Step::end(End::Off { trip: booking.trip })
    }

    fn obligations(end: &End) -> Vec<Part> {
        match end {
            End::Booked => vec![],
            End::Off { .. } => vec![Part::Flight, Part::Hotel],
        }
    }

    fn ask(end: &End, ledger: &Ledger<Part>) -> Vec<Call<Effect>> {
        let End::Off { trip } = *end else { return vec![] };
        let cancel = |(part, round): (Part, u32)| Call {
            key: part.label(),
            round,
            after: Duration::ZERO,
            effect: Effect::Cancel { trip, part },
        };
        ledger.outstanding().map(cancel).collect()
    }

    fn repair(end: &End, input: &Input, _: &Context<'_>) -> Result<Repair<Self>, NotCancelled> {
        Ok(match (end, input) {
            (End::Off { .. }, Input::Confirmed(part)) => Repair::Late(*part),
            (End::Off { .. }, Input::Cancelled(part)) => Repair::Answered(*part, Answered::Done),
            (End::Off { .. }, Input::NothingToCancel(part)) => Repair::Answered(*part, Answered::Nothing),
            (End::Booked, Input::Full(part)) => Repair::Flag(format!("{} was confirmed and is full", part.label())),
            (End::Booked, Input::Cancelled(_) | Input::NothingToCancel(_)) => return Err(NotCancelled),
            (End::Booked, Input::Confirmed(_)) | (_, Input::Wish { .. }) => Repair::Stay(Because::AlreadyKnown),
            (End::Off { .. }, Input::Full(_)) => Repair::Stay(Because::AlreadyEnded),
        })
    }
}

impl Hosted for Trip {
    const SERVICE: Service = Service::Order;
    const WAITS: &'static [&'static str] = &["confirmation"];
    type Effect = Effect;
    /// Whether it was done, or else was not there to be done.
    type EffectAnswer = bool;

    fn begin(input: &Input, _: &Context<'_>) -> Option<(Booking, Vec<Call<Effect>>)> {
        let Input::Wish { trip } = *input else { return None };
        let book = |part: Part| Call {
            key: match part {
                Part::Flight => "book_flight",
                Part::Hotel => "book_hotel",
            },
            round: 1,
            after: Duration::ZERO,
            effect: Effect::Book { trip, part },
        };
        Some((Booking { trip, flight: false, hotel: false }, vec![book(Part::Flight), book(Part::Hotel)]))
    }

    fn on_event(_: &Event) -> Option<(Uuid, Input)> {
        None
    }

    fn on_answer(effect: Effect, _: u32, done: bool) -> (Uuid, Input) {
        match effect {
            Effect::Book { trip, part } => (trip, if done { Input::Confirmed(part) } else { Input::Full(part) }),
            Effect::Cancel { trip, part } => {
                (trip, if done { Input::Cancelled(part) } else { Input::NothingToCancel(part) })
            }
        }
    }
}

/// The rows of one database, in memory.
#[derive(Default)]
struct Memory {
    sagas: BTreeMap<Uuid, Instance<Trip>>,
    calls: BTreeMap<MessageId, EffectRow<Effect>>,
    timers: BTreeSet<Timer>,
    messages: u128,
}

impl Memory {
    /// One transaction.
    fn handle(&mut self, origin: Origin, input: Addressed<Input>) {
        self.messages += 1;
        let (id, correlation) = (MessageId(Uuid::from_u128(self.messages)), CorrelationId(input.saga));
        let loaded = Loaded {
            snapshot: self.sagas.clone(),
            seen: BTreeSet::new(),
            kept: BTreeMap::new(),
            armed: self.timers.clone(),
            owed: self.calls.iter().map(|(id, call)| (*id, call.attempts)).collect(),
            now: Timestamp::EPOCH,
        };
        let message = Message { id, origin, correlation, causation: None, traceparent: None, input };
        let writes = fold::<SagaContext<Trip>>(loaded, &[message], &Policy::default());
        for saga in writes.changes {
            self.sagas.insert(saga.id, saga);
        }
        for (id, call) in writes.effects {
            self.calls.remove(&id);
            self.calls.extend(call.map(|call| (id, call)));
        }
        for ((subject, kind), armed) in writes.timers {
            self.timers.retain(|timer| (timer.subject, &timer.kind) != (subject, &kind));
            self.timers.extend(armed.map(|(epoch, _)| Timer { subject, kind, epoch }));
        }
        for line in writes.history {
            println!("    {} -> {}: {}", line.entry.from, line.entry.to, line.entry.event);
        }
    }

    /// The outside answers one of the calls that are owed.
    fn answer(&mut self, effect: &Effect, done: bool) {
        let Some(call) = self.calls.values().find(|call| call.effect == *effect).cloned() else { return };
        println!("{effect:?} under key {}: {}", call.id, if done { "done" } else { "there is none" });
        let input = SagaContext::<Trip>::on_answer(call.id, call.effect, call.attempts, done);
        self.handle(Origin::Answer { effect: call.id, attempt: call.attempts }, input);
    }

    /// The airline confirms by itself.
    fn hear(&mut self, saga: Uuid, input: Input) {
        println!("{input:?}");
        self.handle(Origin::Command(None), Addressed { saga, signal: Signal::Input(input) });
    }
}

fn main() {
    println!("{}", diagram::<Trip>());
    let mut memory = Memory::default();
    let trip = Uuid::from_u128(0x7219);
    memory.hear(trip, Input::Wish { trip });
    memory.answer(&Effect::Book { trip, part: Part::Hotel }, false);
    memory.answer(&Effect::Cancel { trip, part: Part::Hotel }, false);
    memory.answer(&Effect::Cancel { trip, part: Part::Flight }, false);
    assert!(memory.sagas[&trip].is_settled(), "nothing was booked, so nothing is left");

    println!("… and then the airline says that it had booked the flight after all:");
    memory.hear(trip, Input::Confirmed(Part::Flight));
    assert!(!memory.sagas[&trip].is_settled(), "the flight is to be cancelled");
    memory.answer(&Effect::Cancel { trip, part: Part::Flight }, true);

    let saga = &memory.sagas[&trip];
    assert_eq!(saga.state, State::Ended(End::Off { trip }), "an end is an end");
    assert!(saga.is_settled() && memory.timers.is_empty(), "and nothing is left behind");
}
