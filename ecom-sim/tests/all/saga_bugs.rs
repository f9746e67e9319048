//! Copies of the trip saga with a bug in each: all are found, and the report is small.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::trip::{DEAF, FORGETFUL, GREEDY, Letting, ONE_KEY, Planted, SOUND, WHOLE, is_whole};
use ecom_core::testing::trip::{ID, Input, Part};
use ecom_sim::saga::{Found, SagaTest, Story};
use proptest::collection;
use proptest::prelude::{Just, Strategy};

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

/// A story with a value that does not print itself as the code that makes it; the room is never to be had.
fn full<const BUG: u8>() -> impl Strategy<Value = Story<Planted<BUG>, Letting>> {
    collection::vec(Just(Input::AskAgain), 0..3).prop_map(|more| {
        let story = Story::new(Letting { full: Some(Part::Room), booked: vec![] }).send(ID, Input::Wish);
        more.into_iter().fold(story, |story, input| story.meanwhile().send(ID, input))
    })
}

/// The regression test that a report has, pasted beside a saga in which the bug is no more.
mod pasted {
    use super::{Letting, SOUND, full, is_whole};

    type Trip = super::Planted<SOUND>;

    include!("pasted.txt");
}

/// The arguments of `assert_saga!`, as it keeps them.
macro_rules! written {
    ($saga:ty, $desk:ty, $stories:expr $(, $when:ident $name:literal => $check:expr)*) => {
        stringify!($saga, $desk, $stories $(, $when $name => $check)*)
    };
}

/// The regression test is the same call of `assert_saga!`, so it compiles where that does; `ECOM_GOLDEN=write` writes it
/// anew.
#[test]
#[expect(clippy::disallowed_methods, reason = "who writes the file anew says so by it")]
fn a_report_has_a_regression_test_that_compiles_and_fails_as_long_as_the_bug_is_there() {
    let written = written!(Trip, Letting, full(),
        at_rest "a trip is booked as a whole or not at all" => |_, letting| is_whole(letting));
    let test = test::<FORGETFUL>().written(written);
    let Err(found) = test.check(full()) else { panic!("it is not found") };
    if std::env::var("ECOM_GOLDEN").is_ok_and(|value| value == "write") {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/all/pasted.txt"), &found.report.test).unwrap();
    }
    assert_eq!(found.report.test, include_str!("pasted.txt"));
    let (drawn, recipe) = (found.case.drawn.to_string(), found.report.recipe.to_string());
    let again = catch_unwind(AssertUnwindSafe(|| test.assert_again(full(), &drawn, &recipe)));
    let said = *again.expect_err("the bug is there").downcast::<String>().unwrap();
    assert!(said.contains(WHOLE), "{said}");
}
