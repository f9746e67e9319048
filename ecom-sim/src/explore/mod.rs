//! Everything that can happen in a small world with any N faults, breadth first: the first counterexample is a shortest.
//!
//! Reduced, a lane goes on to the end of what only it can see before anybody else does, and branches at every step in
//! between into each end that the step can have. Unreduced, anybody may go on after every step. Both reach the same
//! ends; a test holds them to it.

mod circle;
mod frontier;
mod path;
mod prints;
mod proof;
mod summary;
mod ways;

use std::collections::BTreeSet;
use std::collections::hash_map::Entry;

pub use frontier::Order;
pub use proof::Proof;
pub use summary::summary;

use crate::choose::{Default0, Deviation, Exhaust, Fate, Fork};
use crate::coverage::Coverage;
use crate::invariant::{self, Broken, Invariant};
use crate::run::{REST, Rules, replay};
use crate::scenario::Scenario;
use crate::world::schedule::MACRO_STEPS_MAX;
use crate::world::{Action, Lane, Trace, Trouble, World};
use circle::Calm;
use frontier::Frontier;
use path::Path;
use prints::Numbers;
use ways::Ways;

/// What is explored.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many faults may happen on the way.
    pub faults: u32,
    /// Whether lanes go on to the end of what only they can see.
    pub reduced: bool,
    /// Which faults.
    pub fates: Vec<Fate>,
    /// Whether time may pass early: a fault each time.
    pub elapse: bool,
    /// Whether processes may die between two steps, clocks jump and drift, and services be cut off from the broker: a
    /// fault each time.
    pub trouble: bool,
    /// What comes first.
    pub order: Order,
    /// After so many states the search ends.
    pub states_max: usize,
    /// Whether it keeps what is reached.
    pub covering: bool,
}

impl Options {
    /// Every end that a step can have, and every trouble.
    #[must_use]
    pub fn with_every_fault(self) -> Self {
        let fates = Fate::ALL.into_iter().filter(|fate| *fate != Fate::Fine).collect();
        Self { fates, trouble: true, ..self }
    }

    /// How many kinds of faults may happen.
    pub fn kinds(&self) -> usize {
        let crash_and_troubles = 1 + Trouble::ALL.len();
        self.fates.len() + usize::from(self.elapse) + if self.trouble { crash_and_troubles } else { 0 }
    }
}

impl Default for Options {
    fn default() -> Self {
        let fates = vec![
            Fate::Away,
            Fate::UnknownDone,
            Fate::UnknownNotDone,
            Fate::CrashBefore,
            Fate::CrashAfter,
            Fate::Transient,
            Fate::Late,
            Fate::Twice,
            Fate::Early,
            Fate::Returned,
        ];
        let (order, states_max) = (Order::Steps, 50_000_000);
        Self { faults: 1, reduced: true, fates, elapse: true, trouble: false, order, states_max, covering: false }
    }
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Explored {
    /// Different pairs of a world and the faults that were spent on the way to it.
    pub states: usize,
    /// Steps between them.
    pub transitions: usize,
    /// Those of them in which nothing is left to happen.
    pub terminal: usize,
    /// The most steps from the beginning.
    pub depth: usize,
    /// What the ends look like from outside.
    pub ends: BTreeSet<String>,
    /// The fingerprints of the worlds in which nothing is left to happen.
    pub rests: BTreeSet<u128>,
    /// Whether the search was complete.
    pub complete: bool,
    /// The first invariant that is broken, and how to get there.
    pub failure: Option<(Invariant, Broken, Vec<Deviation>)>,
    /// What was reached, if that is kept.
    pub coverage: Coverage,
}

struct Search<'a> {
    options: &'a Options,
    rules: &'a Rules,
    seen: Numbers,
    frontier: Frontier<(u32, State)>,
    paths: Vec<Path>,
    /// By the number of a world: the path to it.
    arrivals: Vec<u32>,
    ways: Ways,
    calm: Calm,
    found: Explored,
}

struct State {
    world: World,
    spent: u32,
    path: u32,
    depth: usize,
    deviations: usize,
}

/// What comes of a world that is reached.
#[expect(clippy::large_enum_variant, reason = "it is taken apart where it is made")]
enum Arrived {
    /// It is new, and has this number.
    New(u32),
    /// It is known by this number.
    Known(u32, World),
    /// It is one too many.
    Refused,
}

