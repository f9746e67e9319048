//! The simulated broker behind the port of a bus, so that it can be held to what the real ones are held to.

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use ecom_core::event::Envelope;
use ecom_core::fleet::FLEET;
use ecom_core::port::{Bus, BusError, Delivery, Published, Publisher, Settlement, Subscription};
use ecom_core::time::Timestamp;

use super::{Broker, Stored};

/// The broker, its own time, and who is subscribed. Clones share it.
#[derive(Clone)]
pub struct SimBus(Arc<Mutex<Shared>>);

struct Shared {
    broker: Broker,
    now: Timestamp,
    /// The numbers of the subscriptions that there are.
    subscribed: BTreeSet<u8>,
    is_closed: bool,
}

impl SimBus {
    /// A broker with all queues of the fleet, empty.
    pub fn new() -> Self {
        let broker = Broker::new(|_| true);
        let now = Timestamp::EPOCH;
        Self(Arc::new(Mutex::new(Shared { broker, now, subscribed: BTreeSet::new(), is_closed: false })))
    }

    /// It cannot be reached any more.
    pub fn close(&self) {
        let mut shared = self.shared();
        shared.is_closed = true;
        for copy in std::mem::take(&mut shared.subscribed) {
            shared.release(copy);
        }
    }

    /// Lets that time pass, from one thing that becomes due to the next: whoever waits beside this comes between.
    pub async fn sleep(&self, time: Duration) {
        let end = self.shared().now.after(time);
        poll_fn(|context| {
            let mut shared = self.shared();
            if shared.now >= end {
                return Poll::Ready(());
            }
            let due = shared.broker.next_due(shared.now).unwrap_or(end);
            shared.now = due.min(end);
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for SimBus {
    fn default() -> Self {
        Self::new()
    }
}

impl Shared {
    fn check(&self, copy: Option<u8>) -> Result<(), BusError> {
        let is_there = copy.is_none_or(|copy| self.subscribed.contains(&copy));
        if self.is_closed || !is_there { Err(BusError("the simulated broker is away".to_owned())) } else { Ok(()) }
    }

    fn release(&mut self, copy: u8) {
        for role in FLEET {
            self.broker.close(role.service as u8, copy);
        }
    }
}

#[async_trait]
impl Bus for SimBus {
    async fn declare(&self) -> Result<(), BusError> {
        self.shared().check(None)
    }

    async fn subscribe(&self, queue: &str) -> Result<Arc<dyn Subscription>, BusError> {
        let mut shared = self.shared();
        shared.check(None)?;
        let role = FLEET.iter().find(|role| role.queue == queue);
        let role = role.ok_or_else(|| BusError(format!("no queue is named {queue:?}")))?;
        let free = (0..u8::MAX).find(|copy| !shared.subscribed.contains(copy));
        let copy = free.ok_or_else(|| BusError("too many subscriptions".to_owned()))?;
        shared.subscribed.insert(copy);
        Ok(Arc::new(SimSubscription { bus: self.clone(), node: role.service as u8, copy }))
    }

    fn publisher(&self) -> Arc<dyn Publisher> {
        Arc::new(self.clone())
    }
}

#[async_trait]
impl Publisher for SimBus {
    async fn publish(&self, batch: Vec<Arc<Envelope>>) -> Vec<Published> {
        let mut shared = self.shared();
        let now = shared.now;
        let mut results = vec![];
        for envelope in &batch {
            if shared.is_closed {
                results.push(Published::Unknown("the simulated broker is away".to_owned()));
            } else {
                shared.broker.store(envelope, Stored::All, now);
                results.push(Published::Confirmed);
            }
        }
        results
    }
}

struct SimSubscription {
    bus: SimBus,
    node: u8,
    copy: u8,
}

#[async_trait]
impl Subscription for SimSubscription {
    async fn receive(&self, max: usize) -> Result<Vec<Delivery>, BusError> {
        poll_fn(|_| {
            let mut shared = self.bus.shared();
            if let Err(error) = shared.check(Some(self.copy)) {
                return Poll::Ready(Err(error));
            }
            let now = shared.now;
            let deliveries = shared.broker.deliver(self.node, self.copy, 0, max.max(1), now);
            // Time wakes whoever waits: see `SimBus::sleep`.
            if deliveries.is_empty() { Poll::Pending } else { Poll::Ready(Ok(deliveries)) }
        })
        .await
    }

    async fn settle(&self, settlements: Vec<(u64, Settlement)>) -> Result<(), BusError> {
        let mut shared = self.bus.shared();
        shared.check(Some(self.copy))?;
        let now = shared.now;
        shared.broker.settle(self.node, self.copy, &settlements, now);
        Ok(())
    }
}

impl Drop for SimSubscription {
    fn drop(&mut self) {
        let mut shared = self.bus.shared();
        shared.subscribed.remove(&self.copy);
        shared.broker.close(self.node, self.copy);
    }
}
