//! The payment provider of the development shop: no network, no money, but a memory of its own.
//!
//! What it does depends on the token alone (see [`Token`]). Every call is in its own durable log before it is
//! answered, apart from our ledger, so that the two can be compared. Money moves once under each idempotency key,
//! whatever happens; asking again under the key gives the first result. How often a key was asked is counted in the
//! log too: a token that fails at first goes on where it was after a crash. Several processes may share the file.
//!
//! There is no webhook: `tok_duplicate_webhook` succeeds like `tok_visa`. That an answer which comes twice counts once
//! is a promise of the engine, which knows an effect's answers by its id and attempt.

mod log;
mod script;
#[cfg(test)]
mod tests;
mod token;
mod worker;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ecom_core::engine::{EffectRow, Fault};
use ecom_core::id::OrderId;
use ecom_core::payment::{
    Card, Effect, MethodCatalogue, PaymentContext, ProviderAnswer, SANDBOX, SandboxEntry, SandboxLog,
};
use ecom_core::port::{Clock, Outside, Page, PageRequest};
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::sqlite::{Database, OpenError, fault};
use script::{Call, Reply};
pub use token::Token;
use worker::{Job, QUEUE_MAX, Worker};

const MIGRATIONS: &[(&str, &str)] =
    &[("sandbox/0001_sandbox", include_str!("../../../migrations/sqlite/sandbox/0001_sandbox.sql"))];

/// The sandbox.
#[derive(Debug)]
pub struct Sandbox {
    database: Arc<Database>,
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
    worker: Mutex<Option<JoinHandle<()>>>,
    timeout: Duration,
}

impl Sandbox {
    /// Opens or creates the sandbox's file. A call that takes longer than `timeout` is answered as unknown.
    pub async fn open(path: &Path, timeout: Duration, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let database = Arc::new(Database::open(path, MIGRATIONS).await?);
        let (jobs, queue) = mpsc::channel(QUEUE_MAX);
        let worker = tokio::spawn(Worker::new(Arc::clone(&database), clock, queue).run());
        Ok(Self { database, jobs: Mutex::new(Some(jobs)), worker: Mutex::new(Some(worker)), timeout })
    }

    /// Carries out the calls that are waiting and closes the file. Later calls are answered as unknown.
    pub async fn close(&self) {
        drop(self.jobs.lock().await.take());
        if let Some(worker) = self.worker.lock().await.take()
            && let Err(error) = worker.await
        {
            tracing::error!(%error, "the sandbox's worker ended early");
        }
        self.database.close().await;
    }

    /// The answer, when there is one; some tokens never give one.
    async fn ask(&self, call: Call) -> ProviderAnswer {
        let unknown = |detail: &str| ProviderAnswer::Unknown { detail: detail.to_owned() };
        let Some(jobs) = self.jobs.lock().await.clone() else { return unknown("the sandbox is closed") };
        let (reply, answer) = oneshot::channel();
        if jobs.send(Job { call, reply }).await.is_err() {
            return unknown("the sandbox is closed");
        }
        match answer.await {
            Ok(Reply::Now(answer)) => answer,
            Ok(Reply::After(delay, answer)) => {
                tokio::time::sleep(delay).await;
                answer
            }
            Ok(Reply::Never) => std::future::pending().await,
            Err(_) => unknown("the sandbox could not write its log"),
        }
    }
}

#[async_trait]
impl Outside<PaymentContext> for Sandbox {
    async fn perform(&self, effect: &EffectRow<Effect>) -> ProviderAnswer {
        let call = Call { key: effect.id, effect: effect.effect.clone() };
        let answer = tokio::time::timeout(self.timeout, self.ask(call)).await;
        answer.unwrap_or_else(|_| ProviderAnswer::Unknown {
            detail: format!("no answer within {} ms", self.timeout.as_millis()),
        })
    }
}

impl MethodCatalogue for Sandbox {
    fn provider(&self) -> &str {
        SANDBOX
    }

    fn describe(&self, token: &str) -> Option<Card> {
        Token::parse(token).map(Token::card)
    }
}

#[async_trait]
impl SandboxLog for Sandbox {
    async fn entries(&self, order: Option<OrderId>, page: PageRequest) -> Result<Page<SandboxEntry>, Fault> {
        log::entries(self.database.readers(), order, page).await.map_err(|error| fault(&error))
    }
}
