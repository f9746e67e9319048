//! Bugs on purpose are found, at random and exhaustively, and by the invariant that is there for them.

use ecom_sim::mutant::{ALL, Control, Found, Hunt, Kill, Planted, hunt};

/// The most runs of the swarm.
const RUNS: u64 = 3_000;
/// The most states of the exhaustive search.
const STATES: usize = 40_000;
/// To so many deviations a counterexample shrinks, in 95 of 100 planted bugs; each to one more at most.
const FEW: usize = 3;

/// As many threads as look at the planted bugs by turns.
const THREADS: usize = 2;

#[expect(clippy::disallowed_methods, reason = "each hunt is a thread's own")]
fn each<T: Send>(look: impl Fn(&Planted) -> T + Sync) -> Vec<T> {
    std::thread::scope(|scope| {
        let look = &look;
        let turn = |turn| scope.spawn(move || ALL.iter().skip(turn).step_by(THREADS).map(look).collect::<Vec<_>>());
        let turns: Vec<_> = (0..THREADS).map(turn).collect();
        turns
            .into_iter()
            .flat_map(|turn| turn.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}

fn assert_right(planted: &Planted, kill: &Kill) {
    let (name, recipe) = (planted.name, &kill.recipe);
    let right = planted.expected.iter().any(|expected| kill.invariant.starts_with(expected));
    assert!(right, "{name} was caught by \"{}\": {recipe}", kill.invariant);
}

/// Looks for each; `kill` is what is to be there. They shrink as the catalogue promises.
fn assert_all_are_found(plan: Hunt, bound: &str, kill: impl Fn(Found) -> Option<Kill> + Sync) {
    let shrunk = each(|planted| {
        let Some(kill) = kill(hunt(planted, plan)) else { panic!("{} survives {bound}", planted.name) };
        assert_right(planted, &kill);
        (kill.shrunk, planted.name, kill.recipe)
    });
    let more: Vec<_> = shrunk.iter().filter(|(deviations, ..)| *deviations > FEW).collect();
    assert_eq!(shrunk.len(), ALL.len());
    assert!(more.len() * 100 <= ALL.len() * 5, "{more:?}");
    assert!(more.iter().all(|(deviations, ..)| *deviations == FEW + 1), "{more:?}");
}

#[test]
fn every_planted_bug_is_found_at_random_and_shrinks_to_a_few_deviations() {
    let plan = Hunt { searches: 1, runs_max: RUNS, states_max: 0, uniform: false };
    assert_all_are_found(plan, &format!("{RUNS} runs"), |found| found.swarm.into_iter().next());
}

#[test]
fn every_planted_bug_is_found_where_everything_is_tried() {
    let plan = Hunt { searches: 0, runs_max: 0, states_max: STATES, uniform: false };
    assert_all_are_found(plan, &format!("{STATES} states"), |found| found.exhaustive);
}

#[test]
fn worlds_without_a_planted_bug_are_clean() {
    let parts = Control::all();
    let plan = Hunt { searches: 1, runs_max: 200, states_max: STATES / 20, uniform: true };
    for part in &parts {
        let checked = part.check(plan);
        assert!(checked.found.is_none(), "{part:?}: {checked:?}");
        assert!(checked.runs > 0 || checked.states > 0, "{part:?}");
    }
    for planted in ALL {
        assert!(parts.contains(&Control::Lane(planted.lane)), "{} is looked for elsewhere", planted.name);
    }
}

#[test]
fn there_are_thirty_planted_bugs_and_each_has_its_name() {
    let names: std::collections::BTreeSet<_> = ALL.iter().map(|planted| planted.name).collect();
    assert_eq!(names.len(), ALL.len());
    assert!(ALL.len() >= 30, "{} planted bugs", ALL.len());
}
