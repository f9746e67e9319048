//! What a store says and does when its server is away, slow, or not to be trusted.

use std::sync::Arc;
use std::time::Duration;

use ecom_core::engine::{Batch, Fault, Message, Origin, Outcome, Transacted};
use ecom_core::id::{CorrelationId, MessageId};
use ecom_core::policy::Policy;
use ecom_core::port::Store;
use ecom_core::testing::counter::{Counters, Input};
use sqlx::{Connection, Row};
use uuid::Uuid;

use super::counters::CounterTables;
use super::proxy::{Network, Proxy};
use super::world::{Home, at};
use crate::postgres::{DatabaseClock, OpenError, PgStore, Pools, Settings, StoreOptions, Timeouts};

type CounterStore = PgStore<Counters, CounterTables>;

const ID: Uuid = Uuid::from_u128(7);

/// Short times, so that nobody waits long for a server that does not come.
fn options() -> StoreOptions {
    let timeouts = Timeouts {
        acquire: Duration::from_millis(1_500),
        lock: Duration::from_millis(300),
        answer: Duration::from_millis(2_500),
        ..Timeouts::default()
    };
    let settings = Settings { pools: Pools { writers: 2, readers: 1 }, timeouts, allow_data_loss: false };
    let (lease, clock) = (Duration::from_secs(15), DatabaseClock::Server);
    StoreOptions { policy: Policy::default(), lease, clock, settings, migrated: |_| {} }
}

fn add(number: u128) -> Batch<Counters> {
    let message = Message {
        id: MessageId(Uuid::from_u128(number)),
        origin: Origin::Event,
        correlation: CorrelationId(Uuid::nil()),
        causation: None,
        traceparent: None,
        input: Input::Add { id: ID, amount: 1, events: 1 },
    };
    Batch { messages: vec![message], delivered: vec![], leased: true }
}

async fn outcome(store: &CounterStore, number: u128) -> Outcome<Counters> {
    match store.transact(add(number)).await {
        Transacted::Committed(mut committed) => committed.outcomes.remove(0),
        other => panic!("not committed: {other:?}"),
    }
}

async fn behind_proxy() -> (Home, Proxy, Arc<CounterStore>) {
    let (home, proxy) = (Home::new().await, Proxy::start().await);
    let store = CounterStore::open(&proxy.url(home.name()), options()).await.unwrap();
    assert!(matches!(outcome(&store, 1).await, Outcome::Applied(_)));
    (home, proxy, Arc::new(store))
}

#[tokio::test]
async fn a_server_that_is_away_is_unavailable_and_nobody_is_to_blame() {
    let (_home, proxy, store) = behind_proxy().await;
    proxy.become_(Network::Silent);
    let (batch, claim, ready) = tokio::join!(store.transact(add(2)), store.claim_outbox(9), store.ready());
    assert!(matches!(batch, Transacted::RolledBack(Fault::Unavailable(_))), "{batch:?}");
    assert!(matches!(claim, Err(Fault::Unavailable(_))), "{claim:?}");
    assert!(matches!(ready, Err(Fault::Unavailable(_))), "{ready:?}");
    proxy.become_(Network::Fine);
    proxy.cut();
    // Connections that were cut are found out, one by one.
    let mut tries = 0;
    while store.ready().await.is_err() {
        tries += 1;
        assert!(tries < 20, "it does not come back");
    }
    assert!(matches!(outcome(&store, 2).await, Outcome::Applied(_)), "it was not handled before");
    assert_eq!(outcome(&store, 1).await, Outcome::Duplicate);
    assert_eq!(store.outbox_depth().await, Ok(2));
}

#[tokio::test]
async fn the_end_of_a_commit_is_unknown_when_the_connection_breaks_in_it() {
    for (network, found) in [(Network::LosesCommits, None), (Network::LosesAnswersOfCommits, Some(Outcome::Duplicate))]
    {
        let (_home, proxy, store) = behind_proxy().await;
        proxy.become_(network);
        let ended = store.transact(add(2)).await;
        assert!(matches!(ended, Transacted::Unknown), "{network:?}: {ended:?}");
        proxy.become_(Network::Fine);
        let again = outcome(&store, 2).await;
        match found {
            Some(expected) => assert_eq!(again, expected, "{network:?}"),
            None => assert!(matches!(again, Outcome::Applied(_)), "{network:?}: {again:?}"),
        }
        assert_eq!(store.outbox_depth().await, Ok(2), "{network:?}");
    }
}

