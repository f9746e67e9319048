//! One task writes the log: all calls that wait are one transaction, so a hundred calls cost one sync to the disk.

use std::sync::Arc;

use ecom_core::payment::Effect;
use ecom_core::port::Clock;
use sqlx::Connection;
use tokio::sync::{mpsc, oneshot};

use super::log::{self, Line};
use super::script::{self, Call, Reply};
use crate::sqlite::Database;

/// How many calls may wait; more callers wait for a place.
pub(super) const QUEUE_MAX: usize = 1_024;

/// How many calls one transaction takes.
const BATCH_MAX: usize = 256;

/// A call and who waits for its answer.
#[derive(Debug)]
pub(super) struct Job {
    /// The call.
    pub(super) call: Call,
    /// Dropped without an answer when the log could not be written: then it is not known what happened.
    pub(super) reply: oneshot::Sender<Reply>,
}

pub(super) struct Worker {
    database: Arc<Database>,
    clock: Arc<dyn Clock>,
    queue: mpsc::Receiver<Job>,
}

impl Worker {
    pub(super) fn new(database: Arc<Database>, clock: Arc<dyn Clock>, queue: mpsc::Receiver<Job>) -> Self {
        Self { database, clock, queue }
    }

    /// Works until nobody can send any more. Without calls it sleeps.
    pub(super) async fn run(mut self) {
        let mut jobs = Vec::with_capacity(BATCH_MAX);
        while self.queue.recv_many(&mut jobs, BATCH_MAX).await > 0 {
            let (calls, waiting): (Vec<_>, Vec<_>) = jobs.drain(..).map(|job| (job.call, job.reply)).unzip();
            match self.carry_out(calls).await {
                Ok(replies) => {
                    for (waiting, reply) in waiting.into_iter().zip(replies) {
                        // Whoever gave up waiting asks again under the same key.
                        drop(waiting.send(reply));
                    }
                }
                Err(error) => tracing::error!(%error, "the sandbox could not write its log"),
            }
        }
    }

    /// Decides on all calls in one transaction and returns their answers, in order.
    async fn carry_out(&self, calls: Vec<Call>) -> Result<Vec<Reply>, sqlx::Error> {
        let mut writer = self.database.writer().await?;
        let mut transaction = writer.connection()?.begin_with("BEGIN IMMEDIATE").await?;
        let mut memory = log::recall(&mut transaction, &calls).await?;
        let at = self.clock.now();
        let (mut lines, mut replies) = (Vec::with_capacity(calls.len()), Vec::with_capacity(calls.len()));
        for call in &calls {
            let charged = match &call.effect {
                Effect::Charge(_) => None,
                Effect::Refund(refund) => memory.charged(&refund.charge),
            };
            let verdict = script::decide(call, &memory.past(call.key), charged);
            let line = Line::new(at, call, &verdict);
            memory.learn(call, &line);
            lines.push(line);
            replies.push(verdict.reply);
        }
        log::append(&mut transaction, &lines).await?;
        transaction.commit().await?;
        writer.done();
        Ok(replies)
    }
}
