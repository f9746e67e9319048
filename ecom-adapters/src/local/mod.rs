//! The in-process bus: a topic exchange with the topology of [`ecom_core::fleet`], for services that share a process.
//!
//! It keeps nothing on disk, because it need not: the durable copy of an event is its row in the producer's outbox.
//! [`Publisher::publish`] says `Confirmed` only once **every** bound queue's consumer has settled the delivery as
//! done, which it does after its own transaction has committed. Only then may the row be deleted. What a crash loses
//! from memory is still in some outbox, is published again under the same id, and the inboxes know what they had.
//! There is no second log and no second sync.
//!
//! Nothing grows without bound: a queue holds at most [`Limits::queue_max`] deliveries in memory. A full queue makes
//! publishers wait, and after [`Limits::patience`] they are told `Unknown`: the row stays, the sweeper comes back.
//! An event that a queue still holds is not taken twice; a later publication joins the earlier one.
//!
//! A queue that holds deliveries and settles none for [`Limits::stall`] is stalled: its consumer's database is away, or
//! nobody consumes it. Publications do not wait for a stalled queue, so that one service's outage does not hold up the
//! others; the rows stay in the outbox, and the queue still delivers what it holds.

mod queue;
mod receipt;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ecom_core::event::{Envelope, EventType};
use ecom_core::fleet::{FLEET, queues_of};
use ecom_core::port::{Bus, BusError, Delivery, Published, Publisher, Settlement, Subscription};
use tokio::time::{Instant, sleep};

use queue::Queue;
use receipt::{Receipt, Slip};

/// What bounds the bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Deliveries that a queue holds in memory, and as many again that wait for their retry.
    pub queue_max: usize,
    /// How long a publication may wait for room and for its consumers. Keep it below the lease of outbox rows, or
    /// the sweeper publishes again what is still on its way.
    pub patience: Duration,
    /// How long a queue may hold deliveries without settling one before publications wait for it no more. Well above
    /// the longest transaction of a sound database.
    pub stall: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { queue_max: 10_000, patience: Duration::from_secs(10), stall: Duration::from_secs(2) }
    }
}

/// The bus. Clones share it.
#[derive(Clone, Debug)]
pub struct LocalBus {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    limits: Limits,
    queues: Vec<Arc<Queue>>,
    /// By event: the indexes of its queues.
    routes: BTreeMap<EventType, Vec<usize>>,
}

impl Default for LocalBus {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

impl LocalBus {
    /// A bus with all queues of the fleet, empty.
    pub fn new(limits: Limits) -> Self {
        let queues = FLEET.iter().map(|role| Arc::new(Queue::new(role.queue, &limits))).collect();
        let index = |name: &str| FLEET.iter().position(|role| role.queue == name);
        let routes =
            EventType::ALL.iter().map(|event| (*event, queues_of(*event).filter_map(index).collect())).collect();
        Self { shared: Arc::new(Shared { limits, queues, routes }) }
    }

    /// Ends all subscriptions and publications; what is not settled counts as unknown. It cannot be opened again.
    pub fn close(&self) {
        for queue in &self.shared.queues {
            queue.close();
        }
    }

    /// How many deliveries each queue holds: ready, handed out or waiting for their retry.
    pub fn depths(&self) -> Vec<(&'static str, usize)> {
        self.shared.queues.iter().map(|queue| (queue.name, queue.depth())).collect()
    }
}

#[async_trait]
impl Bus for LocalBus {
    async fn declare(&self) -> Result<(), BusError> {
        if self.shared.queues.iter().any(|queue| queue.is_closed()) { Err(queue::closed()) } else { Ok(()) }
    }

    async fn subscribe(&self, queue: &str) -> Result<Arc<dyn Subscription>, BusError> {
        let found = self.shared.queues.iter().find(|candidate| candidate.name == queue);
        let queue = found.ok_or_else(|| BusError(format!("no queue is named {queue:?}")))?;
        if queue.is_closed() {
            return Err(queue::closed());
        }
        Ok(Arc::new(LocalSubscription { queue: Arc::clone(queue), id: queue.new_subscription() }))
    }

    fn publisher(&self) -> Arc<dyn Publisher> {
        Arc::new(LocalPublisher { shared: Arc::clone(&self.shared) })
    }
}

struct LocalPublisher {
    shared: Arc<Shared>,
}

#[async_trait]
impl Publisher for LocalPublisher {
    async fn publish(&self, batch: Vec<Arc<Envelope>>) -> Vec<Published> {
        let deadline = Instant::now() + self.shared.limits.patience;
        let routes = |envelope: &Envelope| self.shared.routes.get(&envelope.event.event_type());
        let receipt = Receipt::new(batch.iter().map(|envelope| routes(envelope).map_or(0, Vec::len)));
        let mut by_queue: Vec<Vec<(Arc<Envelope>, Slip)>> = vec![vec![]; self.shared.queues.len()];
        for (slot, envelope) in batch.into_iter().enumerate() {
            for index in routes(&envelope).into_iter().flatten() {
                by_queue[*index].push((Arc::clone(&envelope), Slip::new(&receipt, slot)));
            }
        }
        // First what fits everywhere: one full queue does not keep an event from the others.
        let mut left = vec![];
        for (queue, items) in self.shared.queues.iter().zip(by_queue) {
            let rest = queue.offer(items);
            if !rest.is_empty() {
                left.push((queue, rest));
            }
        }
        let confirmed = async {
            for (queue, items) in left {
                queue.offer_until(items, deadline).await;
            }
            receipt.settled(deadline).await
        };
        tokio::select! {
            confirmed = confirmed => confirmed,
            never = self.watch() => match never {},
        }
    }
}

impl LocalPublisher {
    /// Lets go of queues that stall while somebody waits.
    async fn watch(&self) -> Infallible {
        loop {
            sleep(self.shared.limits.stall / 2).await;
            for queue in &self.shared.queues {
                queue.release_if_stalled();
            }
        }
    }
}

struct LocalSubscription {
    queue: Arc<Queue>,
    id: u64,
}

#[async_trait]
impl Subscription for LocalSubscription {
    async fn receive(&self, max: usize) -> Result<Vec<Delivery>, BusError> {
        self.queue.receive(self.id, max.max(1)).await
    }

    async fn settle(&self, settlements: Vec<(u64, Settlement)>) -> Result<(), BusError> {
        self.queue.settle(self.id, settlements)
    }
}

impl Drop for LocalSubscription {
    fn drop(&mut self) {
        self.queue.abandon(self.id);
    }
}
