//! Consumes one queue: receive, transact, settle.
//!
//! ```text
//!            Closed                 Closed (whatever was not settled is delivered again)
//!          ┌────────┐      ┌───────────────────────────────────────────────────┐
//!          ▼        │      │                                                   │
//! start ► Subscribe ┴► Receive ─► Transact ─► CountAttempts ─► Bury ─────► Settle ─► next group, or Receive
//!                         │         │  ▲ │     (failed ones)   (given up)    ▲ ▲
//!                         │         ▼  │ └─ all done, or Unknown ────────────┘ │
//!                         │        Pause    (Unavailable; Conflict at once)    │
//!                         └─ unreadable bodies ────────────► Bury ─────────────┘
//! ```
//!
//! A delivery is settled as done only after its transaction has committed or its dead letter is stored, and each is
//! settled once. What was delivered before is handled alone, so that a message that kills its consumer takes no
//! innocents along; a transaction that breaks is taken apart for the same reason. A database that is away or a lost
//! race is not the message's fault and counts no attempt.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::mem;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use super::message::Verdict;
use super::message::{DeadLetter, Fault};
use super::pacing::{Ladder, backoff, jittered};
use crate::id::MessageId;
use crate::port::{Body, Delivery, Settlement};

/// What bounds a consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Limits {
    /// Messages in one transaction.
    pub batch_max: usize,
    /// How often a transaction that lost a race is tried again at once.
    pub conflicts_max: u32,
    /// How often it pauses for a database that is away before it gives the deliveries back to the bus.
    pub outages_max: u32,
    /// The delay before a message comes back that failed through no fault of its own.
    pub again: Duration,
    /// The delays of a message that fails by itself.
    pub ladder: Ladder,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            batch_max: 256,
            conflicts_max: 3,
            outages_max: 8,
            again: Duration::from_millis(250),
            ladder: Ladder::default(),
        }
    }
}

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Subscribe to the queue; answered by `Subscribed` or `Closed`.
    Subscribe,
    /// Wait for deliveries; answered by `Received` or `Closed`. The one place to stop without losing work.
    Receive {
        /// At most so many.
        max: usize,
    },
    /// Handle these events in one transaction; answered by `Transacted`, `RolledBack` or `Unknown`. A panic of a rule
    /// is `RolledBack(Broken)`.
    Transact {
        /// Each with an [`Body::Event`].
        deliveries: Vec<Delivery>,
    },
    /// Count a failed attempt of each; answered by `Counted`.
    CountAttempts {
        /// The messages.
        ids: Vec<MessageId>,
    },
    /// Store these dead letters; answered by `Buried`.
    Bury {
        /// The letters.
        letters: Vec<DeadLetter>,
    },
    /// Settle these deliveries; answered by `Settled` or `Closed`.
    Settle {
        /// By tag.
        settlements: Vec<(u64, Settlement)>,
    },
    /// Let that time pass; answered by `Rested`.
    Pause {
        /// How long.
        delay: Duration,
    },
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Completion {
    /// There is a subscription.
    Subscribed,
    /// There are deliveries.
    Received(Vec<Delivery>),
    /// The subscription has ended, or there was none to be had.
    Closed,
    /// The transaction is durable; one verdict for each delivery, in order.
    Transacted(Vec<Verdict>),
    /// Nothing of the transaction happened.
    RolledBack(Fault),
    /// The transaction may have happened or not.
    Unknown,
    /// How often each has failed now, in order.
    Counted(Vec<Result<u32, Fault>>),
    /// Whether each is stored, in order.
    Buried(Vec<Result<(), Fault>>),
    /// The bus took the settlements.
    Settled,
    /// The pause is over.
    Rested,
}

/// The machine.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Consumer {
    queue: Cow<'static, str>,
    limits: Limits,
    state: State,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum State {
    Subscribing {
        failures: u32,
    },
    /// Before the next attempt to subscribe.
    Resting {
        failures: u32,
    },
    Receiving {
        failures: u32,
    },
    Working {
        step: Step,
        waiting: VecDeque<Vec<Delivery>>,
    },
}

/// What happens to one group of deliveries. A group is one transaction.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Step {
    Transacting(Try),
    /// Before the same transaction again.
    Resting(Try),
    Counting {
        failed: Vec<(Delivery, String)>,
        judged: Judged,
    },
    Burying {
        judged: Judged,
    },
    Settling {
        settlements: Vec<(u64, Settlement)>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Try {
    group: Vec<Delivery>,
    conflicts: u32,
    outages: u32,
}

/// What is decided about deliveries of a group, on its way to the bus.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Judged {
    settlements: Vec<(u64, Settlement)>,
    /// Settled as done once the letter is stored.
    letters: Vec<(u64, DeadLetter)>,
}

