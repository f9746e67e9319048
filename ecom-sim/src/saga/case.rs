//! A story and what goes otherwise in it, as proptest draws and shrinks it.

use std::cell::OnceCell;
use std::fmt;
use std::hash::Hash;

use ecom_core::saga::Hosted;
use proptest::prelude::any;
use proptest::strategy::{NewTree, Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use super::drawn::{self, Drawn, Move};
use super::story::Story;
use super::test::SagaTest;
use crate::choose::Deviation;
use crate::hash::Rng;
use crate::port::Desk;
use crate::report::Recipe;
use crate::run::{Failure, random, replay};
use crate::scenario::Scenario;
use crate::shrink::{Shrunk, shrink};
use crate::world::Trace;

/// A story and the fewest deviations with which it fails; without any if none were found.
#[derive(Clone)]
pub struct Case<S: Hosted, D> {
    /// The story.
    pub story: Story<S, D>,
    /// How it was drawn.
    pub drawn: Drawn,
    /// What goes otherwise.
    pub recipe: Recipe,
    /// How many deviations there were before shrinking.
    pub before: usize,
    /// How it fails, if it does.
    pub failure: Option<Box<Failure>>,
}

impl<S: Hosted, D: fmt::Debug> fmt::Debug for Case<S, D> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} of {:?}", self.recipe, self.story)
    }
}

/// Draws cases: a story, and for it the worst of some runs.
#[derive(Debug)]
pub(super) struct Cases<'a, S: Hosted, D, T> {
    pub(super) test: &'a SagaTest<S, D>,
    pub(super) stories: T,
}

impl<'a, S, D, T> Strategy for Cases<'a, S, D, T>
where
    S: Hosted<EffectAnswer: Hash>,
    D: Desk<S>,
    T: Strategy<Value = Story<S, D>>,
{
    type Tree = CaseTree<'a, S, D, T::Tree>;
    type Value = Case<S, D>;

    fn new_tree(&self, runner: &mut TestRunner) -> NewTree<Self> {
        let seed = any::<u64>().new_tree(runner)?.current();
        let story = drawn::tree(&self.stories, seed)?;
        Ok(CaseTree { test: self.test, story, seed, moves: vec![], known: vec![], case: OnceCell::new() })
    }
}

/// Shrinks a case: the deviations anew for each shorter story.
pub(super) struct CaseTree<'a, S: Hosted, D, T> {
    test: &'a SagaTest<S, D>,
    story: T,
    seed: u64,
    /// What was done to the story since it was drawn.
    moves: Vec<Move>,
    /// What failed with a longer story.
    known: Vec<(u8, Vec<Deviation>, &'static str)>,
    case: OnceCell<Case<S, D>>,
}

impl<S, D, T> CaseTree<'_, S, D, T>
where
    S: Hosted<EffectAnswer: Hash>,
    D: Desk<S>,
    T: ValueTree<Value = Story<S, D>>,
{
    fn find(&self) -> Case<S, D> {
        let story = self.story.current();
        let [one, two] = [1, 2].map(|copies| self.test.scenario(&story, copies));
        for (copies, deviations, name) in self.known.iter().rev() {
            let scenario = if *copies > 1 { &two } else { &one };
            let finished = replay(scenario, deviations, Trace::default(), &self.test.rules);
            if let Some(failure) = finished.failure.filter(|it| it.invariant.name == *name) {
                return self.shrunk(story, scenario, &finished.deviations, failure);
            }
        }
        let mut seeds = Rng::new(self.seed);
        for run in 0..self.test.runs {
            let scenario = if run % 3 == 2 { &two } else { &one };
            let seed = seeds.next_u64();
            let scenario = scenario.of_seed(seed);
            let finished = random(&scenario, seed, false, Trace::default(), &self.test.rules);
            if let Some(failure) = finished.failure {
                return self.shrunk(story, &scenario, &finished.deviations, failure);
            }
        }
        let recipe = Recipe { scenario: one.name().to_owned(), deviations: vec![] };
        Case { drawn: self.drawn(&story), story, recipe, before: 0, failure: None }
    }

    fn shrunk(
        &self,
        story: Story<S, D>,
        scenario: &Scenario,
        deviations: &[Deviation],
        failure: Box<Failure>,
    ) -> Case<S, D> {
        let shrunk = shrink(scenario, deviations, failure.invariant.name, &self.test.rules);
        let (fewest, failure) = match shrunk {
            Some(Shrunk { deviations, failure, .. }) => (deviations, failure),
            None => (deviations.to_vec(), failure),
        };
        let recipe = Recipe { scenario: scenario.name().to_owned(), deviations: fewest };
        Case { drawn: self.drawn(&story), story, recipe, before: deviations.len(), failure: Some(failure) }
    }

    fn drawn(&self, story: &Story<S, D>) -> Drawn {
        Drawn::new(self.seed, &self.moves, story)
    }

    fn case(&self) -> &Case<S, D> {
        self.case.get_or_init(|| self.find())
    }
}

impl<S, D, T> ValueTree for CaseTree<'_, S, D, T>
where
    S: Hosted<EffectAnswer: Hash>,
    D: Desk<S>,
    T: ValueTree<Value = Story<S, D>>,
{
    type Value = Case<S, D>;

    fn current(&self) -> Case<S, D> {
        self.case().clone()
    }

    fn simplify(&mut self) -> bool {
        let case = self.case();
        let known = case.failure.as_ref().map(|failure| {
            let copies = super::test::copies(&case.recipe.scenario);
            (copies, case.recipe.deviations.clone(), failure.invariant.name)
        });
        self.moves.push(Move::Simpler);
        if !self.story.simplify() {
            return false;
        }
        if let Some(known) = known.filter(|known| !self.known.contains(known)) {
            self.known.push(known);
        }
        self.case.take();
        true
    }

    fn complicate(&mut self) -> bool {
        self.moves.push(Move::Back);
        let more = self.story.complicate();
        if more {
            self.case.take();
        }
        more
    }
}
