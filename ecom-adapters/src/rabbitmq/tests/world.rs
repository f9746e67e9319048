//! A fleet of its own on the broker for each test, and its removal.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use ecom_core::event::{Envelope, EventType};
use ecom_core::id::MessageId;
use ecom_core::port::{Bus, Delivery, Published, Settlement, Subscription};
use ecom_core::testing::sample;
use lapin::{Channel, Connection, ConnectionProperties};
use tokio::time::{Instant, timeout};

use crate::rabbitmq::{Condition, Options, RabbitBus};

/// Goes to [`QUEUE`] alone.
pub(super) const CREATED: EventType = EventType::OrderCreated;
pub(super) const QUEUE: &str = "inventory.events";

/// How long something that must come may take, also when many suites share the broker.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);

pub(super) fn url() -> String {
    std::env::var("TEST_AMQP_URL").unwrap_or_else(|_| "amqp://guest:guest@127.0.0.1:5672/%2f".to_owned())
}

/// A namespace that nobody else has. Everything in it is deleted when it is dropped.
pub(super) struct World {
    pub(super) options: Options,
}

impl World {
    pub(super) fn new() -> Self {
        let unique = tempfile::tempdir().unwrap().path().file_name().unwrap().to_string_lossy().replace(".tmp", "");
        // Quorum queues take their time to be made: two classes of delays are enough.
        let retry_classes = [1_000, 5_000].map(Duration::from_millis).to_vec();
        let namespace = format!("test.{unique}.");
        // One channel that publishes: which one is used next, and what it declares when it opens, is then no riddle.
        let mut options = Options { namespace, retry_classes, publish_channels: 1, ..Options::default() };
        // A broker that is only busy makes no test fail; where a limit matters, the test sets its own.
        (options.connect_timeout, options.request_timeout, options.confirm_timeout) = (PATIENCE, PATIENCE, PATIENCE);
        Self { options }
    }

    pub(super) fn bus(&self) -> RabbitBus {
        self.bus_at(&url())
    }

    pub(super) fn bus_at(&self, url: &str) -> RabbitBus {
        RabbitBus::connect(url, self.options.clone()).unwrap()
    }

    /// A queue's name on the broker.
    pub(super) fn name(&self, queue: &str) -> String {
        format!("{}{queue}", self.options.namespace)
    }

    /// The bare client, to do what the adapter would not.
    pub(super) async fn raw(&self) -> (Connection, Channel) {
        let connection = Connection::connect(&url(), ConnectionProperties::default()).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        (connection, channel)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let options = self.options.clone();
        let clean = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let bus = RabbitBus::connect(&url(), options).unwrap();
                drop(bus.delete_topology().await);
                bus.close().await;
            });
        };
        drop(std::thread::spawn(clean).join());
    }
}

pub(super) fn events(event: EventType, numbers: std::ops::Range<u64>) -> Vec<Arc<Envelope>> {
    numbers.map(|number| sample::envelope(event, number)).collect()
}

pub(super) async fn publish(bus: &RabbitBus, numbers: std::ops::Range<u64>) {
    let published = bus.publisher().publish(events(CREATED, numbers)).await;
    assert!(published.iter().all(|result| *result == Published::Confirmed), "{published:?}");
}

/// Subscribes, however often that takes.
pub(super) async fn subscribe(bus: &RabbitBus, queue: &str) -> Arc<dyn Subscription> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match bus.subscribe(queue).await {
            Ok(subscription) => return subscription,
            Err(error) => assert!(Instant::now() < deadline, "{error}"),
        }
    }
}

/// Deliveries that must come, in time.
pub(super) async fn receive(subscription: &dyn Subscription, max: usize) -> Vec<Delivery> {
    timeout(PATIENCE, subscription.receive(max)).await.expect("nothing was delivered in time").unwrap()
}

pub(super) async fn receive_all(subscription: &dyn Subscription, count: usize) -> Vec<Delivery> {
    let mut deliveries = vec![];
    while deliveries.len() < count {
        deliveries.extend(receive(subscription, count - deliveries.len()).await);
    }
    deliveries
}

/// Whether nothing is delivered for a while.
pub(super) async fn is_quiet(subscription: &dyn Subscription) -> bool {
    timeout(Duration::from_millis(300), subscription.receive(1)).await.is_err()
}

pub(super) fn all(deliveries: &[Delivery], settlement: Settlement) -> Vec<(u64, Settlement)> {
    deliveries.iter().map(|delivery| (delivery.tag, settlement)).collect()
}

pub(super) fn ids(deliveries: &[Delivery]) -> BTreeSet<MessageId> {
    deliveries.iter().map(Delivery::id).collect()
}

/// Waits until the condition is as it should be.
pub(super) async fn until(bus: &RabbitBus, what: &str, is: impl Fn(&Condition) -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is(&bus.condition()) {
        assert!(Instant::now() < deadline, "{what}: {:?}", bus.condition());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
