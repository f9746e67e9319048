//! The forms in which things leave a process: events as they go over the wire, calls that are owed and rows as they are
//! stored. In most runs they are handed on as they are, which is fast; a world with `wire` hands on what was read again.

use std::fmt::Debug;
use std::sync::Arc;

use ecom_core::event::Envelope;
use ecom_core::port::Body;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::invariant::Broken;
use crate::mutant::Mutant;

/// An event as a consumer gets it: written as JSON, and read as the adapters read it.
pub(crate) fn arrived(envelope: &Arc<Envelope>, mutant: Option<Mutant>) -> Body {
    let raw = envelope.to_json();
    match Envelope::from_json(&raw) {
        Ok(mut read) => {
            // It travels as a header.
            read.traceparent.clone_from(&envelope.traceparent);
            if mutant == Some(Mutant::VersionNotSent) {
                read.aggregate_version = 0;
            }
            Body::Event(Arc::new(read))
        }
        Err(error) => {
            let event_type = envelope.event.event_type().name().to_owned();
            Body::Unreadable { id: envelope.event_id, event_type, raw, error: error.to_string() }
        }
    }
}

/// What is read of something that was stored as JSON.
pub(crate) fn stored<T: Serialize + DeserializeOwned>(value: &T) -> Result<T, String> {
    let text = serde_json::to_string(value).map_err(|error| error.to_string())?;
    serde_json::from_str(&text).map_err(|error| format!("{error} in {text}"))
}

/// Whether it is read as it was stored.
pub(crate) fn survives<T>(subject: &'static str, value: &T) -> Result<(), Broken>
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    let broken = |read: String| Err(Broken::new(subject, format!("{value:?}"), read));
    match stored(value) {
        Ok(read) if read == *value => Ok(()),
        Ok(read) => broken(format!("{read:?}")),
        Err(error) => broken(error),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Row {
        kept: u32,
        #[serde(skip)]
        lost: u32,
    }

    #[test]
    fn a_field_that_is_not_stored_is_noticed_when_it_says_something() {
        assert_eq!(survives("a row", &Row { kept: 1, lost: 0 }), Ok(()));
        let broken = survives("a row", &Row { kept: 1, lost: 2 }).unwrap_err();
        assert_eq!(broken.subject, "a row");
        assert!(broken.expected.contains("lost: 2") && broken.actual.contains("lost: 0"), "{broken:?}");
    }
}
