//! Fewer commands: whole clients, then one command after the other, then lines and pieces of orders.

use super::Attempt;
use super::align::{Log, moved};
use crate::choose::Deviation;
use crate::run::{Finished, replay};
use crate::scenario::Scenario;
use crate::world::Trace;

impl Attempt<'_> {
    /// It hardly ever matters in which form things are handed on.
    pub(super) fn leave_out_wire(&mut self) {
        let scenario = self.scenario.with_wire(false);
        if self.try_scenario(&scenario, None) {
            self.scenario = scenario;
        }
    }

    /// One process of each service is easier to follow than two.
    pub(super) fn leave_out_processes(&mut self) {
        if let Some(scenario) = self.scenario.with_one_copy() {
            self.take_scenario(scenario, &mut None);
        }
    }

    /// Clients alone, before the deviations: with fewer of them each of the many runs to come is shorter.
    pub(super) fn leave_out_clients(&mut self) {
        for part in self.scenario.parts().into_iter().filter(|part| part.command.is_none()) {
            if let Some(scenario) = self.scenario.without(part)
                && self.try_scenario(&scenario, None)
            {
                self.scenario = scenario;
            }
        }
    }

    /// Whether anything could be left out.
    pub(super) fn leave_out_commands(&mut self) -> bool {
        let (mut less, mut log) = (false, None);
        for part in self.scenario.parts() {
            // Perhaps it went with another part.
            let Some(scenario) = self.scenario.without(part) else { continue };
            if self.take_scenario(scenario, &mut log) {
                (less, log) = (true, None);
            }
        }
        less
    }

    /// Takes a smaller scenario when it breaks the same, with the deviations as they are or moved to where they belong in
    /// it. The log is that of the best so far.
    fn take_scenario(&mut self, scenario: Scenario, log: &mut Option<Log>) -> bool {
        if self.try_scenario(&scenario, None) {
            self.scenario = scenario;
            return true;
        }
        if self.best.is_empty() || self.is_exhausted() {
            return false;
        }
        let log = log.get_or_insert_with(|| Log::of(&self.scenario, &self.best, self.rules));
        let moved = moved(log, &self.best, &scenario, self.rules);
        let taken = moved.is_some_and(|moved| self.try_scenario(&scenario, Some(&moved)));
        if taken {
            self.scenario = scenario;
        }
        taken
    }

    fn try_scenario(&mut self, scenario: &Scenario, moved: Option<&[Deviation]>) -> bool {
        if self.is_exhausted() {
            return false;
        }
        self.replays += 1;
        let deviations = moved.unwrap_or(&self.best);
        let Finished { failure, deviations, .. } = replay(scenario, deviations, Trace::default(), self.rules);
        let Some(failure) = failure.filter(|failure| failure.invariant.name == self.invariant) else { return false };
        (self.best, self.failure) = (deviations, failure);
        true
    }
}
