//! A simulator that is too kind is noticed: of each fault that it no longer makes, a probe is never hit.

use std::collections::BTreeSet;

use ecom_sim::choose::{Fate, Op};
use ecom_sim::coverage::{
    Bounds, Cell, Coverage, Measured, PROBES, SHARE_MIN, Standing, measure, page, random_runs, reason, universe,
};

/// Runs in which every fault comes several times.
const RUNS: u64 = 700;

/// What a simulator never does, and the probes that tell.
type Kind = (&'static str, &'static [(Op, Fate)], &'static [&'static str]);

const KIND: &[Kind] = &[
    ("a broker that never delivers twice", &[(Op::Duplicate, Fate::Twice)], &["a message comes twice"]),
    (
        "a commit that is never unknown",
        &[(Op::Commit, Fate::UnknownDone), (Op::Commit, Fate::UnknownNotDone)],
        &["a commit is unknown and durable", "a commit is unknown and not durable"],
    ),
    ("an acknowledgement that is never lost", &[(Op::Settle, Fate::UnknownNotDone)], &["an acknowledgement is lost"]),
    (
        "a provider that is never silent",
        &[
            (Op::Call, Fate::UnknownDone),
            (Op::Call, Fate::UnknownNotDone),
            (Op::Call, Fate::Late),
            (Op::Call, Fate::CrashLate),
        ],
        &[
            "a call is carried out and its answer lost",
            "a call is lost",
            "a call without an answer arrives late",
            "a process dies, and its call arrives later",
        ],
    ),
    (
        "processes that never die",
        &[
            (Op::Schedule, Fate::CrashBefore),
            (Op::Commit, Fate::CrashBefore),
            (Op::Commit, Fate::CrashAfter),
            (Op::Publish, Fate::CrashBefore),
            (Op::Publish, Fate::CrashAfter),
            (Op::Settle, Fate::CrashBefore),
            (Op::Settle, Fate::CrashAfter),
            (Op::Call, Fate::CrashBefore),
            (Op::Call, Fate::CrashAfter),
            (Op::Call, Fate::CrashLate),
        ],
        &[
            "a process dies between two steps",
            "a process dies before its commit",
            "a process dies after its commit",
            "a process dies before it publishes",
            "a process dies after it has published",
            "a process dies before it acknowledges",
            "a process dies after it has acknowledged",
            "a process dies before its call arrives",
            "a process dies after its call is carried out",
            "a process dies, and its call arrives later",
        ],
    ),
    (
        "a confirm that is never lost",
        &[(Op::Publish, Fate::UnknownDone), (Op::Publish, Fate::UnknownHalf)],
        &["an event is stored, but its confirm is lost", "an event is stored in one queue alone"],
    ),
    (
        "a broker that never returns",
        &[(Op::Publish, Fate::Returned)],
        &["the broker has no queue for an event and gives it back"],
    ),
    (
        "a database without conflicts",
        &[(Op::Commit, Fate::Conflict)],
        &["a transaction conflicts as often as it is tried"],
    ),
    (
        "a provider without webhooks",
        &[(Op::Webhook, Fate::Early), (Op::Webhook, Fate::Late), (Op::Webhook, Fate::Twice)],
        &[
            "a webhook comes before the answer",
            "a webhook comes late",
            "a webhook comes twice",
            "a payment is known by its webhook alone",
        ],
    ),
];

fn runs(never: &'static [(Op, Fate)]) -> Coverage {
    let mut failures = vec![];
    let coverage = random_runs(RUNS, never, &mut failures);
    assert!(failures.is_empty(), "{failures:?}");
    coverage
}

fn unhit(coverage: &Coverage) -> BTreeSet<&'static str> {
    PROBES.iter().filter(|probe| probe.hits(coverage) == 0).map(|probe| probe.name).collect()
}

#[test]
fn a_simulator_that_is_too_kind_is_named_by_its_probes() {
    assert!(PROBES.len() >= 50);
    let names: BTreeSet<_> = PROBES.iter().map(|probe| probe.name).collect();
    assert_eq!(names.len(), PROBES.len(), "two probes have one name");
    let usual = unhit(&runs(&[]));
    for (about, never, expected) in KIND {
        let unhit = unhit(&runs(never));
        for name in *expected {
            assert!(
                unhit.contains(name),
                "{about} goes unnoticed: {name:?} is hit, or is no probe; not hit: {unhit:?}"
            );
            assert!(!usual.contains(name), "{name:?} is not hit by the real simulator either");
        }
    }
}

