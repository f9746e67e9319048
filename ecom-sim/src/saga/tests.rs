//! A saga that lives on events alone: the undoing of an order is over when its stock is released and its payment voided,
//! in whichever order that is told; then somebody is told of it.

use std::time::Duration;

use ecom_core::decide::{Because, Context};
use ecom_core::event::{Event, InventoryReleased, OrderCreated, PaymentVoided, Service};
use ecom_core::id::{OrderId, UserId};
use ecom_core::money::{Currency, Money};
use ecom_core::policy::Policy;
use ecom_core::saga::{Call, Hosted, Label, Ledger, Repair, Saga, State, Step, Transition, Wait};
use proptest::collection;
use proptest::prelude::{Just, Strategy};
use proptest::prop_oneof;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Desk, SagaTest, Story};
use crate::choose::{Fate, Op};
use crate::coverage::{self, Coverage};
use crate::run::random;
use crate::world::Trace;

/// None.
const SOUND: u8 = 0;
/// Takes for granted that stock is released first.
const IN_ORDER: u8 = 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Undoing<const BUG: u8>;

/// One of the two was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Half {
    order: Uuid,
    released: bool,
}

/// Both were.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Over;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Input {
    Released,
    Voided,
    Told,
}

/// Nothing is owed after the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
enum Nothing {}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not now")]
struct NotNow;

impl Label for Half {
    fn label(&self) -> &'static str {
        "half"
    }
}

impl Label for Over {
    fn label(&self) -> &'static str {
        "over"
    }
}

impl Label for Nothing {
    fn label(&self) -> &'static str {
        match *self {}
    }
}

impl Label for Input {
    fn label(&self) -> &'static str {
        match self {
            Self::Released => "released",
            Self::Voided => "voided",
            Self::Told => "told",
        }
    }
}

impl<const BUG: u8> Saga for Undoing<BUG> {
    const NAME: &'static str = "undoing";
    const VERSION: u32 = 1;
    const TRANSITIONS: &'static [Transition] = &[
        Transition { from: "half", input: "voided", to: "over" },
        Transition { from: "half", input: "released", to: "over" },
    ];

    type Running = Half;
    type Ended = Over;
    type Input = Input;
    type Debt = Nothing;
    type Output = Call<Uuid>;
    type Rejection = NotNow;

    fn wait(_: &Half, _: &Policy) -> Option<Wait> {
        None
    }

    fn decide(half: &Half, input: &Input, _: &Context<'_>) -> Result<Step<Self>, NotNow> {
        match (input, half.released) {
            (Input::Released, false) if BUG == IN_ORDER => Ok(Step::Stay(Because::NotConcerned)),
            (Input::Released, false) | (Input::Voided, true) => {
                let call = Call { key: "tell", round: 1, after: Duration::ZERO, effect: half.order };
                Ok(Step::End { to: Over, outputs: vec![call] })
            }
            (Input::Released, true) | (Input::Voided, false) => Ok(Step::Stay(Because::AlreadyKnown)),
            (Input::Told, _) => Err(NotNow),
        }
    }

    fn expire(half: &Half, _: &Context<'_>) -> Step<Self> {
        Step::go(*half)
    }

    fn obligations(_: &Over) -> Vec<Nothing> {
        vec![]
    }

    fn ask(_: &Over, _: &Ledger<Nothing>) -> Vec<Call<Uuid>> {
        vec![]
    }

    fn repair(_: &Over, _: &Input, _: &Context<'_>) -> Result<Repair<Self>, NotNow> {
        Ok(Repair::Stay(Because::AlreadyEnded))
    }
}

impl<const BUG: u8> Hosted for Undoing<BUG> {
    const SERVICE: Service = Service::Order;
    const WAITS: &'static [&'static str] = &[];
    type Effect = Uuid;
    type EffectAnswer = ();

    fn begin(input: &Input, context: &Context<'_>) -> Option<(Half, Vec<Call<Uuid>>)> {
        let half = Half { order: context.correlation.0, released: *input == Input::Released };
        (*input != Input::Told).then_some((half, vec![]))
    }

    fn on_event(event: &Event) -> Option<(Uuid, Input)> {
        match event {
            Event::InventoryReleased(told) => Some((told.order_id.0, Input::Released)),
            Event::PaymentVoided(told) => Some((told.order_id.0, Input::Voided)),
            Event::OrderCreated(told) => Some((told.order_id.0, Input::Released)),
            _ => None,
        }
    }

    fn on_answer(order: Uuid, _: u32, (): ()) -> (Uuid, Input) {
        (order, Input::Told)
    }
}

