//! Telling waiters that a subject changed: `wait` and event streams sleep until then instead of polling.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;
use uuid::Uuid;

/// Who waits for which subject. Entries live as long as somebody waits, so its size is bounded by the connections.
#[derive(Clone, Default)]
pub struct Changes {
    watched: Arc<Mutex<BTreeMap<Uuid, watch::Sender<()>>>>,
}

impl Changes {
    /// Starts to listen for changes of a subject. Whoever reads the subject after this call misses no change.
    pub fn watch(&self, subject: Uuid) -> Watch {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let receiver = watched.entry(subject).or_insert_with(|| watch::Sender::new(())).subscribe();
        Watch { subject, receiver, changes: self.clone() }
    }

    /// Wakes whoever watches one of these subjects.
    pub fn announce(&self, subjects: &[Uuid]) {
        let watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        if watched.is_empty() {
            return;
        }
        for sender in subjects.iter().filter_map(|subject| watched.get(subject)) {
            sender.send_replace(());
        }
    }

    /// Wakes everybody: the process is about to stop and waiters answer with what they have.
    pub fn announce_all(&self) {
        for sender in self.watched.lock().unwrap_or_else(PoisonError::into_inner).values() {
            sender.send_replace(());
        }
    }

    /// How many subjects are watched.
    pub fn watched(&self) -> usize {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// One listener; dropping it ends the watch.
pub struct Watch {
    subject: Uuid,
    receiver: watch::Receiver<()>,
    changes: Changes,
}

impl Watch {
    /// Waits for a change since the last call, or since the watch began.
    pub async fn changed(&mut self) {
        // The sender lives as long as a watch does, so the only error cannot happen; it would mean "look again".
        drop(self.receiver.changed().await);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut watched = self.changes.watched.lock().unwrap_or_else(PoisonError::into_inner);
        // This receiver still counts: one means nobody else.
        if watched.get(&self.subject).is_some_and(|sender| sender.receiver_count() <= 1) {
            watched.remove(&self.subject);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_change_between_watch_and_wait_is_not_missed() {
        let changes = Changes::default();
        let id = Uuid::from_u128(1);
        let (mut first, mut second) = (changes.watch(id), changes.watch(id));
        changes.announce(&[Uuid::from_u128(2), id]);
        first.changed().await;
        second.changed().await;
        drop(first);
        assert_eq!(changes.watched(), 1);
        drop(second);
        assert_eq!(changes.watched(), 0);
    }
}
