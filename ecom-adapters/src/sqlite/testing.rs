//! A database file of its own for each test.

use std::sync::Arc;
use std::time::Duration;

use ecom_core::decide::BoundedContext;
use ecom_core::policy::Policy;
use ecom_core::port::Clock;
use ecom_core::testing::ManualClock;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection, SqlitePool};
use tempfile::TempDir;

use super::{SqliteStore, StoreOptions, Tables};

/// A folder with one database file, gone with the test.
pub(crate) struct Home {
    folder: TempDir,
}

impl Home {
    pub(crate) async fn new() -> Self {
        std::future::ready(Self { folder: tempfile::tempdir().unwrap() }).await
    }

    /// The store in it, by that clock; opened a second time, it is what the first one left.
    pub(crate) async fn open<C: BoundedContext, T: Tables<C>>(&self, clock: Arc<dyn Clock>) -> SqliteStore<C, T> {
        let options = StoreOptions { policy: Policy::default(), lease: Duration::from_secs(15), clock };
        SqliteStore::open(&self.folder.path().join("service.db"), options).await.unwrap()
    }

    /// The store's tables without the store.
    pub(crate) async fn pool<C: BoundedContext, T: Tables<C>>(&self) -> SqlitePool {
        self.open::<C, T>(Arc::new(ManualClock::default())).await.close().await;
        let file = self.folder.path().join("service.db");
        SqlitePool::connect_with(SqliteConnectOptions::new().filename(file).foreign_keys(true)).await.unwrap()
    }

    /// A connection past the store.
    pub(crate) async fn connection(&self) -> SqliteConnection {
        let file = self.folder.path().join("service.db");
        SqliteConnectOptions::new().filename(file).foreign_keys(true).connect().await.unwrap()
    }

    /// Runs a statement of a test; the error that the database gives, if any.
    pub(crate) async fn refuses(&self, sql: &'static str) -> Option<String> {
        sqlx::query(sql).execute(&mut self.connection().await).await.err().map(|error| error.to_string())
    }
}
