//! A failing run on one screen, in the words of the domain; and as a page and a regression test.

mod film;
mod html;
mod save;
#[cfg(test)]
mod tests;

use std::fmt::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

pub use film::{Film, Scene, Shape};
pub use html::Page;
pub(crate) use save::slug;

use crate::choose::{Deviation, ParseError};
use crate::run::{Failure, Finished, Rules, replay};
use crate::scenario::Scenario;
use crate::shrink::{Shrunk, shrink};
use crate::world::{Line, Trace, World};

/// The lines that lead to the failure and are shown.
const LINES_MAX: usize = 8;

/// A run as a string: the scenario and what went otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipe {
    /// The scenario's name.
    pub scenario: String,
    /// What went otherwise.
    pub deviations: Vec<Deviation>,
}

impl fmt::Display for Recipe {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.scenario)?;
        for (number, deviation) in self.deviations.iter().enumerate() {
            write!(formatter, "{}{deviation}", if number == 0 { '~' } else { ',' })?;
        }
        Ok(())
    }
}

impl std::str::FromStr for Recipe {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let (scenario, deviations) = text.split_once('~').unwrap_or((text, ""));
        let deviations = deviations.split(',').filter(|it| !it.trim().is_empty()).map(str::parse);
        Ok(Self { scenario: scenario.to_owned(), deviations: deviations.collect::<Result<_, _>>()? })
    }
}

/// A failure with the fewest deviations and commands.
#[derive(Clone, Debug)]
pub struct Report {
    /// How to see it again.
    pub recipe: Recipe,
    /// The failure.
    pub failure: Box<Failure>,
    /// Its steps in words.
    pub lines: Vec<Line>,
    /// The scenario, without the commands that do not matter.
    pub scenario: Scenario,
    /// How many deviations and commands there were at first.
    pub before: (usize, usize),
    /// How many runs shrinking took.
    pub replays: u32,
    /// The hash of the shrunk run.
    pub digest: u128,
    /// Whether two runs were the same.
    pub same: bool,
    /// How long shrinking took.
    pub took: Duration,
    /// How to repeat it.
    pub again: String,
    /// A regression test.
    pub test: String,
    /// The folder in which it is kept as a page, once it is.
    pub saved: Option<PathBuf>,
    /// When the world began.
    pub dawn: ecom_core::time::Timestamp,
}

impl Report {
    /// Shrinks a failure and replays it twice.
    pub fn new(scenario: &Scenario, deviations: &[Deviation], failure: &Failure, rules: &Rules) -> Self {
        let began = crate::watch::now();
        let name = failure.invariant.name;
        let shrunk = shrink(scenario, deviations, name, rules).unwrap_or_else(|| Shrunk {
            scenario: scenario.clone(),
            deviations: deviations.to_vec(),
            replays: 1,
            failure: Box::new(failure.clone()),
        });
        let took = began.elapsed();
        let before = (deviations.len(), scenario.commands());
        let scenario = shrunk.scenario;
        let first = replay(&scenario, &shrunk.deviations, Trace::verbose(), rules);
        let second = replay(&scenario, &shrunk.deviations, Trace::default(), rules);
        let Finished { trace, failure, .. } = first;
        let recipe = Recipe { scenario: scenario.name().to_owned(), deviations: shrunk.deviations };
        Self {
            test: save::test(name, &recipe),
            saved: None,
            again: format!("ecom-sim replay '{recipe}' --dump"),
            recipe,
            failure: failure.unwrap_or(shrunk.failure),
            lines: trace.lines().to_vec(),
            before,
            scenario,
            replays: shrunk.replays,
            digest: trace.digest(),
            same: trace.digest() == second.trace.digest(),
            took,
            dawn: World::dawn(),
        }
    }

    fn time(&self, at: ecom_core::time::Timestamp) -> String {
        let passed = at.since(self.dawn);
        let seconds = passed.as_secs();
        format!("+{:02}:{:02}:{:02}.{:03}", seconds / 3_600, seconds / 60 % 60, seconds % 60, passed.subsec_millis())
    }
}

impl Report {
    /// In words; how long things took is left out where the same bytes are wanted.
    fn told(&self, timed: bool) -> String {
        let mut out = String::new();
        // Writing into a string does not fail.
        let _ = self.tell(&mut out, timed);
        out
    }

    fn tell(&self, out: &mut String, timed: bool) -> fmt::Result {
        let Failure { invariant, broken, stuck, step, at } = &*self.failure;
        let verdict = if *stuck { "STUCK" } else { "FAIL " };
        writeln!(out, "{verdict} {}", invariant.name)?;
        writeln!(out, "      {}   t={} (step {step})", broken.subject, self.time(*at))?;
        writeln!(out, "      scenario {}   hash {:016x}", self.recipe.scenario, self.digest as u64)?;
        let same = if self.same { "deterministic: 2/2 runs identical" } else { "NOT DETERMINISTIC" };
        let ((before, commands), after) = (self.before, self.recipe.deviations.len());
        let left = self.scenario.commands();
        let commands = if left < commands { format!(", {commands} -> {left} commands") } else { String::new() };
        let millis = self.took.as_secs_f64() * 1_000.0;
        let took = if timed { format!(", {millis:.1} ms") } else { String::new() };
        writeln!(out, "Shrunk {before} -> {after} deviations{commands} ({} replays{took}); {same}", self.replays)?;
        let mut said = String::new();
        for (number, deviation) in (1..).zip(&self.recipe.deviations) {
            writeln!(said, "  {number}  {deviation}")?;
        }
        for line in self.lines.iter().filter(|line| line.is_fault).take(LINES_MAX) {
            writeln!(said, "     step {:<4} {}  {}", line.step, self.time(line.at), shortened(&line.text))?;
        }
        out.push_str(&said);
        writeln!(out, "Expected  {}", shortened(&broken.expected))?;
        writeln!(out, "Actual    {}", shortened(&broken.actual))?;
        let last = self.lines.iter().filter(|line| line.step <= *step).rev().take(3).collect::<Vec<_>>();
        for line in last.into_iter().rev() {
            writeln!(out, "  before  step {:<4} {}", line.step, shortened(&line.text))?;
        }
        write!(out, "replay    {}", self.again)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.told(true))?;
        if let Some(dir) = &self.saved {
            let dir = dir.display();
            write!(out, "\nreport    {dir}/report.html\ntest      {dir}/regress.rs (paste into tests/)")?;
        }
        Ok(())
    }
}

fn shortened(text: &str) -> String {
    const WIDTH: usize = 150;
    if text.chars().count() <= WIDTH {
        text.to_owned()
    } else {
        text.chars().take(WIDTH).chain("…".chars()).collect()
    }
}
