//! The trip saga once more, with a bug of one's choice.

use ecom_core::decide::{Because, Context};
use ecom_core::event::{Event, Service};
use ecom_core::policy::Policy;
use ecom_core::saga::{Call, Hosted, Ledger, Repair, Saga, Step, Transition, Wait};
use ecom_core::testing::trip::{Booking, Effect, End, ID, Input, NotNow, Part, Trip, call};
use ecom_sim::saga::Desk;
use uuid::Uuid;

/// None.
pub(crate) const SOUND: u8 = 0;
/// After its end it lets the room go and forgets the car.
pub(crate) const FORGETFUL: u8 = 1;
/// A booking that is confirmed after the end changes nothing.
pub(crate) const DEAF: u8 = 2;
/// Letting go has the key of the booking.
pub(crate) const ONE_KEY: u8 = 3;
/// Whoever asks again books the room again.
pub(crate) const GREEDY: u8 = 4;
/// Whatever was answered, it asks under the key under which it asked first.
pub(crate) const STALE: u8 = 5;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Planted<const BUG: u8>;

impl<const BUG: u8> Saga for Planted<BUG> {
    const NAME: &'static str = "trip";
    const VERSION: u32 = 1;
    const TRANSITIONS: &'static [Transition] = Trip::TRANSITIONS;

    type Running = Booking;
    type Ended = End;
    type Input = Input;
    type Debt = Part;
    type Output = Call<Effect>;
    type Rejection = NotNow;

    fn wait(booking: &Booking, policy: &Policy) -> Option<Wait> {
        Trip::wait(booking, policy)
    }

    fn decide(booking: &Booking, input: &Input, context: &Context<'_>) -> Result<Step<Self>, NotNow> {
        if BUG == GREEDY && *input == Input::AskAgain {
            let outputs = vec![call("room", 9, Effect::Book(ID, Part::Room))];
            return Ok(Step::Go { to: *booking, outputs });
        }
        Trip::decide(booking, input, context).map(step)
    }

    fn expire(booking: &Booking, context: &Context<'_>) -> Step<Self> {
        step(Trip::expire(booking, context))
    }

    fn obligations(end: &End) -> Vec<Part> {
        let forgets = |part: &Part| BUG == FORGETFUL && *part == Part::Car;
        Trip::obligations(end).into_iter().filter(|part| !forgets(part)).collect()
    }

    fn ask(end: &End, ledger: &Ledger<Part>) -> Vec<Call<Effect>> {
        let mut calls = Trip::ask(end, ledger);
        if BUG == ONE_KEY {
            for call in &mut calls {
                call.round = 0;
            }
        }
        if BUG == STALE {
            for call in &mut calls {
                call.round = 1;
            }
        }
        calls
    }

    fn repair(end: &End, input: &Input, context: &Context<'_>) -> Result<Repair<Self>, NotNow> {
        Ok(match Trip::repair(end, input, context)? {
            Repair::Late(_) if BUG == DEAF => Repair::Stay(Because::AlreadyEnded),
            Repair::Late(part) => Repair::Late(part),
            Repair::Answered(part, how) => Repair::Answered(part, how),
            Repair::Ask { confirms } => Repair::Ask { confirms },
            Repair::Flag(why) => Repair::Flag(why),
            Repair::Stay(because) => Repair::Stay(because),
        })
    }
}

fn step<const BUG: u8>(step: Step<Trip>) -> Step<Planted<BUG>> {
    match step {
        Step::Go { to, outputs } => Step::Go { to, outputs },
        Step::End { to, outputs } => Step::End { to, outputs },
        Step::Flag(why) => Step::Flag(why),
        Step::Stay(because) => Step::Stay(because),
    }
}

impl<const BUG: u8> Hosted for Planted<BUG> {
    const SERVICE: Service = Trip::SERVICE;
    const WAITS: &'static [&'static str] = Trip::WAITS;
    type Effect = Effect;
    type EffectAnswer = bool;

    fn begin(input: &Input, context: &Context<'_>) -> Option<(Booking, Vec<Call<Effect>>)> {
        Trip::begin(input, context)
    }

    fn on_event(event: &Event) -> Option<(Uuid, Input)> {
        Trip::on_event(event)
    }

    fn on_answer(effect: Effect, attempts: u32, answer: bool) -> (Uuid, Input) {
        Trip::on_answer(effect, attempts, answer)
    }
}

/// What must hold at rest.
pub(crate) const WHOLE: &str = "a trip is booked as a whole or not at all";

/// The one who lets rooms and cars.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Letting {
    pub(crate) full: Option<Part>,
    pub(crate) booked: Vec<Part>,
}

/// Whether [`WHOLE`] holds.
pub(crate) const fn is_whole(letting: &Letting) -> bool {
    matches!(letting.booked.len(), 0 | 2)
}

impl<S: Hosted<Effect = Effect, EffectAnswer = bool>> Desk<S> for Letting {
    fn carry_out(&mut self, effect: &Effect) -> bool {
        match effect {
            Effect::Book(_, part) if self.full == Some(*part) => false,
            Effect::Book(_, part) => {
                self.booked.push(*part);
                true
            }
            Effect::LetGo(_, part) => {
                let before = self.booked.len();
                self.booked.retain(|booked| booked != part);
                self.booked.len() < before
            }
        }
    }
}
