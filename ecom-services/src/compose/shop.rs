//! All services in one process: the only place that names adapters.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ecom_adapters::local::{self, LocalBus};
use ecom_adapters::sandbox::Sandbox;
use ecom_adapters::sqlite::inventory::{InventoryTables, SqliteInventoryReader};
use ecom_adapters::sqlite::notification::{NotificationTables, SqliteNotificationReader};
use ecom_adapters::sqlite::order::{OrderTables, SqliteOrderReader};
use ecom_adapters::sqlite::payment::{PaymentTables, SqlitePaymentReader};
use ecom_adapters::sqlite::user::{SqliteUserReader, UserTables, signing_keys};
use ecom_adapters::sqlite::{OpenError, Readers, SqliteStore, StoreOptions, Tables};
use ecom_adapters::system::{Ed25519Key, LogChannel, SystemClock};
use ecom_core::decide::BoundedContext;
use ecom_core::engine::Fault;
use ecom_core::inventory::{InventoryContext, InventoryReader};
use ecom_core::notification::{NotificationContext, NotificationReader};
use ecom_core::order::{OrderContext, OrderReader};
use ecom_core::payment::{PaymentContext, PaymentReader};
use ecom_core::policy::Policy;
use ecom_core::port::{Bus, Clock, Outside, Store};
use ecom_core::user::{UserContext, UserReader};

use crate::host::{self, Changes, Handle, Parts, Settings, Tasks};

/// Why a shop did not start. Each is one clear line.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A database cannot be used.
    #[error(transparent)]
    Database(#[from] OpenError),
    /// A database is gone, or its file is empty, although the shop had it: it would be made anew, without its data.
    #[error("{path} is missing or empty, but {witness} has data: bring it back, or move the other databases away too")]
    Lost {
        /// The file that is not there.
        path: PathBuf,
        /// A file that was made after it.
        witness: PathBuf,
    },
    /// A database failed while the shop started.
    #[error("cannot start the {service} service: {fault}")]
    Service {
        /// Which.
        service: &'static str,
        /// Why.
        fault: Fault,
    },
}

/// One service that runs in this process.
pub struct Running<C: BoundedContext, R: ?Sized> {
    /// Its use cases.
    pub handle: Handle<C>,
    /// Its queries.
    pub reader: Arc<R>,
    /// Its database.
    pub store: Arc<dyn Store<C>>,
}

/// All services in one process, over SQLite files and the in-process bus.
pub struct Shop {
    /// Accounts and sessions.
    pub user: Running<UserContext, dyn UserReader>,
    /// Orders and their saga.
    pub order: Running<OrderContext, dyn OrderReader>,
    /// Products, stock and holds.
    pub inventory: Running<InventoryContext, dyn InventoryReader>,
    /// Charges, refunds and the ledger.
    pub payment: Running<PaymentContext, dyn PaymentReader>,
    /// Notices.
    pub notification: Running<NotificationContext, dyn NotificationReader>,
    /// The payment provider of the development shop.
    pub sandbox: Arc<Sandbox>,
    /// The keys that access tokens are signed with, as the user service keeps them: PKCS#8, the newest first.
    pub signing_keys: Vec<Vec<u8>>,
    /// Who waits for a change of an order.
    pub changes: Changes,
    /// The process's clock.
    pub clock: Arc<dyn Clock>,
    /// The durations that the rules use.
    pub policy: Policy,
    bus: LocalBus,
    tasks: Tasks,
    databases: Vec<Arc<dyn Close>>,
}

struct Builder<'a> {
    data: &'a Path,
    options: StoreOptions,
    settings: Settings,
    bus: Arc<dyn Bus>,
    changes: Changes,
    tasks: Tasks,
    databases: Vec<Arc<dyn Close>>,
}

/// All database files, in the order in which a first start makes them.
const FILES: [&str; 6] =
    ["sandbox.sqlite", "user.sqlite", "order.sqlite", "inventory.sqlite", "payment.sqlite", "notification.sqlite"];

/// Refuses a directory in which a database is lost. A first start that is interrupted leaves only later ones out, so a
/// hole before one that has data means that somebody took a file away, or that a file system lost its content.
fn none_is_lost(data: &Path) -> Result<(), StartError> {
    let path = |name: &&str| data.join(name);
    // A write-ahead log beside an empty file does not count: SQLite throws it away.
    let has_data = |path: &PathBuf| std::fs::metadata(path).is_ok_and(|file| file.len() > 0);
    let Some(last) = FILES.iter().map(path).rfind(has_data) else { return Ok(()) };
    match FILES.iter().map(path).take_while(|path| *path != last).find(|path| !has_data(path)) {
        Some(path) => Err(StartError::Lost { path, witness: last }),
        None => Ok(()),
    }
}

/// A database that is to be closed.
#[async_trait]
trait Close: Send + Sync {
    async fn close(&self);
}

#[async_trait]
impl<C: BoundedContext, T: Tables<C>> Close for SqliteStore<C, T> {
    async fn close(&self) {
        Self::close(self).await;
    }
}

