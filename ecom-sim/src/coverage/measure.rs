//! Measures what random runs and exhaustive searches reach.

use std::collections::BTreeSet;

use super::lean::{Lean, Leaning};
use super::{Cell, Coverage, PROBES, Probe, Step, reason, universe, unmet};
use crate::choose::{Fate, Op, Random, Swarm};
use crate::explore::{Options, explore};
use crate::hash::Rng;
use crate::run::{Failure, Rules, random, run};
use crate::scenario::{MIDWAY, NAMES, Scenario, Shopper, Wares};
use crate::world::{Client, Fleet, Settings, Trace, World};

/// The share of the cells that the searches reach that random runs must reach as well.
pub const SHARE_MIN: f64 = 0.99;

/// Runs of one generated shop before the next one is drawn.
const RUNS_PER_SHOP: u64 = 16;

/// Of so many random runs one leans towards what takes several choices in a row.
const LEAN_EACH: u64 = 3;

/// Ends after which a step could have ended otherwise.
const USUAL: &[&str] = &["fine", "beaten", "first", "again", "given back"];

/// Ends that the oracle chooses whenever a message goes through that step; the others come of what else happens.
const CHOSEN: &[(Step, &[&str])] = &[
    (Step::Deliver, &["twice"]),
    (Step::Commit, &["away", "conflict", "broken", "unknown-done", "unknown-not-done", "crash-before", "crash-after"]),
    (Step::Settle, &["unknown-not-done", "crash-before", "crash-after"]),
    (
        Step::Call,
        &["unknown-done", "unknown-not-done", "transient", "late", "crash-before", "crash-after", "crash-late"],
    ),
    (Step::Publish, &["unknown-not-done", "unknown-done", "unknown-half", "returned", "crash-before", "crash-after"]),
];

/// What bounds a measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Random runs.
    pub runs: u64,
    /// States of each exhaustive search.
    pub states: usize,
}

/// What was measured.
#[derive(Clone, Debug)]
pub struct Measured {
    /// What bounded it.
    pub bounds: Bounds,
    /// What random runs reach.
    pub random: Coverage,
    /// What exhaustive searches reach.
    pub exhaustive: Coverage,
    /// The searches: the scenario, its states, and whether that is all of them.
    pub searches: Vec<(String, usize, bool)>,
    /// Invariants that were broken on the way, in words.
    pub failures: Vec<String>,
    /// Seconds of the random runs and of the searches.
    pub seconds: (f64, f64),
}

/// How a cell stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Reached at random.
    Reached,
    /// Reached by a search alone.
    Searched,
    /// Unreachable, for the reason of that number.
    Unreachable(usize),
    /// It takes more runs: the same message met the same state at the same step, and the oracle chooses whether it ends so;
    /// or [`UNMET`](super::UNMET) says what it takes.
    Rare,
    /// Not reached, and nobody says why.
    Open,
}

impl Measured {
    /// How a cell stands.
    pub fn standing(&self, cell: &Cell) -> Standing {
        let was = |cell: &Cell| self.random.cells.contains_key(cell) || self.exhaustive.cells.contains_key(cell);
        if self.random.cells.contains_key(cell) {
            Standing::Reached
        } else if self.exhaustive.cells.contains_key(cell) {
            Standing::Searched
        } else if let Some(number) = reason(cell) {
            Standing::Unreachable(number)
        } else if unmet(cell).is_some()
            || is_chosen(cell) && USUAL.iter().any(|outcome| was(&Cell { outcome, ..*cell }))
        {
            Standing::Rare
        } else {
            Standing::Open
        }
    }

    /// All cells that anything reaches.
    pub fn union(&self) -> BTreeSet<Cell> {
        self.random.cells.keys().chain(self.exhaustive.cells.keys()).copied().collect()
    }

    /// The cells that only the searches reach.
    pub fn missed(&self) -> Vec<Cell> {
        self.exhaustive.cells.keys().filter(|cell| !self.random.cells.contains_key(cell)).copied().collect()
    }

    /// The share of the cells that the searches reach that random runs reach as well: what is known without them to be
    /// there to be reached.
    pub fn share(&self) -> f64 {
        let searched = self.exhaustive.cells.len();
        if searched == 0 { 0.0 } else { (searched - self.missed().len()) as f64 / searched as f64 }
    }

    /// The probes that no random run has hit.
    pub fn unhit(&self) -> impl Iterator<Item = &'static Probe> {
        PROBES.iter().filter(|probe| probe.hits(&self.random) == 0)
    }

    /// The cells that nothing reaches, and of which nobody says why.
    pub fn open(&self) -> Vec<Cell> {
        let all: BTreeSet<Cell> = universe().collect();
        all.into_iter().filter(|cell| self.standing(cell) == Standing::Open).collect()
    }

    /// The cells that are reached although a reason says that they cannot be, or that are in no alphabet.
    pub fn wrong(&self) -> Vec<Cell> {
        let all: BTreeSet<Cell> = universe().collect();
        self.union().into_iter().filter(|cell| reason(cell).is_some() || !all.contains(cell)).collect()
    }

    /// Whether the simulator does all that it should, and everything that it does not do is explained.
    pub fn is_enough(&self) -> bool {
        let explained = self.open().is_empty() && self.wrong().is_empty();
        explained && self.unhit().next().is_none() && self.share() >= SHARE_MIN
    }
}

/// Whether the oracle chooses that end.
fn is_chosen(cell: &Cell) -> bool {
    CHOSEN.iter().any(|(step, ends)| *step == cell.step && ends.contains(&cell.outcome))
}

