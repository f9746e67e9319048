//! What a saga is held to, and how hard it is tried.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;

use ecom_core::policy::Policy;
use ecom_core::saga::{Hosted, Instance};
use proptest::strategy::Strategy;
use proptest::test_runner::{
    Config, FileFailurePersistence, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner,
};
use uuid::Uuid;

use super::case::{Case, Cases};
use super::check::{ANY, Holds, defaults, service};
use super::drawn::Drawn;
use super::story::Story;
use crate::choose::ParseError;
use crate::invariant::{Broken, Own, When};
use crate::port::Desk;
use crate::report::{Recipe, Report, slug};
use crate::run::{Rules, replay};
use crate::scenario::{Scenario, WIRE};
use crate::world::{Settings, Trace, World};

/// Stories of one test, unless told otherwise.
const CASES: u32 = 64;

/// Runs of one story, unless told otherwise.
const RUNS: u32 = 48;

/// A test of a saga: what must hold, and how hard it is tried.
#[derive(Debug)]
pub struct SagaTest<S: Hosted, D> {
    pub(super) rules: Rules,
    pub(super) runs: u32,
    cases: u32,
    settings: Settings,
    /// How the test is written, where that is known.
    source: Option<&'static str>,
    types: PhantomData<fn() -> (S, D)>,
}

/// A story in which something is broken.
pub struct Found<S: Hosted, D> {
    /// The shortest one that was found, and the fewest deviations.
    pub case: Case<S, D>,
    /// What happens.
    pub report: Report,
}

impl<S: Hosted<EffectAnswer: Hash>, D: Desk<S>> SagaTest<S, D> {
    /// What holds for every saga.
    pub fn new() -> Self {
        let rules = Rules { invariants: defaults::<S>().into(), ..Rules::default() };
        Self { rules, runs: RUNS, cases: CASES, settings: Settings::default(), source: None, types: PhantomData }
    }

