//! Calls the outside for effects that are owed, and commits the answers.
//!
//! Two machines: the [`Effector`] claims what is due, a [`Call`] carries one effect through. So many calls as the
//! interpreter has room for run beside each other; a slow one holds up no other.
//!
//! ```text
//! Effector                                          Call
//!             nothing due                                     lease nearly over
//! start ► Claim ─────────► Wait ◄─┐ Sooner          start ► Turn ───────────────────────────► End(Left)
//!         ▲ ▲ │             │└────┘                          │ room                              ▲ ▲
//!         │ │ └─ due ─► Begin (a Call each)                  ▼            no answer              │ │
//!         │ │             │ │                             Perform ───────────────────────────────┘ │
//!         │ └─────────────┘ └ no room ► Room                 │                          tried enough
//!         └── Pause (failed)              │                  ▼                                     │
//!         ▲                               │               Transact ◄─► Pause (failed or unknown) ──┘
//!         └───────────────────────────────┘                  └─ committed ► End(Committed)
//! ```
//!
//! The call carries the effect's id as its key on every attempt, so calling twice is safe, and not knowing how a call
//! ended is an answer too: the rules decide to ask again. An effect that is left stays owed; its lease ends and it is
//! claimed again. No call begins with less lease left than it may take.

use std::mem;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::message::Fault;
use super::pacing::backoff;
use crate::id::MessageId;
use crate::port::Claimed;
use crate::time::Timestamp;

/// What bounds effector and calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Limits {
    /// Effects of one claim.
    pub batch_max: usize,
    /// How long the lease is.
    pub lease: Duration,
    /// How long one call may take.
    pub call_max: Duration,
    /// How often committing an answer is tried before the effect is left to be called again.
    pub transacts_max: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { batch_max: 64, lease: Duration::from_secs(15), call_max: Duration::from_secs(5), transacts_max: 5 }
    }
}

/// One attempt of one effect. What is to be done stays with the interpreter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Ticket {
    /// The effect.
    pub effect: MessageId,
    /// Which call of it this is, counted from 1.
    pub attempt: u32,
}

/// What the effector needs next.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Claim effects that are due; answered by `Claimed` or `Failed`.
    Claim {
        /// At most so many.
        limit: usize,
    },
    /// Begin a [`Call`] for each; answered by `Begun`.
    Begin {
        /// What was claimed.
        tickets: Vec<Ticket>,
    },
    /// Wait until there is room for a call; answered by `Woken`.
    Room,
    /// Wait until that time, by the database's clock, for ever if there is none; answered by `Woken`, or by `Sooner`
    /// when a transaction has requested an effect for later. Wake it too when a call ends as [`Ending::Left`] and
    /// after a transaction that ended unknown: both left effects whose lease will end.
    Wait {
        /// When the next effect is due or its lease ends.
        until: Option<Timestamp>,
    },
    /// Let that time pass; answered by `Rested`.
    Pause {
        /// How long.
        delay: Duration,
    },
}

/// How a request of the effector ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Completion {
    /// The claim.
    Claimed(Claimed<Ticket>),
    /// The calls have begun.
    Begun {
        /// For how many more calls there is room.
        room: usize,
    },
    /// The time has come, there is room, or somebody knows of effects that are owed.
    Woken {
        /// For how many calls there is room.
        room: usize,
    },
    /// An effect was requested that is due then. An answer of `Wait` alone: one that comes earlier is kept until then.
    Sooner(Timestamp),
    /// The database did not do it.
    Failed(Fault),
    /// The pause is over.
    Rested,
}

/// Claims effects that are due.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Effector {
    limits: Limits,
    failures: u32,
    state: State,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum State {
    Claiming { limit: usize },
    Beginning { tickets: Vec<Ticket>, then: Then },
    Crowded,
    Waiting { until: Option<Timestamp> },
    Resting { limit: usize },
}

/// What follows a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Then {
    /// The claim was full: there may be more.
    Claim,
    Wait {
        until: Option<Timestamp>,
    },
}

impl Effector {
    /// An effector that begins with what a former life still owes, with room for that many calls.
    pub fn new(limits: Limits, room: usize) -> Self {
        Self { limits, failures: 0, state: State::Crowded }.with_room(room)
    }

    /// Whether it holds no effect: it may be stopped here.
    pub const fn is_idle(&self) -> bool {
        !matches!(self.state, State::Beginning { .. })
    }

    /// The first request.
    pub fn start(&self) -> Request {
        self.request()
    }

    /// Takes the result of the last request and gives the next. A result that does not belong to the last request
    /// changes nothing: the request is repeated.
    pub fn resume(&mut self, completion: Completion) -> Request {
        let state = mem::replace(&mut self.state, State::Crowded);
        self.state = match (state, completion) {
            (State::Claiming { limit }, Completion::Claimed(claimed)) => self.claimed(limit, claimed),
            (State::Claiming { limit }, Completion::Failed(_)) => {
                self.failures = self.failures.saturating_add(1);
                State::Resting { limit }
            }
            (State::Beginning { then, .. }, Completion::Begun { room }) => match then {
                Then::Claim => self.look(room),
                Then::Wait { until } => State::Waiting { until },
            },
            (State::Crowded | State::Waiting { .. }, Completion::Woken { room }) => self.look(room),
            (State::Waiting { until }, Completion::Sooner(due)) => {
                State::Waiting { until: Some(until.map_or(due, |until| until.min(due))) }
            }
            (State::Resting { limit }, Completion::Rested) => State::Claiming { limit },
            (state, _unexpected) => state,
        };
        self.request()
    }

