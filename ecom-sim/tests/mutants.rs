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
