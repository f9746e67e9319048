//! Between envelopes and AMQP messages.

use std::sync::Arc;
use std::time::Duration;

use ecom_core::event::Envelope;
use ecom_core::id::{MessageId, derive};
use ecom_core::port::Body;
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable, ShortString};
use uuid::Uuid;

/// The header of the W3C trace context.
const TRACEPARENT: &str = "traceparent";

/// Longer trace contexts are not ours to carry.
const TRACEPARENT_BYTES_MAX: usize = 256;

/// How often a message was published again with a delay. The broker's own mark does not survive that.
const RETRIES: &str = "ecom-retries";

/// Survives a restart of the broker.
const PERSISTENT: u8 = 2;

/// A message to be published.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Outgoing {
    pub(super) exchange: ShortString,
    pub(super) routing_key: ShortString,
    pub(super) properties: BasicProperties,
    pub(super) body: Vec<u8>,
}

/// A message as it came, for as long as it may have to be published again.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Incoming {
    pub(super) id: MessageId,
    pub(super) routing_key: ShortString,
    pub(super) properties: BasicProperties,
    pub(super) body: Vec<u8>,
}

impl Outgoing {
    /// An event on its way to the exchange.
    pub(super) fn event(exchange: &ShortString, envelope: &Envelope) -> Self {
        let name = ShortString::from(envelope.event.event_type().name());
        let mut properties = BasicProperties::default()
            .with_content_type("application/json".into())
            .with_delivery_mode(PERSISTENT)
            .with_message_id(envelope.event_id.to_string().into())
            .with_correlation_id(envelope.correlation_id.to_string().into())
            .with_type(name.clone())
            .with_app_id(envelope.source.name().into())
            .with_timestamp(u64::try_from(envelope.occurred_at.as_micros() / 1_000_000).unwrap_or(0));
        if let Some(trace) = envelope.traceparent.as_deref().filter(|trace| trace.len() <= TRACEPARENT_BYTES_MAX) {
            let mut headers = FieldTable::default();
            headers.insert(TRACEPARENT.into(), AMQPValue::LongString(trace.into()));
            properties = properties.with_headers(headers);
        }
        let body = envelope.to_json().into_bytes();
        Self { exchange: exchange.clone(), routing_key: name, properties, body }
    }

    /// A message on its way to a retry queue. It keeps its id and what describes it, but nothing that would make the
    /// broker refuse it or send it elsewhere: the name of another user, an address for replies, further recipients.
    pub(super) fn again(room: ShortString, delay: Duration, message: &Incoming) -> Self {
        let from = &message.properties;
        let id = from.message_id().clone().unwrap_or_else(|| message.id.to_string().into());
        let mut properties = BasicProperties::default()
            .with_delivery_mode(PERSISTENT)
            .with_expiration(delay.as_millis().to_string().into())
            .with_message_id(id)
            .with_type(from.kind().clone().unwrap_or_else(|| message.routing_key.clone()))
            .with_headers(headers_again(from));
        if let Some(value) = from.content_type() {
            properties = properties.with_content_type(value.clone());
        }
        if let Some(value) = from.content_encoding() {
            properties = properties.with_content_encoding(value.clone());
        }
        if let Some(value) = from.correlation_id() {
            properties = properties.with_correlation_id(value.clone());
        }
        if let Some(value) = from.app_id() {
            properties = properties.with_app_id(value.clone());
        }
        if let Some(value) = from.timestamp() {
            properties = properties.with_timestamp(*value);
        }
        Self { exchange: "".into(), routing_key: room, properties, body: message.body.clone() }
    }
}

fn headers_again(from: &BasicProperties) -> FieldTable {
    let mut headers = FieldTable::default();
    for (key, value) in from.headers().iter().flatten() {
        if !key.as_str().starts_with("x-") && !matches!(key.as_str(), "CC" | "BCC") {
            headers.insert(key.clone(), value.clone());
        }
    }
    headers.insert(RETRIES.into(), AMQPValue::LongLongInt(retries(from).saturating_add(1)));
    headers
}

/// How often the message was published again.
pub(super) fn retries(properties: &BasicProperties) -> i64 {
    number(properties, RETRIES).unwrap_or(0)
}

/// A whole number in the headers, however wide it is.
pub(super) fn number(properties: &BasicProperties, key: &str) -> Option<i64> {
    let value = properties.headers().as_ref()?.inner().get(key)?;
    let narrow = value.as_long_int().map(i64::from).or_else(|| value.as_long_uint().map(i64::from));
    value.as_long_long_int().or(narrow)
}

/// A text in the headers.
pub(super) fn text(properties: &BasicProperties, key: &str) -> Option<String> {
    let value = properties.headers().as_ref()?.inner().get(key)?;
    String::from_utf8(value.as_long_string()?.as_bytes().to_vec()).ok()
}

