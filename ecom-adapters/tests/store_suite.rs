//! The suite that every store must pass, on SQLite files.
#![cfg(feature = "sqlite")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use ecom_adapters::sqlite::{Script, SqliteStore, StoreOptions, Tables, column, parse, text_list};
use ecom_core::policy::Policy;
use ecom_core::port::Store;
use ecom_core::testing::ManualClock;
use ecom_core::testing::counter::{Counter, Counters};
use ecom_core::testing::store::{Fixture, InMemory, run, stream};
use sqlx::{Row, SqliteConnection};
use tempfile::TempDir;
use uuid::Uuid;

struct CounterTables;

#[async_trait]
impl Tables<Counters> for CounterTables {
    const MIGRATIONS: &'static [(&'static str, &'static str)] = &[(
        "counters/0001_init",
        "CREATE TABLE counters (
            id TEXT PRIMARY KEY,
            version INTEGER NOT NULL,
            total INTEGER NOT NULL CHECK (total >= 0)
        ) STRICT, WITHOUT ROWID;",
    )];

    async fn load(
        connection: &mut SqliteConnection,
        scope: &BTreeSet<Uuid>,
    ) -> Result<BTreeMap<Uuid, Counter>, sqlx::Error> {
        let rows = sqlx::query("SELECT id, version, total FROM counters WHERE id IN (SELECT value FROM json_each(?1))")
            .bind(text_list(scope))
            .fetch_all(connection)
            .await?;
        let counter = |row| {
            let id: Uuid = parse(row, "id")?;
            let version: i64 = column(row, "version")?;
            Ok((id, Counter { id, version: version.cast_unsigned(), total: row.try_get("total")? }))
        };
        rows.iter().map(counter).collect()
    }

    fn write(script: &mut Script, changes: &[Counter]) -> Result<(), sqlx::Error> {
        let last: BTreeMap<Uuid, &Counter> = changes.iter().map(|counter| (counter.id, counter)).collect();
        let rows: Vec<&Counter> = last.into_values().collect();
        script.put(
            "counters",
            "INSERT INTO counters (id, version, total)
             SELECT value->>'id', value->>'version', value->>'total' FROM jsonb_each(?) WHERE true
             ON CONFLICT (id) DO UPDATE SET version = excluded.version, total = excluded.total
             WHERE counters.version < excluded.version",
            &rows,
        )
    }
}

/// Databases in a folder that goes away with the test, by a clock that the test moves.
struct Files {
    folder: TempDir,
    made: AtomicU32,
    clock: Arc<ManualClock>,
}

impl Files {
    async fn open(&self, number: u32) -> Arc<SqliteStore<Counters, CounterTables>> {
        let clock: Arc<ManualClock> = Arc::clone(&self.clock);
        let options = StoreOptions { policy: Policy::default(), lease: self.lease(), clock };
        let path = self.folder.path().join(format!("{number}.db"));
        match SqliteStore::<Counters, CounterTables>::open(&path, options).await {
            Ok(store) => Arc::new(store),
            Err(error) => panic!("{error}"),
        }
    }
}

#[async_trait]
impl Fixture for Files {
    async fn fresh(&self) -> Arc<dyn Store<Counters>> {
        self.open(self.made.fetch_add(1, Ordering::SeqCst) + 1).await
    }

    async fn again(&self) -> Arc<dyn Store<Counters>> {
        self.open(self.made.load(Ordering::SeqCst)).await
    }

    async fn away(&self) -> Arc<dyn Store<Counters>> {
        let store = self.open(self.made.fetch_add(1, Ordering::SeqCst) + 1).await;
        store.close().await;
        store
    }

    async fn sleep(&self, time: Duration) {
        self.clock.advance(time);
    }

    fn lease(&self) -> Duration {
        Duration::from_secs(15)
    }
}

fn files() -> Files {
    Files { folder: tempfile::tempdir().unwrap(), made: AtomicU32::new(0), clock: Arc::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_store_on_sqlite_passes_the_suite() {
    run(&files()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_store_on_sqlite_answers_a_stream_of_operations_as_the_one_in_memory() {
    for seed in [1, 2, 3] {
        stream::compare(&[("memory", &InMemory::default()), ("sqlite", &files())], seed, 400).await;
    }
}
