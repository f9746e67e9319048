//! The published language: the closed catalogue of events and their envelope.

mod envelope;
#[cfg(test)]
mod golden;
mod payload;
pub(crate) mod recorded;
#[cfg(test)]
pub(crate) mod sample;

use serde::Serialize;
use serde_json::value::RawValue;
use thiserror::Error;

pub use envelope::{Envelope, ParseError, Service};
pub use payload::*;

/// Why a body could not be read as an event. Such a message is parked, never dropped.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// No event of that name and version is in the catalogue.
    #[error("unknown event {event_type} version {version}")]
    Unknown {
        /// The name.
        event_type: String,
        /// The version.
        version: u32,
    },
    /// The payload does not fit the event's type.
    #[error("malformed payload of {event_type}: {detail}")]
    Malformed {
        /// The name.
        event_type: String,
        /// What is wrong.
        detail: String,
    },
}

macro_rules! catalogue {
    ($($(#[$doc:meta])* $variant:ident($payload:ident) = $name:literal v $version:literal),+ $(,)?) => {
        /// Every event that any service publishes.
        #[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
        #[serde(untagged)]
        pub enum Event {
            $($(#[$doc])* $variant($payload)),+
        }

        /// The name of an event: its `event_type` and its routing key.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum EventType {
            $($(#[$doc])* $variant),+
        }

        impl EventType {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name on the wire.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// The version that we publish.
            pub const fn version(self) -> u32 {
                match self { $(Self::$variant => $version),+ }
            }

            /// From the name on the wire.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)+ _ => None }
            }
        }

        impl Event {
            /// Which event this is.
            pub const fn event_type(&self) -> EventType {
                match self { $(Self::$variant(_) => EventType::$variant),+ }
            }

            /// Reads the payload of an event by its name and version.
            pub fn decode(event_type: &str, version: u32, payload: &RawValue) -> Result<Self, DecodeError> {
                match (event_type, version) {
                    $(($name, $version) => serde_json::from_str(payload.get()).map(Self::$variant),)+
                    _ => return Err(DecodeError::Unknown { event_type: event_type.to_owned(), version }),
                }
                .map_err(|error| DecodeError::Malformed { event_type: event_type.to_owned(), detail: error.to_string() })
            }
        }
    };
}

catalogue! {
    /// An order was accepted.
    OrderCreated(OrderCreated) = "order.created" v 1,
    /// An order is complete.
    OrderCompleted(OrderCompleted) = "order.completed" v 1,
    /// An order has failed.
    OrderFailed(OrderFailed) = "order.failed" v 1,
    /// An order was cancelled.
    OrderCancelled(OrderCancelled) = "order.cancelled" v 1,
    /// Stock is held.
    InventoryReserved(InventoryReserved) = "inventory.reserved" v 1,
    /// Stock could not be held.
    InventoryReservationFailed(InventoryReservationFailed) = "inventory.reservation_failed" v 1,
    /// A hold was released.
    InventoryReleased(InventoryReleased) = "inventory.released" v 1,
    /// A hold was sold.
    InventoryCommitted(InventoryCommitted) = "inventory.committed" v 1,
    /// A hold is overdue.
    InventoryHoldOverdue(InventoryHoldOverdue) = "inventory.hold_overdue" v 1,
    /// A payment was captured.
    PaymentProcessed(PaymentProcessed) = "payment.processed" v 1,
    /// A payment was refused.
    PaymentFailed(PaymentFailed) = "payment.failed" v 1,
    /// A payment was voided, or there was none.
    PaymentVoided(PaymentVoided) = "payment.voided" v 1,
    /// Money was given back.
    PaymentRefunded(PaymentRefunded) = "payment.refunded" v 1,
    /// A product is new.
    ProductCreated(ProductChanged) = "product.created" v 1,
    /// A product has changed.
    ProductUpdated(ProductChanged) = "product.updated" v 1,
    /// Little stock is left.
    StockLow(StockLow) = "stock.low" v 1,
    /// A user is new.
    UserRegistered(UserChanged) = "user.registered" v 1,
    /// A user has changed.
    UserUpdated(UserChanged) = "user.updated" v 1,
    /// A user was deactivated.
    UserDeactivated(UserDeactivated) = "user.deactivated" v 1,
    /// A password reset was asked for.
    PasswordResetRequested(PasswordResetRequested) = "user.password_reset_requested" v 1,
    /// A notice went out.
    NotificationSent(NotificationSettled) = "notification.sent" v 1,
    /// A notice was given up.
    NotificationFailed(NotificationSettled) = "notification.failed" v 1,
}