impl Consumer {
    /// A consumer of that queue, not yet subscribed.
    pub fn new(queue: impl Into<Cow<'static, str>>, limits: Limits) -> Self {
        Self { queue: queue.into(), limits, state: State::Subscribing { failures: 0 } }
    }

    /// The queue.
    pub fn queue(&self) -> &str {
        &self.queue
    }

    /// Whether it holds no delivery: it may be stopped here.
    pub const fn is_idle(&self) -> bool {
        !matches!(self.state, State::Working { .. })
    }

    /// The first request.
    pub fn start(&self) -> Request {
        self.request()
    }

    /// Takes the result of the last request and gives the next. A result that does not belong to the last request
    /// changes nothing: the request is repeated.
    pub fn resume(&mut self, completion: Completion) -> Request {
        let state = mem::replace(&mut self.state, State::Subscribing { failures: 0 });
        self.state = match (state, completion) {
            (State::Subscribing { failures }, Completion::Subscribed) => State::Receiving { failures },
            (State::Subscribing { failures } | State::Receiving { failures }, Completion::Closed) => {
                State::Resting { failures: failures.saturating_add(1) }
            }
            (State::Resting { failures }, Completion::Rested) => State::Subscribing { failures },
            (State::Receiving { .. }, Completion::Received(deliveries)) => self.sort(deliveries),
            (State::Working { step, waiting }, completion) => self.work(step, waiting, completion),
            (state, _unexpected) => state,
        };
        self.request()
    }

    fn request(&self) -> Request {
        let step = match &self.state {
            State::Subscribing { .. } => return Request::Subscribe,
            State::Resting { failures } => return Request::Pause { delay: backoff(*failures) },
            State::Receiving { .. } => return Request::Receive { max: self.limits.batch_max },
            State::Working { step, .. } => step,
        };
        match step {
            Step::Transacting(attempt) => Request::Transact { deliveries: attempt.group.clone() },
            Step::Resting(attempt) => Request::Pause { delay: backoff(attempt.outages) },
            Step::Counting { failed, .. } => {
                Request::CountAttempts { ids: failed.iter().map(|(delivery, _)| delivery.id()).collect() }
            }
            Step::Burying { judged } => {
                Request::Bury { letters: judged.letters.iter().map(|(_, letter)| letter.clone()).collect() }
            }
            Step::Settling { settlements } => Request::Settle { settlements: settlements.clone() },
        }
    }

    /// Sorts what came into groups: unreadable ones are parked, fresh ones handled together, others alone.
    fn sort(&self, deliveries: Vec<Delivery>) -> State {
        let mut judged = Judged::default();
        let (mut fresh, mut waiting) = (vec![], VecDeque::new());
        for delivery in deliveries {
            match &delivery.body {
                Body::Unreadable { error, .. } => judged.park(&self.queue, &delivery, error.clone(), 0),
                Body::Event(_) if delivery.redelivered => waiting.push_back(vec![delivery]),
                Body::Event(_) => fresh.push(delivery),
            }
        }
        if !fresh.is_empty() {
            waiting.push_front(fresh);
        }
        if judged.letters.is_empty() {
            next_group(waiting)
        } else {
            State::Working { step: Step::Burying { judged }, waiting }
        }
    }

    fn work(&self, step: Step, mut waiting: VecDeque<Vec<Delivery>>, completion: Completion) -> State {
        let step = match (step, completion) {
            (Step::Transacting(attempt), Completion::Transacted(verdicts)) => self.judge(attempt.group, verdicts),
            (Step::Transacting(attempt), Completion::Unknown) => self.give_back(&attempt.group),
            (Step::Transacting(attempt), Completion::RolledBack(fault)) => {
                match self.after_rollback(attempt, fault, &mut waiting) {
                    Some(step) => step,
                    None => return next_group(waiting),
                }
            }
            (Step::Resting(attempt), Completion::Rested) => Step::Transacting(attempt),
            (Step::Counting { failed, judged }, Completion::Counted(counts)) => self.climb(failed, judged, counts),
            (Step::Burying { judged }, Completion::Buried(results)) => self.buried(judged, results),
            (Step::Settling { .. }, Completion::Settled) => return next_group(waiting),
            // Tags are meaningless on another subscription: what is not settled will be delivered anew.
            (Step::Settling { .. }, Completion::Closed) => return State::Subscribing { failures: 0 },
            (step, _unexpected) => step,
        };
        State::Working { step, waiting }
    }

