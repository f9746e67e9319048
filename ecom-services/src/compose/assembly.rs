//! Puts services together, one by one: database, loops, use cases, queries.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ecom_adapters::sandbox::Sandbox;
use ecom_adapters::sqlite::StoreOptions;
use ecom_adapters::system::{Ed25519Key, LogChannel, SystemClock};
use ecom_core::decide::BoundedContext;
use ecom_core::engine::consumer;
use ecom_core::engine::record::Recorder;
use ecom_core::event::Service;
#[cfg(feature = "rabbitmq")]
use ecom_core::fleet;
use ecom_core::inventory::{InventoryContext, InventoryReader};
use ecom_core::notification::{NotificationContext, NotificationReader};
use ecom_core::order::{OrderContext, OrderReader};
use ecom_core::payment::{PaymentContext, PaymentReader};
use ecom_core::policy::Policy;
use ecom_core::port::{Clock, Outside, Store};
use ecom_core::user::{UserContext, UserReader};

use super::StartError;
use super::bus::EventBus;
#[cfg(feature = "rabbitmq")]
use super::collector;
use super::database::{Close, Database, Kept, create_directory_of};
use crate::config::{BusConfig, Config, DatabaseUrl};
use crate::host::{self, Changes, DeadLetters, Handle, OrdersTogether, Parts, Settings, Tasks};
use crate::http::client;
use crate::telemetry::{Exporter, Traces};

/// What services are made from.
#[derive(Clone, Debug)]
pub struct Materials {
    /// The database of each service that is started.
    pub databases: BTreeMap<Service, DatabaseUrl>,
    /// The bus.
    pub bus: BusConfig,
    /// The durations that the rules use.
    pub policy: Policy,
    /// Durations and limits of the host.
    pub settings: Settings,
    /// The collector of traces, if there is one.
    pub collector: Option<String>,
    /// Told what the services' machines ask for and what comes of it; nobody by default.
    pub recorder: Recorder,
}

impl Materials {
    /// As the configuration says.
    pub fn of(config: &Config) -> Self {
        let settings = Settings {
            lease: config.lease,
            call_max: config.policy.provider_timeout,
            ladder: consumer::Limits { ladder: config.ladder, ..Default::default() },
            outbox_max: config.outbox_max,
            sweep_interval: config.sweep_interval,
        };
        let (databases, bus) = (config.databases.clone(), config.bus.clone());
        let collector = config.telemetry.otlp_endpoint.clone();
        Self { databases, bus, policy: config.policy, settings, collector, recorder: Recorder::default() }
    }

    /// One file for each service in a directory, and the bus inside the process.
    pub fn in_directory(data: &Path, policy: Policy, settings: Settings) -> Self {
        let url = |service: Service| DatabaseUrl::Sqlite(data.join(format!("{}.sqlite", service.short_name())));
        let databases = Service::ALL.into_iter().map(|service| (service, url(service))).collect();
        Self { databases, bus: BusConfig::default(), policy, settings, collector: None, recorder: Recorder::default() }
    }
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

impl<C: BoundedContext, R: ?Sized> Running<C, R> {
    /// Its dead letters.
    pub fn dead_letters(&self) -> Arc<dyn DeadLetters> {
        self.handle.dead_letters(Arc::clone(&self.store))
    }
}

/// The user service, with what it alone has.
pub struct Users {
    /// Accounts and sessions.
    pub service: Running<UserContext, dyn UserReader>,
    /// The keys that access tokens are signed with: PKCS#8, the newest first.
    pub signing_keys: Vec<Vec<u8>>,
}

/// The payment service, with what it alone has.
pub struct Payments {
    /// Charges, refunds and the ledger.
    pub service: Running<PaymentContext, dyn PaymentReader>,
    /// The payment provider of the development shop.
    pub sandbox: Arc<Sandbox>,
}

/// What the services of one process share while they are put together and run.
pub(super) struct Assembly {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) changes: Changes,
    pub(super) bus: EventBus,
    pub(super) tasks: Tasks,
    pub(super) traces: Traces,
    materials: Materials,
    options: StoreOptions,
    databases: Vec<Arc<dyn Close>>,
}

