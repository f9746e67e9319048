//! Two runs of the same: where they part, if they do.

use std::fmt;

use crate::run::Finished;
use crate::world::{Line, Trace, World};

/// Lines before the step that differs.
const BEFORE_MAX: usize = 4;
/// Lines of the step that differs, of each run.
const LINES_MAX: usize = 6;
/// So often it is tried to see the difference again, in words.
const TRIES: u32 = 16;

/// Where two runs of the same part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// In which step, counted from 1.
    pub step: u64,
    /// The hash of all steps before it, as far as it is the same.
    pub before: Option<u128>,
    /// The hash after it in either run; `None` where the run had ended.
    pub after: [Option<u128>; 2],
    /// The last lines before it.
    pub common: Vec<Line>,
    /// What happened in it, in either run.
    pub lines: [Vec<Line>; 2],
    /// The fingerprint of either world at its end.
    pub ends: [u128; 2],
}

/// Runs twice and compares the hash of every step and the worlds at their ends; when they differ, runs until the
/// difference shows again, with words. Returns the first run beside it.
pub fn twice(mut run: impl FnMut(Trace) -> Finished) -> (Finished, Option<Box<Difference>>) {
    let (first, second) = (run(Trace::hashed()), run(Trace::hashed()));
    let Some(known) = difference(&first, &second) else { return (first, None) };
    let one = run(Trace::told());
    let found = (0..TRIES).find_map(|_| difference(&one, &run(Trace::told())));
    (first, Some(Box::new(found.unwrap_or(known))))
}

/// Where two runs part; `None` when they are the same.
fn difference(first: &Finished, second: &Finished) -> Option<Difference> {
    let runs = [first, second];
    let ends = runs.map(|run| run.world.fingerprint());
    let (after, lines) = (runs.map(|run| after(&run.trace)), runs.map(|run| run.trace.lines()));
    if after[0] == after[1] && lines[0] == lines[1] && ends[0] == ends[1] {
        return None;
    }
    let same = after[0].iter().zip(&after[1]).take_while(|(left, right)| left == right).count();
    let said = lines[0].iter().zip(lines[1]).find(|(left, right)| left != right);
    // What is done shows in the hash, what it is done with in the words.
    let by_words = said.map(|(left, right)| left.step.min(right.step));
    let step = by_words.map_or(same as u64 + 1, |step| step.min(same as u64 + 1));
    let of_step = |lines: &[Line]| lines.iter().filter(|line| line.step == step).take(LINES_MAX).cloned().collect();
    let common: Vec<Line> = lines[0].iter().filter(|line| line.step < step).cloned().collect();
    let place = step as usize - 1;
    Some(Difference {
        step,
        before: place.checked_sub(1).and_then(|place| after[0].get(place)).copied(),
        after: [0, 1].map(|run| after[run].get(place).copied()),
        common: common[common.len().saturating_sub(BEFORE_MAX)..].to_vec(),
        lines: lines.map(of_step),
        ends,
    })
}

/// The hash after each step.
fn after(trace: &Trace) -> Vec<u128> {
    trace.hashes().iter().skip(1).copied().chain([trace.digest()]).collect()
}

impl fmt::Display for Difference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hash = |hash: Option<u128>| hash.map_or_else(|| "none".to_owned(), |hash| format!("{:016x}", hash as u64));
        let line = |out: &mut fmt::Formatter<'_>, line: &Line| {
            let passed = line.at.since(World::dawn()).as_secs_f64();
            writeln!(out, "    step {:<5} {passed:>10.3} s  {:<20} {}", line.step, line.action.to_string(), line.text)
        };
        let Self { step, before, after, common, lines, ends } = self;
        writeln!(out, "DIFFERS  two runs of the same differ from step {step} on")?;
        writeln!(out, "  before it, in both: hash {}", hash(*before))?;
        common.iter().try_for_each(|it| line(out, it))?;
        for (name, (after, lines)) in ["first", "second"].iter().zip(after.iter().zip(lines)) {
            writeln!(out, "  step {step} of the {name} run: hash {}", hash(*after))?;
            lines.iter().try_for_each(|it| line(out, it))?;
            if lines.is_empty() {
                writeln!(out, "    it says nothing")?;
            }
        }
        if lines[0] == lines[1] {
            let [first, second] = ends.map(|end| end as u64);
            writeln!(
                out,
                "  the same things are done with other contents: the worlds end as {first:016x} and {second:016x}"
            )?;
        }
        Ok(())
    }
}
