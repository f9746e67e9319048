//! What the simulator once found in our own code: each string is clean now, and with the bug planted again it breaks what
//! it broke then. Where later changes moved the steps of a run, a new search for the planted bug found the string.

use crate::trip::{Letting, Planted, SOUND, STALE, WHOLE, is_whole};
use ecom_core::saga::Hosted;
use ecom_core::testing::trip::{Effect, ID, Input, Part, Trip};
use ecom_sim::mutant::{FORMER, Planted as Bug, Switch};
use ecom_sim::report::Recipe;
use ecom_sim::run::{Rules, replay};
use ecom_sim::saga::{SagaTest, Story};
use ecom_sim::scenario::Scenario;
use ecom_sim::world::Trace;

const PAID: &str = "an order that is complete is paid, and its stock is held or sold";
const KEEPS: &str = "an order that failed or was cancelled keeps no money and no stock";
const NOTICES: &str = "each order's end has one notice, and it says that end";
const REST: &str = "when faults stop, everything comes to rest";

/// What went wrong; the bug's name and the invariant that it breaks.
const FOUND: &[(&str, &str, &str)] = &[
    // Charged, and the process dies; the order is cancelled; "later", says the provider when it is asked again.
    ("order-cancel~payment.call.1=crash-after,payment.call.2=transient", "silence-is-harmless", KEEPS),
    (
        "order-cancel~payment.call.1=crash-after,payment.call.2=crash-after,payment.call.3=transient",
        "silence-is-harmless",
        KEEPS,
    ),
    // A refusal is told by webhook alone; the refund is asked for again, and the provider gives the money back.
    ("refund-refused~@2=payment.arrive0", "refusal-told-is-final", PAID),
    // Stored in one queue alone, and the confirm is lost: the row must stay in the outbox.
    ("notices~order.publish.2=unknown-half", "confirm-taken-for-granted", NOTICES),
    // Two processes handle repeats of one end while its user changes his wishes: each chooses a channel of its own.
    (
        "wishes-firstx2~@2=client1,@4=client1,@7=notification:1.command1,@10=client1,@20=time0,@22=order.clock,\
         order.publish.1=crash-before,@28=time1,@34=notification.consumer,@45=notification.consumer,\
         @46=payment.command0,@49=notification:1.consumer,@51=notification.command0",
        "reads-not-locked",
        NOTICES,
    ),
];

/// Runs it, with the bug or without, and says what is broken. All that should go otherwise must be possible: a string that
/// passes something over tells nothing.
fn broken(text: &str, bug: Option<Switch>) -> Option<&'static str> {
    let Ok(recipe) = text.parse::<Recipe>() else { panic!("{text} is no recipe") };
    let Some(scenario) = Scenario::planted(&recipe.scenario, bug) else { panic!("{text} has no world") };
    let finished = replay(&scenario, &recipe.deviations, Trace::default(), &Rules::default());
    assert_eq!(finished.deviations, recipe.deviations, "{text}: not all of it is possible");
    finished.failure.map(|failure| failure.invariant.name)
}

#[test]
fn what_once_went_wrong_goes_right_and_goes_wrong_with_its_bug() {
    for (text, bug, invariant) in FOUND {
        let Some(bug) = Bug::named(bug) else { panic!("no bug is named {bug}") };
        assert_eq!(broken(text, None), None, "{text}");
        assert_eq!(broken(text, Some(bug.switch)), Some(*invariant), "{text} with {}", bug.name);
        assert!(bug.expected.iter().any(|expected| invariant.starts_with(expected)), "{}", bug.name);
    }
}

#[test]
fn every_former_bug_has_what_found_it() {
    for former in FORMER {
        assert!(FOUND.iter().any(|(_, bug, _)| *bug == former.name), "{}", former.name);
    }
}

/// The compensation overtakes the booking that it undoes, and whoever lets rooms keeps "there was none" under its key.
const OVERTAKEN: &str = "tripx2~@3=order.call1,@6=order.call2,@7=order.call0";

fn trip_breaks<S: Hosted<Input = Input, Effect = Effect, EffectAnswer = bool>>() -> Option<&'static str> {
    let story = Story::<S, Letting>::new(Letting { full: Some(Part::Room), booked: vec![] }).send(ID, Input::Wish);
    let test = SagaTest::new().at_rest(WHOLE, |_, letting: &Letting| is_whole(letting));
    let found = test.replay(&story, OVERTAKEN).expect("it is a recipe");
    found.map(|found| found.report.failure.invariant.name)
}

#[test]
fn a_compensation_that_overtakes_its_step_is_asked_for_under_a_key_of_its_own() {
    assert_eq!(trip_breaks::<Trip>(), None);
    assert_eq!(trip_breaks::<Planted<SOUND>>(), None);
    assert_eq!(trip_breaks::<Planted<STALE>>(), Some(REST));
}
