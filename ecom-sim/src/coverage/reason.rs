//! Why nothing reaches some cells: patterns, each with its reason.

use ecom_core::event::Service;

use super::Cell;

/// Cells that cannot be reached. An empty list stands for everything.
#[derive(Clone, Copy, Debug)]
pub struct Reason {
    /// Which service.
    pub service: Service,
    /// Which messages.
    pub messages: &'static [&'static str],
    /// Which states.
    pub states: &'static [&'static str],
    /// Which ends, as `step/outcome`, or `step/` for all of a step.
    pub ends: &'static [&'static str],
    /// Why.
    pub why: &'static str,
}

impl Reason {
    /// Whether it speaks of that cell.
    pub fn covers(&self, cell: &Cell) -> bool {
        let among = |list: &[&str], word: &str| list.is_empty() || list.contains(&word);
        let ends = |end: &&str| {
            let (step, outcome) = end.split_once('/').unwrap_or((end, ""));
            step == cell.step.word() && (outcome.is_empty() || outcome == cell.outcome)
        };
        self.service as u8 == cell.service
            && among(self.messages, cell.message)
            && among(self.states, cell.state)
            && (self.ends.is_empty() || self.ends.iter().any(ends))
    }
}

/// Why a cell cannot be reached: the number of the first reason that covers it.
pub fn reason(cell: &Cell) -> Option<usize> {
    REASONS.iter().position(|reason| reason.covers(cell))
}

/// All reasons.
pub const REASONS: &[Reason] = &[];
