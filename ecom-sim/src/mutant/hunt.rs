//! Looks for a planted bug: at random by a swarm, uniformly for comparison, and exhaustively in a small world.

use super::{Lane, Mutant, Planted};
use crate::explore::{Options, Order, explore};
use crate::run::{Rules, random};
use crate::scenario::{NAMES, Scenario};
use crate::shrink::shrink;
use crate::world::{Settings, Trace};

/// Runs of one generated shop before the next one is drawn.
const RUNS_PER_SHOP: u64 = 16;

/// Of so many runs one is in the small world in which everything is tried.
const LANE_EACH: u64 = 4;

/// How a planted bug is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Hunt {
    /// Searches at random, each with seeds of its own; the median counts.
    pub searches: u64,
    /// The most runs of each.
    pub runs_max: u64,
    /// The most states of the exhaustive search; 0: it is left out.
    pub states_max: usize,
    /// Whether it is looked for without the swarm's weights as well, to compare.
    pub uniform: bool,
}

/// A bug that was found.
#[derive(Clone, Debug)]
pub struct Kill {
    /// The invariant that caught it.
    pub invariant: &'static str,
    /// Runs, or states, until then.
    pub cost: u64,
    /// Deviations after shrinking.
    pub shrunk: usize,
    /// How to see it again, under the mutant.
    pub recipe: String,
    /// How long shrinking took, in milliseconds.
    pub millis: u128,
}

/// What became of the hunt for one planted bug.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The kills of the swarm, cheapest first; one for each search that found it.
    pub swarm: Vec<Kill>,
    /// The kills of the uniform choice.
    pub uniform: Vec<Kill>,
    /// The kill of the exhaustive search.
    pub exhaustive: Option<Kill>,
    /// Whether the exhaustive search was complete, or found it.
    pub complete: bool,
}

impl Found {
    /// The search in the middle; `None` when less than half of them found it.
    pub fn median(kills: &[Kill], searches: u64) -> Option<&Kill> {
        kills.get(searches.saturating_sub(1) as usize / 2)
    }

    /// All invariants that caught it.
    pub fn invariants(&self) -> Vec<&'static str> {
        let kills = self.swarm.iter().chain(&self.uniform).chain(&self.exhaustive);
        let mut names: Vec<_> = kills.map(|kill| kill.invariant).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// Looks for a planted bug. With `None` the worlds are as they should be, and nothing may be found.
pub fn hunt(planted: Option<&Planted>, hunt: Hunt, rules: &Rules) -> Found {
    let mut found = Found { complete: true, ..Found::default() };
    for search in 0..hunt.searches {
        let from = search * 1_000_003;
        found.swarm.extend(by_chance(planted, from, hunt.runs_max, false, rules));
        if hunt.uniform {
            found.uniform.extend(by_chance(planted, from, hunt.runs_max, true, rules));
        }
    }
    found.swarm.sort_by_key(|kill| kill.cost);
    found.uniform.sort_by_key(|kill| kill.cost);
    if hunt.states_max > 0 {
        exhaustively(planted, hunt.states_max, rules, &mut found);
    }
    found
}

fn by_chance(planted: Option<&Planted>, from: u64, runs_max: u64, uniform: bool, rules: &Rules) -> Option<Kill> {
    let mut worlds = Worlds { planted, small: None, shop: None };
    for run in 0..runs_max {
        let scenario = worlds.of(from + run)?;
        let finished = random(&scenario, from + run, uniform, Trace::default(), rules);
        if let Some(failure) = finished.failure {
            return Some(kill(&scenario, &finished.deviations, failure.invariant.name, run + 1, rules));
        }
    }
    None
}

fn exhaustively(planted: Option<&Planted>, states_max: usize, rules: &Rules, found: &mut Found) {
    let Some(lane) = planted.and_then(|planted| planted.lane) else { return };
    let Some(scenario) = small(lane, planted.map(|planted| planted.mutant)) else { return };
    let (faults, elapse, order) = (lane.faults, lane.elapse, Order::Deviations);
    let options = Options { faults, elapse, order, states_max, ..Options::default() };
    let explored = explore(&scenario, &options, rules);
    found.complete = explored.complete || explored.failure.is_some();
    if let Some((invariant, _, deviations)) = explored.failure {
        found.exhaustive = Some(kill(&scenario, &deviations, invariant.name, explored.states as u64, rules));
    }
}

fn small(lane: Lane, mutant: Option<Mutant>) -> Option<Scenario> {
    let plant = |settings: &mut Settings| settings.mutant = mutant;
    Scenario::named(lane.scenario).map(|scenario| scenario.with_copies(lane.copies).with_settings(plant))
}

fn kill(
    scenario: &Scenario,
    deviations: &[crate::choose::Deviation],
    invariant: &'static str,
    cost: u64,
    rules: &Rules,
) -> Kill {
    let began = std::time::Instant::now();
    let shrunk = shrink(scenario, deviations, invariant, rules).map(|shrunk| (shrunk.scenario, shrunk.deviations));
    let (scenario, deviations) = shrunk.unwrap_or_else(|| (scenario.clone(), deviations.to_vec()));
    let millis = began.elapsed().as_millis();
    let recipe = crate::report::Recipe { scenario: scenario.name().to_owned(), deviations };
    Kill { invariant, cost, shrunk: recipe.deviations.len(), recipe: recipe.to_string(), millis }
}

/// The worlds of a search: small ones by turns, some with two processes of each service, and generated shops between.
struct Worlds<'a> {
    planted: Option<&'a Planted>,
    /// The world in which everything is tried.
    small: Option<Scenario>,
    shop: Option<(u64, Scenario)>,
}

impl Worlds<'_> {
    fn of(&mut self, seed: u64) -> Option<Scenario> {
        let mutant = self.planted.map(|planted| planted.mutant);
        let lane = self.planted.and_then(|planted| planted.lane).filter(|_| seed % LANE_EACH == 3);
        if let Some(lane) = lane {
            if self.small.is_none() {
                self.small = small(lane, mutant);
            }
            return self.small.clone();
        }
        if seed % 2 == 1 {
            let turn = seed / LANE_EACH;
            let name = NAMES[turn as usize % NAMES.len()];
            let copies = if (turn / NAMES.len() as u64) % 3 == 2 { 2 } else { 1 };
            let plant = |settings: &mut Settings| settings.mutant = mutant;
            return Some(Scenario::named(name)?.with_copies(copies).with_settings(plant));
        }
        let number = seed / RUNS_PER_SHOP;
        if self.shop.as_ref().is_none_or(|(known, _)| *known != number) {
            let shop = Scenario::generated(number).with_settings(|settings| settings.mutant = mutant);
            self.shop = Some((number, shop));
        }
        self.shop.as_ref().map(|(_, shop)| shop.clone())
    }
}
