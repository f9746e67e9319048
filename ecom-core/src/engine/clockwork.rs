//! Fires durable timers: find what is due, handle it in one transaction, sleep until the next.
//!
//! ```text
//!             nothing due
//! start ► Find ──────────► Wait ◄──┐ Sooner (a transaction armed an earlier timer)
//!         ▲ ▲ │             │ └────┘
//!         │ │ └─ due ─┐     │ Woken
//!         │ └─────────┼─────┘
//!         │           ▼
//!         ├───── Transact ◄─┐ Conflict; broken: each timer alone
//!         │           │ └───┘
//!         └─ Pause ◄──┘ Unavailable, Unknown
//! ```
//!
//! Firing a timer twice is harmless: the second finds it no longer armed. A timer that cannot be handled is set aside
//! until the next round, so that it holds up no other, and is tried again later.

use std::collections::{BTreeSet, VecDeque};
use std::mem;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::consumer::Verdict;
use super::message::Fault;
use super::pacing::{BACKOFF_MAX, backoff};
use crate::decide::Timer;
use crate::port::Claimed;
use crate::time::Timestamp;

/// What bounds a clockwork.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Limits {
    /// Timers of one transaction.
    pub batch_max: usize,
    /// How often a transaction that lost a race is tried again at once.
    pub conflicts_max: u32,
    /// How many timers may be set aside in one round before it ends.
    pub aside_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { batch_max: 256, conflicts_max: 3, aside_max: 1_024 }
    }
}

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Find timers that are due; answered by `Found` or `Failed`.
    Find {
        /// At most so many.
        limit: usize,
    },
    /// Handle these in one transaction; answered by `Transacted`, `Failed` or `Unknown`. A timer that no input exists
    /// for is left out and answered by [`Verdict::NotConcerned`].
    Transact {
        /// The timers.
        timers: Vec<Timer>,
    },
    /// Wait until that time, by the database's clock, but no longer than `at_most`; answered by `Woken`, or by
    /// `Sooner` when a transaction has armed a timer.
    Wait {
        /// When the next timer is due.
        until: Option<Timestamp>,
        /// When to look again in any case.
        at_most: Option<Duration>,
    },
    /// Let that time pass; answered by `Rested`.
    Pause {
        /// How long.
        delay: Duration,
    },
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Completion {
    /// What is due, and when the next one will be.
    Found(Claimed<Timer>),
    /// The transaction is durable; one verdict for each timer, in order.
    Transacted(Vec<Verdict>),
    /// The database did not do it; nothing happened.
    Failed(Fault),
    /// The transaction may have happened or not.
    Unknown,
    /// The time has come.
    Woken,
    /// A timer was armed that is due then. An answer of `Wait` alone: one that comes earlier is kept until then.
    Sooner(Timestamp),
    /// The pause is over.
    Rested,
}

/// The machine.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Clockwork {
    limits: Limits,
    failures: u32,
    /// Timers that could not be handled in this round.
    aside: BTreeSet<Timer>,
    state: State,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum State {
    Finding,
    Transacting { group: Vec<Timer>, conflicts: u32, waiting: VecDeque<Vec<Timer>> },
    Waiting { until: Option<Timestamp> },
    Resting,
}

impl Clockwork {
    /// A clockwork that begins with what is due now.
    pub const fn new(limits: Limits) -> Self {
        Self { limits, failures: 0, aside: BTreeSet::new(), state: State::Finding }
    }

    /// Whether no transaction is under way: it may be stopped here.
    pub const fn is_idle(&self) -> bool {
        !matches!(self.state, State::Transacting { .. })
    }

    /// The first request.
    pub fn start(&self) -> Request {
        self.request()
    }

    /// Takes the result of the last request and gives the next. A result that does not belong to the last request
    /// changes nothing: the request is repeated.
    pub fn resume(&mut self, completion: Completion) -> Request {
        let state = mem::replace(&mut self.state, State::Finding);
        self.state = match (state, completion) {
            (State::Finding, Completion::Found(found)) => self.found(found),
            // After an unknown transaction the database will tell which timers have fired.
            (State::Finding, Completion::Failed(_)) | (State::Transacting { .. }, Completion::Unknown) => self.rest(),
            (State::Transacting { group, waiting, .. }, Completion::Transacted(verdicts)) => {
                self.failures = 0;
                self.fired(group, &verdicts);
                self.next_group(waiting)
            }
            (State::Transacting { group, conflicts, waiting }, Completion::Failed(fault)) => {
                self.failed(group, conflicts, waiting, &fault)
            }
            (State::Waiting { .. }, Completion::Woken) => {
                self.aside.clear();
                State::Finding
            }
            (State::Waiting { until }, Completion::Sooner(due)) => {
                State::Waiting { until: Some(until.map_or(due, |until| until.min(due))) }
            }
            (State::Resting, Completion::Rested) => State::Finding,
            (state, _unexpected) => state,
        };
        self.request()
    }

    fn request(&self) -> Request {
        match &self.state {
            // Those set aside are still due and found again: room for as many more.
            State::Finding => Request::Find { limit: self.limits.batch_max + self.aside.len() },
            State::Transacting { group, .. } => Request::Transact { timers: group.clone() },
            State::Waiting { until } => {
                Request::Wait { until: *until, at_most: (!self.aside.is_empty()).then_some(BACKOFF_MAX) }
            }
            State::Resting => Request::Pause { delay: backoff(self.failures) },
        }
    }

    fn found(&mut self, found: Claimed<Timer>) -> State {
        let group: Vec<Timer> = found.items.into_iter().filter(|timer| !self.aside.contains(timer)).collect();
        if group.is_empty() {
            self.failures = 0;
            return State::Waiting { until: found.next };
        }
        State::Transacting { group, conflicts: 0, waiting: VecDeque::new() }
    }

    fn fired(&mut self, group: Vec<Timer>, verdicts: &[Verdict]) {
        let verdicts = verdicts.iter().map(Some).chain(std::iter::repeat(None));
        for (timer, verdict) in group.into_iter().zip(verdicts) {
            match verdict {
                Some(Verdict::Done | Verdict::Duplicate | Verdict::Stayed) => {}
                Some(Verdict::Refused { .. } | Verdict::NotConcerned) | None => {
                    self.aside.insert(timer);
                }
            }
        }
    }

    fn failed(&mut self, group: Vec<Timer>, conflicts: u32, mut waiting: VecDeque<Vec<Timer>>, fault: &Fault) -> State {
        match fault {
            Fault::Unavailable(_) => return self.rest(),
            Fault::Conflict if conflicts < self.limits.conflicts_max => {
                return State::Transacting { group, conflicts: conflicts + 1, waiting };
            }
            Fault::Conflict | Fault::Broken(_) if group.len() > 1 => {
                waiting.extend(group.into_iter().map(|timer| vec![timer]));
            }
            Fault::Conflict | Fault::Broken(_) => self.aside.extend(group),
        }
        self.next_group(waiting)
    }

    fn next_group(&mut self, mut waiting: VecDeque<Vec<Timer>>) -> State {
        if let Some(group) = waiting.pop_front() {
            return State::Transacting { group, conflicts: 0, waiting };
        }
        if self.aside.len() < self.limits.aside_max {
            return State::Finding;
        }
        // So many are a fault of the service, not of the timers; the round ends, and a pause keeps it from spinning.
        self.aside.clear();
        self.rest()
    }

    fn rest(&mut self) -> State {
        self.failures = self.failures.saturating_add(1);
        State::Resting
    }
}

#[cfg(test)]
mod tests;
