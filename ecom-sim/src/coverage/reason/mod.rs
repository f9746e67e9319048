//! Why nothing reaches some cells: patterns, each with its reason.

mod inventory;
mod notification;
mod order;
mod outcome;
mod payment;
mod user;

use ecom_core::event::Service;

use super::Cell;
pub use outcome::{UNMET, unmet};

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

/// Makes reasons of one service.
struct Because(Service);

impl Because {
    const fn why(
        self,
        why: &'static str,
        messages: &'static [&'static str],
        states: &'static [&'static str],
        ends: &'static [&'static str],
    ) -> Reason {
        Reason { service: self.0, messages, states, ends, why }
    }
}

const ALL: &[&str] = &[];

const LEFT: &[&str] = &["decide/applied"];
const TAKEN: &[&str] = &["decide/stayed"];
const REFUSED: &[&str] = &["decide/refused"];
const LEFT_OR_TAKEN: &[&str] = &["decide/applied", "decide/stayed"];
const TWICE: &[&str] = &["decide/duplicate"];
const BY_KEY: &[&str] = &["decide/replayed", "decide/key-reused"];

const NOBODY: &str = "no client or operator of the simulated worlds does it";
const TOLD: &str = "rules refuse commands alone: what has happened is taken or left";
const KEYLESS: &str = "the command is sent without an idempotency key";
const SAME_KEY: &str = "clients use this command's key for one request alone";
const OWN_ROW: &str = "what is called, and its answer, belong to a row that was written with the call";
const KNOWN: &str = "it is known already: nothing is left to change";
const MOVES: &str = "the rules always do something about it";
const MOVED: &str = "whoever has handled it has left that state, and nothing leads back";
const ROW_LEFT: &str = "whoever has handled it has left a row";
const HELD_ONCE: &str = "inventory says once that stock is held: a second time it is known by its id";
const ASKED_AGAIN: &str = "whoever asks again is answered again";
const WELL_FORMED: &str = "clients send what is well formed, about what is theirs";
const NOT_A_MESSAGE: &str = "a timer has no inbox: one that is not armed any more is stale";
const PATIENT: &str =
    "a client waits for the end of a command before it sends the next, and whoever has left sends none";

const LISTS: [&[Reason]; 5] =
    [user::REASONS, order::REASONS, inventory::REASONS, payment::REASONS, notification::REASONS];

/// All reasons.
pub const REASONS: &[Reason] = &all();

const fn count() -> usize {
    let (mut count, mut list) = (0, 0);
    while list < LISTS.len() {
        count += LISTS[list].len();
        list += 1;
    }
    count
}

const fn all() -> [Reason; count()] {
    let mut all = [LISTS[0][0]; count()];
    let (mut list, mut end) = (0, 0);
    while list < LISTS.len() {
        let mut place = 0;
        while place < LISTS[list].len() {
            all[end] = LISTS[list][place];
            (place, end) = (place + 1, end + 1);
        }
        list += 1;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coverage::universe;

    #[test]
    fn each_reason_speaks_of_a_cell_that_no_other_one_before_it_explains() {
        let used: std::collections::BTreeSet<usize> = universe().filter_map(|cell| reason(&cell)).collect();
        let idle: Vec<&Reason> =
            (0..REASONS.len()).filter(|number| !used.contains(number)).map(|it| &REASONS[it]).collect();
        assert!(idle.is_empty(), "{idle:?}");
    }

    #[test]
    fn each_word_of_a_reason_is_one_of_the_alphabets() {
        for reason in REASONS {
            let own = || universe().filter(|cell| cell.service == reason.service as u8);
            for message in reason.messages {
                for state in reason.states {
                    let found = own().any(|cell| cell.message == *message && cell.state == *state);
                    assert!(found, "{message} | {state}: {reason:?}");
                }
                assert!(own().any(|cell| cell.message == *message), "{message}: {reason:?}");
            }
            for end in reason.ends {
                let found =
                    own().any(|cell| reason.covers(&cell) && *end == format!("{}/{}", cell.step.word(), cell.outcome));
                assert!(found, "{end}: {reason:?}");
            }
        }
    }
}
