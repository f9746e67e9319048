//! Six processes that make up one shop.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use ecom_adapters::rabbitmq::{Options, RabbitBus};
use ecom_core::event::Service;
use ecom_services::demo::client::{Call, Shop};
use ecom_services::demo::session::Credentials;
use ecom_services::demo::{self, DemoOptions, Report};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use crate::databases::Databases;

/// How long anything may take before a test gives up; the machine may be busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// How long a process may take to end after SIGTERM.
pub(crate) const STOP_MAX: Duration = Duration::from_secs(10);

pub(crate) const ADMIN: (&str, &str) = ("root@example.com", "a horse and three staples");

/// The broker of the tests.
pub(crate) fn broker() -> String {
    std::env::var("TEST_AMQP_URL").unwrap_or_else(|_| "amqp://guest:guest@127.0.0.1:5672/%2f".to_owned())
}

/// The program of a service.
pub(crate) const fn program(service: Service) -> &'static str {
    match service {
        Service::Gateway => env!("CARGO_BIN_EXE_gateway"),
        Service::User => env!("CARGO_BIN_EXE_user-service"),
        Service::Order => env!("CARGO_BIN_EXE_order-service"),
        Service::Inventory => env!("CARGO_BIN_EXE_inventory-service"),
        Service::Payment => env!("CARGO_BIN_EXE_payment-service"),
        Service::Notification => env!("CARGO_BIN_EXE_notification-service"),
    }
}

/// One process: a service, and which copy of it.
type Member = (Service, usize);

/// A shop of six processes or more, with databases and a namespace of its own.
pub(crate) struct Fleet {
    directory: TempDir,
    ports: BTreeMap<Member, u16>,
    namespace: String,
    databases: Option<Databases>,
    /// Settings beside those of all tests, which win.
    settings: Vec<(String, String)>,
    running: BTreeMap<Member, Child>,
}

impl Fleet {
    /// Six processes over a file each; none runs yet.
    pub(crate) fn new() -> Self {
        Self::of(&[], None)
    }

    /// Six processes and these copies more over PostgreSQL; none runs yet.
    pub(crate) async fn on_postgres(more: &[Service]) -> Self {
        Self::of(more, Some(Databases::create().await))
    }

    fn of(more: &[Service], databases: Option<Databases>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let unique = directory.path().file_name().unwrap().to_string_lossy().replace(".tmp", "");
        // All are bound at once, so that no two are the same.
        let mut listeners: BTreeMap<Member, TcpListener> = BTreeMap::new();
        for service in Service::ALL.iter().chain(more) {
            let copy = listeners.keys().filter(|(other, _)| other == service).count();
            listeners.insert((*service, copy), TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
        }
        let ports = listeners.iter().map(|(member, listener)| (*member, listener.local_addr().unwrap().port()));
        let ports = ports.collect();
        let namespace = format!("test.{unique}.");
        Self { directory, ports, namespace, databases, settings: vec![], running: BTreeMap::new() }
    }

    /// With a setting for whatever is started from now on.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.settings.push((name.to_owned(), value.to_owned()));
    }

    /// Without that setting from now on.
    pub(crate) fn unset(&mut self, name: &str) {
        self.settings.retain(|(other, _)| other != name);
    }

    /// Starts all in this order, and waits for nothing.
    pub(crate) fn start_all(&mut self, order: impl IntoIterator<Item = Service>) {
        for service in order {
            self.start(service);
        }
    }

    /// Starts all copies of a service that do not run.
    pub(crate) fn start(&mut self, service: Service) {
        let idle: Vec<Member> = self.ports.keys().copied().filter(|(other, _)| *other == service).collect();
        for member in idle.into_iter().filter(|member| !self.running.contains_key(member)).collect::<Vec<_>>() {
            self.start_copy(member);
        }
    }

    fn start_copy(&mut self, member: Member) {
        let log = File::options().create(true).append(true).open(self.log(member.0)).unwrap();
        let child = Command::new(program(member.0))
            .env_clear()
            .envs(self.environment(member))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn();
        self.running.insert(member, child.unwrap());
    }

