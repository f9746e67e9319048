//! One service's database, by the scheme of its URL.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
#[cfg(feature = "postgres")]
use ecom_adapters::postgres::{self, PgStore};
use ecom_adapters::sqlite::inventory::{InventoryTables, SqliteInventoryReader};
use ecom_adapters::sqlite::notification::{NotificationTables, SqliteNotificationReader};
use ecom_adapters::sqlite::order::{OrderTables, SqliteOrderReader};
use ecom_adapters::sqlite::payment::{PaymentTables, SqlitePaymentReader};
use ecom_adapters::sqlite::user::{self, SqliteUserReader, UserTables};
use ecom_adapters::sqlite::{Readers, SqliteStore, StoreOptions, Tables};
use ecom_core::decide::BoundedContext;
use ecom_core::engine::Fault;
use ecom_core::inventory::{InventoryContext, InventoryReader};
use ecom_core::notification::{NotificationContext, NotificationReader};
use ecom_core::order::{OrderContext, OrderReader};
use ecom_core::payment::{PaymentContext, PaymentReader};
use ecom_core::port::Store;
use ecom_core::time::Timestamp;
use ecom_core::user::{UserContext, UserReader};

use super::StartError;
use super::data_dir::{create, private};
use crate::config::DatabaseUrl;
#[cfg(feature = "postgres")]
use crate::host;

/// A context with its tables and queries in each technology.
pub(super) trait Kept: BoundedContext {
    /// Its queries.
    type Reader: ?Sized + Send + Sync + 'static;
    /// Its tables in SQLite.
    type Sqlite: Tables<Self>;

    /// Its tables in PostgreSQL.
    #[cfg(feature = "postgres")]
    type Postgres: postgres::Tables<Self>;

    /// Its queries in SQLite.
    fn sqlite_reader(readers: Readers) -> Arc<Self::Reader>;

    /// Its queries in PostgreSQL.
    #[cfg(feature = "postgres")]
    fn postgres_reader(readers: postgres::Readers) -> Arc<Self::Reader>;
}

impl Kept for UserContext {
    type Reader = dyn UserReader;
    type Sqlite = UserTables;
    #[cfg(feature = "postgres")]
    type Postgres = postgres::user::UserTables;

    fn sqlite_reader(readers: Readers) -> Arc<Self::Reader> {
        Arc::new(SqliteUserReader::new(readers))
    }

    #[cfg(feature = "postgres")]
    fn postgres_reader(readers: postgres::Readers) -> Arc<Self::Reader> {
        Arc::new(postgres::user::PgUserReader::new(readers))
    }
}

impl Kept for OrderContext {
    type Reader = dyn OrderReader;
    type Sqlite = OrderTables;
    #[cfg(feature = "postgres")]
    type Postgres = postgres::order::OrderTables;

    fn sqlite_reader(readers: Readers) -> Arc<Self::Reader> {
        Arc::new(SqliteOrderReader::new(readers))
    }

    #[cfg(feature = "postgres")]
    fn postgres_reader(readers: postgres::Readers) -> Arc<Self::Reader> {
        Arc::new(postgres::order::PgOrderReader::new(readers))
    }
}

impl Kept for InventoryContext {
    type Reader = dyn InventoryReader;
    type Sqlite = InventoryTables;
    #[cfg(feature = "postgres")]
    type Postgres = postgres::inventory::InventoryTables;

    fn sqlite_reader(readers: Readers) -> Arc<Self::Reader> {
        Arc::new(SqliteInventoryReader::new(readers))
    }

    #[cfg(feature = "postgres")]
    fn postgres_reader(readers: postgres::Readers) -> Arc<Self::Reader> {
        Arc::new(postgres::inventory::PgInventoryReader::new(readers))
    }
}

impl Kept for PaymentContext {
    type Reader = dyn PaymentReader;
    type Sqlite = PaymentTables;
    #[cfg(feature = "postgres")]
    type Postgres = postgres::payment::PaymentTables;

    fn sqlite_reader(readers: Readers) -> Arc<Self::Reader> {
        Arc::new(SqlitePaymentReader::new(readers))
    }

    #[cfg(feature = "postgres")]
    fn postgres_reader(readers: postgres::Readers) -> Arc<Self::Reader> {
        Arc::new(postgres::payment::PgPaymentReader::new(readers))
    }
}

impl Kept for NotificationContext {
    type Reader = dyn NotificationReader;
    type Sqlite = NotificationTables;
    #[cfg(feature = "postgres")]
    type Postgres = postgres::notification::NotificationTables;

    fn sqlite_reader(readers: Readers) -> Arc<Self::Reader> {
        Arc::new(SqliteNotificationReader::new(readers))
    }