/// Measures.
pub fn measure(bounds: Bounds) -> Measured {
    let mut failures = vec![];
    let began = crate::watch::now();
    let random = random_runs(bounds.runs, &[], &mut failures);
    let (seconds, began) = (began.elapsed().as_secs_f64(), crate::watch::now());
    let (mut exhaustive, mut searches) = (Coverage::default(), vec![]);
    for scenario in worlds().concat() {
        let options =
            Options { fates: Fate::ALL.to_vec(), states_max: bounds.states, covering: true, ..Options::default() };
        let explored = explore(&scenario, &options, &Rules::default());
        searches.push((scenario.name().to_owned(), explored.states, explored.complete));
        failures.extend(explored.failure.map(|(invariant, _, _)| format!("{}: {}", scenario.name(), invariant.name)));
        exhaustive.add(explored.coverage);
    }
    let seconds = (seconds, began.elapsed().as_secs_f64());
    Measured { bounds, random, exhaustive, searches, failures, seconds }
}

/// What so many random runs reach when some ends never come: a quarter in generated shops, a quarter in the named worlds,
/// half in those that begin in the middle. Some lean towards what takes several choices in a row, unless some never come.
pub fn random_runs(runs: u64, never: &'static [(Op, Fate)], failures: &mut Vec<String>) -> Coverage {
    let kind = |scenario: Scenario| {
        if never.is_empty() { scenario } else { scenario.with_settings(|settings| settings.never = never) }
    };
    let [usual, midway] = worlds();
    let usual: Vec<_> = usual.into_iter().map(kind).collect();
    // To the middle nobody gets without faults: where some never come, there are the other worlds alone.
    let midway = if never.is_empty() { midway } else { usual.clone() };
    let (mut coverage, rules) = (Coverage::default(), Rules::default());
    let mut shop = kind(Scenario::generated(0));
    for seed in 0..runs {
        if seed % RUNS_PER_SHOP == 0 {
            shop = kind(Scenario::generated(seed / RUNS_PER_SHOP));
        }
        let turn = (seed / 4) as usize;
        let scenario = match seed % 4 {
            0 => &usual[turn % usual.len()],
            1 => &shop,
            later => &midway[(2 * turn + later as usize) % midway.len()],
        };
        let trace = Trace::covering(std::mem::take(&mut coverage));
        let lean = if never.is_empty() { leans(seed) } else { None };
        let (world, trace, failure) = if let Some(lean) = lean {
            leaning(scenario, seed, lean, trace, &rules)
        } else {
            let finished = random(scenario, seed, false, trace, &rules);
            (finished.world, finished.trace, finished.failure)
        };
        coverage = trace.into_coverage();
        coverage.ended(&world);
        let leans = if lean.is_some() { ", leaning" } else { "" };
        let failure = failure.map(|it| format!("{}, seed {seed}{leans}: {}", scenario.name(), it.invariant.name));
        failures.extend(failure);
    }
    coverage
}

/// Whether the run of that seed leans, and towards what.
fn leans(seed: u64) -> Option<Lean> {
    let mut rng = Rng::new(seed ^ 0x1ea0_0000_0000_1ea0);
    (rng.below(LEAN_EACH) == 0).then(|| Lean::ALL[rng.below(Lean::ALL.len() as u64) as usize])
}

/// A random run that leans.
fn leaning(
    scenario: &Scenario,
    seed: u64,
    lean: Lean,
    mut trace: Trace,
    rules: &Rules,
) -> (World, Trace, Option<Box<Failure>>) {
    let mut rng = Rng::new(seed);
    let swarm = Swarm::draw(&mut rng);
    let mut world = match lean {
        Lean::Race => {
            let batch_max = [1, 4][rng.below(2) as usize];
            let race = |settings: &mut Settings| (settings.copies, settings.consumer.batch_max) = (2, batch_max);
            scenario.with_settings(race).world()
        }
        Lean::Once | Lean::CutOff | Lean::GivenUp => scenario.world(),
    };
    let failure = run(&mut world, &mut Leaning::new(Random::new(rng, swarm), lean, seed), &mut trace, rules).err();
    (world, trace, failure)
}

/// The named worlds and two in which shop and wallet are only being filled; and those that begin in the middle.
fn worlds() -> [Vec<Scenario>; 2] {
    let named = |names: &[&str]| names.iter().filter_map(|name| Scenario::named(name)).collect::<Vec<_>>();
    let mut usual = named(NAMES);
    usual.extend([opening(), cards()]);
    [usual, named(MIDWAY)]
}

/// What other worlds begin with: here it is done by clients, and the last piece but four is sold.
fn opening() -> Scenario {
    let admin = Shopper(9);
    let commands = vec![admin.register_admin(1), admin.add_product(2, Wares(1), 5)];
    let buys = Shopper(1).place(1, vec![(Wares(1), 1)], None);
    let clients = vec![Client::new(true, commands), Client::new(false, vec![buys])];
    Scenario::new("opening", &Fleet::whole(), Settings::default(), vec![], clients)
}

/// Somebody who keeps several cards.
fn cards() -> Scenario {
    let ada = Shopper(1);
    let cards = vec![
        ada.add_card(1, 1, "tok_visa"),
        ada.add_card(2, 2, "tok_declined"),
        ada.choose_card(3, 2),
        ada.remove_card(4, 2),
        ada.choose_card(5, 2),
        ada.remove_card(6, 2),
        ada.remove_card(7, 3),
        ada.choose_card(8, 3),
    ];
    Scenario::new("cards", &Fleet::minimal(), Settings::default(), vec![], vec![Client::new(true, cards)])
}
