//! The services of the shop on real files and the local bus, each with its doors in trouble and its machines recorded.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ecom_adapters::local::{self, LocalBus};
use ecom_adapters::sandbox::Sandbox;
use ecom_adapters::sqlite::inventory::InventoryTables;
use ecom_adapters::sqlite::notification::NotificationTables;
use ecom_adapters::sqlite::order::OrderTables;
use ecom_adapters::sqlite::payment::PaymentTables;
use ecom_adapters::sqlite::user::UserTables;
use ecom_adapters::sqlite::{SqliteStore, StoreOptions, Tables};
use ecom_adapters::system::{LogChannel, SystemClock};
use ecom_core::decide::BoundedContext;
use ecom_core::engine::consumer::{self, Verdict};
use ecom_core::engine::record::Recorder;
use ecom_core::engine::{Idempotency, Ladder, Outcome};
use ecom_core::event::Service;
use ecom_core::id::{CorrelationId, MessageId};
use ecom_core::inventory::InventoryContext;
use ecom_core::notification::NotificationContext;
use ecom_core::order::OrderContext;
use ecom_core::payment::PaymentContext;
use ecom_core::policy::Policy;
use ecom_core::port::{Bus, Clock, Outside, Store};
use ecom_core::user::UserContext;
use ecom_services::host::{self, Busy, Changes, Command, Handle, Parts, Settings, Tasks};
use ecom_services::telemetry::Traces;
use tempfile::TempDir;
use uuid::Uuid;

use super::trouble::{Trouble, Troubled};
use crate::client::eventually;

const LEASE: Duration = Duration::from_secs(3);

/// The services.
pub(crate) struct Stage {
    pub(crate) users: Handle<UserContext>,
    pub(crate) orders: Handle<OrderContext>,
    pub(crate) inventory: Handle<InventoryContext>,
    pub(crate) payments: Handle<PaymentContext>,
    notifications: Handle<NotificationContext>,
    pub(crate) troubles: BTreeMap<Service, Arc<Trouble>>,
    lines: Arc<Mutex<Vec<String>>>,
    stores: Vec<(Service, Box<dyn Fn() -> Depth + Send + Sync>)>,
    numbers: AtomicU64,
    bus: LocalBus,
    tasks: Tasks,
    directory: TempDir,
}

type Depth = std::pin::Pin<Box<dyn Future<Output = u64> + Send>>;

/// What all services are made of.
struct Parcel {
    bus: LocalBus,
    clock: Arc<dyn Clock>,
    policy: Policy,
    recorder: Recorder,
}