/// Who was told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Board(Vec<Uuid>);

impl<const BUG: u8> Desk<Undoing<BUG>> for Board {
    fn carry_out(&mut self, order: &Uuid) {
        self.0.push(*order);
    }
}

fn released(order: u128) -> Event {
    let order_id = OrderId(Uuid::from_u128(order));
    Event::InventoryReleased(InventoryReleased { order_id, reservation_id: None, reason: String::new() })
}

fn voided(order: u128) -> Event {
    let (order_id, reason) = (OrderId(Uuid::from_u128(order)), String::new());
    Event::PaymentVoided(PaymentVoided { order_id, payment_id: None, refund_id: None, amount: None, reason })
}

/// Stock and payment are told in their order, by one service or by two; one of them perhaps again.
fn stories<const BUG: u8>() -> impl Strategy<Value = Story<Undoing<BUG>, Board>> {
    let more = collection::vec(prop_oneof![Just(released(1)), Just(voided(1))], 0..3);
    (proptest::bool::ANY, more).prop_map(|(two, more)| {
        let story = Story::new(Board::default()).tell(released(1));
        let story = if two { story.meanwhile() } else { story }.tell(voided(1));
        more.into_iter().fold(story, Story::tell)
    })
}

fn test<const BUG: u8>() -> SagaTest<Undoing<BUG>, Board> {
    SagaTest::new().tries(24, 32).at_rest("everybody is told once", |undoings, board: &Board| {
        undoings.values().all(|undoing| undoing.state == State::Ended(Over)) && board.0 == [Uuid::from_u128(1)]
    })
}

#[test]
fn a_saga_that_lives_on_events_keeps_its_promises() {
    if let Err(found) = test::<SOUND>().check(stories()) {
        panic!("{found}");
    }
}

#[test]
fn a_saga_that_counts_on_the_order_of_events_is_found() {
    let Err(found) = test::<IN_ORDER>().check(stories()) else { panic!("it is not found") };
    assert_eq!(found.report.failure.invariant.name, "every saga ends, settles what it owes, and needs no operator");
    assert!(found.report.recipe.deviations.len() <= 1, "{found}");
}

#[test]
fn what_is_told_goes_through_the_broker_and_its_faults() {
    let (story, test) = (Story::<_, Board>::new(Board::default()).tell(released(1)).tell(voided(1)), test::<SOUND>());
    let mut reached = Coverage::default();
    for seed in 0..400 {
        let trace = Trace::covering(std::mem::take(&mut reached));
        let finished = random(&test.scenario(&story, 1), seed, false, trace, &test.rules);
        assert!(finished.failure.is_none(), "seed {seed}: {:?}", finished.failure);
        reached = finished.trace.into_coverage();
    }
    for fate in [(Op::Publish, Fate::UnknownDone), (Op::Publish, Fate::CrashAfter), (Op::Duplicate, Fate::Twice)] {
        assert!(reached.fates.contains_key(&fate), "{fate:?}");
    }
    for fate in [Fate::UnknownNotDone, Fate::CrashBefore, Fate::CrashAfter] {
        assert!(reached.fates.contains_key(&(Op::Settle, fate)), "{fate:?}");
    }
    for end in ["overtaking", "twice", "again", "cut off", "duplicate"] {
        let is_it = |cell: &coverage::Cell| cell.service == Service::Order as u8 && cell.outcome == end;
        assert!(reached.cells.keys().any(is_it), "{end}: {:?}", reached.cells.keys());
    }
}

#[test]
fn an_event_that_does_not_go_to_the_queue_of_the_saga_is_told() {
    let (order_id, user_id) = (OrderId(Uuid::from_u128(1)), UserId(Uuid::nil()));
    let total_amount = Money::new(1, Currency::EUR);
    let unbound = OrderCreated { order_id, user_id, items: vec![], total_amount, payment_method_id: None };
    let story = Just(Story::<Undoing<SOUND>, _>::new(Board::default()).tell(Event::OrderCreated(unbound)));
    let Err(found) = SagaTest::new().check(story) else { panic!("it is not told") };
    assert_eq!(found.report.failure.invariant.name, "what others tell is handled");
    assert!(found.to_string().contains("not bound to that queue"), "{found}");
}
