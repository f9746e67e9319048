//! The simulated doors are held to what the real ones are held to.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use ecom_adapters::local::testing::Local;
use ecom_core::engine::{Batch, Fault, Message, Origin, Transacted};
use ecom_core::id::{CorrelationId, MessageId};
use ecom_core::port::{Bus, Store};
use ecom_core::testing::counter::{Counters, Input};
use ecom_core::testing::store::{Fixture, InMemory, run, stream};
use ecom_core::testing::{ManualClock, block_on, both, bus};
use ecom_sim::choose::Fate;
use ecom_sim::port::{SimBus, SimStore, Way};
use uuid::Uuid;

const LEASE: Duration = Duration::from_secs(15);

/// Simulated databases by a clock that stands still. What a table would refuse the oracle refuses here: simulated tables
/// have no constraints, since rules that need one would be found by the invariants.
struct Simulated {
    way: Way,
    clock: Arc<ManualClock>,
    last: Mutex<Option<SimStore<Counters>>>,
}

fn fate(batch: &Batch<Counters>) -> Fate {
    let is_refused = batch.messages.iter().any(|message| matches!(message.input, Input::Break { .. }));
    if is_refused { Fate::Broken } else { Fate::Fine }
}

impl Simulated {
    fn new(way: Way) -> Self {
        Self { way, clock: Arc::default(), last: Mutex::default() }
    }

    fn make(&self) -> SimStore<Counters> {
        let clock: Arc<ManualClock> = Arc::clone(&self.clock);
        SimStore::new(clock, LEASE, self.way, fate)
    }
}

#[async_trait]
impl Fixture for Simulated {
    async fn fresh(&self) -> Arc<dyn Store<Counters>> {
        let store = self.make();
        *self.last.lock().unwrap() = Some(store.clone());
        Arc::new(store)
    }

    async fn again(&self) -> Arc<dyn Store<Counters>> {
        Arc::new(self.last.lock().unwrap().clone().unwrap())
    }

    async fn away(&self) -> Arc<dyn Store<Counters>> {
        Arc::new(self.make().away())
    }

    async fn sleep(&self, time: Duration) {
        self.clock.advance(time);
    }

    fn lease(&self) -> Duration {
        LEASE
    }
}

/// Simulated brokers, each with a time of its own.
#[derive(Default)]
struct Brokers(Mutex<SimBus>);

impl Brokers {
    fn last(&self) -> SimBus {
        self.0.lock().unwrap().clone()
    }
}

#[async_trait]
impl bus::Fixture for Brokers {
    async fn fresh(&self) -> Arc<dyn Bus> {
        let bus = SimBus::new();
        *self.0.lock().unwrap() = bus.clone();
        Arc::new(bus)
    }

    async fn close(&self) {
        self.last().close();
    }

    async fn sleep(&self, time: Duration) {
        self.last().sleep(time).await;
    }
}

#[test]
fn the_simulated_store_passes_the_suite() {
    for way in [Way::OneStep, Way::TwoSteps] {
        block_on(run(&Simulated::new(way)));
    }
}

#[test]
fn the_simulated_store_answers_a_stream_of_operations_as_the_one_in_memory() {
    for seed in 1..=3 {
        let (one, two) = (Simulated::new(Way::OneStep), Simulated::new(Way::TwoSteps));
        let memory = InMemory::default();
        let stores: [(&str, &dyn Fixture); 3] = [("memory", &memory), ("one step", &one), ("two steps", &two)];
        block_on(stream::compare(&stores, seed, 1_000));
    }
}

#[test]
fn of_two_simulated_transactions_on_one_row_the_later_one_meets_a_conflict() {
    let store = block_on(Simulated::new(Way::TwoSteps).fresh());
    let add = |number| {
        let id = Uuid::from_u128(number);
        let input = Input::Add { id: Uuid::nil(), amount: 1, events: 0 };
        let (id, correlation) = (MessageId(id), CorrelationId(id));
        let message = Message { id, origin: Origin::Event, correlation, causation: None, traceparent: None, input };
        store.transact(Batch { messages: vec![message], delivered: vec![], leased: true })
    };
    let (first, second) = block_on(both(add(1), add(2)));
    assert!(matches!(first, Transacted::Committed(_)), "{first:?}");
    assert!(matches!(second, Transacted::RolledBack(Fault::Conflict)), "{second:?}");
}

#[test]
fn the_simulated_broker_passes_the_suite() {
    block_on(bus::run(&Brokers::default()));
}

/// RabbitMQ is held to the same.
#[tokio::test]
async fn a_stream_of_operations_on_the_simulated_broker_has_the_same_story_as_on_the_bus_in_the_process() {
    let story = block_on(bus::stream::play(&Brokers::default(), 1, 12));
    assert_eq!(story.missing(), Vec::<&str>::new(), "{story:?}");
    assert_eq!(story, bus::stream::play(&Local::default(), 1, 12).await);
}
