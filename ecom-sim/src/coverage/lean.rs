//! Random runs that lean towards what takes several choices in a row: left to each choice alone, hardly any run has them.

use crate::choose::{Chooser, Fate, Op, Random, Site, Wanted};
use crate::hash::Rng;
use crate::world::{Action, Lane, Trouble};

/// Steps of a port before it happens, at most: all of them, or commits alone.
const STEPS_MAX: (u64, u64) = (120, 48);

/// Commits in a row that a database refuses: more than a message is tried.
const REFUSED: u32 = 24;

/// Towards what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lean {
    /// One step of a port ends otherwise, in any way that it can.
    Once,
    /// A transaction is refused, and before its message is given back the broker is not reached.
    CutOff,
    /// Transactions are refused until their messages are given up.
    GivenUp,
    /// With two processes of each service, one comes between what the other reads and what it writes.
    Race,
}

impl Lean {
    pub(super) const ALL: [Self; 4] = [Self::Once, Self::CutOff, Self::GivenUp, Self::Race];
}

/// Chooses as its base does, but where it leans.
pub(super) struct Leaning {
    base: Random,
    rng: Rng,
    lean: Lean,
    /// Steps of a port, or commits, until it happens.
    wait: u64,
    /// Where it happens, and how often still.
    refuses: Option<(u8, u32)>,
    /// Whom the broker leaves next.
    cut: Option<u8>,
    deviated: usize,
    actions: Vec<Action>,
}

impl Leaning {
    pub(super) fn new(base: Random, lean: Lean, seed: u64) -> Self {
        let mut rng = Rng::new(seed ^ 0x1ea0_1ea0_1ea0_1ea0);
        let wait = rng.below(if lean == Lean::Once { STEPS_MAX.0 } else { STEPS_MAX.1 });
        Self { base, rng, lean, wait, refuses: None, cut: None, deviated: 0, actions: vec![] }
    }

    /// Whether this commit is refused.
    fn refuses(&mut self, node: u8) -> bool {
        if let Some((at, left)) = &mut self.refuses {
            let now = *at == node && *left > 0;
            *left -= u32::from(now);
            return now;
        }
        if self.wait > 0 {
            self.wait -= 1;
            return false;
        }
        let once = self.lean == Lean::CutOff;
        self.refuses = Some((node, if once { 0 } else { REFUSED }));
        self.cut = once.then_some(node);
        true
    }

    /// Another process of the service that would go on.
    fn rival(&mut self, list: &mut dyn FnMut(&mut Vec<Action>, Wanted)) -> Option<Action> {
        self.actions.clear();
        list(&mut self.actions, Wanted::NONE);
        let Some(Action::Run { node, copy, lane }) = self.actions.first().copied() else { return None };
        if !matches!(lane, Lane::Consumer | Lane::Clock | Lane::Call(_) | Lane::Command(_)) {
            return None;
        }
        let is_rival = |it: &Action| matches!(it, Action::Run { node: at, copy: by, .. } if *at == node && *by != copy);
        self.actions.retain(is_rival);
        let place = self.rng.below(self.actions.len().max(1) as u64) as usize;
        self.actions.get(place).copied()
    }
}

impl Chooser for Leaning {
    fn fate(&mut self, site: Site, options: &[Fate]) -> Fate {
        let lean = self.lean;
        match lean {
            Lean::Once if self.wait == 0 => {
                self.wait = u64::MAX;
                self.deviated += 1;
                let place = self.rng.below(options.len() as u64) as usize;
                return options.get(place).copied().unwrap_or(Fate::Fine);
            }
            Lean::Once => self.wait -= 1,
            Lean::CutOff | Lean::GivenUp if site.op == Op::Commit && self.refuses(site.node) => {
                self.deviated += 1;
                return Fate::Broken;
            }
            Lean::CutOff | Lean::GivenUp | Lean::Race => {}
        }
        self.base.fate(site, options)
    }

    fn message(&mut self, site: Site, count: usize) -> usize {
        self.base.message(site, count)
    }

    fn action(&mut self, list: &mut dyn FnMut(&mut Vec<Action>, Wanted)) -> Option<Action> {
        if let Some(node) = self.cut.take() {
            self.deviated += 1;
            return Some(Action::Trouble { node, trouble: Trouble::Cut(std::time::Duration::from_secs(3)) });
        }
        let rival = if self.lean == Lean::Race && self.rng.below(2) == 0 { self.rival(list) } else { None };
        if rival.is_some() {
            self.deviated += 1;
            return rival;
        }
        self.base.action(list)
    }

    fn deviated(&self) -> usize {
        self.base.deviated() + self.deviated
    }
}
