//! Interprets the effector machines: calls of the outside, many beside each other, each committed with its answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use ecom_core::decide::BoundedContext;
use ecom_core::engine::effector::{
    Call, CallCompletion, CallRequest, Completion, Effector, Ending, Limits, Request, Ticket,
};
use ecom_core::engine::record::{Recorded, Recorder};
use ecom_core::engine::{EffectRow, Message};
use ecom_core::port::{Claimed, Clock, Outside, Store};
use ecom_core::time::Timestamp;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;

use super::committer::{Job, JobResult};
use super::consume::submit;
use super::sabotage::{self, Point};
use super::stopped;
use super::wake::{Wake, until};
use crate::telemetry::trace::{Kind, Traces, step_of};

/// What a call is named in a trace.
const CALL: &str = "call of the outside";

/// Calls of one service at a time.
pub(super) const CALLS_MAX: usize = 256;

/// The effects of one service.
pub(super) struct Effects<C: BoundedContext> {
    pub(super) machine: Recorded<Effector>,
    pub(super) limits: Limits,
    pub(super) shared: Arc<Shared<C>>,
    /// Effects from memory; their lease began with the transaction.
    pub(super) rows: mpsc::Receiver<Leased<C>>,
    pub(super) claimed: BTreeMap<Ticket, EffectRow<C::Effect>>,
    /// When the lease of the claimed ones began: before the claim was sent.
    pub(super) claimed_at: Timestamp,
    /// When the pause that is under way ends: rows that come meanwhile must not put it off.
    pub(super) rested_at: Option<Timestamp>,
    pub(super) sweep: Wake,
    pub(super) due: Wake,
    pub(super) stop: watch::Receiver<bool>,
}

/// Effects that were just committed, and when their lease began: before the transaction.
pub(super) struct Leased<C: BoundedContext> {
    pub(super) rows: Vec<EffectRow<C::Effect>>,
    pub(super) since: Timestamp,
}

/// What every call needs.
pub(super) struct Shared<C: BoundedContext> {
    pub(super) store: Arc<dyn Store<C>>,
    pub(super) outside: Arc<dyn Outside<C>>,
    pub(super) jobs: mpsc::Sender<Job<C>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) places: Semaphore,
    pub(super) traces: Traces,
    pub(super) recorder: Recorder,
}

enum Event<C: BoundedContext> {
    Machine(Completion),
    Rows(Leased<C>),
    Ended(Option<Ending>),
    Stop,
}

impl<C: BoundedContext> Effects<C> {
    /// Runs until it is told to stop, then waits for the calls that are under way.
    pub(super) async fn run(mut self) {
        let mut calls = JoinSet::new();
        let mut request = self.machine.start();
        loop {
            let room = self.shared.places.available_permits();
            self.note_time(&request);
            // A claim must not be dropped half-way: what it has leased would wait for the lease to end.
            let claiming = matches!(request, Request::Claim { .. } | Request::Begin { .. });
            let event: Event<C> = tokio::select! {
                biased;
                () = stopped(self.stop.clone()), if !claiming => Event::Stop,
                Some(ended) = calls.join_next(), if !claiming && !calls.is_empty() => Event::Ended(ended.ok()),
                Some(rows) = self.rows.recv(), if !claiming && room > 0 => Event::Rows(rows),
                completion = perform(&self.shared, (&self.sweep, &self.due), &mut self.claimed, self.rested_at, &request) => {
                    Event::Machine(completion)
                }
            };
            match event {
                Event::Stop => break,
                Event::Rows(Leased { rows, since }) => {
                    for row in rows {
                        self.begin(&mut calls, row, since);
                    }
                }
                // A call that panicked left its effect owed, like one that was left on purpose.
                Event::Ended(None | Some(Ending::Left)) => self.sweep.after(self.limits.lease),
                Event::Ended(Some(Ending::Committed)) => {}
                Event::Machine(Completion::Begun { .. }) => {
                    for row in std::mem::take(&mut self.claimed).into_values() {
                        self.begin(&mut calls, row, self.claimed_at);
                    }
                    let room = self.shared.places.available_permits();
                    request = self.machine.resume(Completion::Begun { room });
                }
                Event::Machine(completion) => request = self.machine.resume(completion),
            }
        }
        while calls.join_next().await.is_some() {}
    }