    fn request(&self) -> Request {
        match &self.state {
            State::Claiming { limit } => Request::Claim { limit: *limit },
            State::Beginning { tickets, .. } => Request::Begin { tickets: tickets.clone() },
            State::Crowded => Request::Room,
            State::Waiting { until } => Request::Wait { until: *until },
            State::Resting { .. } => Request::Pause { delay: backoff(self.failures) },
        }
    }

    fn claimed(&mut self, limit: usize, claimed: Claimed<Ticket>) -> State {
        self.failures = 0;
        let Claimed { items, next } = claimed;
        if items.is_empty() {
            return State::Waiting { until: next };
        }
        let then = if items.len() < limit { Then::Wait { until: next } } else { Then::Claim };
        State::Beginning { tickets: items, then }
    }

    /// Claims no more than can begin at once: a lease is not spent in a queue.
    fn look(&self, room: usize) -> State {
        match room.min(self.limits.batch_max) {
            0 => State::Crowded,
            limit => State::Claiming { limit },
        }
    }

    fn with_room(mut self, room: usize) -> Self {
        self.state = self.look(room);
        self
    }
}

/// What a call needs next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallRequest {
    /// Wait for a free place; answered by `Turn`.
    Turn,
    /// Call the outside; answered by `Answered` or `Lost`.
    Perform(Ticket),
    /// Commit the answer, under the effect and this attempt; answered by `Committed`, `RolledBack` or `Unknown`.
    Transact(Ticket),
    /// Let that time pass; answered by `Rested`.
    Pause {
        /// How long.
        delay: Duration,
    },
    /// Nothing more; the machine has ended.
    End(Ending),
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The answer is durable.
    Committed,
    /// The effect may still be owed: when its lease ends it is claimed and called again, under the same key.
    Left,
}

/// How a request of a call ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallCompletion {
    /// There is a free place.
    Turn {
        /// How long ago the lease was taken: since the claim, or the transaction, was sent.
        held: Duration,
    },
    /// The outside has answered, be it that nobody knows; the interpreter keeps the answer.
    Answered,
    /// There is no answer at all: the adapter failed.
    Lost,
    /// The answer is durable, or had been before.
    Committed,
    /// Nothing of the transaction happened.
    RolledBack(Fault),
    /// It may have happened or not. Committing again is safe: the second finds the effect no longer owed.
    Unknown,
    /// The pause is over.
    Rested,
}

/// Carries one effect through.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Call {
    limits: Limits,
    ticket: Ticket,
    state: CallState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum CallState {
    Queued,
    Performing,
    Transacting { tries: u32 },
    Resting { tries: u32 },
    Ended(Ending),
}

impl Call {
    /// The call of an effect that was claimed, or whose writer holds the lease.
    pub const fn new(ticket: Ticket, limits: Limits) -> Self {
        Self { limits, ticket, state: CallState::Queued }
    }

    /// The first request.
    pub const fn start(&self) -> CallRequest {
        self.request()
    }

    /// Takes the result of the last request and gives the next. A result that does not belong to the last request
    /// changes nothing: the request is repeated.
    pub fn resume(&mut self, completion: &CallCompletion) -> CallRequest {
        self.state = match (self.state, completion) {
            (CallState::Queued, CallCompletion::Turn { held }) => {
                if held.saturating_add(self.limits.call_max) <= self.limits.lease {
                    CallState::Performing
                } else {
                    CallState::Ended(Ending::Left)
                }
            }
            (CallState::Performing, CallCompletion::Answered) => CallState::Transacting { tries: 1 },
            (CallState::Performing, CallCompletion::Lost) => CallState::Ended(Ending::Left),
            (CallState::Transacting { .. }, CallCompletion::Committed) => CallState::Ended(Ending::Committed),
            (CallState::Transacting { tries }, CallCompletion::RolledBack(_) | CallCompletion::Unknown) => {
                if tries < self.limits.transacts_max {
                    CallState::Resting { tries }
                } else {
                    CallState::Ended(Ending::Left)
                }
            }
            (CallState::Resting { tries }, CallCompletion::Rested) => CallState::Transacting { tries: tries + 1 },
            (state, _unexpected) => state,
        };
        self.request()
    }

    const fn request(&self) -> CallRequest {
        match self.state {
            CallState::Queued => CallRequest::Turn,
            CallState::Performing => CallRequest::Perform(self.ticket),
            CallState::Transacting { .. } => CallRequest::Transact(self.ticket),
            CallState::Resting { tries } => CallRequest::Pause { delay: backoff(tries) },
            CallState::Ended(ending) => CallRequest::End(ending),
        }
    }
}

#[cfg(test)]
mod tests;