/// Reads a message. What is no event of ours is kept as it is, with its own id or one that its bytes give.
pub(super) fn read(routing_key: &ShortString, properties: &BasicProperties, bytes: &[u8]) -> Body {
    let unreadable = |error: String| Body::Unreadable {
        id: properties.message_id().as_ref().and_then(|id| id.as_str().parse().ok()).unwrap_or_else(|| id_of(bytes)),
        event_type: properties.kind().as_ref().unwrap_or(routing_key).to_string(),
        raw: String::from_utf8_lossy(bytes).into_owned(),
        error,
    };
    let text_of_body = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => return unreadable(format!("not UTF-8: {error}")),
    };
    match Envelope::from_json(text_of_body) {
        Ok(envelope) => {
            let traceparent = text(properties, TRACEPARENT).filter(|trace| trace.len() <= TRACEPARENT_BYTES_MAX);
            Body::Event(Arc::new(Envelope { traceparent, ..envelope }))
        }
        Err(error) => unreadable(error.to_string()),
    }
}

/// The same bytes always give the same id, other bytes another one.
fn id_of(bytes: &[u8]) -> MessageId {
    let printable = bytes.escape_ascii().to_string();
    MessageId(derive("unreadable", Uuid::nil(), &printable, Uuid::nil(), 0))
}

#[cfg(test)]
mod tests {
    use ecom_core::event::EventType;
    use ecom_core::testing::sample;

    use super::*;

    fn incoming(outgoing: &Outgoing) -> Incoming {
        let body = read(&outgoing.routing_key, &outgoing.properties, &outgoing.body);
        let id = match body {
            Body::Event(envelope) => envelope.event_id,
            Body::Unreadable { id, .. } => id,
        };
        Incoming {
            id,
            routing_key: outgoing.routing_key.clone(),
            properties: outgoing.properties.clone(),
            body: outgoing.body.clone(),
        }
    }

    #[test]
    fn every_event_survives_the_wire_and_is_described_as_promised() {
        for event in EventType::ALL {
            let envelope = sample::envelope(*event, 3);
            let outgoing = Outgoing::event(&"ecommerce-events".into(), &envelope);
            let read = read(&outgoing.routing_key, &outgoing.properties, &outgoing.body);
            assert_eq!(read, Body::Event(Arc::clone(&envelope)));
            let properties = &outgoing.properties;
            assert_eq!(outgoing.routing_key.as_str(), event.name());
            assert_eq!(properties.kind().as_ref().map(ShortString::as_str), Some(event.name()));
            assert_eq!(properties.message_id(), &Some(envelope.event_id.to_string().into()));
            assert_eq!(properties.correlation_id(), &Some(envelope.correlation_id.to_string().into()));
            assert_eq!(properties.content_type(), &Some("application/json".into()));
            assert_eq!(properties.app_id(), &Some(envelope.source.name().into()));
            assert_eq!((properties.delivery_mode(), properties.timestamp()), (&Some(2), &Some(1_700_000_000)));
        }
    }

    #[test]
    fn a_retry_keeps_what_describes_the_message_and_drops_what_would_lead_it_astray() {
        let mut foreign = FieldTable::default();
        for key in ["CC", "BCC", "x-death", "x-delivery-count"] {
            foreign.insert(key.into(), AMQPValue::LongString("elsewhere".into()));
        }
        foreign.insert("tenant".into(), AMQPValue::LongString("seven".into()));
        let mut outgoing = Outgoing::event(&"e".into(), &sample::envelope(EventType::OrderCreated, 3));
        outgoing.properties = outgoing.properties.with_headers(foreign).with_user_id("other".into());
        let first = incoming(&outgoing);
        let second = incoming(&Outgoing::again("room".into(), Duration::from_millis(7), &first));
        let again = Outgoing::again("room".into(), Duration::from_millis(7), &second);
        assert_eq!((again.exchange.as_str(), again.routing_key.as_str()), ("", "room"));
        assert_eq!((again.body, second.id), (first.body, first.id));
        assert_eq!(again.properties.message_id(), first.properties.message_id());
        assert_eq!(again.properties.expiration(), &Some("7".into()));
        assert_eq!(again.properties.user_id(), &None);
        assert_eq!(retries(&again.properties), 2);
        assert_eq!(text(&again.properties, "tenant").as_deref(), Some("seven"));
        assert_eq!(again.properties.headers().as_ref().unwrap().inner().len(), 2);
    }

    #[test]
    fn an_unreadable_body_is_kept_with_an_id_that_repeats() {
        let none = BasicProperties::default();
        let id_and_type = |properties: &BasicProperties, bytes: &[u8]| match read(&"key".into(), properties, bytes) {
            Body::Unreadable { id, event_type, .. } => (id, event_type),
            Body::Event(envelope) => panic!("readable: {envelope:?}"),
        };
        let bodies: [&[u8]; 5] = [b"", b"{}", b"\xff", b"\xfe", b"\\xff"];
        let ids: std::collections::BTreeSet<MessageId> = bodies.iter().map(|body| id_and_type(&none, body).0).collect();
        assert_eq!(ids.len(), bodies.len(), "two bodies share an id");
        assert_eq!(id_and_type(&none, b"{}"), id_and_type(&none, b"{}"));
        let named = none.clone().with_message_id(Uuid::from_u128(9).to_string().into()).with_type("a.b".into());
        assert_eq!(id_and_type(&named, b"{}"), (MessageId(Uuid::from_u128(9)), "a.b".to_owned()));
        assert_eq!(id_and_type(&none.with_message_id("7".into()), b"{}").1, "key");
    }
}
