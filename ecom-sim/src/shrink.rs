//! From many deviations to the few that matter.

use crate::choose::Deviation;
use crate::run::{Failure, Finished, Rules, replay};
use crate::scenario::Scenario;
use crate::world::Trace;

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

/// Leaves out what can be left out so that the same invariant is still broken: first halves, then smaller parts, then
/// one by one. `None` when the deviations do not break it.
pub fn shrink(scenario: &Scenario, deviations: &[Deviation], invariant: &str, rules: &Rules) -> Option<Shrunk> {
    let mut replays = 0;
    let mut fails = |deviations: &[Deviation]| {
        replays += 1;
        let Finished { failure, deviations, .. } = replay(scenario, deviations, Trace::default(), rules);
        failure.filter(|failure| failure.invariant.name == invariant).map(|failure| (deviations, failure))
    };
    let (mut best, mut failure) = fails(deviations)?;
    let mut parts = 2;
    let mut runs = 1;
    while best.len() > 1 && runs < REPLAYS_MAX {
        let size = best.len().div_ceil(parts);
        let mut smaller = None;
        for start in (0..best.len()).step_by(size) {
            let end = (start + size).min(best.len());
            let without: Vec<Deviation> = best[..start].iter().chain(&best[end..]).copied().collect();
            runs += 1;
            smaller = fails(&without).filter(|(taken, _)| taken.len() < best.len());
            if smaller.is_some() {
                break;
            }
        }
        match smaller {
            Some((taken, found)) => {
                (best, failure) = (taken, found);
                parts = (parts - 1).max(2);
            }
            None if size == 1 => break,
            None => parts = (parts * 2).min(best.len()),
        }
    }
    if best.len() == 1
        && let Some((taken, found)) = fails(&[])
    {
        (best, failure) = (taken, found);
    }
    Some(Shrunk { deviations: best, replays, failure })
}
