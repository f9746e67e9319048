//! Bugs on purpose are found, at random and exhaustively, and by the invariant that is there for them.

use ecom_sim::mutant::{ALL, Bars, Checked, Control, Found, Hunt, Kill, Planted, Verdict, hunt};

/// The most runs of the swarm.
const RUNS: u64 = 6_000;
/// The most states of the exhaustive search.
const STATES: usize = 40_000;
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

/// Looks for each; `kill` is what is to be there. They shrink as the proof demands, in as few runs.
fn assert_all_are_found(plan: Hunt, bound: &str, kill: impl Fn(&Found) -> Option<&Kill> + Sync) {
    let hunts = each(|planted| {
        let found = hunt(planted, plan);
        let Some(kill) = kill(&found) else { panic!("{} survives {bound}", planted.name) };
        assert_right(planted, kill);
        (planted.name, found)
    });
    assert_eq!(hunts.len(), ALL.len());
    let (bars, planted) = (Bars::PROOF, |name| Planted::named(name).expect("it is planted"));
    let hunts: Vec<_> = hunts.into_iter().map(|(name, found)| (planted(name), found)).collect();
    let verdict = Verdict::of(&hunts, &Checked::default(), plan, bars);
    assert!(verdict.few * 100 >= ALL.len() * 95, "{verdict:?}");
    assert!(verdict.shrunk.2 <= bars.most, "{verdict:?}");
    assert!(verdict.runs.0 < bars.median_runs && verdict.replays.1 <= bars.replays, "{verdict:?}");
}

#[test]
fn every_planted_bug_is_found_at_random_and_shrinks_to_a_few_deviations() {
    let plan = Hunt { searches: 1, runs_max: RUNS, states_max: 0, uniform: false };
    assert_all_are_found(plan, &format!("{RUNS} runs"), |found| found.swarm.first());
}

#[test]
fn every_planted_bug_is_found_where_everything_is_tried() {
    let plan = Hunt { searches: 0, runs_max: 0, states_max: STATES, uniform: false };
    assert_all_are_found(plan, &format!("{STATES} states"), |found| found.exhaustive.as_ref());
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

/// Half of them do not reach a bar: that is told, by the name of the bar.
#[test]
fn a_proof_that_falls_short_says_of_what() {
    let planted = Planted::named("charge-fresh-key").expect("it is planted");
    let plan = Hunt { searches: 1, runs_max: RUNS, states_max: STATES, uniform: false };
    let hunts = [(planted, hunt(planted, plan))];
    let clean = Checked::default();
    let short =
        |hunts: &[(&Planted, Found)], control: &Checked, bars| Verdict::of(hunts, control, plan, bars).shortfalls;
    assert_eq!(short(&hunts, &clean, Bars::PROOF), Vec::<String>::new());
    for (bars, told) in [
        (Bars { median_runs: 1, ..Bars::PROOF }, "runs or more, and not 1"),
        (Bars { few: 0, ..Bars::PROOF }, "0 of 1 shrink to 0 deviations, and not 95 %"),
        (Bars { most: 0, ..Bars::PROOF }, "charge-fresh-key shrinks to 1 deviations"),
        (Bars { replays: 0, ..Bars::PROOF }, "runs to shrink to "),
    ] {
        let short = short(&hunts, &clean, bars);
        assert!(short.iter().any(|it| it.contains(told)), "{told}: {short:?}");
    }
    let lost = [(planted, Found { exhaustive: None, ..hunts[0].1.clone() })];
    assert_eq!(short(&lost, &clean, Bars::PROOF), ["charge-fresh-key is not found as it should be"]);
    let dirty = Checked { found: hunts[0].1.exhaustive.clone(), ..Checked::default() };
    assert!(short(&hunts, &dirty, Bars::PROOF)[0].starts_with("without a bug it is not clean: "));
}
