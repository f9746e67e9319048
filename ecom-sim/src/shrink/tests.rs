//! What shrinking leaves is small, and replays from its string.

use super::*;
use crate::mutant::{Planted, Switch};
use crate::report::Recipe;
use crate::run::random;

/// The first failing run of generated shops with that bug, which has several commands.
fn failing(name: &str) -> (Scenario, Finished, Option<Switch>) {
    let bug = Planted::named(name).map(|planted| planted.switch);
    let found = (0..3_000).find_map(|seed| {
        let scenario = Scenario::planted(&format!("shop/{:x}", seed / 4), bug)?;
        let finished = random(&scenario, seed, false, Trace::default(), &Rules::default());
        finished.failure.is_some().then_some((scenario, finished)).filter(|(scenario, _)| scenario.commands() > 4)
    });
    let Some((scenario, finished)) = found else { panic!("{name} is not found") };
    (scenario, finished, bug)
}

#[test]
fn a_failing_shop_shrinks_to_few_commands_and_replays_from_its_string() {
    for name in ["charge-fresh-key", "sold-twice", "half-reserved", "late-payment-wins", "old-price-wins"] {
        let (scenario, finished, bug) = failing(name);
        let invariant = finished.failure.expect("it fails").invariant.name;
        let shrunk = shrink(&scenario, &finished.deviations, invariant, &Rules::default()).expect("it repeats");
        let recipe = Recipe { scenario: shrunk.scenario.name().to_owned(), deviations: shrunk.deviations };
        assert!(shrunk.scenario.commands() < scenario.commands(), "{name}: {recipe}");
        let again: Recipe = recipe.to_string().parse().unwrap();
        assert_eq!(again, recipe);
        let world = Scenario::planted(&again.scenario, bug).expect("its name says what it is");
        assert_eq!(world.commands(), shrunk.scenario.commands());
        let broken = replay(&world, &again.deviations, Trace::default(), &Rules::default()).failure;
        assert_eq!(broken.map(|it| it.invariant.name), Some(invariant), "{name}: {recipe}");
    }
}

#[test]
fn one_process_of_each_service_is_left_where_it_is_enough() {
    let bug = Planted::named("charge-fresh-key").map(|planted| planted.switch);
    let scenario = Scenario::planted("order-cancelx2", bug).expect("it is there");
    let failed = (0..3_000).find_map(|seed| {
        let Finished { failure, deviations, .. } = random(&scenario, seed, false, Trace::default(), &Rules::default());
        failure.map(|failure| (failure.invariant.name, deviations))
    });
    let (invariant, deviations) = failed.expect("it is found");
    let shrunk = shrink(&scenario, &deviations, invariant, &Rules::default()).expect("it repeats");
    assert!(!shrunk.scenario.name().contains('x'), "{}", shrunk.scenario.name());
    assert!(Scenario::planted(shrunk.scenario.name(), bug).is_some_and(|it| it.with_one_copy().is_none()));
}
