//! One task writes the log: all calls that wait are one transaction, so a hundred calls cost one sync to the disk.

use std::sync::Arc;

use ecom_core::port::Clock;
use tokio::sync::{mpsc, oneshot};

use super::log::Log;
use super::script::{Call, Reply};

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
    log: Arc<Log>,
    clock: Arc<dyn Clock>,
    queue: mpsc::Receiver<Job>,
}

impl Worker {
    pub(super) fn new(log: Arc<Log>, clock: Arc<dyn Clock>, queue: mpsc::Receiver<Job>) -> Self {
        Self { log, clock, queue }
    }

    /// Works until nobody can send any more. Without calls it sleeps.
    pub(super) async fn run(mut self) {
        let mut jobs = Vec::with_capacity(BATCH_MAX);
        while self.queue.recv_many(&mut jobs, BATCH_MAX).await > 0 {
            let (calls, waiting): (Vec<_>, Vec<_>) = jobs.drain(..).map(|job| (job.call, job.reply)).unzip();
            match self.log.carry_out(self.clock.now(), &calls).await {
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
}
