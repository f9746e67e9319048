//! The door to the broker: a durable topic exchange.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::event::{Envelope, recorded};
use crate::id::MessageId;

/// A message handed to a consumer, to be settled by its tag.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Delivery {
    /// Names the delivery on this subscription; meaningless on any other.
    pub tag: u64,
    /// Whether it may have been handed out before.
    pub redelivered: bool,
    /// What was delivered.
    pub body: Body,
}

/// A message's content.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// An event that we know.
    Event(#[serde(with = "recorded::one")] Arc<Envelope>),
    /// Anything else: unknown type or version, malformed. It is parked, never dropped.
    Unreadable {
        /// The message's id; derived from the body when it carries none.
        id: MessageId,
        /// The routing key, or what else names it.
        event_type: String,
        /// The body as it came.
        raw: String,
        /// Why it could not be read.
        error: String,
    },
}

/// What becomes of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Settlement {
    /// Handled, or stored as a dead letter: acknowledge.
    Done,
    /// Deliver again after that delay. The delay *must* be durable.
    Retry(Duration),
}

/// How the publication of one message ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Published {
    /// The broker has it in every queue that wants it.
    Confirmed,
    /// No queue wants it: the topology is incomplete, or nobody consumes it.
    Unroutable,
    /// It may be there or not: publish it again, with the same id.
    Unknown(String),
}

/// The bus cannot do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bus is unavailable: {0}")]
pub struct BusError(pub String);

/// Publishes.
#[async_trait]
pub trait Publisher: Send + Sync + 'static {
    /// Publishes a batch and returns one result for each message, in order, when all are known or given up.
    async fn publish(&self, batch: Vec<Arc<Envelope>>) -> Vec<Published>;
}

/// Consumes one queue.
#[async_trait]
pub trait Subscription: Send + Sync + 'static {
    /// Waits for at least one delivery and returns up to `max` that are ready; an error when the subscription has
    /// ended and a new one is needed. Dropping the future *must not* lose a delivery.
    async fn receive(&self, max: usize) -> Result<Vec<Delivery>, BusError>;

    /// Settles deliveries. An unsettled one is delivered again, to this or another consumer.
    async fn settle(&self, settlements: Vec<(u64, Settlement)>) -> Result<(), BusError>;
}

/// A broker with the topology of [`crate::fleet`].
#[async_trait]
pub trait Bus: Send + Sync + 'static {
    /// Declares the whole topology; called before the first publication, any number of times.
    async fn declare(&self) -> Result<(), BusError>;

    /// Consumes a queue of the topology. Several subscriptions of one queue compete.
    async fn subscribe(&self, queue: &str) -> Result<Arc<dyn Subscription>, BusError>;

    /// Publishes to the exchange.
    fn publisher(&self) -> Arc<dyn Publisher>;
}
