//! Carries committed events from the outbox to the bus: publish, then delete what is confirmed.
//!
//! ```text
//!            nothing to claim                  Rows (just committed, from memory)
//! start ► Claim ────────────────► Wait ──────────────────────────┐
//!         ▲ ▲ │                   │  ▲ all confirmed             ▼
//!         │ │ └─────── claimed ───┼──┼───────────────────────► Publish
//!         │ │         Woken       │  │                           │
//!         │ └─────────────────────┘  └── Delete ◄── confirmed ───┤
//!         │                                │                     │
//!         └──────────── Pause ◄────────────┴── nothing confirmed ┘
//! ```
//!
//! A row leaves the outbox only after the bus has confirmed it. Whatever is not confirmed, or was left by a crash, is
//! claimed again when its lease ends and published under the same id, which the inboxes know. Several relays may run
//! on one outbox, in one process or many: leases keep them apart, and one slow publication holds up only its own.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::message::Fault;
use super::pacing::backoff;
use crate::event::{Envelope, recorded};
use crate::id::MessageId;
use crate::port::{Claimed, Published};
use crate::time::Timestamp;

/// What bounds a relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Limits {
    /// Rows of one claim.
    pub batch_max: usize,
    /// How often deleting confirmed rows is tried before they are left to be published again.
    pub deletes_max: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { batch_max: 512, deletes_max: 3 }
    }
}

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Claim rows whose lease has ended; answered by `Claimed` or `Failed`.
    Claim {
        /// At most so many.
        limit: usize,
    },
    /// Wait until that time, by the database's clock, for ever if there is none; answered by `Rows` when a transaction
    /// has committed events, or by `Woken`. Wake it too after a transaction that ended unknown, and after rows from
    /// memory had to be dropped: both left rows whose lease will end.
    Wait {
        /// When the next lease ends.
        until: Option<Timestamp>,
    },
    /// Publish; answered by `Published`.
    Publish {
        /// The rows.
        #[serde(with = "recorded::many")]
        rows: Vec<Arc<Envelope>>,
    },
    /// Delete these rows from the outbox; answered by `Deleted` or `Failed`. It may ride in the next transaction.
    Delete {
        /// The confirmed ones.
        ids: Vec<MessageId>,
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
    /// The claim.
    Claimed(#[serde(with = "recorded::claimed")] Claimed<Arc<Envelope>>),
    /// Rows that were just committed; their writer holds the lease.
    Rows(#[serde(with = "recorded::many")] Vec<Arc<Envelope>>),
    /// The time has come, or somebody knows of rows in the outbox. Like `Rows`, an answer of `Wait` alone: one that
    /// comes earlier is kept until then.
    Woken,
    /// One result for each row, in order.
    Published(Vec<Published>),
    /// The rows are gone.
    Deleted,
    /// The database did not do it.
    Failed(Fault),
    /// The pause is over.
    Rested,
}

/// The machine.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Relay {
    limits: Limits,
    /// Consecutive faults of the database, or publications that confirmed nothing.
    failures: u32,
    state: State,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum State {
    Claiming,
    Waiting { until: Option<Timestamp> },
    Publishing { rows: Vec<Arc<Envelope>>, then: Then },
    Deleting { ids: Vec<MessageId>, tries: u32, then: Then },
    Resting { then: After },
}

/// What follows a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Then {
    /// There may be more to claim, or rows were left: look.
    Claim,
    /// All that is known is done.
    Wait { until: Option<Timestamp> },
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum After {
    Claim,
    Delete { ids: Vec<MessageId>, tries: u32, then: Then },
}

impl Relay {
    /// A relay that begins with what a former life left in the outbox.
    pub const fn new(limits: Limits) -> Self {
        Self { limits, failures: 0, state: State::Claiming }
    }

    /// Whether it holds no row: it may be stopped here.
    pub const fn is_idle(&self) -> bool {
        matches!(self.state, State::Waiting { .. } | State::Claiming | State::Resting { then: After::Claim })
    }

    /// The first request.
    pub fn start(&self) -> Request {
        self.request()
    }

    /// Takes the result of the last request and gives the next. A result that does not belong to the last request
    /// changes nothing: the request is repeated.
    pub fn resume(&mut self, completion: Completion) -> Request {
        let state = mem::replace(&mut self.state, State::Claiming);
        self.state = match (state, completion) {
            (State::Claiming, Completion::Claimed(claimed)) => self.claimed(claimed),
            (State::Claiming, Completion::Failed(_)) => self.rest(After::Claim),
            (State::Waiting { until }, Completion::Rows(rows)) if !rows.is_empty() => {
                State::Publishing { rows, then: Then::Wait { until } }
            }
            (State::Waiting { .. }, Completion::Woken)
            | (State::Resting { then: After::Claim }, Completion::Rested) => State::Claiming,
            (State::Publishing { rows, then }, Completion::Published(results)) => self.published(&rows, &results, then),
            (State::Deleting { then, .. }, Completion::Deleted) => {
                self.failures = 0;
                then.state()
            }
            (State::Deleting { ids, tries, then }, Completion::Failed(_)) => {
                if tries < self.limits.deletes_max {
                    self.rest(After::Delete { ids, tries: tries + 1, then })
                } else {
                    self.rest(After::Claim)
                }
            }
            (State::Resting { then: After::Delete { ids, tries, then } }, Completion::Rested) => {
                State::Deleting { ids, tries, then }
            }
            (state, _unexpected) => state,
        };
        self.request()
    }

    fn request(&self) -> Request {
        match &self.state {
            State::Claiming => Request::Claim { limit: self.limits.batch_max },
            State::Waiting { until } => Request::Wait { until: *until },
            State::Publishing { rows, .. } => Request::Publish { rows: rows.clone() },
            State::Deleting { ids, .. } => Request::Delete { ids: ids.clone() },
            State::Resting { .. } => Request::Pause { delay: backoff(self.failures) },
        }
    }

    fn claimed(&mut self, claimed: Claimed<Arc<Envelope>>) -> State {
        let Claimed { items, next } = claimed;
        let then = if items.len() < self.limits.batch_max { Then::Wait { until: next } } else { Then::Claim };
        if items.is_empty() {
            self.failures = 0;
            return State::Waiting { until: next };
        }
        State::Publishing { rows: items, then }
    }

    fn published(&mut self, rows: &[Arc<Envelope>], results: &[Published], then: Then) -> State {
        let confirmed: Vec<MessageId> = rows
            .iter()
            .zip(results)
            .filter(|(_, result)| matches!(result, Published::Confirmed))
            .map(|(row, _)| row.event_id)
            .collect();
        if confirmed.is_empty() {
            // The bus is away, or knows none of the queues: claiming on at full speed would only lease every row.
            return self.rest(After::Claim);
        }
        let left = confirmed.len() < rows.len();
        let then = if left { Then::Claim } else { then };
        State::Deleting { ids: confirmed, tries: 1, then }
    }

    fn rest(&mut self, then: After) -> State {
        self.failures = self.failures.saturating_add(1);
        State::Resting { then }
    }
}

impl Then {
    const fn state(self) -> State {
        match self {
            Self::Claim => State::Claiming,
            Self::Wait { until } => State::Waiting { until },
        }
    }
}

#[cfg(test)]
mod tests;