impl Assembly {
    /// Nothing runs yet. `process` names the process on the broker.
    pub(super) fn new(materials: Materials, process: &str) -> Result<Self, StartError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let lease = materials.settings.lease;
        let bus = EventBus::open(&materials.bus, process, lease)?;
        let options = StoreOptions { policy: materials.policy, lease, clock: Arc::clone(&clock) };
        let (changes, mut tasks) = (Changes::default(), Tasks::default());
        let traces = traces(materials.collector.as_deref(), &clock, &mut tasks)?;
        Ok(Self { clock, changes, bus, tasks, traces, materials, options, databases: vec![] })
    }

    /// Starts the user service.
    pub(super) async fn users(&mut self) -> Result<Users, StartError> {
        let database = self.open::<UserContext>().await?;
        let signing_keys = database.signing_keys(&Ed25519Key::generate(), self.clock.now()).await?;
        Ok(Users { service: self.run(&database, Arc::new(())).await?, signing_keys })
    }

    /// Starts the order service.
    pub(super) async fn orders(&mut self) -> Result<Running<OrderContext, dyn OrderReader>, StartError> {
        let database = self.open::<OrderContext>().await?;
        let running = self.run(&database, Arc::new(())).await?;
        Ok(Running { reader: OrdersTogether::over(running.reader), ..running })
    }

    /// Starts the inventory service.
    pub(super) async fn inventory(&mut self) -> Result<Running<InventoryContext, dyn InventoryReader>, StartError> {
        let database = self.open::<InventoryContext>().await?;
        self.run(&database, Arc::new(())).await
    }

    /// Starts the payment service, with the sandbox for its provider.
    pub(super) async fn payments(&mut self, sandbox: Arc<Sandbox>) -> Result<Payments, StartError> {
        let database = self.open::<PaymentContext>().await?;
        let provider: Arc<dyn Outside<PaymentContext>> = sandbox.clone();
        Ok(Payments { service: self.run(&database, provider).await?, sandbox })
    }

    /// Starts the notification service, with the log for its channel.
    pub(super) async fn notifications(
        &mut self,
    ) -> Result<Running<NotificationContext, dyn NotificationReader>, StartError> {
        let database = self.open::<NotificationContext>().await?;
        self.run(&database, Arc::new(LogChannel)).await
    }

    /// Stops everything: nothing new is taken, what is under way is finished, no longer than `patience`. The services'
    /// handles are gone by then, or their committers would wait for the last one.
    pub(super) async fn stop(self, patience: Duration) {
        self.changes.announce_all();
        self.bus.interrupt();
        self.tasks.stop(patience).await;
        // Closing carries the write-ahead log over: after a clean stop each database is one file, fit to be copied.
        let closed = async {
            self.bus.close().await;
            for database in &self.databases {
                database.close().await;
            }
        };
        if tokio::time::timeout(patience, closed).await.is_err() {
            tracing::warn!("some databases were not closed in time; what is committed is safe without it");
        }
    }

    /// Opens the database of a service and does nothing else with it.
    pub(super) async fn migrate(&mut self, service: Service) -> Result<(), StartError> {
        match service {
            Service::User => self.open::<UserContext>().await.map(drop),
            Service::Order => self.open::<OrderContext>().await.map(drop),
            Service::Inventory => self.open::<InventoryContext>().await.map(drop),
            Service::Payment => self.open::<PaymentContext>().await.map(drop),
            Service::Notification => self.open::<NotificationContext>().await.map(drop),
            // It keeps nothing.
            Service::Gateway => Ok(()),
        }
    }

    async fn open<C: Kept>(&mut self) -> Result<Arc<Database<C>>, StartError> {
        let url = self.url(C::SERVICE)?;
        let database = Arc::new(Database::open(&url, &self.options).await?);
        self.databases.push(database.clone());
        Ok(database)
    }

    /// Opens the sandbox. Its log lies beside the payment service's database: a file of its own, or a schema of its own.
    pub(super) async fn sandbox(&mut self) -> Result<Arc<Sandbox>, StartError> {
        let (timeout, clock) = (self.materials.policy.provider_timeout, Arc::clone(&self.clock));
        let sandbox = match self.url(Service::Payment)? {
            DatabaseUrl::Sqlite(path) => {
                create_directory_of(&path)?;
                Sandbox::open(&path.with_file_name("sandbox.sqlite"), timeout, clock).await?
            }
            #[cfg(feature = "postgres")]
            DatabaseUrl::Postgres(url) => Sandbox::open_postgres(url.reveal(), timeout, clock)
                .await
                .map_err(|source| StartError::Postgres { service: "payment", source })?,
            #[cfg(not(feature = "postgres"))]
            DatabaseUrl::Postgres(_) => {
                return Err(StartError::NotBuilt { process: "payment-service".to_owned(), feature: "postgres" });
            }
        };
        let sandbox = Arc::new(sandbox);
        self.databases.push(sandbox.clone());
        Ok(sandbox)
    }

    fn url(&self, service: Service) -> Result<DatabaseUrl, StartError> {
        let url = self.materials.databases.get(&service).cloned();
        url.ok_or(StartError::Unsupported("a service without a database"))
    }

    async fn run<C: Kept>(
        &mut self,
        database: &Database<C>,
        outside: Arc<dyn Outside<C>>,
    ) -> Result<Running<C, C::Reader>, StartError> {
        let store = database.store();
        #[cfg(feature = "rabbitmq")]
        if let (EventBus::Rabbit(bus), Some(role)) = (&self.bus, fleet::role(C::SERVICE)) {
            let (bus, stop) = (bus.clone(), self.tasks.stop_signal());
            self.tasks.spawn("collector", collector::collect(bus, role.queue, Arc::clone(&store), stop));
        }
        let parts = Parts {
            store: Arc::clone(&store),
            bus: self.bus.port(),
            outside,
            clock: Arc::clone(&self.clock),
            settings: self.materials.settings,
            changes: self.changes.clone(),
            traces: self.traces.clone(),
            recorder: self.materials.recorder.clone(),
        };
        let handle = host::start(parts, &mut self.tasks).await;
        let handle = handle.map_err(|fault| StartError::Service { service: C::SERVICE.short_name(), fault })?;
        Ok(Running { handle, reader: database.reader(), store })
    }
}

/// Where traces go: to the collector, by a task of the process, or nowhere.
pub(super) fn traces(collector: Option<&str>, clock: &Arc<dyn Clock>, tasks: &mut Tasks) -> Result<Traces, StartError> {
    let Some(collector) = collector else { return Ok(Traces::default()) };
    let http = client::new().map_err(|error| StartError::Client(error.to_string()))?;
    let (exporter, traces) = Exporter::new(collector, http, Arc::clone(clock));
    tasks.spawn("traces", exporter.run(tasks.stop_signal()));
    Ok(traces)
}

#[async_trait::async_trait]
impl Close for Sandbox {
    async fn close(&self) {
        Self::close(self).await;
    }
}
