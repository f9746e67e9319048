//! Enumerates the ends of one step: the step is done again and again, each time with the next list of choices.

use super::{Chooser, Fate, Pick, Site, Wanted};
use crate::world::Action;

/// What was chosen at one fork of a step, and what else there is.
#[derive(Clone, Debug)]
pub struct Fork {
    /// Where.
    pub site: Site,
    /// Which option was taken.
    pub taken: usize,
    picks: Vec<Pick>,
}

impl Fork {
    /// What was taken; `None` for the first option.
    pub fn pick(&self) -> Option<Pick> {
        (self.taken > 0).then(|| self.picks[self.taken])
    }
}

/// Takes the choices that lead to the next end.
#[derive(Clone, Debug, Default)]
pub struct Exhaust {
    forks: Vec<Fork>,
    depth: usize,
    /// Faults that may still be chosen in this step.
    budget: u32,
    spent: u32,
    /// The fates that count.
    allowed: u32,
}

impl Exhaust {
    /// For one step in which so many faults of these kinds may happen.
    pub fn new(budget: u32, allowed: &[Fate]) -> Self {
        let allowed = allowed.iter().fold(0, |set, fate| set | 1 << (*fate as u8));
        Self { budget, allowed, ..Self::default() }
    }

    /// Faults of the last end.
    pub const fn spent(&self) -> u32 {
        self.spent
    }

    /// The choices of the last end.
    pub fn forks(&self) -> &[Fork] {
        &self.forks
    }

    /// Goes on to the next end; false when there is none.
    pub fn next_end(&mut self) -> bool {
        self.depth = 0;
        self.spent = 0;
        while let Some(fork) = self.forks.last_mut() {
            if fork.taken + 1 < fork.picks.len() {
                fork.taken += 1;
                return true;
            }
            self.forks.pop();
        }
        false
    }

    fn fork(&mut self, site: Site, picks: impl FnOnce(&Self) -> Vec<Pick>) -> Pick {
        if self.depth == self.forks.len() {
            let picks = picks(self);
            self.forks.push(Fork { site, taken: 0, picks });
        }
        let fork = &self.forks[self.depth];
        let pick = fork.picks[fork.taken];
        self.depth += 1;
        self.spent += u32::from(fork.taken > 0 && matches!(pick, Pick::Fate(_)));
        pick
    }
}

impl Chooser for Exhaust {
    fn fate(&mut self, site: Site, options: &[Fate]) -> Fate {
        let pick = self.fork(site, |this| {
            let may_fail = this.spent < this.budget;
            let possible = |fate: &&Fate| **fate == Fate::Fine || may_fail && this.allowed >> (**fate as u8) & 1 == 1;
            options.iter().filter(possible).map(|fate| Pick::Fate(*fate)).collect()
        });
        match pick {
            Pick::Fate(fate) => fate,
            Pick::Message(_) | Pick::Action(_) => Fate::Fine,
        }
    }

    fn message(&mut self, site: Site, count: usize) -> usize {
        let pick = self.fork(site, |_| (0..count.max(1)).map(|place| Pick::Message(place as u16)).collect());
        match pick {
            Pick::Message(place) => usize::from(place),
            Pick::Fate(_) | Pick::Action(_) => 0,
        }
    }

    fn action(&mut self, _list: &mut dyn FnMut(&mut Vec<Action>, Wanted)) -> Option<Action> {
        None
    }

    fn deviated(&self) -> usize {
        self.spent as usize
    }
}
