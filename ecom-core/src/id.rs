//! One newtype per kind of id, and the derivation that makes outgoing ids repeat on every retry.

#[cfg(any(test, feature = "testing"))]
mod memo;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, formatter)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }
    )+};
}

ids! {
    /// Ties everything that one order (or one other request) caused; unique per order.
    CorrelationId,
    /// A message: an event, a command, a timer's firing or an effect's answer. An effect's id is the id of its request.
    MessageId,
    /// A notification.
    NotificationId,
    /// An order, and at the same time the id of its saga.
    OrderId,
    /// A payment.
    PaymentId,
    /// A payment method.
    PaymentMethodId,
    /// A product.
    ProductId,
    /// A refund.
    RefundId,
    /// A stock reservation.
    ReservationId,
    /// A session: a family of refresh tokens.
    SessionId,
    /// A user.
    UserId,
}

/// The namespace of all derived ids.
const NAMESPACE: Uuid = Uuid::from_u128(0x6563_6f6d_2d64_5e71_8a0e_6964_735f_7631);

/// Derives an id from who produces it, what caused it, what kind it is, whom it is about and its ordinal.
///
/// The same arguments always give the same id, so a retry repeats it; two services that answer the same cause differ
/// by `producer`. It is a UUID of version 8: 48 bits of the subject (its time, when the subject is of version 7, so
/// that rows of one order lie beside each other in every index), the rest from SHA-1.
pub fn derive(producer: &str, cause: Uuid, kind: &str, subject: Uuid, ordinal: u32) -> Uuid {
    #[cfg(any(test, feature = "testing"))]
    return memo::remembered((producer, cause, kind, subject, ordinal), derived);
    #[cfg(not(any(test, feature = "testing")))]
    derived((producer, cause, kind, subject, ordinal))
}

/// What an id is derived from: see [`derive`].
type Derivation<'a> = (&'a str, Uuid, &'a str, Uuid, u32);

fn derived((producer, cause, kind, subject, ordinal): Derivation<'_>) -> Uuid {
    let mut name = Vec::with_capacity(producer.len() + kind.len() + 40);
    for text in [producer, kind] {
        name.extend_from_slice(text.as_bytes());
        name.push(0);
    }
    name.extend_from_slice(cause.as_bytes());
    name.extend_from_slice(subject.as_bytes());
    name.extend_from_slice(&ordinal.to_be_bytes());
    let mut bytes = *Uuid::new_v5(&NAMESPACE, &name).as_bytes();
    bytes[..6].copy_from_slice(&subject.as_bytes()[..6]);
    Uuid::new_v8(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derivation_is_stable_and_separates_its_arguments() {
        let (cause, subject) = (Uuid::from_u128(1), Uuid::from_u128(2 << 100));
        let id = derive("order-service", cause, "order.created", subject, 0);
        assert_eq!(id, derive("order-service", cause, "order.created", subject, 0));
        assert_eq!(id.get_version_num(), 8);
        assert_eq!(id.as_bytes()[..6], subject.as_bytes()[..6]);
        let others = [
            derive("payment-service", cause, "order.created", subject, 0),
            derive("order-service", subject, "order.created", subject, 0),
            derive("order-service", cause, "order.failed", subject, 0),
            derive("order-service", cause, "order.created", cause, 0),
            derive("order-service", cause, "order.created", subject, 1),
            derive("order-serviceo", cause, "rder.created", subject, 0),
        ];
        assert!(others.iter().all(|other| *other != id));
    }
}
