//! Interprets the clockwork machine: fires the durable timers of a service.

use std::sync::Arc;
use std::time::Duration;

use ecom_core::decide::{BoundedContext, Timer};
use ecom_core::engine::Message;
use ecom_core::engine::clockwork::{Clockwork, Completion, Request};
use ecom_core::engine::consumer::Verdict;
use ecom_core::engine::record::Recorded;
use ecom_core::port::{Clock, Store};
use tokio::sync::{mpsc, watch};

use super::committer::{Job, JobResult};
use super::consume::{submit, verdict};
use super::stopped;
use super::wake::{Wake, until};

/// The timers of one service.
pub(super) struct Timers<C: BoundedContext> {
    pub(super) machine: Recorded<Clockwork>,
    pub(super) store: Arc<dyn Store<C>>,
    pub(super) jobs: mpsc::Sender<Job<C>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) due: Wake,
    pub(super) stop: watch::Receiver<bool>,
}

impl<C: BoundedContext> Timers<C> {
    /// Runs until it is told to stop, and stops only where no transaction is under way.
    pub(super) async fn run(mut self) {
        let mut request = self.machine.start();
        loop {
            let completion = if self.machine.is_idle() {
                tokio::select! {
                    biased;
                    () = stopped(self.stop.clone()) => return,
                    completion = self.perform(request) => completion,
                }
            } else {
                self.perform(request).await
            };
            request = self.machine.resume(completion);
        }
    }

    async fn perform(&self, request: Request) -> Completion {
        match request {
            Request::Find { limit } => match self.store.due_timers(limit).await {
                Ok(found) => Completion::Found(found),
                Err(fault) => Completion::Failed(fault),
            },
            Request::Transact { timers } => self.transact(&timers).await,
            Request::Wait { until: time, at_most } => {
                let at_most = async {
                    match at_most {
                        Some(delay) => tokio::time::sleep(delay).await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    // A timer was armed that is due earlier than all others: its wake keeps the time itself.
                    () = self.due.wait() => Completion::Woken,
                    () = until(self.clock.as_ref(), time) => Completion::Woken,
                    () = at_most => Completion::Woken,
                }
            }
            Request::Pause { delay } => {
                tokio::time::sleep(delay.max(Duration::from_millis(1))).await;
                Completion::Rested
            }
        }
    }

    async fn transact(&self, timers: &[Timer]) -> Completion {
        let made: Vec<Option<Message<C>>> = timers.iter().map(Message::<C>::from_timer).collect();
        let concerned: Vec<bool> = made.iter().map(Option::is_some).collect();
        let messages: Vec<_> = made.into_iter().flatten().collect();
        let outcomes = if messages.is_empty() {
            vec![]
        } else {
            match submit(&self.jobs, messages, false).await {
                JobResult::Committed(outcomes) => outcomes,
                JobResult::RolledBack(fault) => return Completion::Failed(fault),
                JobResult::Unknown => return Completion::Unknown,
            }
        };
        let mut outcomes = outcomes.iter().map(verdict);
        Completion::Transacted(
            concerned
                .into_iter()
                .map(
                    |concerned| {
                        if concerned { outcomes.next().unwrap_or(Verdict::NotConcerned) } else { Verdict::NotConcerned }
                    },
                )
                .collect(),
        )
    }
}