    /// Sorts the verdicts of a durable transaction.
    fn judge(&self, group: Vec<Delivery>, verdicts: Vec<Verdict>) -> Step {
        let (mut judged, mut failed) = (Judged::default(), vec![]);
        let verdicts = verdicts.into_iter().map(Some).chain(std::iter::repeat(None));
        for (delivery, verdict) in group.into_iter().zip(verdicts) {
            match verdict {
                Some(Verdict::Done | Verdict::Duplicate | Verdict::Stayed) => {
                    judged.settle(&delivery, Settlement::Done);
                }
                Some(Verdict::Refused { reason }) => failed.push((delivery, reason)),
                Some(Verdict::NotConcerned) => {
                    judged.park(&self.queue, &delivery, "no rule for this event in this service".to_owned(), 0);
                }
                None => judged.settle(&delivery, self.again(&delivery)),
            }
        }
        if failed.is_empty() { judged.next() } else { Step::Counting { failed, judged } }
    }

    /// What follows a rollback; `None` when the group was taken apart into `waiting`.
    fn after_rollback(&self, attempt: Try, fault: Fault, waiting: &mut VecDeque<Vec<Delivery>>) -> Option<Step> {
        match fault {
            Fault::Unavailable(_) if attempt.outages < self.limits.outages_max => {
                Some(Step::Resting(Try { outages: attempt.outages + 1, ..attempt }))
            }
            Fault::Conflict if attempt.conflicts < self.limits.conflicts_max => {
                Some(Step::Transacting(Try { conflicts: attempt.conflicts + 1, ..attempt }))
            }
            Fault::Conflict | Fault::Broken(_) if attempt.group.len() > 1 => {
                for delivery in attempt.group.into_iter().rev() {
                    waiting.push_front(vec![delivery]);
                }
                None
            }
            Fault::Broken(reason) => {
                let failed = attempt.group.into_iter().map(|delivery| (delivery, reason.clone())).collect();
                Some(Step::Counting { failed, judged: Judged::default() })
            }
            Fault::Unavailable(_) | Fault::Conflict => Some(self.give_back(&attempt.group)),
        }
    }

    /// Puts each failed delivery on its rung, or parks it at the ladder's end.
    fn climb(&self, failed: Vec<(Delivery, String)>, mut judged: Judged, counts: Vec<Result<u32, Fault>>) -> Step {
        let counts = counts.into_iter().map(Some).chain(std::iter::repeat(None));
        for ((delivery, reason), count) in failed.into_iter().zip(counts) {
            match count {
                Some(Ok(attempts)) => match self.limits.ladder.delay(delivery.id(), attempts) {
                    Some(delay) => judged.settle(&delivery, Settlement::Retry(delay)),
                    None => judged.park(&self.queue, &delivery, reason, attempts),
                },
                Some(Err(_)) | None => judged.settle(&delivery, self.again(&delivery)),
            }
        }
        judged.next()
    }

    fn buried(&self, judged: Judged, results: Vec<Result<(), Fault>>) -> Step {
        let Judged { mut settlements, letters } = judged;
        let results = results.into_iter().map(|result| result.is_ok()).chain(std::iter::repeat(false));
        for ((tag, letter), stored) in letters.into_iter().zip(results) {
            let again = Settlement::Retry(jittered(self.limits.again, letter.id, 0));
            settlements.push((tag, if stored { Settlement::Done } else { again }));
        }
        Step::Settling { settlements }
    }

    /// Nothing is known, or nothing can be done now: the bus shall deliver all of them again.
    fn give_back(&self, group: &[Delivery]) -> Step {
        Step::Settling { settlements: group.iter().map(|delivery| (delivery.tag, self.again(delivery))).collect() }
    }

    fn again(&self, delivery: &Delivery) -> Settlement {
        Settlement::Retry(jittered(self.limits.again, delivery.id(), 0))
    }
}

impl Judged {
    fn settle(&mut self, delivery: &Delivery, settlement: Settlement) {
        self.settlements.push((delivery.tag, settlement));
    }

    fn park(&mut self, queue: &str, delivery: &Delivery, reason: String, attempts: u32) {
        self.letters.push((delivery.tag, DeadLetter::new(queue, &delivery.body, reason, attempts)));
    }

    fn next(self) -> Step {
        if self.letters.is_empty() {
            Step::Settling { settlements: self.settlements }
        } else {
            Step::Burying { judged: self }
        }
    }
}

fn next_group(mut waiting: VecDeque<Vec<Delivery>>) -> State {
    match waiting.pop_front() {
        Some(group) => State::Working { step: Step::Transacting(Try { group, conflicts: 0, outages: 0 }), waiting },
        None => State::Receiving { failures: 0 },
    }
}

#[cfg(test)]
mod tests;
