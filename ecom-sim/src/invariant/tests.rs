//! That invariants look at enough: after a step at what it wrote, and each at something that no other must notice.

use super::*;
use crate::choose::Random;
use crate::choose::Swarm;
use crate::hash::Rng;
use crate::mutant::{ALL as BUGS, Planted};
use crate::run::{random, run_watched};
use crate::scenario::{NAMES, Scenario};

/// Seeds of each world without a bug.
const SEEDS: u64 = 12;
/// Generated shops without a bug.
const SHOPS: u64 = 60;
/// Seeds with each planted bug.
const BUG_SEEDS: u64 = 40;
/// Runs in which an invariant alone must catch a bug.
const RUNS: u64 = 400;

/// Runs a world, and after every step asks the invariants that look only at what it wrote, and again in full. Says in how
/// many steps they agreed that something is broken, and that it is not.
fn compared(scenario: &Scenario, seed: u64) -> (u64, u64) {
    let rules = Rules { invariants: Rules::default().invariants, ..Rules::of(scenario.name()) };
    let mut rng = Rng::new(seed);
    let swarm = Swarm::draw(&mut rng);
    let (mut world, mut chooser, mut trace) = (scenario.world(), Random::new(rng, swarm), Trace::default());
    let (mut broken, mut whole) = (0, 0);
    let mut compare = |world: &World, trace: &Trace| {
        for it in ALL.iter().filter(|it| it.when == When::Always && bits(it.of) & trace.changed != 0) {
            let Some(near) = it.near.filter(|_| bits(it.of) & trace.vague() == 0) else { continue };
            let (near, full) = (near(world, trace.written()), (it.check)(world));
            assert_eq!(near.is_err(), full.is_err(), "{}: {scenario:?} {seed}: {near:?} {full:?}", it.name);
            *(if near.is_err() { &mut broken } else { &mut whole }) += 1;
        }
    };
    // A planted bug ends it in the step that breaks something: from then on only the full look would find it.
    drop(run_watched(&mut world, &mut chooser, &mut trace, &rules, &mut compare));
    (broken, whole)
}

#[test]
fn what_a_step_wrote_is_enough_to_look_at_where_nothing_is_broken() {
    let small = NAMES.iter().flat_map(|name| (0..SEEDS).map(move |seed| ((*name).to_owned(), seed)));
    let shops = (0..SHOPS).map(|seed| (format!("shop/{seed:x}"), seed));
    let (mut runs, mut compared_in) = (0, 0);
    for (name, seed) in small.chain(shops) {
        let scenario = Scenario::named(&name).unwrap().with_copies(1 + (seed % 2) as u8);
        let (broken, whole) = compared(&scenario, seed);
        assert_eq!(broken, 0, "{name} {seed}");
        (runs, compared_in) = (runs + 1, compared_in + whole);
    }
    assert!(runs > 200 && compared_in > 20_000, "{compared_in} comparisons in {runs} runs");
}

#[test]
fn what_a_step_wrote_is_enough_to_look_at_where_a_bug_breaks_something() {
    let mut bugs = 0;
    for planted in BUGS {
        let Some(scenario) = Scenario::planted(planted.lane.scenario, Some(planted.switch)) else { continue };
        let broken: u64 = (0..BUG_SEEDS).map(|seed| compared(&scenario, seed).0).sum();
        bugs += u64::from(broken > 0);
    }
    assert!(bugs >= 10, "only {bugs} bugs break what is looked at after a step");
}

/// Whether that invariant alone catches a bug: in the world in which everything is tried, or in one with notices.
fn catches(it: &Invariant, planted: &Planted) -> bool {
    let rules = Rules { invariants: [*it].into(), ..Rules::planted(planted.lane.scenario, Some(planted.switch)) };
    [planted.lane.scenario, "notices"].into_iter().any(|name| {
        let Some(scenario) = Scenario::planted(name, Some(planted.switch)) else { return false };
        let scenario = scenario.with_copies(planted.lane.copies);
        let mut failures =
            (0..RUNS).filter_map(|seed| random(&scenario, seed, false, Trace::default(), &rules).failure);
        failures.any(|failure| failure.invariant.name == it.name)
    })
}

#[test]
fn each_invariant_alone_catches_a_planted_bug() {
    for it in ALL {
        let mut expected = BUGS.iter().filter(|bug| bug.expected.iter().any(|name| it.name.starts_with(name)));
        assert!(expected.any(|planted| catches(it, planted)), "{} catches nothing", it.name);
    }
}
