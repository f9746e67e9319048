//! The payment provider of the development shop: no network, no money, but a memory of its own.
//!
//! What it does depends on the token alone (see [`Token`]). Every call is in its own durable log before it is
//! answered, apart from our ledger, so that the two can be compared. Money moves once under each idempotency key,
//! whatever happens; asking again under the key gives the first result. How often a key was asked is counted in the
//! log too: a token that fails at first goes on where it was after a crash. Several processes may share it: the file, or the schema
//! in PostgreSQL.
//!
//! With `tok_duplicate_webhook` it also tells its result of its own accord, by a signed webhook: once before it answers,
//! and once more after that. Who is to hear it is said with [`Sandbox::tell`]; without a listener it tells nobody.

mod log;
mod messenger;
#[cfg(feature = "postgres")]
mod postgres;
mod script;
mod sqlite;
#[cfg(test)]
mod tests;
mod token;
mod webhook;
mod worker;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ecom_core::engine::{EffectRow, Fault};
use ecom_core::id::{MessageId, OrderId};
use ecom_core::payment::{
    Card, Effect, MethodCatalogue, PaymentContext, ProviderAnswer, SANDBOX, SandboxEntry, SandboxLog,
};
use ecom_core::port::{Clock, Outside, Page, PageRequest};
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::sqlite::{Database, OpenError};
use log::Log;
pub use messenger::Listener;
use messenger::Messenger;
use script::{Call, Reply};
pub use token::Token;
pub use webhook::SandboxWebhook;
use worker::{Job, QUEUE_MAX, Worker};

const MIGRATIONS: &[(&str, &str)] =
    &[("sandbox/0001_sandbox", include_str!("../../../migrations/sqlite/sandbox/0001_sandbox.sql"))];

#[cfg(feature = "postgres")]
const PG_MIGRATIONS: &[(&str, &str)] =
    &[("sandbox/0001_sandbox", include_str!("../../../migrations/sandbox/0001_sandbox.sql"))];

/// The sandbox.
pub struct Sandbox {
    log: Arc<Log>,
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
    worker: Mutex<Option<JoinHandle<()>>>,
    messenger: std::sync::Mutex<Option<Messenger>>,
    timeout: Duration,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Sandbox")
            .field("log", &self.log)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

impl Sandbox {
    /// Opens or creates the sandbox's file. A call that takes longer than `timeout` is answered as unknown.
    pub async fn open(path: &Path, timeout: Duration, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let database = Database::open(path, MIGRATIONS).await?;
        Ok(Self::over(Log::Sqlite(database), timeout, clock))
    }

    /// Opens the sandbox's schema, `sandbox`, in a PostgreSQL database, or creates it. Any number of processes may.
    #[cfg(feature = "postgres")]
    pub async fn open_postgres(
        url: &str,
        timeout: Duration,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, crate::postgres::OpenError> {
        let settings = crate::postgres::Settings {
            pools: crate::postgres::Pools { writers: 1, readers: 1 },
            ..crate::postgres::Settings::default()
        };
        let database = crate::postgres::Database::open(url, PG_MIGRATIONS.to_vec(), settings).await?;
        Ok(Self::over(Log::Postgres(database), timeout, clock))
    }

    fn over(log: Log, timeout: Duration, clock: Arc<dyn Clock>) -> Self {
        let (log, (jobs, queue)) = (Arc::new(log), mpsc::channel(QUEUE_MAX));
        let worker = tokio::spawn(Worker::new(Arc::clone(&log), Arc::clone(&clock), queue).run());
        let (jobs, worker) = (Mutex::new(Some(jobs)), Mutex::new(Some(worker)));
        Self { log, jobs, worker, messenger: std::sync::Mutex::new(None), timeout, clock }
    }

    /// From now on that listener hears the sandbox's webhooks, signed by `webhook`.
    pub fn tell(&self, listener: Arc<dyn Listener>, webhook: SandboxWebhook) {
        let messenger = Messenger::new(webhook, listener, Arc::clone(&self.clock));
        drop(self.messenger().replace(messenger));
    }

    /// Tells nobody anything any more, and lets go of the listener.
    pub async fn hush(&self) {
        let messenger = self.messenger().take();
        if let Some(messenger) = messenger {
            messenger.stop().await;
        }
    }

    fn messenger(&self) -> std::sync::MutexGuard<'_, Option<Messenger>> {
        self.messenger.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Carries out the calls that are waiting and closes the file. Later calls are answered as unknown.
    pub async fn close(&self) {
        self.hush().await;
        drop(self.jobs.lock().await.take());
        if let Some(worker) = self.worker.lock().await.take()
            && let Err(error) = worker.await
        {
            tracing::error!(%error, "the sandbox's worker ended early");
        }
        self.log.close().await;
    }

    /// The answer, when there is one; some tokens never give one.
    async fn ask(&self, call: Call) -> ProviderAnswer {
        let unknown = |detail: &str| ProviderAnswer::Unknown { detail: detail.to_owned() };
        let Some(jobs) = self.jobs.lock().await.clone() else { return unknown("the sandbox is closed") };
        let (reply, answer) = oneshot::channel();
        let (key, effect) = (call.key, call.effect.clone());
        if jobs.send(Job { call, reply }).await.is_err() {
            return unknown("the sandbox is closed");
        }
        match answer.await {
            Ok(Reply::Now(answer)) => answer,
            Ok(Reply::Told(answer)) => {
                self.tell_twice(key, &effect, &answer).await;
                answer
            }
            Ok(Reply::After(delay, answer)) => {
                tokio::time::sleep(delay).await;
                answer
            }
            Ok(Reply::Never) => std::future::pending().await,
            Err(_) => unknown("the sandbox could not write its log"),
        }
    }

    /// Sends the webhook now, and once more behind the caller's back.
    async fn tell_twice(&self, key: MessageId, effect: &Effect, answer: &ProviderAnswer) {
        let Effect::Charge(charge) = effect else { return };
        let outlet = self.messenger().as_ref().map(Messenger::outlet);
        let (Some(outlet), Some(letter)) = (outlet, webhook::letter(key, charge, answer)) else { return };
        outlet.send(&letter).await;
        outlet.send_later(letter);
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
        self.log.entries(order, page).await
    }
}
