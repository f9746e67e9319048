//! Envelopes in the record of a host: the body as published, and the trace context that travels beside it.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::Envelope;

#[derive(Serialize, Deserialize)]
struct Recorded {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    traceparent: Option<String>,
    body: Box<RawValue>,
}

impl Recorded {
    fn of<E: serde::ser::Error>(envelope: &Envelope) -> Result<Self, E> {
        let body = RawValue::from_string(envelope.to_json()).map_err(E::custom)?;
        Ok(Self { traceparent: envelope.traceparent.clone(), body })
    }

    fn read<E: serde::de::Error>(self) -> Result<Arc<Envelope>, E> {
        let envelope = Envelope::from_json(self.body.get()).map_err(E::custom)?;
        Ok(Arc::new(Envelope { traceparent: self.traceparent, ..envelope }))
    }
}

/// One envelope.
pub(crate) mod one {
    use super::{Arc, Deserialize, Deserializer, Envelope, Recorded, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(envelope: &Arc<Envelope>, serializer: S) -> Result<S::Ok, S::Error> {
        Recorded::of(envelope)?.serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<Envelope>, D::Error> {
        Recorded::deserialize(deserializer)?.read()
    }
}

/// Several.
pub(crate) mod many {
    use super::{Arc, Deserialize, Deserializer, Envelope, Recorded, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(envelopes: &[Arc<Envelope>], serializer: S) -> Result<S::Ok, S::Error> {
        let recorded: Result<Vec<_>, S::Error> = envelopes.iter().map(|envelope| Recorded::of(envelope)).collect();
        recorded?.serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Arc<Envelope>>, D::Error> {
        Vec::<Recorded>::deserialize(deserializer)?.into_iter().map(Recorded::read).collect()
    }
}

/// A claim of some.
pub(crate) mod claimed {
    use super::{Arc, Deserialize, Deserializer, Envelope, Recorded, Serialize, Serializer};
    use crate::port::Claimed;

    pub(crate) fn serialize<S: Serializer>(claimed: &Claimed<Arc<Envelope>>, serializer: S) -> Result<S::Ok, S::Error> {
        let items: Result<Vec<_>, S::Error> = claimed.items.iter().map(|envelope| Recorded::of(envelope)).collect();
        Claimed { items: items?, next: claimed.next }.serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Claimed<Arc<Envelope>>, D::Error> {
        let Claimed { items, next } = Claimed::<Recorded>::deserialize(deserializer)?;
        let items: Result<Vec<_>, D::Error> = items.into_iter().map(Recorded::read).collect();
        Ok(Claimed { items: items?, next })
    }
}