/// Explores a scenario.
pub fn explore(scenario: &Scenario, options: &Options, rules: &Rules) -> Explored {
    let mut search = Search {
        options,
        rules,
        seen: Numbers::default(),
        frontier: Frontier::new(options.order),
        paths: vec![],
        arrivals: vec![],
        ways: Ways::default(),
        calm: Calm::default(),
        found: Explored { complete: true, ..Explored::default() },
    };
    search.arrive(State { world: scenario.world(), spent: 0, path: Path::ROOT, depth: 0, deviations: 0 });
    // A circle may be longer than the search; the one in which nothing goes otherwise is followed first.
    if !search.calm.comes_to_rest(&scenario.world(), rules.limits.time) {
        // Something may break on the way.
        let failure = replay(scenario, &[], Trace::default(), rules).failure;
        let (invariant, broken) = failure.map_or_else(|| (REST, circles()), |it| (it.invariant, it.broken));
        return Explored { complete: false, failure: Some((invariant, broken, vec![])), ..search.found };
    }
    let violation = search.all().or_else(|| search.stranded());
    if let Some((invariant, broken, path)) = violation {
        let deviations = path::deviations(scenario, &search.paths, path);
        search.found.failure = Some((invariant, broken, deviations));
        search.found.complete = false;
    }
    search.found
}

fn circles() -> Broken {
    Broken::new("the world", "at rest", "it goes round in circles")
}

type Violation = (Invariant, Broken, u32);

