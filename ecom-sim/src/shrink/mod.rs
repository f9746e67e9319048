//! From many deviations and commands to the few that matter.

mod afresh;
mod align;
mod commands;
#[cfg(test)]
mod tests;

use std::time::Duration;

use align::{Log, moved};

use crate::choose::{Deviation, Pick};
use crate::run::{Failure, Finished, Limits, Rules, replay};
use crate::scenario::Scenario;
use crate::world::{Action, Trace};

/// What shrinking came to.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The scenario with the commands that are left; its name says what was left out.
    pub scenario: Scenario,
    /// The deviations that are left, in the order in which they happen.
    pub deviations: Vec<Deviation>,
    /// How many runs it took.
    pub replays: u32,
    /// The failure with those alone.
    pub failure: Box<Failure>,
}

/// The most runs of one shrinking.
const REPLAYS_MAX: u32 = 4_000;
/// With so many deviations at most, any two are left out together.
const PAIRS_MAX: usize = 12;
/// A world that is busy for so long is taken for stuck while something is left out; the last run decides.
const PATIENCE: Duration = Duration::from_secs(24 * 3_600);
/// The same in steps.
const PATIENCE_STEPS: u64 = 6_000;

/// Leaves out what can be left out so that the same invariant is still broken. First the form in which things are sent and
/// stored, and the processes of a service beside its first; then whole clients, where there are more than 8 deviations;
/// then deviations: halves, smaller parts, one by one, and two by two; then clients, commands, lines and pieces of the
/// scenario, where that is a known one, and after them deviations again, until nothing more can go. Then takes nearer
/// messages and times instead of farther ones. Where many are left, other runs of what is left of the scenario are tried
/// too. `None` when the deviations do not break it.
pub fn shrink(scenario: &Scenario, deviations: &[Deviation], invariant: &str, rules: &Rules) -> Option<Shrunk> {
    let Limits { steps, time, .. } = rules.limits;
    let limits = Limits { steps: steps.min(PATIENCE_STEPS), time: time.min(PATIENCE), ..rules.limits };
    let hasty = Rules { limits, ..rules.clone() };
    let quick = reduce(scenario, deviations, invariant, &hasty).map(|quick| afresh::afresh(quick, invariant, &hasty));
    let mut replays = 0;
    if let Some(quick) = quick {
        let smaller = quick.scenario;
        let (finished, failure) = (replay(&smaller, &quick.deviations, Trace::default(), rules), quick.failure);
        replays = quick.replays + 1;
        if let Some(failure) = finished.failure.filter(|it| it.invariant.name == failure.invariant.name) {
            return Some(Shrunk { scenario: smaller, deviations: finished.deviations, replays, failure });
        }
    }
    reduce(scenario, deviations, invariant, rules).map(|it| Shrunk { replays: it.replays + replays, ..it })
}

/// What still fails.
struct Attempt<'a> {
    scenario: Scenario,
    invariant: &'a str,
    rules: &'a Rules,
    replays: u32,
    best: Vec<Deviation>,
    failure: Box<Failure>,
}

fn reduce(scenario: &Scenario, deviations: &[Deviation], invariant: &str, rules: &Rules) -> Option<Shrunk> {
    let Finished { failure, deviations: best, .. } = replay(scenario, deviations, Trace::default(), rules);
    let failure = failure.filter(|failure| failure.invariant.name == invariant)?;
    let scenario = scenario.clone();
    let mut attempt = Attempt { scenario, invariant, rules, replays: 1, best, failure };
    if attempt.scenario.has_wire() {
        attempt.leave_out_wire();
    }
    attempt.leave_out_processes();
    if attempt.best.len() > align::DEVIATIONS_MAX {
        attempt.leave_out_clients();
    }
    attempt.leave_out_deviations();
    while attempt.leave_out_commands() {
        attempt.leave_out_deviations();
    }
    attempt.lower();
    let Attempt { scenario, best: deviations, replays, failure, .. } = attempt;
    Some(Shrunk { scenario, deviations, replays, failure })
}

impl Attempt<'_> {
    /// Takes the deviations when they break the same, and are fewer, or as many and `simpler`.
    fn take(&mut self, deviations: &[Deviation], simpler: bool) -> bool {
        if self.is_exhausted() {
            return false;
        }
        self.replays += 1;
        let Finished { failure, deviations: taken, .. } =
            replay(&self.scenario, deviations, Trace::default(), self.rules);
        let Some(failure) = failure.filter(|failure| failure.invariant.name == self.invariant) else { return false };
        let better = taken.len() < self.best.len() || simpler && taken.len() == self.best.len();
        if better {
            (self.best, self.failure) = (taken, failure);
        }
        better
    }

    const fn is_exhausted(&self) -> bool {
        self.replays >= REPLAYS_MAX
    }

    fn leave_out_deviations(&mut self) {
        self.leave_out_parts();
        while self.leave_out_two() || self.leave_out_one() {
            self.leave_out_parts();
        }
    }

    /// Parts, the last first: without it those before it are where they were.
    fn leave_out_parts(&mut self) {
        let mut size = self.best.len().div_ceil(2);
        while self.best.len() > 1 {
            let (mut end, mut smaller) = (self.best.len(), false);
            while end > 0 && self.best.len() > 1 {
                let start = end.saturating_sub(size);
                let without: Vec<Deviation> = self.best[..start].iter().chain(&self.best[end..]).copied().collect();
                let taken = self.take(&without, false);
                smaller |= taken;
                // Others may have gone with it.
                end = start.min(self.best.len());
            }
            if size == 1 && !smaller {
                break;
            }
            size = size.div_ceil(2);
        }
        if self.best.len() == 1 {
            self.take(&[], false);
        }
    }

    /// One, with those behind it moved: without a transaction that failed, the next one is the first.
    fn leave_out_one(&mut self) -> bool {
        if !(2..=align::DEVIATIONS_MAX).contains(&self.best.len()) {
            return false;
        }
        let log = Log::of(&self.scenario, &self.best, self.rules);
        (0..self.best.len()).any(|place| {
            let mut without = self.best.clone();
            without.remove(place);
            let moved = moved(&log, &without, &self.scenario, self.rules);
            moved.is_some_and(|moved| self.take(&moved, false))
        })
    }

    /// Two that only matter together.
    fn leave_out_two(&mut self) -> bool {
        let count = self.best.len();
        if !(3..=PAIRS_MAX).contains(&count) {
            return false;
        }
        let pairs = (0..count).flat_map(|one| (one + 1..count).map(move |other| (one, other)));
        for (one, other) in pairs {
            let left = |place: &usize| *place != one && *place != other;
            let without: Vec<Deviation> = (0..count).filter(left).map(|place| self.best[place]).collect();
            if self.take(&without, false) {
                return true;
            }
        }
        false
    }

    /// Nearer messages and times instead of farther ones.
    fn lower(&mut self) {
        let mut place = 0;
        while let Some(deviation) = self.best.get(place).copied() {
            for pick in nearer(deviation.pick) {
                let mut lower = self.best.clone();
                lower[place].pick = pick;
                if self.take(&lower, true) {
                    break;
                }
            }
            place += 1;
        }
    }
}

fn nearer(pick: Pick) -> Vec<Pick> {
    match pick {
        Pick::Message(place) => (1..place).map(Pick::Message).collect(),
        Pick::Action(Action::Elapse(due)) => (0..due).map(|due| Pick::Action(Action::Elapse(due))).collect(),
        Pick::Action(_) | Pick::Fate(_) => vec![],
    }
}