/// A commit that nobody answers ends after a time, and as unknown.
#[tokio::test]
async fn a_silent_network_does_not_hold_a_commit_for_ever() {
    let (home, proxy, store) = behind_proxy().await;
    // Another transaction holds the row, until the network has gone silent.
    let mut holder = home.connection().await;
    let mut transaction = holder.begin().await.unwrap();
    sqlx::raw_sql("SELECT 1 FROM counters FOR UPDATE").execute(&mut *transaction).await.unwrap();
    let waiting = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.transact(add(2)).await }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    proxy.become_(Network::Silent);
    transaction.rollback().await.unwrap();
    let ended = waiting.await.unwrap();
    assert!(matches!(ended, Transacted::RolledBack(Fault::Unavailable(_))), "{ended:?}");
}

#[tokio::test]
async fn a_lock_that_does_not_come_is_no_fault_of_the_message() {
    let home = Home::new().await;
    let store = CounterStore::open(&home.url(), options()).await.unwrap();
    assert!(matches!(outcome(&store, 1).await, Outcome::Applied(_)));
    let mut holder = home.connection().await;
    let mut transaction = holder.begin().await.unwrap();
    sqlx::raw_sql("SELECT 1 FROM counters FOR UPDATE").execute(&mut *transaction).await.unwrap();
    let ended = store.transact(add(2)).await;
    assert!(matches!(ended, Transacted::RolledBack(Fault::Unavailable(_))), "{ended:?}");
    transaction.rollback().await.unwrap();
    assert!(matches!(outcome(&store, 2).await, Outcome::Applied(_)));
}

/// Its connections end, as in a restart of the server; the store makes new ones.
#[tokio::test]
async fn a_server_that_ends_its_connections_costs_a_try_for_each_at_most() {
    let home = Home::new().await;
    let store = CounterStore::open(&home.url(), options()).await.unwrap();
    assert!(matches!(outcome(&store, 1).await, Outcome::Applied(_)));
    sqlx::raw_sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    .execute(&mut home.connection().await)
    .await
    .unwrap();
    for _ in 0..3 {
        match store.transact(add(2)).await {
            Transacted::Committed(committed) => {
                assert!(matches!(committed.outcomes[..], [Outcome::Applied(_)]));
                return;
            }
            Transacted::RolledBack(Fault::Unavailable(_)) => {}
            other => panic!("{other:?}"),
        }
    }
    panic!("the store did not come back");
}

#[tokio::test]
async fn a_server_that_loses_what_it_confirmed_is_refused() {
    let home = Home::new().await;
    let off = format!("ALTER DATABASE \"{}\" SET synchronous_commit = off", home.name());
    sqlx::raw_sql(sqlx::AssertSqlSafe(off)).execute(&mut home.connection().await).await.unwrap();
    let refused = CounterStore::open(&home.url(), options()).await.err();
    assert!(
        matches!(&refused, Some(OpenError::NotDurable { setting }) if setting == "synchronous_commit"),
        "{refused:?}"
    );
    let allowed = Settings { allow_data_loss: true, ..options().settings };
    assert!(CounterStore::open(&home.url(), StoreOptions { settings: allowed, ..options() }).await.is_ok());
}

#[tokio::test]
async fn a_database_that_is_not_there_may_come_and_no_error_tells_the_password() {
    for url in [at("no_such_database", None), "postgres://ada:secret@127.0.0.1:1/shop".to_owned()] {
        let Some(error) = CounterStore::open(&url, options()).await.err() else { panic!("it opened {url}") };
        assert!(matches!(error, OpenError::Away(_)), "{error:?}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
    for url in ["", "sqlite:/tmp/x", "postgres//x:secret@y", "postgres://[::secret"] {
        let Some(error) = CounterStore::open(url, options()).await.err() else { panic!("it opened {url}") };
        assert!(matches!(error, OpenError::Url), "{url}: {error:?}");
        assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
    }
}

#[tokio::test]
async fn every_connection_has_its_time_limits() {
    let home = Home::new().await;
    let store = CounterStore::open(&home.url(), options()).await.unwrap();
    let limits = "SELECT current_setting('statement_timeout') AS statement, current_setting('lock_timeout') AS lock,
        current_setting('idle_in_transaction_session_timeout') AS idle, current_setting('transaction_read_only') AS ro";
    for (pool, read_only) in [(store.writers(), "off"), (store.readers(), "on")] {
        let row = sqlx::query(limits).fetch_one(pool).await.unwrap();
        let found: Vec<String> = ["statement", "lock", "idle", "ro"].map(|name| row.get(name)).into();
        assert_eq!(found, ["10s", "300ms", "10s", read_only]);
    }
}
