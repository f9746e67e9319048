//! Bugs on purpose are found, at random and exhaustively, and by the invariant that is there for them.

use ecom_sim::mutant::{ALL, Hunt, Kill, Planted, hunt};
use ecom_sim::run::Rules;

/// The most runs of the swarm.
const RUNS: u64 = 3_000;
/// The most states of the exhaustive search.
const STATES: usize = 40_000;
/// To so many deviations each counterexample shrinks; nearly all of them to one less.
const FEW: usize = 4;

/// As many threads as look at the planted bugs by turns.
const THREADS: usize = 2;

fn each(check: impl Fn(&Planted) + Sync) {
    std::thread::scope(|scope| {
        for turn in 0..THREADS {
            let check = &check;
            scope.spawn(move || ALL.iter().skip(turn).step_by(THREADS).for_each(check));
        }
    });
}

fn assert_right(planted: &Planted, kill: &Kill) {
    let (name, recipe) = (planted.name, &kill.recipe);
    let right = planted.expected.iter().any(|expected| kill.invariant.starts_with(expected));
    assert!(right, "{name} was caught by \"{}\": {recipe}", kill.invariant);
}

#[test]
fn every_planted_bug_is_found_at_random_and_shrinks_to_a_few_deviations() {
    let plan = Hunt { searches: 1, runs_max: RUNS, states_max: 0, uniform: false };
    each(|planted| {
        let found = hunt(Some(planted), plan, &Rules::default());
        let Some(kill) = found.swarm.first() else { panic!("{} survives {RUNS} runs", planted.name) };
        assert_right(planted, kill);
        assert!(kill.shrunk <= FEW, "{} shrinks to {} deviations: {}", planted.name, kill.shrunk, kill.recipe);
    });
}

#[test]
fn every_planted_bug_is_found_where_everything_is_tried() {
    let plan = Hunt { searches: 0, runs_max: 0, states_max: STATES, uniform: false };
    each(|planted| {
        let found = hunt(Some(planted), plan, &Rules::default());
        let Some(kill) = found.exhaustive else { panic!("{} survives {STATES} states", planted.name) };
        assert_right(planted, &kill);
        assert!(kill.shrunk <= FEW, "{} shrinks to {} deviations: {}", planted.name, kill.shrunk, kill.recipe);
    });
}

#[test]
fn worlds_without_a_planted_bug_are_clean() {
    let found = hunt(None, Hunt { searches: 1, runs_max: 200, states_max: 0, uniform: true }, &Rules::default());
    assert!(found.swarm.is_empty() && found.uniform.is_empty(), "{found:?}");
}

#[test]
fn there_are_thirty_planted_bugs_and_each_has_its_name() {
    let names: std::collections::BTreeSet<_> = ALL.iter().map(|planted| planted.name).collect();
    assert_eq!(names.len(), ALL.len());
    assert!(ALL.len() >= 30, "{} planted bugs", ALL.len());
}
