//! The suite that every store must pass.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use ecom_core::engine::{Batch, Message, Origin, Transacted};
use ecom_core::id::{CorrelationId, MessageId};
use ecom_core::port::Store;
use ecom_core::testing::ManualClock;
use ecom_core::testing::counter::{Counters, Input};
use ecom_core::testing::store::{Fixture, InMemory, run, stream};
use ecom_core::time::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

use super::counters::CounterTables;
use super::world::Home;
use crate::postgres::{DatabaseClock, PgStore};
use crate::sql::fields::Fields as _;

/// Databases by a clock that the test moves.
#[derive(Default)]
struct Databases {
    last: Mutex<Option<Arc<Home>>>,
    clock: Arc<ManualClock>,
}

impl Databases {
    async fn open(&self, home: &Home) -> Arc<dyn Store<Counters>> {
        let clock: Arc<ManualClock> = Arc::clone(&self.clock);
        let store: PgStore<Counters, CounterTables> = home.open(clock).await;
        Arc::new(store)
    }
}

#[async_trait]
impl Fixture for Databases {
    async fn fresh(&self) -> Arc<dyn Store<Counters>> {
        let home = Arc::new(Home::new().await);
        *self.last.lock().unwrap() = Some(Arc::clone(&home));
        self.open(&home).await
    }

    async fn again(&self) -> Arc<dyn Store<Counters>> {
        let home = self.last.lock().unwrap().clone().unwrap();
        self.open(&home).await
    }

    async fn away(&self) -> Arc<dyn Store<Counters>> {
        let home = Home::new().await;
        let clock: Arc<ManualClock> = Arc::clone(&self.clock);
        let store: PgStore<Counters, CounterTables> = home.open(clock).await;
        store.close().await;
        Arc::new(store)
    }

    async fn sleep(&self, time: Duration) {
        self.clock.advance(time);
    }

    fn lease(&self) -> Duration {
        Duration::from_secs(15)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_store_on_postgres_passes_the_suite() {
    run(&Databases::default()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_store_on_postgres_answers_a_stream_of_operations_as_the_one_in_memory() {
    stream::compare(&[("memory", &InMemory::default()), ("postgres", &Databases::default())], 1, 400).await;
}

async fn server_time(connection: &mut PgConnection) -> Timestamp {
    let row = sqlx::query("SELECT clock_timestamp() AS now").fetch_one(connection).await.unwrap();
    row.moment("now").unwrap()
}

/// Not those of the process: all copies of a service go by one clock.
#[tokio::test]
async fn the_times_of_a_store_are_those_of_its_server() {
    let (home, lease) = (Home::new().await, Duration::from_secs(3_600));
    let store: PgStore<Counters, CounterTables> = home.open_by(DatabaseClock::Server, lease).await;
    let mut connection = home.connection().await;
    let inputs = [
        Input::Add { id: Uuid::from_u128(1), amount: 1, events: 1 },
        Input::Ring { id: Uuid::from_u128(2), effect: MessageId(Uuid::from_u128(50)), after: Duration::ZERO },
        Input::Arm { id: Uuid::from_u128(3), epoch: 1, after: Duration::ZERO },
        Input::Arm { id: Uuid::from_u128(4), epoch: 1, after: lease },
    ];
    let message = |(number, input)| Message {
        id: MessageId(Uuid::from_u128(number)),
        origin: Origin::Event,
        correlation: CorrelationId(Uuid::nil()),
        causation: None,
        traceparent: None,
        input,
    };
    let messages = (100..).zip(inputs).map(message).collect();
    let before = server_time(&mut connection).await;
    let ended = store.transact(Batch { messages, delivered: vec![], leased: true }).await;
    let after = server_time(&mut connection).await;
    let Transacted::Committed(committed) = ended else { panic!("{ended:?}") };
    let at = committed.outbox[0].occurred_at;
    assert!((before..=after).contains(&at), "{before} {at} {after}");
    let (events, effects) = (store.claim_outbox(9).await.unwrap(), store.claim_effects(9).await.unwrap());
    assert_eq!((events.items, effects.items), (vec![], vec![]), "their writer holds them");
    assert_eq!((events.next, effects.next), (Some(at.after(lease)), Some(at.after(lease))));
    let timers = store.due_timers(9).await.unwrap();
    assert_eq!(timers.items.iter().map(|timer| timer.subject.as_u128()).collect::<Vec<_>>(), [3]);
    assert_eq!(timers.next, Some(at.after(lease)));
    store.void_leases().await.unwrap();
    assert_eq!(store.claim_outbox(9).await.unwrap().items, committed.outbox);
    let claimed = store.claim_effects(9).await.unwrap();
    assert_eq!(claimed.items.iter().map(|row| row.attempts).collect::<Vec<_>>(), [2]);
    let now = server_time(&mut connection).await;
    assert!(claimed.next.is_some_and(|next| (after.after(lease)..=now.after(lease)).contains(&next)), "{claimed:?}");
}