impl Stage {
    pub(crate) async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let lines = Arc::new(Mutex::new(vec![]));
        let shared = Arc::clone(&lines);
        let recorder = Recorder::new(move |line| shared.lock().unwrap().push(line));
        let retry = [50, 100, 200, 400, 800].map(Duration::from_millis);
        let policy = Policy {
            hold_alarm: Duration::from_millis(150),
            owed_deadline: Duration::from_millis(800),
            provider_timeout: Duration::from_millis(300),
            provider_retry: retry,
            notice_retry: retry,
            ..Policy::default()
        };
        let bus = LocalBus::new(local::Limits { patience: LEASE * 2 / 3, ..local::Limits::default() });
        let parcel = Parcel { bus: bus.clone(), clock: Arc::new(SystemClock), policy, recorder };
        let log = directory.path().join("sandbox.sqlite");
        let provider = Sandbox::open(&log, policy.provider_timeout, Arc::new(SystemClock)).await.unwrap();
        let provider = Arc::new(provider);
        let (mut tasks, mut troubles, mut stores) = (Tasks::default(), BTreeMap::new(), vec![]);
        let path = directory.path();
        let mut made = (&mut tasks, &mut troubles, &mut stores);
        let users = parcel.run::<UserContext, UserTables>(path, Arc::new(()), &mut made).await;
        let orders = parcel.run::<OrderContext, OrderTables>(path, Arc::new(()), &mut made).await;
        let inventory = parcel.run::<InventoryContext, InventoryTables>(path, Arc::new(()), &mut made).await;
        let payments = parcel.run::<PaymentContext, PaymentTables>(path, provider, &mut made).await;
        let letters = Arc::new(LogChannel);
        let notifications = parcel.run::<NotificationContext, NotificationTables>(path, letters, &mut made).await;
        let numbers = AtomicU64::new(1);
        Self {
            users,
            orders,
            inventory,
            payments,
            notifications,
            troubles,
            lines,
            stores,
            numbers,
            bus,
            tasks,
            directory,
        }
    }

    /// The record so far.
    pub(crate) fn record(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    pub(crate) fn trouble(&self, service: Service) -> &Trouble {
        &self.troubles[&service]
    }

    /// A fresh id, the same in every run.
    pub(crate) fn fresh(&self) -> Uuid {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        Uuid::from_u128(0x0190_0000_0000_u128 << 80 | 0x7_000 << 64 | 0b10 << 62 | u128::from(number))
    }

    /// Carries a command out, however often it takes.
    pub(crate) async fn execute<C: BoundedContext>(&self, handle: &Handle<C>, input: C::Input) -> Verdict {
        let id = self.fresh();
        let key = Idempotency { scope: "stage".to_owned(), key: id.to_string(), fingerprint: String::new() };
        let command =
            Command { id: MessageId(id), correlation: CorrelationId(id), key: Some(key), traceparent: None, input };
        eventually("a command is carried out", async || match handle.execute(command.clone()).await {
            Ok(Outcome::Replayed(_)) => Some(Verdict::Done),
            Ok(outcome) => Some(Verdict::from(&outcome)),
            Err(Busy::Failed(error)) => panic!("{error}"),
            Err(Busy::Overloaded | Busy::Unavailable | Busy::Unknown) => None,
        })
        .await
    }

    /// How many events wait for their publication.
    pub(crate) async fn unpublished(&self) -> u64 {
        let mut sum = 0;
        for (_, depth) in &self.stores {
            sum += depth().await;
        }
        sum
    }

    /// Stops everything and returns the record.
    pub(crate) async fn stop(self) -> (String, BTreeMap<Service, Arc<Trouble>>) {
        let Self { users, orders, inventory, payments, notifications, troubles, lines, bus, tasks, directory, .. } =
            self;
        drop((users, orders, inventory, payments, notifications));
        bus.close();
        tasks.stop(Duration::from_secs(5)).await;
        drop(directory);
        let record = lines.lock().unwrap().join("\n") + "\n";
        (record, troubles)
    }
}

type Made<'a> = (
    &'a mut Tasks,
    &'a mut BTreeMap<Service, Arc<Trouble>>,
    &'a mut Vec<(Service, Box<dyn Fn() -> Depth + Send + Sync>)>,
);

impl Parcel {
    async fn run<C: BoundedContext, T: Tables<C>>(
        &self,
        directory: &Path,
        outside: Arc<dyn Outside<C>>,
        (tasks, troubles, stores): &mut Made<'_>,
    ) -> Handle<C> {
        let options = StoreOptions { policy: self.policy, lease: LEASE, clock: Arc::clone(&self.clock) };
        let path = directory.join(format!("{}.sqlite", C::SERVICE.short_name()));
        let store = SqliteStore::<C, T>::open(&path, options).await.unwrap();
        let (store, trouble): (Arc<dyn Store<C>>, _) = (Arc::new(store), Arc::new(Trouble::default()));
        troubles.insert(C::SERVICE, Arc::clone(&trouble));
        let plain = Arc::clone(&store);
        stores.push((
            C::SERVICE,
            Box::new(move || {
                let store = Arc::clone(&plain);
                Box::pin(async move { store.outbox_depth().await.unwrap() })
            }),
        ));
        let bus: Arc<dyn Bus> = Arc::new(self.bus.clone());
        let ladder = Ladder { rungs: [0, 20, 40, 60, 80].map(Duration::from_millis), attempts_max: 3 };
        let parts = Parts {
            store: Arc::new(Troubled { inner: store, trouble: Arc::clone(&trouble) }),
            bus: Arc::new(Troubled { inner: bus, trouble: Arc::clone(&trouble) }),
            outside: Arc::new(Troubled { inner: outside, trouble }),
            clock: Arc::clone(&self.clock),
            settings: Settings {
                lease: LEASE,
                call_max: Duration::from_millis(500),
                ladder: consumer::Limits { ladder, ..consumer::Limits::default() },
                sweep_interval: Duration::from_millis(200),
                ..Settings::default()
            },
            changes: Changes::default(),
            traces: Traces::default(),
            recorder: self.recorder.clone(),
        };
        host::start(parts, tasks).await.unwrap()
    }
}