    #[cfg(feature = "postgres")]
    fn postgres_reader(readers: postgres::Readers) -> Arc<Self::Reader> {
        Arc::new(postgres::notification::PgNotificationReader::new(readers))
    }
}

/// A database that is to be closed.
#[async_trait]
pub(super) trait Close: Send + Sync {
    async fn close(&self);
}

/// One service's database, open and up to date.
pub(super) enum Database<C: Kept> {
    /// A file of this process alone.
    Sqlite {
        store: Arc<SqliteStore<C, C::Sqlite>>,
        /// Held until the process ends.
        _lock: File,
    },
    /// A database that all copies of the service share.
    #[cfg(feature = "postgres")]
    Postgres(Arc<PgStore<C, C::Postgres>>),
}

impl<C: Kept> Database<C> {
    /// Opens or creates it, and brings its schema up to date.
    pub(super) async fn open(url: &DatabaseUrl, options: &StoreOptions) -> Result<Self, StartError> {
        match url {
            DatabaseUrl::Sqlite(path) => {
                let lock = lock(path)?;
                let store = SqliteStore::open(path, options.clone()).await?;
                // The file is locked: whoever held a lease is gone.
                store.void_leases().await.map_err(Self::failed)?;
                Ok(Self::Sqlite { store: Arc::new(store), _lock: lock })
            }
            #[cfg(feature = "postgres")]
            DatabaseUrl::Postgres(url) => {
                let options = postgres::StoreOptions {
                    policy: options.policy,
                    lease: options.lease,
                    clock: postgres::DatabaseClock::Server,
                    settings: postgres::Settings::default(),
                    migrated: host::migrated,
                };
                let store = PgStore::open(url.reveal(), options).await;
                let store =
                    store.map_err(|source| StartError::Postgres { service: C::SERVICE.short_name(), source })?;
                Ok(Self::Postgres(Arc::new(store)))
            }
            #[cfg(not(feature = "postgres"))]
            DatabaseUrl::Postgres(_) => {
                Err(StartError::NotBuilt { process: C::SERVICE.name().to_owned(), feature: "postgres" })
            }
        }
    }

    /// The port.
    pub(super) fn store(&self) -> Arc<dyn Store<C>> {
        match self {
            Self::Sqlite { store, .. } => store.clone(),
            #[cfg(feature = "postgres")]
            Self::Postgres(store) => store.clone(),
        }
    }

    /// The queries.
    pub(super) fn reader(&self) -> Arc<C::Reader> {
        match self {
            Self::Sqlite { store, .. } => C::sqlite_reader(store.readers().clone()),
            #[cfg(feature = "postgres")]
            Self::Postgres(store) => C::postgres_reader(store.readers().clone()),
        }
    }

    fn failed(fault: Fault) -> StartError {
        StartError::Service { service: C::SERVICE.short_name(), fault }
    }
}

impl Database<UserContext> {
    /// The keys that access tokens are signed with: PKCS#8, the newest first. `fresh` becomes the first when there is
    /// none.
    pub(super) async fn signing_keys(&self, fresh: &[u8], now: Timestamp) -> Result<Vec<Vec<u8>>, StartError> {
        match self {
            Self::Sqlite { store, .. } => user::signing_keys(store, fresh, now).await.map_err(Self::failed),
            #[cfg(feature = "postgres")]
            Self::Postgres(store) => postgres::user::signing_keys(store, fresh, now).await.map_err(Self::failed),
        }
    }
}

#[async_trait]
impl<C: Kept> Close for Database<C> {
    async fn close(&self) {
        match self {
            Self::Sqlite { store, .. } => store.close().await,
            #[cfg(feature = "postgres")]
            Self::Postgres(store) => store.close().await,
        }
    }
}

/// Locks the file that stands beside a database file: two processes on one SQLite file would void each other's leases.
fn lock(database: &Path) -> Result<File, StartError> {
    let path = beside(database, "lock");
    let unusable = |source| StartError::File { path: path.clone(), source };
    create_directory_of(&path)?;
    let file = private(&path).open(&path).map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StartError::InUse { path: database.to_owned() }),
        Err(TryLockError::Error(source)) => Err(unusable(source)),
    }
}

/// Creates the directory that a file is to lie in, for its owner alone; one that is there keeps its mode.
pub(super) fn create_directory_of(file: &Path) -> Result<(), StartError> {
    let Some(directory) = file.parent().filter(|directory| !directory.as_os_str().is_empty()) else { return Ok(()) };
    create(directory).map_err(|source| StartError::File { path: directory.to_owned(), source })
}

/// The path with an ending more.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_file_belongs_to_one_process() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("data").join("user.sqlite");
        let first = lock(&path).unwrap();
        assert!(matches!(lock(&path), Err(StartError::InUse { .. })));
        drop(first);
        assert!(lock(&path).is_ok());
    }
}
