//! What cannot be made smaller step by step may be smaller elsewhere: other runs of the same small world are tried.

use super::{Shrunk, reduce};
use crate::run::{Rules, random};
use crate::world::Trace;

/// More deviations than that are worth another look.
const FEW: usize = 3;

/// The most runs, those of shrinking what they find included.
const RUNS_MAX: u32 = 500;

/// Draws other runs of the scenario that is left, and takes the first that breaks the same by few deviations, or else
/// the smallest.
pub(super) fn afresh(mut best: Shrunk, invariant: &str, rules: &Rules) -> Shrunk {
    let before = best.replays;
    for seed in 0.. {
        if best.deviations.len() <= FEW || best.replays - before >= RUNS_MAX {
            break;
        }
        best.replays += 1;
        let finished = random(&best.scenario, seed, false, Trace::default(), rules);
        if finished.failure.is_none_or(|failure| failure.invariant.name != invariant) {
            continue;
        }
        if let Some(other) = reduce(&best.scenario, &finished.deviations, invariant, rules) {
            let replays = best.replays + other.replays;
            let smaller = if other.deviations.len() < best.deviations.len() { other } else { best };
            best = Shrunk { replays, ..smaller };
        }
    }
    best
}
