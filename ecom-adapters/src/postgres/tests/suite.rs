//! The suite that every store must pass.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use ecom_core::port::Store;
use ecom_core::testing::ManualClock;
use ecom_core::testing::counter::Counters;
use ecom_core::testing::store::{Fixture, run};

use super::counters::CounterTables;
use super::world::Home;
use crate::postgres::{DatabaseClock, PgStore};

/// Databases by the server's own clock, or by one that the test moves.
struct Databases {
    last: Mutex<Option<Arc<Home>>>,
    clock: Option<Arc<ManualClock>>,
}

impl Databases {
    async fn open(&self, home: &Home) -> Arc<dyn Store<Counters>> {
        let clock = self.clock.clone().map_or(DatabaseClock::Server, |clock| DatabaseClock::Given(clock));
        let store: PgStore<Counters, CounterTables> = home.open_by(clock, self.lease()).await;
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

    async fn sleep(&self, time: Duration) {
        match &self.clock {
            Some(clock) => clock.advance(time),
            None => tokio::time::sleep(time).await,
        }
    }

    fn lease(&self) -> Duration {
        if self.clock.is_some() { Duration::from_secs(15) } else { Duration::from_millis(900) }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_store_on_postgres_passes_the_suite() {
    run(&Databases { last: Mutex::default(), clock: Some(Arc::default()) }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_store_on_postgres_passes_the_suite_by_the_clock_of_its_server() {
    run(&Databases { last: Mutex::default(), clock: None }).await;
}
