//! Interprets the consumer machine: the bus on one side, the committer on the other.

use std::sync::Arc;

use ecom_core::decide::BoundedContext;
use ecom_core::engine::consumer::{Completion, Consumer, Request, Verdict};
use ecom_core::engine::record::Recorded;
use ecom_core::engine::{DeadLetter, Fault, Message, Outcome};
use ecom_core::event::Envelope;
use ecom_core::id::MessageId;
use ecom_core::port::{Body, Bus, Delivery, Settlement, Store, Subscription};
use tokio::sync::{mpsc, oneshot, watch};

use super::committer::{Job, JobResult};
use super::sabotage::{self, Point};
use super::stopped;
use crate::telemetry::trace::{Kind, Step, Traces, step_of};

/// One consumer of a service's queue.
pub(super) struct Consume<C: BoundedContext> {
    pub(super) machine: Recorded<Consumer>,
    pub(super) bus: Arc<dyn Bus>,
    pub(super) store: Arc<dyn Store<C>>,
    pub(super) jobs: mpsc::Sender<Job<C>>,
    pub(super) stop: watch::Receiver<bool>,
    pub(super) subscription: Option<Arc<dyn Subscription>>,
    pub(super) traces: Traces,
}

impl<C: BoundedContext> Consume<C> {
    /// Runs until it is told to stop, and stops only where it holds no delivery.
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

    async fn perform(&mut self, request: Request) -> Completion {
        match request {
            Request::Subscribe => match self.bus.subscribe(self.machine.queue()).await {
                Ok(subscription) => {
                    self.subscription = Some(subscription);
                    Completion::Subscribed
                }
                Err(error) => {
                    tracing::warn!(queue = self.machine.queue(), %error, "cannot consume");
                    Completion::Closed
                }
            },
            Request::Receive { max } => match &self.subscription {
                Some(subscription) => subscription.receive(max).await.map_or(Completion::Closed, Completion::Received),
                None => Completion::Closed,
            },
            Request::Transact { deliveries } => self.transact(deliveries).await,
            Request::CountAttempts { ids } => Completion::Counted(self.count(ids).await),
            Request::Bury { letters } => Completion::Buried(self.bury(letters).await),
            Request::Settle { settlements } => self.settle(settlements).await,
            Request::Pause { delay } => {
                tokio::time::sleep(delay).await;
                Completion::Rested
            }
        }
    }

    async fn transact(&self, deliveries: Vec<Delivery>) -> Completion {
        let alone = deliveries.len() == 1 && deliveries.iter().any(|delivery| delivery.redelivered);
        let mut concerned = Vec::with_capacity(deliveries.len());
        let mut messages = Vec::with_capacity(deliveries.len());
        let mut steps = vec![];
        for delivery in &deliveries {
            let message = match &delivery.body {
                Body::Event(envelope) => Message::<C>::from_event(envelope)
                    .map(|message| Message { id: sabotage::id_of_delivery(C::SERVICE, message.id), ..message })
                    .map(|message| self.begin(message, envelope, &mut steps)),
                Body::Unreadable { .. } => None,
            };
            concerned.push(message.is_some());
            messages.extend(message);
        }
        let outcomes = if messages.is_empty() {
            vec![]
        } else {
            match submit(&self.jobs, messages, alone).await {
                JobResult::Committed(outcomes) => outcomes,
                JobResult::RolledBack(fault) => return Completion::RolledBack(fault),
                JobResult::Unknown => return Completion::Unknown,
            }
        };
        for (step, name) in steps {
            self.traces.end(step, (C::SERVICE, Kind::Consumer, name.to_owned()), false, vec![]);
        }
        let mut verdicts = outcomes.iter().map(verdict);
        let not_concerned = || Verdict::NotConcerned;
        Completion::Transacted(
            concerned
                .into_iter()
                .map(|concerned| if concerned { verdicts.next() } else { None }.unwrap_or_else(not_concerned))
                .collect(),
        )
    }

    /// A step of the message's trace, from which goes on whatever handling it causes.
    fn begin(&self, message: Message<C>, envelope: &Envelope, steps: &mut Vec<(Step, &'static str)>) -> Message<C> {
        let number = step_of(C::SERVICE, message.id.0, 0);
        let Some(step) = self.traces.begin(message.traceparent.as_deref(), number) else { return message };
        let traceparent = Some(step.context.to_string());
        steps.push((step, envelope.event.event_type().name()));
        Message { traceparent, ..message }
    }

    async fn count(&self, ids: Vec<MessageId>) -> Vec<Result<u32, Fault>> {
        let mut counts = Vec::with_capacity(ids.len());
        for id in ids {
            counts.push(self.store.count_attempt(self.machine.queue(), id).await);
        }
        counts
    }

    async fn bury(&self, letters: Vec<DeadLetter>) -> Vec<Result<(), Fault>> {
        let mut results = Vec::with_capacity(letters.len());
        for letter in letters {
            tracing::error!(
                queue = letter.queue, message.id = %letter.id, event = letter.event_type, reason = letter.reason,
                attempts = letter.attempts, "a message is given up and kept as a dead letter"
            );
            results.push(self.store.bury(letter).await);
        }
        results
    }

    async fn settle(&mut self, settlements: Vec<(u64, Settlement)>) -> Completion {
        sabotage::reach(Point::HandledNotAcknowledged);
        match &self.subscription {
            Some(subscription) if subscription.settle(settlements).await.is_ok() => Completion::Settled,
            Some(_) | None => {
                self.subscription = None;
                Completion::Closed
            }
        }
    }
}

/// Hands messages to the committer and waits for their transaction.
pub(super) async fn submit<C: BoundedContext>(
    jobs: &mpsc::Sender<Job<C>>,
    messages: Vec<Message<C>>,
    alone: bool,
) -> JobResult<C> {
    let (reply, answer) = oneshot::channel();
    if jobs.send(Job { messages, alone, reply }).await.is_err() {
        return JobResult::RolledBack(Fault::Unavailable("the service is stopping".to_owned()));
    }
    answer.await.unwrap_or(JobResult::Unknown)
}

/// What an outcome means for whoever delivered the message.
pub(super) fn verdict<C: BoundedContext>(outcome: &Outcome<C>) -> Verdict {
    if let Outcome::Stayed(because, _) = outcome {
        tracing::debug!(service = %C::SERVICE, ?because, "a message changed nothing");
    }
    Verdict::from(outcome)
}