#[test]
fn what_is_reached_is_in_an_alphabet_and_not_called_unreachable() {
    let measured = measure(Bounds { runs: RUNS, states: 200 });
    assert_eq!(measured.wrong(), []);
    let page = page(&measured);
    assert!(!page.contains("http") && !page.contains("src="), "the page loads nothing");
    assert!(PROBES.iter().all(|probe| page.contains(probe.name)));
}

fn measured(random: &[Cell], exhaustive: &[Cell]) -> Measured {
    let coverage =
        |cells: &[Cell]| Coverage { cells: cells.iter().map(|cell| (*cell, 1)).collect(), ..Coverage::default() };
    Measured {
        bounds: Bounds { runs: 0, states: 0 },
        random: coverage(random),
        exhaustive: coverage(exhaustive),
        searches: vec![],
        failures: vec![],
        seconds: (0.0, 0.0),
    }
}

#[test]
fn the_measure_is_what_the_searches_reach_and_not_what_random_runs_add_to_it() {
    let cells: Vec<Cell> = universe().take(10).collect();
    let share = |random: &[Cell], exhaustive: &[Cell]| measured(random, exhaustive).share();
    assert!((share(&cells[..9], &cells[8..]) - 0.5).abs() < 1e-9, "one of two, however many others");
    assert!((share(&cells[..1], &cells[..1]) - 1.0).abs() < 1e-9);
    assert!(share(&cells, &[]) < SHARE_MIN, "nothing is shown without a search");
}

#[test]
fn only_an_end_that_the_oracle_chooses_is_rare_and_another_one_needs_a_reason() {
    let known = |cell: &&Cell| cell.message == "order.created" && cell.state == "absent";
    for (step, reached, chosen, other) in [
        ("deliver", "first", "twice", "again"),
        ("deliver", "first", "twice", "overtaking"),
        ("commit", "fine", "crash-after", "beaten"),
        ("settle", "fine", "crash-before", "cut off"),
        ("settle", "fine", "unknown-not-done", "given back"),
    ] {
        let all: Vec<Cell> = universe().filter(|cell| cell.step.word() == step).collect();
        let cell = |outcome: &str| *all.iter().filter(known).find(|cell| cell.outcome == outcome).expect("it is one");
        let measured = measured(&[cell(reached)], &[]);
        assert_eq!(measured.standing(&cell(chosen)), Standing::Rare, "{step}/{chosen}");
        let standing = measured.standing(&cell(other));
        assert!(matches!(standing, Standing::Open | Standing::Unreachable(_)), "{step}/{other}: {standing:?}");
    }
}

#[test]
fn a_wrong_reason_is_told_and_an_open_cell_is_too() {
    let mut measured = measure(Bounds { runs: 60, states: 20 });
    assert_eq!(measured.wrong(), []);
    assert!(!measured.is_enough() && !measured.open().is_empty(), "so few runs cannot reach everything");
    let explained = |cell: &Cell| reason(cell).is_some();
    let Some(cell) = universe().find(explained) else { panic!("nothing is called unreachable") };
    measured.exhaustive.cells.insert(cell, 1);
    assert_eq!(measured.wrong(), [cell]);
    // Whatever is not unreachable is reached now, and often enough: the wrong reason alone is left.
    measured.random.cells.extend(universe().filter(|cell| !explained(cell)).map(|cell| (cell, 1)));
    assert!(measured.open().is_empty() && measured.share() >= SHARE_MIN && !measured.is_enough());
}

#[test]
fn who_asks_for_nothing_pays_for_nothing_and_runs_the_same() {
    use ecom_sim::run::{Rules, random};
    use ecom_sim::scenario::Scenario;
    use ecom_sim::world::Trace;
    let Some(scenario) = Scenario::named("one-order") else { panic!("no such world") };
    for seed in 0..50 {
        let plain = random(&scenario, seed, false, Trace::default(), &Rules::default()).trace;
        let covering = random(&scenario, seed, false, Trace::covering(Coverage::default()), &Rules::default()).trace;
        assert_eq!(plain.digest(), covering.digest());
        assert!(!covering.into_coverage().cells.is_empty() && plain.into_coverage().cells.is_empty());
    }
}
