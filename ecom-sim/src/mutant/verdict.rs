//! What the hunts for planted bugs come to, and what they must come to for a proof.

use std::time::Duration;

use super::{Checked, Found, Hunt, Kill, Planted};

/// What a proof must come to.
#[derive(Clone, Copy, Debug)]
pub struct Bars {
    /// Half of the bugs are found at random in fewer runs than that.
    pub median_runs: u64,
    /// To so few deviations the counterexamples of 95 of 100 bugs shrink; of a bug's counterexamples the one in the middle
    /// counts.
    pub few: usize,
    /// To so many at most those of the others.
    pub most: usize,
    /// So many runs at most for each shrinking: what keeps it below a second is counted, and not timed.
    pub replays: u32,
}

impl Bars {
    /// Those of the proof.
    pub const PROOF: Self = Self { median_runs: 2_000, few: 3, most: 4, replays: 1_000 };
}

/// The counterexamples of so many of 100 bugs have few deviations.
const FEW_PERCENT: usize = 95;

/// The figures of all hunts.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// Planted bugs that were looked for.
    pub planted: usize,
    /// Those found at random and exhaustively.
    pub by_both: usize,
    /// Those that only their invariants caught, at random in most searches.
    pub as_expected: usize,
    /// Runs at random until a bug is found: in the middle of all bugs, and of the one that takes the most.
    pub runs: (u64, u64),
    /// Bugs of whose counterexamples the one in the middle has few deviations.
    pub few: usize,
    /// Counterexamples that were shrunk, those of few deviations, and the deviations of the largest.
    pub shrunk: (usize, usize, usize),
    /// Runs of a shrinking: in the middle, and the most.
    pub replays: (u32, u32),
    /// The processor's time for the slowest shrinking.
    pub slowest: Duration,
    /// Counterexamples that were shrunk within a second of the processor's time: told, and not a bar.
    pub in_a_second: usize,
    /// What falls short of the bars, a clause for each.
    pub shortfalls: Vec<String>,
}

impl Verdict {
    /// Counts what the hunts and the control came to, and holds it against the bars.
    pub fn of(hunts: &[(&Planted, Found)], control: &Checked, plan: Hunt, bars: Bars) -> Self {
        let median = |it: &Found| Found::median(&it.swarm, plan.searches).map(|kill| kill.cost);
        let by_both = |it: &Found| median(it).is_some() && it.exhaustive.is_some();
        let kills: Vec<(&str, &Kill)> =
            hunts.iter().flat_map(|(planted, it)| it.shrunk().map(|kill| (planted.name, kill))).collect();
        let verdict = Self {
            planted: hunts.len(),
            by_both: hunts.iter().filter(|(_, it)| by_both(it)).count(),
            as_expected: hunts.iter().filter(|(planted, it)| it.is_kill_of(planted, plan)).count(),
            runs: middle_and_most(hunts.iter().filter_map(|(_, it)| median(it)).collect()),
            few: hunts.iter().filter(|(_, it)| it.deviations().is_some_and(|it| it <= bars.few)).count(),
            shrunk: (
                kills.len(),
                kills.iter().filter(|(_, kill)| kill.shrunk <= bars.few).count(),
                kills.iter().map(|(_, kill)| kill.shrunk).max().unwrap_or_default(),
            ),
            replays: middle_and_most(kills.iter().map(|(_, kill)| kill.replays).collect()),
            in_a_second: kills.iter().filter(|(_, kill)| kill.time <= Duration::from_secs(1)).count(),
            slowest: kills.iter().map(|(_, kill)| kill.time).max().unwrap_or_default(),
            shortfalls: vec![],
        };
        let mut shortfalls = verdict.of_all(bars);
        for (planted, found) in hunts {
            if !found.is_kill_of(planted, plan) || !by_both(found) {
                shortfalls.push(format!("{} is not found as it should be", planted.name));
            }
            if let Some(deviations) = found.deviations().filter(|deviations| *deviations > bars.most) {
                shortfalls.push(format!("{} shrinks to {deviations} deviations", planted.name));
            }
        }
        for (name, Kill { replays, recipe, .. }) in kills.iter().filter(|(_, kill)| kill.replays > bars.replays) {
            shortfalls.push(format!("{name} takes {replays} runs to shrink to {recipe}"));
        }
        if let Some(kill) = &control.found {
            shortfalls.push(format!("without a bug it is not clean: {}", kill.recipe));
        }
        Self { shortfalls, ..verdict }
    }

    /// What all of them together fall short of.
    fn of_all(&self, bars: Bars) -> Vec<String> {
        let mut shortfalls = vec![];
        if self.runs.0 >= bars.median_runs {
            shortfalls.push(format!("half of them take {} runs or more, and not {}", self.runs.0, bars.median_runs));
        }
        if self.few * 100 < self.planted * FEW_PERCENT {
            let Self { few, planted, .. } = self;
            shortfalls.push(format!("{few} of {planted} shrink to {} deviations, and not {FEW_PERCENT} %", bars.few));
        }
        shortfalls
    }
}

/// The one in the middle, and the largest.
fn middle_and_most<T: Ord + Copy + Default>(mut all: Vec<T>) -> (T, T) {
    all.sort_unstable();
    (all.get(all.len() / 2).copied().unwrap_or_default(), all.last().copied().unwrap_or_default())
}

impl Found {
    /// The counterexamples that a proof is held to: those of the swarm and of the exhaustive search.
    pub fn shrunk(&self) -> impl Iterator<Item = &Kill> {
        self.swarm.iter().chain(&self.exhaustive)
    }

    /// How many deviations the one in the middle has.
    pub fn deviations(&self) -> Option<usize> {
        let mut all: Vec<usize> = self.shrunk().map(|kill| kill.shrunk).collect();
        all.sort_unstable();
        all.get(all.len().saturating_sub(1) / 2).copied()
    }

    /// The counterexample of the fewest deviations.
    pub fn smallest(&self) -> Option<&Kill> {
        self.shrunk().min_by_key(|kill| kill.shrunk)
    }

    /// Whether most searches at random found it, and nothing but the invariants that are there for it caught it.
    pub fn is_kill_of(&self, planted: &Planted, plan: Hunt) -> bool {
        let expected = |name: &&str| planted.expected.iter().any(|expected| name.starts_with(expected));
        Self::median(&self.swarm, plan.searches).is_some() && self.invariants().iter().all(expected)
    }
}
