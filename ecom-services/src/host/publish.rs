//! Interprets the relay machine. Several run on one outbox, so that a slow publication holds up only its own lane.
//!
//! Most lanes publish what was just committed, from memory, and nothing else. What they cannot get confirmed they leave
//! to a few that claim it when its lease ends. So a queue whose consumer is away keeps no fresh event waiting.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ecom_core::decide::BoundedContext;
use ecom_core::engine::record::Recorded;
use ecom_core::engine::relay::{Completion, Relay, Request};
use ecom_core::event::Envelope;
use ecom_core::id::MessageId;
use ecom_core::port::{Claimed, Clock, Published, Publisher, Store};
use tokio::sync::{mpsc, watch};

use super::sabotage::{self, Point};
use super::stopped;
use super::wake::{Wake, until};

/// Lanes of one service that publish from memory.
pub(super) const LANES: usize = 64;

/// Lanes of one service that publish what was left.
pub(super) const SWEEPERS: usize = 4;

/// Rows from memory, shared by the lanes.
pub(super) type Rows = Arc<tokio::sync::Mutex<mpsc::Receiver<Vec<Arc<Envelope>>>>>;

/// One lane.
pub(super) struct Publish<C: BoundedContext> {
    pub(super) machine: Recorded<Relay>,
    pub(super) store: Arc<dyn Store<C>>,
    pub(super) publisher: Arc<dyn Publisher>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) rows: Rows,
    /// What some lane is publishing now: a claim that finds it again leaves it alone.
    pub(super) in_flight: Arc<Mutex<BTreeSet<MessageId>>>,
    pub(super) delivered: mpsc::Sender<Vec<MessageId>>,
    pub(super) sweep: Wake,
    /// Whether it publishes what was left, and not from memory.
    pub(super) sweeps: bool,
    /// How long rows stay leased to this process.
    pub(super) lease: Duration,
    pub(super) stop: watch::Receiver<bool>,
}

impl<C: BoundedContext> Publish<C> {
    /// Runs until it is told to stop. What is not confirmed by then stays in the outbox.
    pub(super) async fn run(mut self) {
        let mut request = self.machine.start();
        loop {
            let completion = tokio::select! {
                biased;
                () = stopped(self.stop.clone()) => return,
                completion = self.perform(request) => completion,
            };
            request = self.machine.resume(completion);
        }
    }

    async fn perform(&mut self, request: Request) -> Completion {
        match request {
            Request::Claim { .. } if !self.sweeps => Completion::Claimed(Claimed { items: vec![], next: None }),
            Request::Claim { limit } => match self.store.claim_outbox(limit).await {
                Ok(Claimed { mut items, next }) => {
                    let in_flight = self.in_flight.lock().unwrap_or_else(PoisonError::into_inner);
                    items.retain(|row| !in_flight.contains(&row.event_id));
                    Completion::Claimed(Claimed { items, next })
                }
                Err(fault) => Completion::Failed(fault),
            },
            Request::Wait { until: time } if self.sweeps => {
                tokio::select! {
                    () = self.sweep.wait() => Completion::Woken,
                    () = until(self.clock.as_ref(), time) => Completion::Woken,
                }
            }
            Request::Wait { .. } => match self.rows.lock().await.recv().await {
                Some(rows) => Completion::Rows(rows),
                // The committer is gone: nothing more will come from memory.
                None => std::future::pending().await,
            },
            Request::Publish { rows } => self.publish(rows).await,
            Request::Delete { ids } => {
                // Rides in the service's next transaction; a crash before it means a publication more.
                drop(self.delivered.send(ids).await);
                Completion::Deleted
            }
            // The pause is for whoever would claim the same rows again.
            Request::Pause { .. } if !self.sweeps => Completion::Rested,
            Request::Pause { delay } => {
                tokio::time::sleep(delay).await;
                Completion::Rested
            }
        }
    }

    async fn publish(&self, rows: Vec<Arc<Envelope>>) -> Completion {
        let ids: Vec<MessageId> = rows.iter().map(|row| row.event_id).collect();
        self.in_flight.lock().unwrap_or_else(PoisonError::into_inner).extend(ids.iter().copied());
        let names: Vec<&str> = rows.iter().map(|row| row.event.event_type().name()).collect();
        let results = self.publisher.publish(rows).await;
        if results.contains(&Published::Confirmed) {
            sabotage::reach(Point::PublishedNotMarked);
        }
        let mut in_flight = self.in_flight.lock().unwrap_or_else(PoisonError::into_inner);
        for id in &ids {
            in_flight.remove(id);
        }
        if results.iter().any(|result| *result != Published::Confirmed) {
            self.sweep.after(self.lease);
        }
        for ((id, name), result) in ids.iter().zip(names).zip(&results) {
            match result {
                Published::Confirmed => {}
                Published::Unroutable => {
                    tracing::error!(service = %C::SERVICE, message.id = %id, event = name, "no queue wants an event");
                }
                Published::Unknown(detail) => {
                    tracing::warn!(service = %C::SERVICE, message.id = %id, event = name, detail, "not confirmed");
                }
            }
        }
        Completion::Published(results)
    }
}
