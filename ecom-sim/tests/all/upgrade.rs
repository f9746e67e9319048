//! Two releases of a saga beside each other on one database: an upgrade under way, and a rollback.

use std::collections::BTreeSet;

use ecom_sim::choose::Fate;
use ecom_sim::explore::{Explored, Options, explore};
use ecom_sim::mutant::Mutant;
use ecom_sim::run::{Finished, random};
use ecom_sim::upgrade::{Kind, NEW, NextVersion, OLD, OneField, Part, Releases, Rolling, rules, scenario};
use ecom_sim::world::Trace;

/// How the trips of some runs went.
#[derive(Debug, Default)]
struct Ways {
    /// By the release that began a trip and the one that ended it.
    trips: [[u32; 2]; 2],
    /// Events that the older release could not read and gave up, and that were replayed.
    parked: usize,
}

/// Runs at random; a broken invariant is told by its name.
fn swarm<R: Releases>(seeds: std::ops::Range<u64>) -> Result<Ways, &'static str> {
    let mut ways = Ways::default();
    for finished in finished::<R>(seeds, None) {
        if let Some(failure) = finished.failure {
            return Err(failure.invariant.name);
        }
        let Some(service) = finished.world.service::<Rolling<R>>() else { continue };
        for row in service.tables().snapshot().values() {
            ways.trips[usize::from(row.begun_by)][usize::from(row.written_by)] += 1;
        }
        ways.parked += service.tables().exhumed().len();
    }
    Ok(ways)
}

/// Runs at random, perhaps with a bug of the host, of those that are planted in the shop.
fn finished<R: Releases>(seeds: std::ops::Range<u64>, bug: Option<Mutant>) -> impl Iterator<Item = Finished> {
    let worlds = [(Kind::Both, None), (Kind::Same, Some(Part::Car)), (Kind::Same, None), (Kind::One, None)];
    let worlds = worlds.map(|(kind, full)| {
        let scenario = scenario::<R>("upgrade", kind, full).with_settings(|settings| settings.mutant = bug);
        (scenario, rules::<R>())
    });
    seeds.map(move |seed| {
        let (scenario, rules) = &worlds[seed as usize % worlds.len()];
        random(scenario, seed, false, Trace::default(), rules)
    })
}

/// Everything that can happen to one trip that the newer release begins, with one fault of these.
fn exhaust<R: Releases>(kind: Kind) -> Explored {
    let fates = vec![Fate::CrashAfter, Fate::UnknownDone];
    let options = Options { faults: 1, elapse: false, fates, states_max: 60_000, ..Options::default() };
    explore(&scenario::<R>("upgrade", kind, None), &options, &rules::<R>())
}

/// The invariant that the exhaustive search finds broken.
fn found<R: Releases>(kind: Kind) -> Option<&'static str> {
    exhaust::<R>(kind).failure.map(|(invariant, _, _)| invariant.name)
}

#[test]
fn releases_that_differ_by_a_field_finish_each_others_trips() {
    let ways = swarm::<OneField<0>>(0..600).unwrap();
    for (begun, ended) in [(OLD, OLD), (OLD, NEW), (NEW, OLD), (NEW, NEW)] {
        assert!(ways.trips[usize::from(begun)][usize::from(ended)] > 0, "{begun} and {ended}: {ways:?}");
    }
    println!("{ways:?}");
}

#[test]
fn the_newer_of_two_versions_finishes_what_the_older_began_and_nothing_is_lost() {
    let ways = swarm::<NextVersion<0>>(0..600).unwrap();
    assert!(ways.trips[usize::from(OLD)][usize::from(NEW)] > 0, "{ways:?}");
    assert!(ways.trips[usize::from(NEW)][usize::from(NEW)] > 0, "{ways:?}");
    assert_eq!(ways.trips[usize::from(NEW)][usize::from(OLD)], 0, "it cannot read them: {ways:?}");
    assert!(ways.parked > 0, "the older release never met an event of the newer: {ways:?}");
    println!("{ways:?}");
}

#[test]
fn everything_that_can_happen_in_a_small_upgrade_with_a_fault_is_tried() {
    for explored in [exhaust::<OneField<0>>(Kind::One), exhaust::<NextVersion<0>>(Kind::One)] {
        assert!(explored.failure.is_none(), "{:?}", explored.failure);
        println!("{} states, {} ends, complete: {}", explored.states, explored.terminal, explored.complete);
        assert!(explored.terminal > 0);
    }
}

#[test]
fn a_release_that_drops_what_it_does_not_know_is_found() {
    const KEPT: &str = "what a release wrote in a state the other one keeps";
    assert_eq!(swarm::<OneField<1>>(0..600).unwrap_err(), KEPT);
    assert_eq!(found::<OneField<1>>(Kind::One), Some(KEPT));
}

#[test]
fn a_release_that_writes_over_what_it_cannot_read_is_found() {
    // It counts from the beginning again as well.
    const OVER: [&str; 2] =
        ["no release writes over what it cannot read", "the version of a row rises with every change"];
    assert!(OVER.contains(&swarm::<NextVersion<1>>(0..600).unwrap_err()));
    assert!(found::<NextVersion<1>>(Kind::Same).is_some_and(|name| OVER.contains(&name)));
}

#[test]
fn a_release_that_drops_events_of_another_version_is_found() {
    const ENDS: &str = "every trip ends, as a whole or not at all";
    assert_eq!(swarm::<NextVersion<2>>(0..600).unwrap_err(), ENDS);
    assert_eq!(found::<NextVersion<2>>(Kind::One), Some(ENDS));
}

#[test]
fn a_host_that_takes_a_conflict_for_done_is_found_by_what_it_owes_in_an_upgrade_too() {
    const THERE: &str = "a wish that was answered is there";
    const ARRIVES: &str =
        "an event is written down before it is published, is published, and is handled by whoever wants it";
    let failures = finished::<NextVersion<0>>(0..800, Some(Mutant::ConflictIsDone)).filter_map(|it| it.failure);
    let names: BTreeSet<_> = failures.map(|it| it.invariant.name).collect();
    assert!(names.contains(THERE) && names.contains(ARRIVES), "{names:?}");
}
