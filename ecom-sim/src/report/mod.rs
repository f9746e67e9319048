//! A failing run on one screen, in the words of the domain; and as a page and a regression test.

mod analysis;
mod film;
mod json;
mod names;
mod page;
mod path;
mod save;
mod sides;
#[cfg(test)]
mod tests;
mod text;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

pub use analysis::{Chance, Nearby, Without};
pub use film::{Film, Key, Scene, Shape};
pub use names::Names;
pub use page::{Otherwise, Page};
pub(crate) use save::slug;

use analysis::Course;

use crate::choose::{Deviation, ParseError};
use crate::run::{Failure, Rules, replay};
use crate::scenario::Scenario;
use crate::shrink::{Shrunk, shrink};
use crate::world::{Line, Trace};

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
        let (scenario, deviations) = text.split_once('~').map_or((text, None), |(name, rest)| (name, Some(rest)));
        let deviations = deviations.into_iter().flat_map(|it| it.split(',')).map(str::parse);
        let deviations: Vec<Deviation> = deviations.collect::<Result<_, _>>()?;
        let mut places: Vec<_> = deviations.iter().map(|it| (it.site, it.at)).collect();
        places.sort_unstable();
        match places.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(ParseError::twice(pair[0])),
            None => Ok(Self { scenario: scenario.to_owned(), deviations }),
        }
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
    /// How many steps there were.
    pub steps: u64,
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
    /// The planted bug that was in it.
    pub bug: Option<&'static str>,
    /// The seed that found it, and of how many.
    pub seed: Option<(u64, u64)>,
    /// Short names for ids.
    pub names: Names,
    /// In which step each deviation was taken.
    pub taken: Vec<(Deviation, u64)>,
    /// What becomes of it without each of them.
    pub without: Vec<Without>,
    /// From which steps on what is broken held, or did not; nothing where that is not seen in a state.
    pub held: Vec<(u64, bool)>,
    /// The last step after which all was well, and the one that broke it.
    pub last_good: Option<(u64, u64)>,
    /// How many runs like it fail.
    pub nearby: Nearby,
    /// How often it fails when it goes on at random after a step.
    pub chances: Vec<Chance>,
}

impl Report {
    /// Shrinks a failure, replays it twice, and asks what it depends on.
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
        let (scenario, deviations) = (shrunk.scenario, shrunk.deviations);
        let course = Course::of(&scenario, &deviations, name, rules);
        let second = replay(&scenario, &deviations, Trace::default(), rules);
        let without = analysis::without(&scenario, &deviations, name, rules);
        let nearby = analysis::nearby(&scenario, &deviations, name, rules);
        let chances = analysis::chances(&scenario, &deviations, &course, name, rules);
        let last_good = course.last_good();
        let recipe = Recipe { scenario: scenario.name().to_owned(), deviations };
        Self {
            test: save::test(name, &recipe, None),
            saved: None,
            again: again(&recipe, None),
            recipe,
            names: Names::of(&course.world),
            failure: course.failure.unwrap_or(shrunk.failure),
            lines: course.lines,
            steps: course.steps,
            before,
            scenario,
            replays: shrunk.replays,
            digest: course.digest,
            same: course.digest == second.trace.digest(),
            took,
            bug: None,
            seed: None,
            taken: course.taken,
            without,
            held: course.held,
            last_good,
            nearby,
            chances,
        }
    }

    /// The same as that planted bug's.
    #[must_use]
    pub fn of_bug(mut self, bug: Option<&'static str>) -> Self {
        self.test = save::test(self.failure.invariant.name, &self.recipe, bug);
        self.again = again(&self.recipe, bug);
        Self { bug, ..self }
    }

    /// The same as found by that seed, of so many.
    #[must_use]
    pub fn of_seed(self, seed: u64, of: u64) -> Self {
        Self { seed: Some((seed, of)), ..self }
    }
}

fn again(recipe: &Recipe, bug: Option<&str>) -> String {
    let bug = bug.map(|bug| format!(" --bug {bug}")).unwrap_or_default();
    format!("ecom-sim replay '{recipe}'{bug} --dump")
}

/// Replays a run from its string and panics with its report if anything is broken: for a regression test.
#[track_caller]
pub fn assert_holds(recipe: &str) {
    let parsed: Recipe = recipe.parse().unwrap_or_else(|error| panic!("{error}"));
    let Some(scenario) = Scenario::named(&parsed.scenario) else {
        panic!("no scenario is named {:?}", parsed.scenario)
    };
    let rules = Rules::of(scenario.name());
    if let Some(failure) = replay(&scenario, &parsed.deviations, Trace::default(), &rules).failure {
        panic!("{}", Report::new(&scenario, &parsed.deviations, &failure, &rules));
    }
}
