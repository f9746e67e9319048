//! The proof that leaving orders out leaves no end out: everything is tried twice, with the reduction and without.

use super::{Explored, Options, explore};
use crate::run::Rules;
use crate::scenario::Scenario;

/// What both searches of the same found.
#[derive(Clone, Debug)]
pub struct Proof {
    /// The search in which a lane goes on to the end of what only it can see.
    pub reduced: Explored,
    /// The one in which anybody may go on after every step.
    pub unreduced: Explored,
}

impl Proof {
    /// Searches twice, under options that are the same but for the reduction.
    pub fn of(scenario: &Scenario, options: &Options, rules: &Rules) -> Self {
        let search = |reduced| explore(scenario, &Options { reduced, ..options.clone() }, rules);
        Self { reduced: search(true), unreduced: search(false) }
    }

    /// Why it proves nothing; `None` when both are complete, and reach the same terminal states and the same ends.
    pub fn shortfall(&self) -> Option<String> {
        let Self { reduced, unreduced } = self;
        for (name, search) in [("reduced", reduced), ("unreduced", unreduced)] {
            if !search.complete {
                return Some(format!("the {name} search is not complete: {} states", search.states));
            }
        }
        let only = |one: &Explored, other: &Explored| one.rests.difference(&other.rests).count();
        let (missed, more) = (only(unreduced, reduced), only(reduced, unreduced));
        if missed + more > 0 {
            return Some(format!("{missed} terminal states are reached unreduced alone, {more} reduced alone"));
        }
        let differs = unreduced.ends.symmetric_difference(&reduced.ends).next();
        differs.map(|end| format!("only one of them ends so: {end}"))
    }
}
