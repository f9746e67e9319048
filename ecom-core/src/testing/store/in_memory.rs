//! The store in memory, as the suites want it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use super::Fixture;
use crate::policy::Policy;
use crate::port::Store;
use crate::testing::counter::{Counter, Counters};
use crate::testing::{ManualClock, MemoryStore};

/// Stores in memory by a clock that stands still.
#[derive(Default)]
pub struct InMemory {
    clock: Arc<ManualClock>,
    last: Mutex<Option<MemoryStore<Counters>>>,
}

/// What a table of counters refuses.
pub fn check(_: &BTreeMap<Uuid, Counter>, counter: &Counter) -> Result<(), String> {
    if counter.total >= 0 { Ok(()) } else { Err("CHECK (total >= 0)".to_owned()) }
}

impl InMemory {
    fn make(&self) -> MemoryStore<Counters> {
        let clock: Arc<ManualClock> = Arc::clone(&self.clock);
        MemoryStore::new(clock, self.lease(), Policy::default()).constrained(check)
    }
}

#[async_trait]
impl Fixture for InMemory {
    async fn fresh(&self) -> Arc<dyn Store<Counters>> {
        let store = self.make();
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(store.clone());
        Arc::new(store)
    }

    async fn again(&self) -> Arc<dyn Store<Counters>> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Arc::new(last.unwrap_or_else(|| self.make()))
    }

    async fn away(&self) -> Arc<dyn Store<Counters>> {
        Arc::new(self.make().away())
    }

    async fn sleep(&self, time: Duration) {
        self.clock.advance(time);
    }

    fn lease(&self) -> Duration {
        Duration::from_secs(15)
    }
}