    fn note_time(&mut self, request: &Request) {
        match request {
            Request::Claim { .. } => self.claimed_at = self.shared.clock.now(),
            Request::Pause { delay } => {
                let clock = &self.shared.clock;
                self.rested_at.get_or_insert_with(|| clock.now().after(*delay));
                return;
            }
            Request::Begin { .. } | Request::Room | Request::Wait { .. } => {}
        }
        self.rested_at = None;
    }

    fn begin(&self, calls: &mut JoinSet<Ending>, row: EffectRow<C::Effect>, taken_at: Timestamp) {
        let (shared, limits) = (Arc::clone(&self.shared), self.limits);
        calls.spawn(async move { carry(&shared, limits, row, taken_at).await });
    }
}

async fn perform<C: BoundedContext>(
    shared: &Shared<C>,
    (sweep, due): (&Wake, &Wake),
    claimed: &mut BTreeMap<Ticket, EffectRow<C::Effect>>,
    rested_at: Option<Timestamp>,
    request: &Request,
) -> Completion {
    match request {
        Request::Claim { limit } => match shared.store.claim_effects(*limit).await {
            Ok(Claimed { items, next }) => {
                let rows = items.into_iter().map(|row| (Ticket { effect: row.id, attempt: row.attempts }, row));
                *claimed = rows.collect();
                Completion::Claimed(Claimed { items: claimed.keys().copied().collect(), next })
            }
            Err(fault) => Completion::Failed(fault),
        },
        Request::Begin { .. } => Completion::Begun { room: 0 },
        Request::Room => {
            // Whoever gets a place gives it back at once: only the number counts.
            drop(shared.places.acquire().await);
            Completion::Woken { room: shared.places.available_permits() }
        }
        Request::Wait { until: time } => {
            tokio::select! {
                () = sweep.wait() => {}
                () = due.wait() => {}
                () = until(shared.clock.as_ref(), *time) => {}
            }
            Completion::Woken { room: shared.places.available_permits() }
        }
        Request::Pause { .. } => {
            until(shared.clock.as_ref(), rested_at).await;
            Completion::Rested
        }
    }
}

/// One call from its turn to its committed answer.
async fn carry<C: BoundedContext>(
    shared: &Shared<C>,
    limits: Limits,
    mut row: EffectRow<C::Effect>,
    taken_at: Timestamp,
) -> Ending {
    let ticket = Ticket { effect: row.id, attempt: row.attempts };
    let mut machine: Recorded<Call> = Recorded::new((limits, ticket), C::SERVICE, &shared.recorder);
    let mut request = machine.start();
    let mut answer = None;
    let mut place = None;
    loop {
        let completion = match request {
            CallRequest::Turn => {
                place = shared.places.acquire().await.ok();
                CallCompletion::Turn { held: shared.clock.now().since(taken_at) }
            }
            CallRequest::Perform(_) => {
                let number = step_of(C::SERVICE, row.id.0, row.attempts);
                let step = shared.traces.begin(row.traceparent.as_deref(), number);
                answer = Some(shared.outside.perform(&row).await);
                if let Some(step) = step {
                    row.traceparent = Some(step.context.to_string());
                    shared.traces.end(step, (C::SERVICE, Kind::Client, CALL.to_owned()), false, vec![]);
                }
                sabotage::reach(Point::AnsweredNotCommitted);
                CallCompletion::Answered
            }
            CallRequest::Transact(_) => match answer.clone() {
                Some(answer) => {
                    drop(place.take());
                    transact(shared, Message::from_answer(row.clone(), answer)).await
                }
                None => CallCompletion::Lost,
            },
            CallRequest::Pause { delay } => {
                tokio::time::sleep(delay).await;
                CallCompletion::Rested
            }
            CallRequest::End(ending) => return ending,
        };
        request = machine.resume(completion);
    }
}

async fn transact<C: BoundedContext>(shared: &Shared<C>, message: Message<C>) -> CallCompletion {
    match submit(&shared.jobs, vec![message], false).await {
        JobResult::Committed(outcomes) => {
            for outcome in &outcomes {
                if let ecom_core::engine::Outcome::Rejected(rejection) = outcome {
                    tracing::error!(service = %C::SERVICE, %rejection, "an answer from outside was refused by a rule");
                    return CallCompletion::RolledBack(ecom_core::engine::Fault::Broken(rejection.to_string()));
                }
            }
            CallCompletion::Committed
        }
        JobResult::RolledBack(fault) => CallCompletion::RolledBack(fault),
        JobResult::Unknown => CallCompletion::Unknown,
    }
}
