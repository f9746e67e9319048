//! From many deviations to the few that matter.

use std::time::Duration;

use crate::choose::{Deviation, Pick};
use crate::run::{Failure, Finished, Limits, Rules, replay};
use crate::scenario::Scenario;
use crate::world::{Action, Trace};

/// What shrinking came to.
#[derive(Clone, Debug)]
pub struct Shrunk {
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
/// A world that is busy for so long is taken for stuck while deviations are left out; the last run decides.
const PATIENCE: Duration = Duration::from_secs(24 * 3_600);

/// Leaves out what can be left out so that the same invariant is still broken: first halves, then smaller parts, then
/// one by one and two by two; then takes nearer messages and times instead of farther ones. `None` when the deviations
/// do not break it.
pub fn shrink(scenario: &Scenario, deviations: &[Deviation], invariant: &str, rules: &Rules) -> Option<Shrunk> {
    let limits = Limits { time: rules.limits.time.min(PATIENCE), ..rules.limits };
    let hasty = Rules { limits, ..rules.clone() };
    let quick = reduce(scenario, deviations, invariant, &hasty);
    let mut replays = 0;
    if let Some(quick) = quick {
        let (finished, failure) = (replay(scenario, &quick.deviations, Trace::default(), rules), quick.failure);
        replays = quick.replays + 1;
        if let Some(failure) = finished.failure.filter(|it| it.invariant.name == failure.invariant.name) {
            return Some(Shrunk { deviations: finished.deviations, replays, failure });
        }
    }
    reduce(scenario, deviations, invariant, rules).map(|it| Shrunk { replays: it.replays + replays, ..it })
}

/// What still fails.
struct Attempt<'a> {
    scenario: &'a Scenario,
    invariant: &'a str,
    rules: &'a Rules,
    replays: u32,
    best: Vec<Deviation>,
    failure: Box<Failure>,
}

fn reduce(scenario: &Scenario, deviations: &[Deviation], invariant: &str, rules: &Rules) -> Option<Shrunk> {
    let Finished { failure, deviations: best, .. } = replay(scenario, deviations, Trace::default(), rules);
    let failure = failure.filter(|failure| failure.invariant.name == invariant)?;
    let mut attempt = Attempt { scenario, invariant, rules, replays: 1, best, failure };
    attempt.leave_out_parts();
    while attempt.leave_out_two() {
        attempt.leave_out_parts();
    }
    attempt.lower();
    Some(Shrunk { deviations: attempt.best, replays: attempt.replays, failure: attempt.failure })
}

impl Attempt<'_> {
    /// Takes the deviations when they break the same, and are fewer, or as many and `simpler`.
    fn take(&mut self, deviations: &[Deviation], simpler: bool) -> bool {
        if self.replays >= REPLAYS_MAX {
            return false;
        }
        self.replays += 1;
        let Finished { failure, deviations: taken, .. } =
            replay(self.scenario, deviations, Trace::default(), self.rules);
        let Some(failure) = failure.filter(|failure| failure.invariant.name == self.invariant) else { return false };
        let better = taken.len() < self.best.len() || simpler && taken.len() == self.best.len();
        if better {
            (self.best, self.failure) = (taken, failure);
        }
        better
    }

    fn leave_out_parts(&mut self) {
        let mut parts = 2;
        while self.best.len() > 1 {
            let size = self.best.len().div_ceil(parts);
            let smaller = (0..self.best.len()).step_by(size).any(|start| {
                let end = (start + size).min(self.best.len());
                let without: Vec<Deviation> = self.best[..start].iter().chain(&self.best[end..]).copied().collect();
                self.take(&without, false)
            });
            if smaller {
                parts = (parts - 1).max(2);
            } else if size == 1 {
                break;
            } else {
                parts = (parts * 2).min(self.best.len());
            }
        }
        if self.best.len() == 1 {
            self.take(&[], false);
        }
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
