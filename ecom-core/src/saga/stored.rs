//! An instance as it is stored, between releases that know it differently.
//!
//! While services are upgraded one after the other, and when one is rolled back, copies of two releases work on the same
//! rows. Two kinds of changes are possible:
//!
//! - **A field more**, with `#[serde(default)]`, under the same [`Saga::VERSION`]. The older release does not know it, and
//!   keeps it: what it read and does not understand is written again, as long as that part of the state is still there.
//! - **A new meaning**, under the next version. The newer release reads what the older one wrote, by [`Saga::upcast`]. The
//!   older one refuses what the newer one wrote: events are tried again, soon by a newer copy, and kept as dead letters
//!   at the end of their ladder; timers and calls stay where they are. Nothing is lost, and nothing is guessed.

use serde_json::{Map, Value};
use thiserror::Error;

use super::definition::Saga;
use super::instance::Instance;

/// Why a stored instance cannot be read.
#[derive(Debug, Error)]
pub enum NotRead {
    /// Another version of the definition has written it, and this one cannot read that.
    #[error("{name} in version {found} cannot be read by version {own}")]
    Version {
        /// The definition.
        name: &'static str,
        /// The version that wrote it.
        found: u32,
        /// The version that is to read it.
        own: u32,
    },
    /// It is not an instance.
    #[error(transparent)]
    Malformed(#[from] serde_json::Error),
}

/// Fields that a release found and does not know: where they stand, and what they say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Unknown(Vec<(Vec<String>, String)>);

impl Unknown {
    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn find(stored: &Value, known: &Value, path: &mut Vec<String>, found: &mut Vec<(Vec<String>, String)>) {
        let (Value::Object(stored), Value::Object(known)) = (stored, known) else { return };
        for (name, value) in stored {
            path.push(name.clone());
            match known.get(name) {
                Some(known) => Self::find(value, known, path, found),
                None => found.push((path.clone(), value.to_string())),
            }
            path.pop();
        }
    }

    /// Puts each where it stood, if the place is still there and nobody has taken it.
    fn restore(&self, value: &mut Value) -> Result<(), serde_json::Error> {
        for (path, text) in &self.0 {
            let Some((name, way)) = path.split_last() else { continue };
            let place = way.iter().try_fold(&mut *value, |place, step| place.get_mut(step));
            if let Some(Value::Object(place)) = place
                && !place.contains_key(name)
            {
                place.insert(name.clone(), serde_json::from_str(text)?);
            }
        }
        Ok(())
    }
}

impl<S: Saga> Instance<S> {
    /// Reads what this version of the definition, or an older one that is still live, has stored.
    pub fn from_stored(version: u32, text: &str) -> Result<Self, NotRead> {
        if version == S::VERSION {
            let instance: Self = serde_json::from_str(text)?;
            // As a rule it was written by this very release, and there is nothing to look for.
            if serde_json::to_string(&instance)? == text {
                return Ok(instance);
            }
        }
        let mut stored: Value = serde_json::from_str(text)?;
        if version != S::VERSION {
            if version > S::VERSION || !S::upcast(version, &mut stored) {
                return Err(NotRead::Version { name: S::NAME, found: version, own: S::VERSION });
            }
            if let Value::Object(fields) = &mut stored {
                fields.insert("definition_version".to_owned(), S::VERSION.into());
            }
        }
        let mut instance: Self = serde_json::from_value(stored.clone())?;
        let known = serde_json::to_value(&instance)?;
        Unknown::find(&stored, &known, &mut vec![], &mut instance.unknown.0);
        Ok(instance)
    }

    /// The text to be stored, with what another release wrote and this one does not know.
    pub fn to_stored(&self) -> Result<String, serde_json::Error> {
        if self.unknown.is_empty() {
            return serde_json::to_string(self);
        }
        let mut value = serde_json::to_value(self)?;
        self.unknown.restore(&mut value)?;
        Ok(value.to_string())
    }
}

/// The fields of an object inside a stored instance, by their path: for [`Saga::upcast`].
pub fn fields<'a>(stored: &'a mut Value, path: &[&str]) -> Option<&'a mut Map<String, Value>> {
    path.iter().try_fold(stored, |place, step| place.get_mut(step))?.as_object_mut()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::decide::Context;
    use crate::id::{CorrelationId, MessageId};
    use crate::policy::Policy;
    use crate::saga::{Handled, Signal};
    use crate::testing::trip::{Booking, ID, Input, Part, Trip};

    /// What a release stores that knows of breakfasts and notes.
    fn newer() -> String {
        let begun =
            Instance::<Trip>::begin(ID, "wish", Booking { room: false, car: false }, vec![], &Policy::default());
        let mut stored = serde_json::to_value(begun.instance).unwrap();
        fields(&mut stored, &["state", "running"]).unwrap().insert("breakfast".to_owned(), true.into());
        fields(&mut stored, &[]).unwrap().insert("note".to_owned(), "by the window".into());
        stored.to_string()
    }

    fn after(instance: &Instance<Trip>, input: Input) -> Instance<Trip> {
        let (cause, correlation, policy) = (MessageId(Uuid::nil()), CorrelationId(ID), Policy::default());
        let context = Context { now: crate::time::Timestamp::EPOCH, cause, correlation, policy: &policy, calls: None };
        match instance.handle(&Signal::Input(input), &context) {
            Ok(Handled::Advanced(advance)) => advance.instance,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_a_release_does_not_know_it_keeps_as_long_as_its_place_is_there() {
        let read = Instance::<Trip>::from_stored(Trip::VERSION, &newer()).unwrap();
        let going_on = after(&read, Input::Booked(Part::Room));
        let stored: Value = serde_json::from_str(&going_on.to_stored().unwrap()).unwrap();
        assert_eq!(stored["state"]["running"], serde_json::json!({"room": true, "car": false, "breakfast": true}));
        assert_eq!(stored["note"], "by the window");
        assert_eq!(Instance::from_stored(Trip::VERSION, &stored.to_string()).unwrap(), going_on);

        let ended = after(&going_on, Input::Full(Part::Car));
        let stored: Value = serde_json::from_str(&ended.to_stored().unwrap()).unwrap();
        assert_eq!(stored["state"], serde_json::json!({"ended": "Off"}), "that booking is not there any more");
        assert_eq!(stored["note"], "by the window");
    }

    #[test]
    fn what_a_release_wrote_itself_it_reads_as_it_was() {
        let begun = Instance::<Trip>::begin(ID, "wish", Booking { room: true, car: false }, vec![], &Policy::default());
        let text = begun.instance.to_stored().unwrap();
        assert_eq!(text, serde_json::to_string(&begun.instance).unwrap());
        let read = Instance::<Trip>::from_stored(Trip::VERSION, &text).unwrap();
        assert!(read.unknown.is_empty());
        assert_eq!(read, begun.instance);
    }

    #[test]
    fn a_version_that_does_not_live_here_is_refused_and_what_is_none_is_malformed() {
        for version in [Trip::VERSION + 1, Trip::VERSION - 1] {
            let refused = Instance::<Trip>::from_stored(version, &newer()).unwrap_err();
            assert!(matches!(refused, NotRead::Version { found, .. } if found == version), "{refused}");
        }
        let refused = Instance::<Trip>::from_stored(Trip::VERSION, "{}").unwrap_err();
        assert!(matches!(refused, NotRead::Malformed(_)), "{refused}");
    }
}
