//! Bugs on purpose are found, and by the invariant that is there for them.

use ecom_sim::mutant::{ALL, Hunt, hunt};
use ecom_sim::run::Rules;

/// What is found within a moment; `ecom-sim mutants` looks for all of them.
const RUNS: u64 = 60;

#[test]
fn planted_bugs_are_found_by_the_invariants_that_are_there_for_them() {
    let plan = Hunt { searches: 1, runs_max: RUNS, states_max: 0 };
    let rules = Rules::default();
    for name in [
        "outbox-not-swept",
        "deadline-not-set",
        "deadline-not-cancelled",
        "late-payment-wins",
        "effect-not-deleted",
        "refund-not-booked",
        "release-keeps-pieces",
        "sale-not-logged",
        "half-reserved",
        "key-not-kept",
    ] {
        let planted =
            ALL.iter().find(|planted| planted.name == name).unwrap_or_else(|| panic!("no bug is named {name}"));
        let found = hunt(Some(planted), plan, &rules);
        assert!(!found.swarm.is_empty(), "{name} survives {RUNS} runs");
        for kill in &found.swarm {
            let right = planted.expected.iter().any(|expected| kill.invariant.starts_with(expected));
            assert!(right, "{name} was caught by \"{}\": {}", kill.invariant, kill.recipe);
            assert!(kill.shrunk <= 3, "{name} shrinks to {} deviations: {}", kill.shrunk, kill.recipe);
        }
    }
}

#[test]
fn every_fault_in_a_world_of_one_price_finds_what_loses_messages() {
    let plan = Hunt { searches: 0, runs_max: 0, states_max: 20_000 };
    for planted in ALL.iter().filter(|planted| planted.lane.is_some_and(|lane| lane.scenario == "one-price")) {
        let found = hunt(Some(planted), plan, &Rules::default());
        let kill = found.exhaustive.unwrap_or_else(|| panic!("{} survives every single fault", planted.name));
        let right = planted.expected.iter().any(|expected| kill.invariant.starts_with(expected));
        assert!(right && kill.shrunk == 1, "{}: \"{}\" {}", planted.name, kill.invariant, kill.recipe);
    }
}

#[test]
fn worlds_without_a_planted_bug_are_clean() {
    let found = hunt(None, Hunt { searches: 1, runs_max: RUNS, states_max: 0 }, &Rules::default());
    assert!(found.swarm.is_empty() && found.uniform.is_empty(), "{found:?}");
}

#[test]
fn there_are_thirty_planted_bugs_and_each_has_its_name() {
    let names: std::collections::BTreeSet<_> = ALL.iter().map(|planted| planted.name).collect();
    assert_eq!(names.len(), ALL.len());
    assert!(ALL.len() >= 30, "{} planted bugs", ALL.len());
}
