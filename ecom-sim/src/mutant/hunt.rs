//! Looks for a planted bug: at random by a swarm, uniformly for comparison, and exhaustively in a small world. The same
//! worlds without any must be clean: that is the control.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{ALL, Lane, Planted, Switch};
use crate::choose::{Deviation, Fate};
use crate::explore::{Explored, Options, Order, explore};
use crate::report::Recipe;
use crate::run::{Rules, random};
use crate::scenario::{NAMES, Scenario};
use crate::shrink::shrink;
use crate::world::Trace;

/// Runs of one generated shop before the next one is drawn.
const RUNS_PER_SHOP: u64 = 16;

/// Of so many runs one is in the small world in which everything is tried.
const LANE_EACH: u64 = 4;

/// The most states of the control in each small world: some times as many as any planted bug takes.
const CONTROL_STATES: usize = 100_000;

/// The worlds of an upgrade that random searches go through, after the names of their releases.
const UPGRADES: &[&str] = &["", "-same-off", "-same", "-off"];

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
    /// How many runs shrinking took.
    pub replays: u32,
    /// How much of the processor's time.
    pub time: Duration,
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

/// Looks for a planted bug.
pub fn hunt(planted: &Planted, hunt: Hunt) -> Found {
    let (lane, switch) = (planted.lane, Some(planted.switch));
    let mut found = Found::default();
    let Some(mut worlds) = Worlds::of(Some(lane), family(lane.scenario), switch) else { return found };
    for search in 0..hunt.searches {
        let from = search * 1_000_003;
        found.swarm.extend(worlds.by_chance(from, hunt.runs_max, false));
        if hunt.uniform {
            found.uniform.extend(worlds.by_chance(from, hunt.runs_max, true));
        }
    }
    found.swarm.sort_by_key(|kill| kill.cost);
    found.uniform.sort_by_key(|kill| kill.cost);
    if hunt.states_max > 0 {
        found.exhaustive = exhaustively(lane, switch, hunt.states_max).1;
    }
    found
}

/// A part of what must be clean without a planted bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// Runs at random of the shop's worlds, or of those of an upgrade.
    Runs {
        /// How the worlds' names begin.
        family: Option<&'static str>,
        /// Without the swarm's weights.
        uniform: bool,
    },
    /// Everything that is tried in a small world.
    Lane(Lane),
}

/// What became of a part of the control.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// Runs at random.
    pub runs: u64,
    /// Different states.
    pub states: usize,
    /// What was found although there is nothing to find.
    pub found: Option<Kill>,
}

impl Control {
    /// All parts: each small world in which some planted bug is looked for, and those of the random searches.
    pub fn all() -> Vec<Self> {
        let mut lanes: Vec<Self> = vec![];
        for planted in ALL {
            let lane = Self::Lane(planted.lane);
            if !lanes.contains(&lane) {
                lanes.push(lane);
            }
        }
        let families = [None, family("upgrade-field"), family("upgrade-version")];
        let runs = families.into_iter().flat_map(|family| [false, true].map(|uniform| Self::Runs { family, uniform }));
        lanes.into_iter().chain(runs).collect()
    }

    /// Looks as far as the hunts do, and not much farther.
    pub fn check(self, hunt: Hunt) -> Checked {
        match self {
            Self::Lane(lane) => {
                let (states, found) = exhaustively(lane, None, hunt.states_max.min(CONTROL_STATES));
                Checked { runs: 0, states, found }
            }
            Self::Runs { uniform: true, .. } if !hunt.uniform => Checked::default(),
            Self::Runs { family, uniform } => {
                let worlds = Worlds::of(None, family, None);
                let found = worlds.and_then(|mut worlds| worlds.by_chance(0, hunt.runs_max, uniform));
                let runs = found.as_ref().map_or(hunt.runs_max, |kill| kill.cost);
                Checked { runs, states: 0, found }
            }
        }
    }
}

/// Of which kind of an upgrade's worlds that is one.
fn family(scenario: &str) -> Option<&'static str> {
    ["upgrade-field", "upgrade-version"].into_iter().find(|family| scenario.starts_with(family))
}

