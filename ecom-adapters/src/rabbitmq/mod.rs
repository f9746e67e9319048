//! RabbitMQ: durable quorum queues, publications that are confirmed, retries that survive everything.
//!
//! - **Two connections**, one to publish and one to consume: a broker that is short of memory or disk blocks whoever
//!   publishes, and acknowledgements must not stand behind that. Each is supervised and rebuilt from scratch with
//!   back-off; no channel, tag or topology of an earlier one is trusted. See [`RabbitBus::condition`].
//! - **Confirmed** means that the broker has acknowledged the message and has not returned it. Whatever else happens
//!   (refused, timed out, connection lost) is `Unknown`: the outbox keeps the row and it is published again under the
//!   same id.
//! - **A retry with a delay** is a message in a queue whose messages expire back into their own queue. It is stored,
//!   with a confirm, before the original is acknowledged: a crash between the two delivers it twice, never not at all.
//! - **A poisonous message** is counted by the services. The broker's delivery limit is a backstop against consumers
//!   that die of one; what it gives up is in `<queue>.dlq`, for [`RabbitBus::collect_dead`].
//! - Every wait has a limit, and so has everything that is kept: see [`Options`].
//!
//! Events of one publisher usually come in order, but nothing here promises it: a retry or a lost connection changes
//! the order, and the services do not rely on it.

mod broker;
mod confirms;
mod dead;
mod ledger;
mod link;
mod options;
mod publisher;
mod socket;
mod subscription;
#[cfg(test)]
mod tests;
mod topology;
mod wire;

use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;
use ecom_core::engine::DeadLetter;
use ecom_core::port::{Bus, BusError, Publisher, Subscription};
use lapin::tcp::OwnedTLSConfig;
use tokio::time::Instant;

use broker::Broker;
use link::{Link, Target};
pub use options::Options;
use publisher::{Outbound, RabbitPublisher};
use subscription::RabbitSubscription;

/// Whether the bus can do its work at the moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// It can.
    Ok,
    /// Part of it waits, and why: no connection, publications blocked, another topology on the broker. It goes on by
    /// itself as soon as it can.
    Degraded(String),
}

/// The bus. Clones share it.
#[derive(Clone, Debug)]
pub struct RabbitBus {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    broker: Arc<Broker>,
    publishing: Arc<Link>,
    consuming: Arc<Link>,
    outbound: Outbound,
}

impl RabbitBus {
    /// Starts to connect to `amqp://…` or `amqps://…`; does not wait for it. Fails if the URL or the options cannot
    /// work. Needs a tokio runtime.
    pub fn connect(url: &str, options: Options) -> Result<Self, BusError> {
        let uri = options.address(url)?;
        let tls = OwnedTLSConfig { identity: None, cert_chain: options.extra_roots.clone() };
        let target = |part: &str| Target {
            uri: uri.clone(),
            tls: tls.clone(),
            name: format!("{} {part}", options.name),
            timeout: options.connect_timeout,
        };
        let publishing = Arc::new(Link::start(target("publish")));
        let consuming = Arc::new(Link::start(target("consume")));
        let broker = Arc::new(Broker::new(options));
        let outbound = Outbound::start(&broker, &publishing);
        Ok(Self { shared: Arc::new(Shared { broker, publishing, consuming, outbound }) })
    }

    /// Whether it can work at the moment: readiness is degraded while it cannot.
    pub fn condition(&self) -> Condition {
        let shared = &self.shared;
        let fault = shared.publishing.fault().or_else(|| shared.consuming.fault()).or_else(|| shared.broker.fault());
        fault.map_or(Condition::Ok, Condition::Degraded)
    }

    /// Takes up to `max` messages that the broker itself gave up out of the dead-letter queue of `queue` (of the
    /// fleet) and hands each to `bury`, which says whether it is stored; if so it leaves the queue. Returns how many
    /// did. What is unreadable comes too, as it is.
    pub async fn collect_dead<F, Fut>(&self, queue: &str, max: usize, bury: F) -> Result<usize, BusError>
    where
        F: FnMut(DeadLetter) -> Fut + Send,
        Fut: Future<Output = bool> + Send,
    {
        dead::collect((&self.shared.broker, &self.shared.consuming), queue, max, bury).await
    }

    /// Deletes the exchange and all queues of this namespace, with everything in them. For trials: a bus without a
    /// namespace refuses. Whoever still uses the topology declares it again.
    pub async fn delete_topology(&self) -> Result<(), BusError> {
        if self.shared.broker.options.namespace.is_empty() {
            return Err(BusError("only what has a namespace is deleted".to_owned()));
        }
        self.shared.broker.delete(&self.shared.consuming).await
    }

    /// Ends all connections. What is not settled is delivered again to others; what is not confirmed is unknown. It
    /// cannot be opened again.
    pub async fn close(&self) {
        tokio::join!(self.shared.publishing.close(), self.shared.consuming.close());
    }
}

#[async_trait]
impl Bus for RabbitBus {
    async fn declare(&self) -> Result<(), BusError> {
        let broker = &self.shared.broker;
        let deadline = Instant::now() + broker.options.connect_timeout;
        // Not where publications may be blocked.
        let (channel, _) = broker.open(&self.shared.consuming, deadline).await?;
        drop(broker.request("close a channel", channel.close(200, "done".into())).await);
        Ok(())
    }

    /// Beside the queues of the fleet, their dead-letter queues may be consumed.
    async fn subscribe(&self, queue: &str) -> Result<Arc<dyn Subscription>, BusError> {
        let name = self.shared.broker.topology.consumable(queue);
        let name = name.ok_or_else(|| BusError(format!("no queue is named {queue:?}")))?;
        Ok(Arc::new(RabbitSubscription::start(&self.shared, name).await?))
    }

    fn publisher(&self) -> Arc<dyn Publisher> {
        Arc::new(RabbitPublisher::new(self.shared.outbound.clone()))
    }
}