    /// The variables of a process.
    fn environment(&self, member: Member) -> BTreeMap<String, String> {
        let mut all: BTreeMap<String, String> = [
            ("PATH", std::env::var("PATH").unwrap_or_default()),
            ("HTTP_ADDR", format!("127.0.0.1:{}", self.ports[&member])),
            ("EVENT_BUS_URL", broker()),
            ("EVENT_BUS_NAMESPACE", self.namespace.clone()),
            ("JWKS_URL", format!("{}/.well-known/jwks.json", self.url(Service::User))),
            ("ADMIN_EMAIL", ADMIN.0.to_owned()),
            ("ADMIN_PASSWORD", ADMIN.1.to_owned()),
            ("BCRYPT_COST", "10".to_owned()),
            ("PROVIDER_TIMEOUT", "1s".to_owned()),
            // What a killed copy held is soon taken over.
            ("LEASE", "5s".to_owned()),
            ("RATE_LIMIT_USER", "1000000/s".to_owned()),
            ("RUST_LOG", "info,access=warn".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        all.extend(self.databases());
        for upstream in Service::ALL {
            let copies = self.ports.iter().filter(|((service, _), _)| *service == upstream);
            let urls: Vec<String> = copies.map(|(_, port)| format!("http://127.0.0.1:{port}")).collect();
            all.insert(format!("{}_SERVICE_URL", upstream.short_name().to_uppercase()), urls.join(","));
        }
        all.extend(self.settings.iter().cloned());
        all
    }

    /// The variables that name the databases.
    pub(crate) fn databases(&self) -> BTreeMap<String, String> {
        let url = |service: Service| {
            let short = service.short_name();
            let file =
                || format!("sqlite://{}", self.directory.path().join(short).join(format!("{short}.sqlite")).display());
            self.databases.as_ref().map_or_else(file, |databases| databases.url(service))
        };
        let name = |service: Service| format!("{}_DATABASE_URL", service.short_name().to_uppercase());
        Service::ALL.into_iter().map(|service| (name(service), url(service))).collect()
    }

    /// The namespace on the broker.
    pub(crate) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The base URL of a service's first copy.
    pub(crate) fn url(&self, service: Service) -> String {
        format!("http://127.0.0.1:{}", self.ports[&(service, 0)])
    }

    /// A client of a process, the gateway mostly.
    pub(crate) fn client(&self, service: Service) -> Shop {
        Shop::new(&self.url(service)).unwrap()
    }

    /// Waits until a process says that it is ready, and returns what it says.
    pub(crate) async fn ready(&mut self, service: Service) -> Value {
        let shop = self.client(service);
        let begun = Instant::now();
        loop {
            if let Ok(answer) = shop.attempt(&Call::get("/readyz")).await
                && answer.status == 200
            {
                return answer.json().unwrap();
            }
            let ended = self.running.get_mut(&(service, 0)).and_then(|child| child.try_wait().unwrap());
            assert!(ended.is_none() && begun.elapsed() < PATIENCE, "{service} {ended:?}: {}", self.last_words(service));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until every process is ready and nothing is degraded.
    pub(crate) async fn all_well(&mut self) {
        for service in Service::ALL {
            self.becomes(service, "ok").await;
        }
    }

    /// Waits until a process says that it is `ok` or `degraded`.
    pub(crate) async fn becomes(&mut self, service: Service, status: &str) {
        let begun = Instant::now();
        loop {
            let said = self.ready(service).await;
            if said["status"] == status {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "{service}: {said}: {}", self.last_words(service));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// `kill -9` of the first copy.
    pub(crate) async fn kill(&mut self, service: Service) {
        let mut child = self.running.remove(&(service, 0)).unwrap();
        assert_eq!(child.try_wait().unwrap(), None, "{service} had ended: {}", self.last_words(service));
        child.kill().await.unwrap();
    }

    /// The exit code with which the first copy ends by itself; none when it was killed.
    pub(crate) async fn ended(&mut self, service: Service) -> Option<i32> {
        let mut child = self.running.remove(&(service, 0)).unwrap();
        let ended = tokio::time::timeout(PATIENCE, child.wait()).await;
        ended.unwrap_or_else(|_| panic!("{service} goes on: {}", self.last_words(service))).unwrap().code()
    }

    /// The tables in a service's database.
    pub(crate) async fn tables(&self, service: Service) -> Vec<String> {
        self.databases.as_ref().expect("a fleet on PostgreSQL").tables(service).await
    }

    /// SIGTERM to the first copy; returns the exit code and how long the end took.
    pub(crate) async fn terminate(&mut self, service: Service) -> (Option<i32>, Duration) {
        let mut child = self.running.remove(&(service, 0)).unwrap();
        let begun = Instant::now();
        let id = child.id().expect("it runs").to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());
        let status = tokio::time::timeout(PATIENCE, child.wait()).await.expect("it ends").unwrap();
        (status.code(), begun.elapsed())
    }

    /// The demo and its audit, at the gateway.
    pub(crate) fn demo(&self, orders: u32, concurrency: u32) -> JoinHandle<Report> {
        let admin = Credentials::Password { email: ADMIN.0.to_owned(), password: ADMIN.1.to_owned() };
        let options = DemoOptions { url: self.url(Service::Gateway), admin, orders, concurrency };
        tokio::spawn(async { demo::run(options).await.unwrap() })
    }

    /// An access token of the administrator.
    pub(crate) async fn admin(&self) -> String {
        let body = serde_json::json!({ "email": ADMIN.0, "password": ADMIN.1 });
        let answer: Value =
            self.client(Service::User).expect(&Call::post("/api/v1/users/login", body), 200).await.unwrap();
        answer["access_token"].as_str().unwrap().to_owned()
    }

    fn log(&self, service: Service) -> PathBuf {
        self.directory.path().join(format!("{}.log", service.short_name()))
    }

    /// The end of a process's log.
    fn last_words(&self, service: Service) -> String {
        let log = fs::read_to_string(self.log(service)).unwrap_or_default();
        let lines: Vec<&str> = log.lines().rev().take(8).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for service in Service::ALL {
                eprintln!("--- {service}\n{}", self.last_words(service));
            }
        }
        // Whoever still runs would declare the topology again.
        self.running.clear();
        let (namespace, databases) = (std::mem::take(&mut self.namespace), self.databases.take());
        let clean = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let bus = RabbitBus::connect(&broker(), Options { namespace, ..Options::default() }).unwrap();
                drop(bus.delete_topology().await);
                bus.close().await;
                if let Some(databases) = databases {
                    databases.delete().await;
                }
            });
        };
        drop(std::thread::spawn(clean).join());
    }
}