    /// Under another policy.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.settings.policy = policy;
        self
    }

    /// Draws so many stories, unless `PROPTEST_CASES` says otherwise, and runs each so often.
    #[must_use]
    pub const fn tries(mut self, stories: u32, runs: u32) -> Self {
        (self.cases, self.runs) = (stories, runs);
        self
    }

    /// After every step this holds too: a sentence, and a closure over the instances and the desk.
    #[must_use]
    pub fn always<V: Holds>(
        self,
        name: &'static str,
        check: impl Fn(&BTreeMap<Uuid, Instance<S>>, &D) -> V + Send + Sync + 'static,
    ) -> Self {
        self.own(name, When::Always, check)
    }

    /// When nothing is left to happen, this holds too.
    #[must_use]
    pub fn at_rest<V: Holds>(
        self,
        name: &'static str,
        check: impl Fn(&BTreeMap<Uuid, Instance<S>>, &D) -> V + Send + Sync + 'static,
    ) -> Self {
        self.own(name, When::AtRest, check)
    }

    /// The arguments with which [`assert_saga!`](crate::assert_saga) was called: a regression test repeats them.
    #[must_use]
    pub const fn written(mut self, source: &'static str) -> Self {
        self.source = Some(source);
        self
    }

    fn own<V: Holds>(
        mut self,
        name: &'static str,
        when: When,
        check: impl Fn(&BTreeMap<Uuid, Instance<S>>, &D) -> V + Send + Sync + 'static,
    ) -> Self {
        let check = move |world: &World| {
            let Some(service) = service::<S>(world) else { return Ok(()) };
            let Some(desk) = service.outside().desk::<D>() else { return Ok(()) };
            let sagas = service.tables().snapshot();
            check(sagas, desk).verdict().map_err(|wrong| {
                let states = sagas.values().map(|saga| &saga.state).collect::<Vec<_>>();
                Broken::new(format!("{} {}", sagas.len(), S::NAME), name, format!("{wrong}: {states:?}, {desk:?}"))
            })
        };
        self.rules.own = self.rules.own.iter().cloned().chain([Own::new(name, when, ANY, check)]).collect();
        self
    }

    pub(super) fn scenario(&self, story: &Story<S, D>, copies: u8) -> Scenario {
        story.scenario(Settings { copies, ..self.settings.clone() })
    }

    fn of_recipe(&self, story: &Story<S, D>, recipe: &Recipe) -> Scenario {
        let name = &recipe.scenario;
        self.scenario(story, copies(name)).with_wire(name.ends_with(WIRE))
    }

    /// Draws stories, the same ones each time, and looks for one that fails.
    pub fn check<T: Strategy<Value = Story<S, D>>>(&self, stories: T) -> Result<(), Box<Found<S, D>>> {
        let config = Config { cases: self.cases, failure_persistence: None, ..Config::default() };
        self.search(stories, &mut TestRunner::new_with_rng(config, deterministic()))
    }

    /// Draws stories, others each time, and panics with the report of one that fails. Its seed and what it shrinks to
    /// are kept beside the source file, `.regressions`, and tried first the next time.
    #[track_caller]
    #[expect(clippy::disallowed_methods, reason = "how many stories are drawn is told to proptest so")]
    pub fn assert<T: Strategy<Value = Story<S, D>>>(&self, stories: T, file: &'static str) {
        let told = std::env::var("PROPTEST_CASES").is_ok();
        let mut config = Config {
            source_file: Some(file),
            failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
            ..Config::default()
        };
        if !told {
            config.cases = self.cases;
        }
        if let Err(mut found) = self.search(stories, &mut TestRunner::new(config)) {
            // Without its files the report is still worth showing.
            let _ = found.report.save(&self.rules);
            panic!("{found}");
        }
    }

    fn search<T: Strategy<Value = Story<S, D>>>(
        &self,
        stories: T,
        runner: &mut TestRunner,
    ) -> Result<(), Box<Found<S, D>>> {
        let result = runner.run(&Cases { test: self, stories }, |case| match case.failure {
            None => Ok(()),
            Some(failure) => Err(TestCaseError::fail(failure.invariant.name)),
        });
        match result {
            Ok(()) => Ok(()),
            Err(TestError::Fail(_, case)) => self.found(case).map_or(Ok(()), |found| Err(Box::new(found))),
            Err(TestError::Abort(reason)) => panic!("the stories cannot be drawn: {reason}"),
        }
    }

    /// Replays a story from its string, `trip~order.call.1=late`: how it fails, if it does.
    pub fn replay(&self, story: &Story<S, D>, recipe: &str) -> Result<Option<Box<Found<S, D>>>, ParseError> {
        // Whoever has the story itself need not draw it.
        Ok(self.again(story, Drawn::new(0, &[], story), recipe.parse()?))
    }

    fn again(&self, story: &Story<S, D>, drawn: Drawn, recipe: Recipe) -> Option<Box<Found<S, D>>> {
        let scenario = self.of_recipe(story, &recipe);
        let finished = replay(&scenario, &recipe.deviations, Trace::default(), &self.rules);
        let before = recipe.deviations.len();
        let case = Case { story: story.clone(), drawn, recipe, before, failure: finished.failure };
        self.found(case).map(Box::new)
    }

    /// Replays a failure from the strings of its report, and panics with the report if it fails still: for a regression
    /// test. `drawn` says how these stories led to its own; it panics too when they no longer do.
    #[track_caller]
    pub fn assert_again<T: Strategy<Value = Story<S, D>>>(&self, stories: T, drawn: &str, recipe: &str) {
        let drawn: Drawn = drawn.parse().unwrap_or_else(|error| panic!("{error}"));
        let story = drawn.story(&stories).unwrap_or_else(|error| panic!("{error}"));
        let recipe: Recipe = recipe.parse().unwrap_or_else(|error| panic!("{error}"));
        if let Some(found) = self.again(&story, drawn, recipe) {
            panic!("{found}");
        }
    }

    fn found(&self, case: Case<S, D>) -> Option<Found<S, D>> {
        let failure = case.failure.as_deref()?;
        let scenario = self.of_recipe(&case.story, &case.recipe);
        let mut report = Report::new(&scenario, &case.recipe.deviations, failure, &self.rules);
        report.before.0 = case.before;
        report.again = format!("SagaTest::assert_again(stories, \"{}\", \"{}\")", case.drawn, report.recipe);
        report.test = regression(report.failure.invariant.name, self.source, &case, &report.recipe);
        Some(Found { case, report })
    }
}

impl<S: Hosted<EffectAnswer: Hash>, D: Desk<S>> Default for SagaTest<S, D> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: Hosted, D: fmt::Debug> fmt::Display for Found<S, D> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}\nof        {:?}", self.report, self.case.story)
    }
}

impl<S: Hosted, D: fmt::Debug> fmt::Debug for Found<S, D> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// A regression test to be pasted beside the test that found it: the same call, and what led to the failure. The story is
/// drawn again and not written down: how its values are written as code nobody here knows.
fn regression<S: Hosted<EffectAnswer: Hash>, D: Desk<S>>(
    invariant: &str,
    source: Option<&str>,
    case: &Case<S, D>,
    recipe: &Recipe,
) -> String {
    let (name, drawn, story) = (slug(invariant), &case.drawn, format!("{:?}", case.story).replace('\n', " "));
    let Some(source) = source else {
        return format!(
            "// {story}\n// In a test of its own, in the place of .assert(…) or .check(…):\n\
             //     .assert_again(stories, \"{drawn}\", \"{recipe}\");\n"
        );
    };
    format!(
        "/// {invariant}\n#[test]\nfn {name}() {{\n    // {story}\n    \
         ecom_sim::assert_saga!({source}; again \"{drawn}\", \"{recipe}\");\n}}\n"
    )
}

/// How many processes the world of that name has: `tripx2` has two.
pub(super) fn copies(scenario: &str) -> u8 {
    let name = scenario.strip_suffix(WIRE).unwrap_or(scenario);
    name.rsplit_once('x').and_then(|(_, copies)| copies.parse().ok()).unwrap_or(1)
}

/// Draws the same each time.
fn deterministic() -> TestRng {
    TestRng::deterministic_rng(RngAlgorithm::ChaCha)
}
