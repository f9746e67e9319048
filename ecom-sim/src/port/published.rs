//! What was ever published, as a list that copies share: worlds are copied more often than anything is published.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use ecom_core::event::Envelope;

/// The events that the broker ever took, newest first. No world's future depends on it, but what must hold at rest does.
#[derive(Clone, Default)]
pub struct Published(Option<Arc<Link>>);

struct Link {
    envelope: Arc<Envelope>,
    before: Published,
}

impl Published {
    pub(super) fn push(&mut self, envelope: &Arc<Envelope>) {
        let before = std::mem::take(self);
        *self = Self(Some(Arc::new(Link { envelope: Arc::clone(envelope), before })));
    }

    /// All of them, newest first; what was published again is there again.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Envelope>> {
        std::iter::successors(self.0.as_deref(), |link| link.before.0.as_deref()).map(|link| &link.envelope)
    }
}

/// Which events there are, in any order and however often.
impl Hash for Published {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let mut ids: Vec<_> = self.iter().map(|envelope| envelope.event_id).collect();
        ids.sort_unstable();
        ids.dedup();
        ids.hash(state);
    }
}

impl fmt::Debug for Published {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.iter().map(|envelope| envelope.event.event_type())).finish()
    }
}

/// One link after the other: a long list would not fit on the stack.
impl Drop for Published {
    fn drop(&mut self) {
        let mut next = self.0.take();
        while let Some(mut link) = next.and_then(Arc::into_inner) {
            next = link.before.0.take();
        }
    }
}

#[cfg(test)]
mod tests {
    use ecom_core::event::EventType;
    use ecom_core::testing::sample;

    use super::*;

    #[test]
    fn copies_share_what_was_before_them_and_a_long_list_can_be_dropped() {
        let envelope = sample::envelope(EventType::OrderCreated, 1);
        let mut one = Published::default();
        (0..1_000_000).for_each(|_| one.push(&envelope));
        let mut other = one.clone();
        other.push(&envelope);
        assert_eq!((one.iter().count(), other.iter().count()), (1_000_000, 1_000_001));
        drop(one);
        assert_eq!(other.iter().count(), 1_000_001);
    }
}
