//! Deviations of one world at their places in another one, in which fewer commands are sent: choices are counted, so
//! whatever is not asked any more moves those behind it.

use crate::choose::{Chooser, Counts, Deviation, Fate, Replay, Site, Wanted};
use crate::run::{Rules, run};
use crate::scenario::Scenario;
use crate::world::{Action, Trace};

/// With more deviations it is not worth the runs.
pub(super) const DEVIATIONS_MAX: usize = 8;
/// Pairs of lines that are compared at most.
const PAIRS_MAX: usize = 1 << 21;

/// What a run said and was asked.
pub(super) struct Log {
    /// Step and beginning of each line.
    lines: Vec<(u64, String)>,
    /// Step and site of each choice.
    asked: Vec<(u64, Site)>,
}

impl Log {
    pub(super) fn of(scenario: &Scenario, deviations: &[Deviation], rules: &Rules) -> Self {
        let (mut world, mut trace) = (scenario.world(), Trace::verbose());
        let mut chooser = Logged { inner: Replay::new(deviations), counts: Counts::default(), asked: vec![] };
        // Whether it fails does not matter here.
        drop(run(&mut world, &mut chooser, &mut trace, rules));
        let head = |text: &str| text.split(':').next().unwrap_or_default().to_owned();
        let lines = trace.lines().iter().map(|line| (line.step, head(&line.text))).collect();
        Self { lines, asked: chooser.asked }
    }

    /// The number of the choices of a site up to the end of a step.
    fn count(&self, site: Site, step: u64) -> u32 {
        self.asked.iter().filter(|(at, asked)| *asked == site && *at <= step).count() as u32
    }

    /// In which step a choice was made.
    fn step(&self, deviation: &Deviation) -> Option<u64> {
        let mut of_site = self.asked.iter().filter(|(_, site)| *site == deviation.site);
        of_site.nth(deviation.at as usize - 1).map(|(step, _)| *step)
    }
}

/// The deviations of the run that is logged as that other world has them; `None` when there are too many, or nothing
/// would move.
pub(super) fn moved(log: &Log, deviations: &[Deviation], other: &Scenario, rules: &Rules) -> Option<Vec<Deviation>> {
    if deviations.len() > DEVIATIONS_MAX {
        return None;
    }
    let mut placed: Vec<Deviation> = vec![];
    for deviation in deviations {
        let step = log.step(deviation)?;
        let now = Log::of(other, &placed, rules);
        let before = log.lines.partition_point(|(at, _)| *at < step);
        // The last thing before it that happens in both.
        let (then, there) = last_common(&log.lines[..before], &now.lines).unwrap_or((0, 0));
        let passed = deviation.at.checked_sub(log.count(deviation.site, then))?;
        placed.push(Deviation { at: now.count(deviation.site, there) + passed, ..*deviation });
    }
    (placed != deviations).then_some(placed)
}

/// The steps of the last line in the longest sequence of lines that both have.
fn last_common(left: &[(u64, String)], right: &[(u64, String)]) -> Option<(u64, u64)> {
    let same = left.iter().zip(right).take_while(|(left, right)| left.1 == right.1).count();
    let (head, left, right) = (left[..same].last().zip(right[..same].last()), &left[same..], &right[same..]);
    let head = head.map(|(left, right)| (left.0, right.0));
    let width = right.len() + 1;
    if left.is_empty() || right.is_empty() || left.len() * width > PAIRS_MAX {
        return head;
    }
    // How long the sequence is from here on to the beginning of either.
    let mut longest = vec![0_u16; (left.len() + 1) * width];
    for (row, (_, one)) in left.iter().enumerate() {
        for (column, (_, other)) in right.iter().enumerate() {
            longest[(row + 1) * width + column + 1] = if one == other {
                longest[row * width + column] + 1
            } else {
                longest[row * width + column + 1].max(longest[(row + 1) * width + column])
            };
        }
    }
    let (row, most) = (left.len(), longest[left.len() * width + right.len()]);
    // The shortest part of the other one that has all of it ends with the last line of the sequence.
    let column = (0..=right.len()).find(|column| longest[row * width + column] == most)?;
    let row = (0..=left.len()).find(|row| longest[row * width + column] == most)?;
    if most == 0 { head } else { Some((left[row - 1].0, right[column - 1].0)) }
}

/// Replays, and writes down what it is asked.
struct Logged {
    inner: Replay,
    counts: Counts,
    asked: Vec<(u64, Site)>,
}

impl Logged {
    fn note(&mut self, site: Site) {
        if site == Site::SCHEDULE {
            self.counts.next(site);
        }
        self.asked.push((u64::from(self.counts.of(Site::SCHEDULE)), site));
    }
}

impl Chooser for Logged {
    fn fate(&mut self, site: Site, options: &[Fate]) -> Fate {
        self.note(site);
        self.inner.fate(site, options)
    }

    fn message(&mut self, site: Site, count: usize) -> usize {
        self.note(site);
        self.inner.message(site, count)
    }

    fn action(&mut self, list: &mut dyn FnMut(&mut Vec<Action>, Wanted)) -> Option<Action> {
        self.note(Site::SCHEDULE);
        self.inner.action(list)
    }

    fn deviated(&self) -> usize {
        self.inner.deviated()
    }
}