impl Search<'_> {
    /// Expands worlds until none is left, or one more would be too many.
    fn all(&mut self) -> Option<Violation> {
        while self.found.complete
            && let Some((number, state)) = self.frontier.pop()
        {
            if let Some(violation) = self.expand(number, &state) {
                return Some(violation);
            }
            if !self.found.complete {
                self.ways.end(number);
            }
        }
        None
    }

    /// A world that does not come to rest any more, although nothing else goes wrong. Of worlds that were not expanded
    /// nobody knows.
    fn stranded(&mut self) -> Option<Violation> {
        while let Some((number, _)) = self.frontier.pop() {
            self.ways.end(number);
        }
        let number = std::mem::take(&mut self.ways).stranded(self.arrivals.len())?;
        Some((REST, circles(), self.arrivals[number as usize]))
    }

    /// Takes a world in; gives it back when it is known.
    fn arrive(&mut self, state: State) -> Arrived {
        let spent = u128::from(state.spent).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        let number = self.arrivals.len() as u32;
        match self.seen.entry(state.world.fingerprint() ^ spent) {
            Entry::Occupied(known) => return Arrived::Known(*known.get(), state.world),
            Entry::Vacant(_) if self.found.states >= self.options.states_max => {
                self.found.complete = false;
                return Arrived::Refused;
            }
            Entry::Vacant(place) => place.insert(number),
        };
        self.found.states += 1;
        self.found.depth = self.found.depth.max(state.depth);
        self.arrivals.push(state.path);
        self.frontier.push(state.deviations, (number, state));
        Arrived::New(number)
    }

    fn note(&mut self, parent: u32, action: Action, steps: u64, forks: &[Fork]) -> u32 {
        self.paths.push(Path::new(parent, action, steps, forks));
        self.paths.len() as u32
    }

    fn expand(&mut self, number: u32, state: &State) -> Option<Violation> {
        // Nobody's fault keeps a world busy for as long as that: it goes round in circles.
        if state.world.now().since(World::dawn()) > self.rules.limits.time {
            let busy = format!("still busy: {}", state.world.left());
            return Some((REST, Broken::new("the world", "at rest", busy), state.path));
        }
        let Some(default) = state.world.default_action() else {
            self.ways.end(number);
            return self.end(state);
        };
        let mut actions = vec![];
        state.world.actions(&mut actions);
        for action in actions {
            let fault = match action {
                Action::Run { .. } | Action::Client(_) | Action::Arrive { .. } => 0,
                Action::Elapse(_) if action == default => 0,
                Action::Elapse(_) if self.options.elapse => 1,
                Action::Crash { .. } | Action::Trouble { .. } if self.options.trouble => 1,
                Action::Elapse(_) | Action::Crash { .. } | Action::Trouble { .. } => continue,
            };
            if state.spent + fault > self.options.faults {
                continue;
            }
            let violation = self.branch((number, state), (action, action != default), fault);
            if violation.is_some() || !self.found.complete {
                return violation;
            }
        }
        None
    }

    fn trace(&mut self) -> Trace {
        if self.options.covering { Trace::covering(std::mem::take(&mut self.found.coverage)) } else { Trace::default() }
    }

    /// All ends of one action.
    fn branch(
        &mut self,
        (number, state): (u32, &State),
        (action, otherwise): (Action, bool),
        fault: u32,
    ) -> Option<Violation> {
        let left = self.options.faults - state.spent - fault;
        let mut chooser = Exhaust::new(left, &self.options.fates);
        loop {
            let (mut world, mut trace) = (state.world.clone(), self.trace());
            let checked = self.goes(&mut world, action, &mut chooser, &mut trace);
            self.found.transitions += 1;
            if let Some(coverage) = trace.coverage() {
                std::mem::swap(coverage, &mut self.found.coverage);
            }
            if let Err(found) = checked {
                let (invariant, broken) = *found;
                let path = self.note(state.path, action, trace.steps, chooser.forks());
                return Some((invariant, broken, path));
            }
            let spent = state.spent + fault + chooser.spent();
            let paths = self.paths.len();
            let path = self.note(state.path, action, trace.steps, chooser.forks());
            let path = if self.options.reduced { self.flush(&mut world, path) } else { path };
            let picks = chooser.forks().iter().filter(|fork| fork.taken > 0).count();
            let deviations = state.deviations + usize::from(otherwise) + picks;
            let to = match self.arrive(State { world, spent, path, depth: state.depth + 1, deviations }) {
                Arrived::New(to) => to,
                Arrived::Refused => return None,
                Arrived::Known(to, world) => {
                    // Breadth first this costs more than it finds before all is searched.
                    let left_alone = self.options.order == Order::Deviations && deviations == state.deviations;
                    if left_alone && !self.calm.comes_to_rest(&world, self.rules.limits.time) {
                        return Some((REST, circles(), path));
                    }
                    self.paths.truncate(paths);
                    to
                }
            };
            if spent == state.spent {
                self.ways.step(number, to);
            }
            if !chooser.next_end() {
                return None;
            }
        }
    }

    /// One step, or, reduced, all that only its lane can see; what must hold is looked at after each.
    fn goes(
        &self,
        world: &mut World,
        action: Action,
        chooser: &mut Exhaust,
        trace: &mut Trace,
    ) -> Result<(), Box<(Invariant, Broken)>> {
        for _ in 0..=MACRO_STEPS_MAX {
            world.step(action, chooser, trace);
            invariant::after_step(self.rules, world, trace, trace.changed)?;
            trace.looked();
            if !self.options.reduced || !world.goes_on(action) {
                break;
            }
        }
        Ok(())
    }

    /// What only deletes what was published needs no order.
    fn flush(&mut self, world: &mut World, mut path: u32) -> u32 {
        loop {
            let mut actions = vec![];
            world.actions(&mut actions);
            let flush = actions.into_iter().find(|it| matches!(it, Action::Run { lane: Lane::Flush, .. }));
            let Some(flush) = flush else { return path };
            world.step(flush, &mut Default0, &mut Trace::default());
            path = self.note(path, flush, 1, &[]);
        }
    }

    /// A world in which nothing is left to happen.
    fn end(&mut self, state: &State) -> Option<Violation> {
        self.found.terminal += 1;
        self.found.rests.insert(state.world.fingerprint());
        let mut world = state.world.clone();
        let mut trace = Trace::default();
        let mut replays = 0;
        while replays < self.rules.limits.replays && world.replay_letters(&mut Default0, &mut trace) > 0 {
            replays += 1;
            while let Some(action) = world.default_action() {
                world.step(action, &mut Default0, &mut trace);
                if let Err(found) = invariant::after_step(self.rules, &world, &trace, trace.changed) {
                    let (invariant, broken) = *found;
                    return Some((invariant, broken, state.path));
                }
                trace.looked();
                if trace.steps > self.rules.limits.steps {
                    break;
                }
            }
        }
        if let Err(found) = invariant::at_rest(self.rules, &world) {
            let (invariant, broken) = *found;
            return Some((invariant, broken, state.path));
        }
        self.found.ends.insert(summary(&world));
        None
    }
}