impl Shop {
    /// Opens the databases in `data`, which the caller has locked, and starts all services. Everything that a former
    /// life left half-done is resumed.
    pub async fn start(data: &Path, policy: Policy, settings: Settings) -> Result<Self, StartError> {
        none_is_lost(data)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        // A publication that is given up must not meet the sweeper, which comes when the lease ends.
        let limits = local::Limits { patience: settings.lease * 2 / 3, ..local::Limits::default() };
        let bus = LocalBus::new(limits);
        let changes = Changes::default();
        let options = StoreOptions { policy, lease: settings.lease, clock: Arc::clone(&clock) };
        let sandbox =
            Arc::new(Sandbox::open(&data.join("sandbox.sqlite"), policy.provider_timeout, Arc::clone(&clock)).await?);
        let shared: Arc<dyn Bus> = Arc::new(bus.clone());
        let tasks = Tasks::default();
        let mut builder =
            Builder { data, options, settings, bus: shared, changes: changes.clone(), tasks, databases: vec![] };
        let users = builder.open::<UserContext, UserTables>().await?;
        let fresh = Ed25519Key::generate();
        let signing_keys = signing_keys(&users, &fresh, clock.now())
            .await
            .map_err(|fault| StartError::Service { service: "user", fault })?;
        let user = builder.run(users, Arc::new(()), |pool| Arc::new(SqliteUserReader::new(pool)) as _).await?;
        let orders = builder.open::<OrderContext, OrderTables>().await?;
        let order = builder.run(orders, Arc::new(()), |pool| Arc::new(SqliteOrderReader::new(pool)) as _).await?;
        let stock = builder.open::<InventoryContext, InventoryTables>().await?;
        let inventory =
            builder.run(stock, Arc::new(()), |pool| Arc::new(SqliteInventoryReader::new(pool)) as _).await?;
        let payments = builder.open::<PaymentContext, PaymentTables>().await?;
        let provider: Arc<dyn Outside<PaymentContext>> = sandbox.clone();
        let payment = builder.run(payments, provider, |pool| Arc::new(SqlitePaymentReader::new(pool)) as _).await?;
        let notices = builder.open::<NotificationContext, NotificationTables>().await?;
        let channel: Arc<dyn Outside<NotificationContext>> = Arc::new(LogChannel);
        let notification =
            builder.run(notices, channel, |pool| Arc::new(SqliteNotificationReader::new(pool)) as _).await?;
        let Builder { tasks, databases, .. } = builder;
        Ok(Self {
            user,
            order,
            inventory,
            payment,
            notification,
            sandbox,
            signing_keys,
            changes,
            clock,
            policy,
            bus,
            tasks,
            databases,
        })
    }

    /// Waits until the shop cannot go on and must be restarted.
    pub async fn failed(&mut self) -> String {
        self.tasks.failed().await
    }

    /// Stops all services: nothing new is taken, what is under way is finished, no longer than `patience`.
    pub async fn stop(self, patience: Duration) {
        self.changes.announce_all();
        self.bus.close();
        // The last senders of jobs: without them the committers end.
        drop((self.user, self.order, self.inventory, self.payment, self.notification));
        self.tasks.stop(patience).await;
        // Closing carries the write-ahead log over: after a clean stop each database is one file, fit to be copied.
        let closed = async {
            for database in &self.databases {
                database.close().await;
            }
            self.sandbox.close().await;
        };
        if tokio::time::timeout(patience, closed).await.is_err() {
            tracing::warn!("some databases were not closed in time; what is committed is safe without it");
        }
    }
}

impl Builder<'_> {
    async fn open<C: BoundedContext, T: Tables<C>>(&mut self) -> Result<Arc<SqliteStore<C, T>>, StartError> {
        let name = C::SERVICE.short_name();
        let path = self.data.join(format!("{name}.sqlite"));
        let store = SqliteStore::open(&path, self.options.clone()).await?;
        // The data directory is locked: whoever held a lease is gone.
        store.void_leases().await.map_err(|fault| StartError::Service { service: name, fault })?;
        let store = Arc::new(store);
        self.databases.push(store.clone());
        Ok(store)
    }

    async fn run<C: BoundedContext, T: Tables<C>, R: ?Sized>(
        &mut self,
        store: Arc<SqliteStore<C, T>>,
        outside: Arc<dyn Outside<C>>,
        reader: impl FnOnce(Readers) -> Arc<R>,
    ) -> Result<Running<C, R>, StartError> {
        let reader = reader(store.readers().clone());
        let store: Arc<dyn Store<C>> = store;
        let parts = Parts {
            store: Arc::clone(&store),
            bus: Arc::clone(&self.bus),
            outside,
            clock: Arc::clone(&self.options.clock),
            settings: self.settings,
            changes: self.changes.clone(),
        };
        let handle = host::start(parts, &mut self.tasks).await;
        let handle = handle.map_err(|fault| StartError::Service { service: C::SERVICE.short_name(), fault })?;
        Ok(Running { handle, reader, store })
    }
}
