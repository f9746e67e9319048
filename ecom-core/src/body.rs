//! The body of an answer.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

/// The text of an answer. It is made when somebody reads it first, shared by all copies, and always the same: most answers
/// of messages, and those of a batch that is tried again, are never read.
#[derive(Clone)]
pub struct Body(Arc<Made<dyn Fn() -> String + Send + Sync>>);

struct Made<F: ?Sized> {
    text: OnceLock<String>,
    make: F,
}

impl Body {
    /// A text that is made when it is read. `make` must give the same text each time.
    pub fn made(make: impl Fn() -> String + Send + Sync + 'static) -> Self {
        Self(Arc::new(Made { text: OnceLock::new(), make }))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.text.get_or_init(|| (self.0.make)())
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Self(Arc::new(Made { text: OnceLock::from(text), make: String::new }))
    }
}

impl From<Body> for String {
    fn from(body: Body) -> Self {
        body.as_str().to_owned()
    }
}

impl Default for Body {
    fn default() -> Self {
        Self::from(String::new())
    }
}

impl Deref for Body {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq for Body {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.as_str() == other.as_str()
    }
}

impl Eq for Body {}

impl Hash for Body {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(formatter)
    }
}

impl fmt::Display for Body {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn a_body_is_made_once_however_many_read_it_and_never_when_nobody_does() {
        let made = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&made);
        let body = Body::made(move || {
            count.fetch_add(1, Ordering::Relaxed);
            "{}".to_owned()
        });
        let copy = body.clone();
        assert_eq!(made.load(Ordering::Relaxed), 0);
        assert_eq!((&*body, copy.len(), body == Body::from("{}".to_owned())), ("{}", 2, true));
        assert_eq!(made.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn two_bodies_are_equal_when_their_texts_are() {
        let made = || Body::made(|| "1".to_owned());
        assert_eq!(made(), made());
        assert_ne!(made(), Body::default());
    }
}
