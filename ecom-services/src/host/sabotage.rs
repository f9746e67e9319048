//! What a test may ask a process to do to itself, by its environment, and what a release build does not know.
//!
//! `ECOM_CRASH_AT=<point>` ends the process, as `kill -9` would, when it first gets to that [`Point`].
//! `ECOM_WITHOUT_INBOX=<service>` makes that service take every delivery for a new message: the negative control of
//! those who check that duplicates do no harm.

use ecom_core::event::Service;
use ecom_core::id::MessageId;

/// Where a process may be told to end: at the seams of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Point {
    /// A transaction is committed, its events are not published.
    CommittedNotPublished,
    /// Events are published, their rows are still in the outbox.
    PublishedNotMarked,
    /// A message is handled, the broker does not know.
    HandledNotAcknowledged,
    /// The outside has answered, nothing of that is stored.
    AnsweredNotCommitted,
    /// Part of the schema is made, and nothing of it committed.
    MigratedNotCommitted,
}

#[cfg(debug_assertions)]
impl Point {
    const fn name(self) -> &'static str {
        match self {
            Self::CommittedNotPublished => "committed-not-published",
            Self::PublishedNotMarked => "published-not-marked",
            Self::HandledNotAcknowledged => "handled-not-acknowledged",
            Self::AnsweredNotCommitted => "answered-not-committed",
            Self::MigratedNotCommitted => "migrated-not-committed",
        }
    }
}

/// Ends the process if it was told to end here.
#[cfg(debug_assertions)]
pub(super) fn reach(point: Point) {
    static TOLD: std::sync::LazyLock<Option<String>> = std::sync::LazyLock::new(|| std::env::var("ECOM_CRASH_AT").ok());
    if TOLD.as_deref() == Some(point.name()) {
        tracing::warn!(point = point.name(), "told to end here");
        std::process::abort();
    }
}

/// Does nothing in a release build.
#[cfg(not(debug_assertions))]
pub(super) const fn reach(_: Point) {}

/// The id under which a delivery is handled: its own, unless the service was told to do without its inbox.
#[cfg(debug_assertions)]
pub(super) fn id_of_delivery(service: Service, id: MessageId) -> MessageId {
    static TOLD: std::sync::LazyLock<Option<String>> =
        std::sync::LazyLock::new(|| std::env::var("ECOM_WITHOUT_INBOX").ok());
    if TOLD.as_deref() != Some(service.short_name()) {
        return id;
    }
    let mut bytes = [0; 16];
    match getrandom::fill(&mut bytes) {
        Ok(()) => MessageId(uuid::Builder::from_random_bytes(bytes).into_uuid()),
        Err(_) => id,
    }
}

/// Its own in a release build.
#[cfg(not(debug_assertions))]
pub(super) const fn id_of_delivery(_: Service, id: MessageId) -> MessageId {
    id
}
