//! Schemas: made once, by whoever comes first, and never taken for another.

use std::sync::Arc;

use ecom_core::port::Store;
use ecom_core::testing::counter::Counters;
use ecom_core::testing::{ManualClock, join_all};
use sqlx::Row;

use super::counters::CounterTables;
use super::world::Home;
use crate::postgres::database::{Database, Settings};
use crate::postgres::order::OrderTables;
use crate::postgres::{OpenError, PgStore};

const FIRST: (&str, &str) = ("thing/0001_init", "CREATE TABLE things (id BIGINT PRIMARY KEY)");
const INBOX: (&str, &str) = ("kit/0001", "CREATE TABLE inbox (message_id UUID PRIMARY KEY)");

#[tokio::test]
async fn copies_that_start_at_once_make_one_schema() {
    let home = Home::new().await;
    let open = || async {
        let store = home.open::<_, OrderTables>(Arc::new(ManualClock::default())).await;
        store.ready().await.unwrap();
        store.close().await;
    };
    join_all((0..5).map(|_| Box::pin(open()) as _).collect()).await;
    let applied = "SELECT count(*) AS n, count(DISTINCT name) AS names FROM migrations";
    let row = sqlx::query(applied).fetch_one(&mut home.connection().await).await.unwrap();
    assert_eq!((row.get::<i64, _>("n"), row.get::<i64, _>("names")), (4, 4));
}

#[tokio::test]
async fn a_migration_that_fails_leaves_nothing() {
    let home = Home::new().await;
    let broken = ("thing/0002_broken", "CREATE TABLE others (id BIGINT); ALTER TABLE nothing ADD COLUMN x BIGINT");
    let refused = Database::open(&home.url(), vec![FIRST, broken], Settings::default()).await.err();
    let Some(OpenError::Migration { name, .. }) = &refused else { panic!("{refused:?}") };
    assert_eq!(name, "thing/0002_broken");
    let tables = "SELECT count(*) AS n FROM pg_tables WHERE schemaname = 'public'";
    let row = sqlx::query(tables).fetch_one(&mut home.connection().await).await.unwrap();
    assert_eq!(row.get::<i64, _>("n"), 0);
    assert!(Database::open(&home.url(), vec![FIRST], Settings::default()).await.is_ok());
}

/// The former version goes on beside the next one; a migration that has another content is not ours.
#[tokio::test]
async fn a_former_version_goes_on_and_an_altered_migration_is_refused() {
    let home = Home::new().await;
    let expand = ("thing/0002_expand", "ALTER TABLE things ADD COLUMN name TEXT");
    let next = Database::open(&home.url(), vec![INBOX, FIRST, expand], Settings::default()).await.unwrap();
    let former = Database::open(&home.url(), vec![INBOX, FIRST], Settings::default()).await.unwrap();
    next.ready().await.unwrap();
    former.ready().await.unwrap();
    let altered = ("thing/0001_init", "CREATE TABLE things (id TEXT PRIMARY KEY)");
    let refused = Database::open(&home.url(), vec![INBOX, altered], Settings::default()).await.err();
    assert!(matches!(&refused, Some(OpenError::Altered { name }) if name == "thing/0001_init"), "{refused:?}");
    next.close().await;
    former.close().await;
}

/// A service that only works needs no right to change the schema.
#[tokio::test]
async fn a_schema_that_is_up_to_date_is_not_touched() {
    let home = Home::new().await;
    let open = || home.open::<Counters, CounterTables>(Arc::new(ManualClock::default()));
    let store: PgStore<Counters, CounterTables> = open().await;
    sqlx::raw_sql("REVOKE CREATE ON SCHEMA public FROM PUBLIC; CREATE VIEW seen AS SELECT * FROM migrations")
        .execute(&mut home.connection().await)
        .await
        .unwrap();
    // Somebody reads the table all the while: a statement that changes it would wait, and fail.
    let mut reader = home.connection().await;
    sqlx::raw_sql("BEGIN; LOCK TABLE migrations IN SHARE ROW EXCLUSIVE MODE").execute(&mut reader).await.unwrap();
    let again = open().await;
    again.ready().await.unwrap();
    store.close().await;
    again.close().await;
}
