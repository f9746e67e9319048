//! Waking a loop at once or at a time, so that nothing polls while there is nothing to do.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ecom_core::port::Clock;
use ecom_core::time::Timestamp;
use tokio::sync::Notify;

/// The longest single sleep: bounds what a jump of the wall clock can do.
const SLEEP_MAX: Duration = Duration::from_secs(60);

/// Wakes one or more loops. Clones wake the same loops.
#[derive(Clone)]
pub(super) struct Wake {
    clock: Arc<dyn Clock>,
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    next: Mutex<Option<Timestamp>>,
    notify: Notify,
}

impl Wake {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, inner: Arc::default() }
    }

    /// Wakes after that delay, or earlier if an earlier time is set.
    pub(super) fn after(&self, delay: Duration) {
        self.at(self.clock.now().after(delay));
    }

    /// Wakes at that time, or earlier if an earlier one is set.
    pub(super) fn at(&self, due: Timestamp) {
        let mut next = self.inner.next.lock().unwrap_or_else(PoisonError::into_inner);
        if next.is_none_or(|next| due < next) {
            *next = Some(due);
            self.inner.notify.notify_one();
        }
    }

    /// Waits for the earliest of the set times, and forgets it.
    pub(super) async fn wait(&self) {
        loop {
            let next = *self.inner.next.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(due) = next else {
                self.inner.notify.notified().await;
                continue;
            };
            let left = due.since(self.clock.now());
            if left.is_zero() {
                *self.inner.next.lock().unwrap_or_else(PoisonError::into_inner) = None;
                return;
            }
            // An earlier time may be set meanwhile; the loop looks again either way.
            drop(tokio::time::timeout(left.min(SLEEP_MAX), self.inner.notify.notified()).await);
        }
    }
}

/// Waits until that time; for ever when there is none.
pub(super) async fn until(clock: &dyn Clock, time: Option<Timestamp>) {
    let Some(time) = time else {
        return std::future::pending().await;
    };
    loop {
        let left = time.since(clock.now());
        if left.is_zero() {
            return;
        }
        tokio::time::sleep(left.min(SLEEP_MAX)).await;
    }
}
