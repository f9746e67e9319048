//! A database of its own on the server for each test, and its removal.

use std::sync::Arc;
use std::time::Duration;

use ecom_core::decide::BoundedContext;
use ecom_core::policy::Policy;
use ecom_core::port::Clock;
use ecom_core::testing::ManualClock;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, PgPool};

use crate::postgres::{DatabaseClock, PgStore, Pools, Settings, StoreOptions, Tables};

/// The server: a URL of a database on it from which others can be created.
pub(crate) fn server() -> String {
    std::env::var("TEST_DATABASE_URL").unwrap_or_else(|_| "postgres://postgres@127.0.0.1:5432/postgres".to_owned())
}

/// The URL of another database of the server, by way of another port of this machine if one is given.
pub(crate) fn at(database: &str, port: Option<u16>) -> String {
    let mut options: PgConnectOptions = server().parse().unwrap();
    if let Some(port) = port {
        // Whoever stands between can then read along.
        options = options.host("127.0.0.1").port(port).ssl_mode(PgSslMode::Disable);
    }
    let mut url = options.to_url_lossy();
    url.set_path(database);
    url.to_string()
}

async fn administrator() -> PgConnection {
    match PgConnection::connect(&server()).await {
        Ok(connection) => connection,
        Err(error) => {
            panic!("these tests need a PostgreSQL server; TEST_DATABASE_URL names none that answers: {error}")
        }
    }
}

/// A database that nobody else has. It is dropped with this value.
pub(crate) struct Home {
    name: String,
}

impl Home {
    pub(crate) async fn new() -> Self {
        let unique = tempfile::tempdir().unwrap().path().file_name().unwrap().to_string_lossy().replace(".tmp", "");
        let name = format!("ecom_test_{unique}");
        let create = format!("CREATE DATABASE \"{name}\"");
        sqlx::raw_sql(AssertSqlSafe(create)).execute(&mut administrator().await).await.unwrap();
        Self { name }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The database's URL.
    pub(crate) fn url(&self) -> String {
        at(&self.name, None)
    }

    /// The store in it, by that clock; opened a second time, it is another copy of the service.
    pub(crate) async fn open<C: BoundedContext, T: Tables<C>>(&self, clock: Arc<dyn Clock>) -> PgStore<C, T> {
        self.open_by(DatabaseClock::Given(clock), Duration::from_secs(15)).await
    }

    /// The store in it, by any clock, with that lease.
    pub(crate) async fn open_by<C: BoundedContext, T: Tables<C>>(
        &self,
        clock: DatabaseClock,
        lease: Duration,
    ) -> PgStore<C, T> {
        let settings = Settings { pools: Pools { writers: 4, readers: 2 }, ..Settings::default() };
        let options = StoreOptions { policy: Policy::default(), lease, clock, settings, migrated: |_| {} };
        PgStore::open(&self.url(), options).await.unwrap()
    }

    /// The store's tables without the store.
    pub(crate) async fn pool<C: BoundedContext, T: Tables<C>>(&self) -> PgPool {
        self.open::<C, T>(Arc::new(ManualClock::default())).await.close().await;
        PgPoolOptions::new().max_connections(3).connect(&self.url()).await.unwrap()
    }

    /// A connection past the store.
    pub(crate) async fn connection(&self) -> PgConnection {
        PgConnection::connect(&self.url()).await.unwrap()
    }

    /// Runs a statement of a test; the error that the database gives, if any.
    pub(crate) async fn refuses(&self, sql: &'static str) -> Option<String> {
        sqlx::raw_sql(sql).execute(&mut self.connection().await).await.err().map(|error| error.to_string())
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let drop = format!("DROP DATABASE IF EXISTS \"{}\" WITH (FORCE)", self.name);
        // The test's own runtime cannot be waited on from here.
        let removal = std::thread::spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let mut administrator = PgConnection::connect(&server()).await.map_err(std::io::Error::other)?;
                sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut administrator).await.map_err(std::io::Error::other)
            })
        });
        match removal.join() {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => eprintln!("a test database was not dropped: {error}"),
            Err(_) => eprintln!("a test database was not dropped"),
        }
    }
}
