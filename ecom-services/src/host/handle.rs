//! The door to a service's use cases, for HTTP and for programs that embed the service.

use std::sync::Arc;
use std::time::Duration;

use ecom_core::decide::BoundedContext;
use ecom_core::engine::{Idempotency, Message, Origin, Outcome};
use ecom_core::id::{CorrelationId, MessageId};
use ecom_core::port::Store;
use tokio::sync::{mpsc, oneshot};

use super::committer::{Gauge, Job, JobResult};
use super::letters::{DeadLetters, Letters};

/// How long a command waits for a place in the queue of the next transaction before it is refused.
const INTAKE_TIMEOUT: Duration = Duration::from_secs(2);

/// A command with what its transaction needs.
#[derive(Clone, Debug)]
pub struct Command<C: BoundedContext> {
    /// Its id: everything it emits is derived from it.
    pub id: MessageId,
    /// What everything of one order shares.
    pub correlation: CorrelationId,
    /// The caller's idempotency key.
    pub key: Option<Idempotency>,
    /// W3C trace context.
    pub traceparent: Option<String>,
    /// What is asked.
    pub input: C::Input,
}

/// Why a command has no outcome. All are answered with 503 and may be tried again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Busy {
    /// Too much is waiting already: the queue or the outbox is full.
    #[error("the service is overloaded")]
    Overloaded,
    /// The database is unavailable; nothing happened.
    #[error("the database is unavailable")]
    Unavailable,
    /// The command may have been carried out or not; a repetition with the same idempotency key is safe.
    #[error("the outcome is not known")]
    Unknown,
    /// The command could not be stored; nothing happened.
    #[error("the command failed: {0}")]
    Failed(String),
}

/// A running service.
pub struct Handle<C: BoundedContext> {
    jobs: mpsc::Sender<Job<C>>,
    gauge: Arc<Gauge>,
}

impl<C: BoundedContext> Clone for Handle<C> {
    fn clone(&self) -> Self {
        Self { jobs: self.jobs.clone(), gauge: Arc::clone(&self.gauge) }
    }
}

impl<C: BoundedContext> Handle<C> {
    pub(super) fn new(jobs: mpsc::Sender<Job<C>>, gauge: Arc<Gauge>) -> Self {
        Self { jobs, gauge }
    }

    /// Carries a command out in one transaction, together with whatever else is waiting.
    pub async fn execute(&self, command: Command<C>) -> Result<Outcome<C>, Busy> {
        self.carry_out(Message {
            id: command.id,
            origin: Origin::Command(command.key),
            correlation: command.correlation,
            causation: None,
            traceparent: command.traceparent,
            input: command.input,
        })
        .await
    }

    /// Takes in what somebody outside tells of his own accord, as an event whose id the inbox knows: whoever tells it
    /// twice is heard once.
    pub async fn hear(&self, news: Command<C>) -> Result<Outcome<C>, Busy> {
        self.carry_out(Message {
            id: news.id,
            origin: Origin::Event,
            correlation: news.correlation,
            causation: None,
            traceparent: news.traceparent,
            input: news.input,
        })
        .await
    }

    async fn carry_out(&self, message: Message<C>) -> Result<Outcome<C>, Busy> {
        if self.gauge.is_full() {
            return Err(Busy::Overloaded);
        }
        let (reply, answer) = oneshot::channel();
        let job = Job { messages: vec![message], alone: false, reply };
        match tokio::time::timeout(INTAKE_TIMEOUT, self.jobs.send(job)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Err(Busy::Unavailable),
            Err(_) => return Err(Busy::Overloaded),
        }
        match answer.await {
            Ok(JobResult::Committed(outcomes)) => outcomes.into_iter().next().ok_or(Busy::Unknown),
            Ok(JobResult::RolledBack(fault)) => Err(refused(fault)),
            // The service stopped while the command was under way.
            Ok(JobResult::Unknown) | Err(_) => Err(Busy::Unknown),
        }
    }

    /// The service's dead letters, which `store` keeps.
    pub fn dead_letters(&self, store: Arc<dyn Store<C>>) -> Arc<dyn DeadLetters> {
        Arc::new(Letters { store, jobs: self.jobs.clone() })
    }

    /// How many outbox rows wait for delivery.
    pub fn outbox_depth(&self) -> u64 {
        self.gauge.depth()
    }
}

fn refused(fault: ecom_core::engine::Fault) -> Busy {
    use ecom_core::engine::Fault;
    match fault {
        Fault::Unavailable(_) | Fault::Conflict => Busy::Unavailable,
        Fault::Broken(detail) => Busy::Failed(detail),
    }
}
