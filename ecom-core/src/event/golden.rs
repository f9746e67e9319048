//! What is published stays readable: for each event one file with its bytes.
//!
//! A new event, or a new version of one, needs a file: `ECOM_GOLDEN=write cargo test -p ecom-core golden` writes those
//! that are missing. It never changes one that is there: bytes that were published cannot be taken back.

use std::collections::BTreeSet;
use std::path::PathBuf;

use uuid::Uuid;

use super::{DecodeError, Envelope, EventType, ParseError};
use crate::id::MessageId;
use crate::testing::sample;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn file_name(event: EventType) -> String {
    format!("{}.v{}.json", event.name(), event.version())
}

fn sample(event: EventType) -> Envelope {
    let sample = Envelope::clone(&sample::envelope(event, 7));
    // A trace is a header and no part of the body.
    Envelope { event_id: MessageId(Uuid::from_u128(0xe0 << 120 | 7)), traceparent: None, ..sample }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "who writes the files anew says so by it")]
fn every_event_has_its_golden_file_byte_for_byte() {
    let write = std::env::var("ECOM_GOLDEN").is_ok_and(|value| value == "write");
    for event in EventType::ALL {
        let (path, sample) = (folder().join(file_name(*event)), sample(*event));
        let json = sample.to_json() + "\n";
        if write && !path.exists() {
            std::fs::write(&path, &json).unwrap();
        }
        let golden = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(json, golden, "{}", event.name());
        assert_eq!(Envelope::from_json(&golden), Ok(sample), "{}", event.name());
    }
}

#[test]
fn every_golden_file_is_of_an_event() {
    let expected: BTreeSet<String> = EventType::ALL.iter().map(|event| file_name(*event)).collect();
    let found = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(found.collect::<BTreeSet<_>>(), expected);
}

#[test]
fn unknown_fields_are_ignored() {
    for event in EventType::ALL {
        let sample = sample(*event);
        let mut json: serde_json::Value = serde_json::from_str(&sample.to_json()).unwrap();
        json["region"] = "north".into();
        json["payload"]["gift"] = true.into();
        assert_eq!(Envelope::from_json(&json.to_string()), Ok(sample), "{}", event.name());
    }
}

#[test]
fn a_missing_field_an_unknown_event_and_an_unknown_version_are_errors_that_say_so() {
    for event in EventType::ALL {
        let json: serde_json::Value = serde_json::from_str(&sample(*event).to_json()).unwrap();
        let read = |change: fn(&mut serde_json::Value)| {
            let mut json = json.clone();
            change(&mut json);
            Envelope::from_json(&json.to_string())
        };
        let unknown = |event_type: &str, version| {
            Err(ParseError::Event(DecodeError::Unknown { event_type: event_type.to_owned(), version }))
        };
        assert_eq!(read(|json| json["event_version"] = 2.into()), unknown(event.name(), 2));
        assert_eq!(read(|json| json["event_type"] = "order.exploded".into()), unknown("order.exploded", 1));
        let malformed = read(|json| json["payload"] = serde_json::json!({}));
        assert!(matches!(malformed, Err(ParseError::Event(DecodeError::Malformed { .. }))), "{}", event.name());
        let nobody = read(|json| json["source"] = "nobody".into());
        assert_eq!(nobody, Err(ParseError::Source("nobody".to_owned())));
        for field in ["event_id", "occurred_at", "correlation_id", "causation_id", "aggregate_id", "payload"] {
            let mut json = json.clone();
            json.as_object_mut().unwrap().remove(field);
            assert!(matches!(Envelope::from_json(&json.to_string()), Err(ParseError::Envelope(_))), "{field}");
        }
    }
}