/// How many states it took, and what was found.
fn exhaustively(lane: Lane, switch: Option<Switch>, states_max: usize) -> (usize, Option<Kill>) {
    let Some((scenario, rules)) = world(lane.scenario, lane.copies, switch) else { return (0, None) };
    let (faults, elapse, order) = (lane.faults, lane.elapse, Order::Deviations);
    let mut fates = Options::default().fates;
    fates.push(Fate::Refused);
    let options = Options { faults, fates, elapse, order, states_max, ..Options::default() };
    let Explored { states, failure, .. } = explore(&scenario, &options, &rules);
    let found =
        failure.map(|(invariant, _, deviations)| kill(&scenario, &deviations, invariant.name, states as u64, &rules));
    (states, found)
}

/// A world by its name with a planted bug in it, and what must hold there.
fn world(name: &str, copies: u8, switch: Option<Switch>) -> Option<(Scenario, Rules)> {
    Some((Scenario::planted(name, switch)?.with_copies(copies), Rules::planted(name, switch)))
}

fn kill(scenario: &Scenario, deviations: &[Deviation], invariant: &'static str, cost: u64, rules: &Rules) -> Kill {
    let began = crate::watch::processor();
    let shrunk = shrink(scenario, deviations, invariant, rules);
    let time = crate::watch::processor().saturating_sub(began);
    let replays = shrunk.as_ref().map_or(0, |shrunk| shrunk.replays);
    let (scenario, deviations) =
        shrunk.map_or_else(|| (scenario.clone(), deviations.to_vec()), |shrunk| (shrunk.scenario, shrunk.deviations));
    let recipe = Recipe { scenario: scenario.name().to_owned(), deviations };
    Kill { invariant, cost, shrunk: recipe.deviations.len(), recipe: recipe.to_string(), replays, time }
}

/// The worlds of a search: small ones by turns, some with two processes of each service, and generated shops between.
struct Worlds {
    switch: Option<Switch>,
    /// The world in which everything is tried.
    lane: Option<Scenario>,
    /// Those of an upgrade alone.
    upgrades: Vec<Scenario>,
    named: BTreeMap<(&'static str, u8), Scenario>,
    shop: Option<(u64, Scenario)>,
    rules: Rules,
}

impl Worlds {
    fn of(lane: Option<Lane>, family: Option<&str>, switch: Option<Switch>) -> Option<Self> {
        let of_family = |family: &str| UPGRADES.iter().map(|how| world(&format!("{family}{how}"), 2, switch)).collect();
        let upgrades: Vec<(Scenario, Rules)> = family.map_or(Some(vec![]), of_family)?;
        let rules = upgrades.first().map_or_else(Rules::default, |(_, rules)| rules.clone());
        let upgrades = upgrades.into_iter().map(|(scenario, _)| scenario).collect();
        let lane = lane.and_then(|lane| Some(world(lane.scenario, lane.copies, switch)?.0));
        Some(Self { switch, lane, upgrades, named: BTreeMap::new(), shop: None, rules })
    }

    fn by_chance(&mut self, from: u64, runs_max: u64, uniform: bool) -> Option<Kill> {
        let rules = self.rules.clone();
        for run in 0..runs_max {
            let scenario = self.world(from + run)?;
            let scenario = scenario.of_seed(from + run);
            let finished = random(&scenario, from + run, uniform, Trace::default(), &rules);
            if let Some(failure) = finished.failure {
                return Some(kill(&scenario, &finished.deviations, failure.invariant.name, run + 1, &rules));
            }
        }
        None
    }

    fn world(&mut self, seed: u64) -> Option<&Scenario> {
        if self.lane.is_some() && seed % LANE_EACH == 3 {
            return self.lane.as_ref();
        }
        if !self.upgrades.is_empty() {
            return self.upgrades.get((seed + seed / LANE_EACH) as usize % self.upgrades.len());
        }
        if seed % 2 == 1 {
            let turn = seed / LANE_EACH;
            let name = NAMES[turn as usize % NAMES.len()];
            let copies = if (turn / NAMES.len() as u64) % 3 == 2 { 2 } else { 1 };
            if !self.named.contains_key(&(name, copies)) {
                self.named.insert((name, copies), world(name, copies, self.switch)?.0);
            }
            return self.named.get(&(name, copies));
        }
        let number = seed / RUNS_PER_SHOP;
        if self.shop.as_ref().is_none_or(|(known, _)| *known != number) {
            self.shop = Some((number, Scenario::planted(&format!("shop/{number:x}"), self.switch)?));
        }
        self.shop.as_ref().map(|(_, shop)| shop)
    }
}
