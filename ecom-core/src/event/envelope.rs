//! What travels around an event.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;
use thiserror::Error;
use uuid::Uuid;

use super::{DecodeError, Event};
use crate::id::{CorrelationId, MessageId};
use crate::time::Timestamp;

/// The services: who produces, who consumes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// Accounts and sessions.
    User,
    /// Orders and their saga.
    Order,
    /// Products, stock and holds.
    Inventory,
    /// Charges, refunds and the ledger.
    Payment,
    /// Notices to users.
    Notification,
    /// The front door.
    Gateway,
}

impl Service {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::User, Self::Order, Self::Inventory, Self::Payment, Self::Notification, Self::Gateway];

    /// The service's name: its binary, and the `source` of its events.
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "user-service",
            Self::Order => "order-service",
            Self::Inventory => "inventory-service",
            Self::Payment => "payment-service",
            Self::Notification => "notification-service",
            Self::Gateway => "gateway",
        }
    }

    /// The short name: database, files, queues.
    pub const fn short_name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Order => "order",
            Self::Inventory => "inventory",
            Self::Payment => "payment",
            Self::Notification => "notification",
            Self::Gateway => "gateway",
        }
    }

    /// From [`Service::name`].
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|service| service.name() == name)
    }
}

impl fmt::Display for Service {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl Serialize for Service {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// An event with what is needed to route, order, trace and deduplicate it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Envelope {
    /// The message's id; the same on every retry of what produced it.
    pub event_id: MessageId,
    /// When the transaction that produced it began, by that database's clock.
    pub occurred_at: Timestamp,
    /// What everything of one order shares.
    pub correlation_id: CorrelationId,
    /// The message that caused this one.
    pub causation_id: MessageId,
    /// Whom it is about: the order, product, user or notice.
    pub aggregate_id: Uuid,
    /// The version of the producing aggregate that it announces.
    pub aggregate_version: u64,
    /// Who produced it.
    pub source: Service,
    /// W3C trace context; a header, not part of the body.
    pub traceparent: Option<String>,
    /// What happened.
    pub event: Event,
}

/// Why a body is no envelope. Such a message is parked.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ParseError {
    /// Not JSON, or a field of the envelope is missing or wrong.
    #[error("malformed envelope: {0}")]
    Envelope(String),
    /// The envelope is fine, the event inside is not.
    #[error(transparent)]
    Event(#[from] DecodeError),
    /// A producer that is not ours.
    #[error("unknown source {0:?}")]
    Source(String),
}

#[derive(Serialize)]
struct WireOut<'a> {
    event_id: MessageId,
    event_type: &'static str,
    event_version: u32,
    occurred_at: Timestamp,
    correlation_id: CorrelationId,
    causation_id: MessageId,
    aggregate_id: Uuid,
    aggregate_version: u64,
    source: Service,
    payload: &'a Event,
}

#[derive(Deserialize)]
struct WireIn {
    event_id: MessageId,
    event_type: String,
    event_version: u32,
    occurred_at: Timestamp,
    correlation_id: CorrelationId,
    causation_id: MessageId,
    aggregate_id: Uuid,
    aggregate_version: u64,
    source: String,
    payload: Box<RawValue>,
}

impl Envelope {
    /// The body as published. It cannot fail: every payload is made of strings, numbers and lists.
    pub fn to_json(&self) -> String {
        let kind = self.event.event_type();
        let wire = WireOut {
            event_id: self.event_id,
            event_type: kind.name(),
            event_version: kind.version(),
            occurred_at: self.occurred_at,
            correlation_id: self.correlation_id,
            causation_id: self.causation_id,
            aggregate_id: self.aggregate_id,
            aggregate_version: self.aggregate_version,
            source: self.source,
            payload: &self.event,
        };
        serde_json::to_string(&wire).unwrap_or_default()
    }

    /// Reads a body; unknown fields are ignored, unknown events are an error that the caller parks.
    pub fn from_json(body: &str) -> Result<Self, ParseError> {
        let wire: WireIn = serde_json::from_str(body).map_err(|error| ParseError::Envelope(error.to_string()))?;
        let source = Service::from_name(&wire.source).ok_or(ParseError::Source(wire.source))?;
        Ok(Self {
            event_id: wire.event_id,
            occurred_at: wire.occurred_at,
            correlation_id: wire.correlation_id,
            causation_id: wire.causation_id,
            aggregate_id: wire.aggregate_id,
            aggregate_version: wire.aggregate_version,
            source,
            traceparent: None,
            event: Event::decode(&wire.event_type, wire.event_version, &wire.payload)?,
        })
    }
}
