//! Copies of the trip saga with a bug in each: all are found, and the report is small.

#[path = "planted/trip.rs"]
mod trip;

use ecom_core::testing::trip::{ID, Input, Part};
use ecom_sim::saga::{Found, SagaTest, Story};
use proptest::collection;
use proptest::prelude::{Just, Strategy};
use trip::{DEAF, FORGETFUL, GREEDY, Letting, ONE_KEY, Planted, SOUND, WHOLE, is_whole};

fn stories<const BUG: u8>() -> impl Strategy<Value = Story<Planted<BUG>, Letting>> {
    let full = proptest::option::of(Just(Part::Room));
    let more = collection::vec(Just(Input::AskAgain), 0..3);
    (full, more).prop_map(|(full, more)| {
        let story = Story::new(Letting { full, booked: vec![] }).send(ID, Input::Wish);
        more.into_iter().fold(story, |story, input| story.meanwhile().send(ID, input))
    })
}

fn test<const BUG: u8>() -> SagaTest<Planted<BUG>, Letting> {
    SagaTest::new().at_rest(WHOLE, |_, letting: &Letting| is_whole(letting))
}

/// The failure of a bug: the invariant is named, there are three deviations at most, and the string repeats it.
fn found<const BUG: u8>(invariant: &str) -> Box<Found<Planted<BUG>, Letting>> {
    let Err(found) = test::<BUG>().check(stories()) else { panic!("bug {BUG} is not found") };
    assert_eq!(found.report.failure.invariant.name, invariant, "{found}");
    assert!(found.report.recipe.deviations.len() <= 3, "{found}");
    assert!(found.report.same, "{found}");
    assert!(found.to_string().lines().count() <= 25, "{found}");
    let again = test::<BUG>().replay(&found.case.story, &found.report.recipe.to_string());
    assert_eq!(again.map(|it| it.map(|it| it.report.failure.invariant.name)), Ok(Some(invariant)));
    found
}

#[test]
fn without_a_bug_nothing_is_found() {
    assert!(test::<SOUND>().check(stories()).is_ok());
}

#[test]
fn a_forgotten_compensation_is_found() {
    let found = found::<FORGETFUL>(WHOLE);
    let wish = |full| Story::new(Letting { full, booked: vec![] }).send(ID, Input::Wish);
    assert!([None, Some(Part::Room)].map(wish).contains(&found.case.story), "{found}");
}

#[test]
fn a_late_success_that_is_not_heard_is_found_and_small() {
    let found = found::<DEAF>(WHOLE);
    assert!(!found.report.recipe.deviations.is_empty(), "{found}");
}

#[test]
fn a_key_for_two_things_is_found() {
    found::<ONE_KEY>("a key is never used for two things");
}

#[test]
fn a_part_that_is_booked_twice_is_found() {
    found::<GREEDY>("nothing is done twice");
}
