use std::collections::BTreeMap;
use std::sync::Mutex;

use uuid::Uuid;

use super::*;
use crate::policy::Policy;
use crate::testing::counter::Counter;
use crate::testing::{ManualClock, MemoryStore, block_on};

struct InMemory {
    clock: Arc<ManualClock>,
    last: Mutex<Option<MemoryStore<Counters>>>,
}

fn check(_: &BTreeMap<Uuid, Counter>, counter: &Counter) -> Result<(), String> {
    if counter.total >= 0 { Ok(()) } else { Err("CHECK (total >= 0)".to_owned()) }
}

#[async_trait]
impl Fixture for InMemory {
    async fn fresh(&self) -> Arc<dyn Store<Counters>> {
        let clock: Arc<ManualClock> = Arc::clone(&self.clock);
        let store = MemoryStore::new(clock, self.lease(), Policy::default()).constrained(check);
        *self.last.lock().unwrap() = Some(store.clone());
        Arc::new(store)
    }

    async fn again(&self) -> Arc<dyn Store<Counters>> {
        Arc::new(self.last.lock().unwrap().clone().unwrap())
    }

    async fn sleep(&self, time: Duration) {
        self.clock.advance(time);
    }

    fn lease(&self) -> Duration {
        Duration::from_secs(15)
    }
}

#[test]
fn the_store_in_memory_passes_the_suite() {
    block_on(run(&InMemory { clock: Arc::default(), last: Mutex::default() }));
}
