//! The processes of the shop, each with a proxy of its own in front of the broker and in front of its database.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ecom_core::event::Service;
use ecom_services::demo::client::{Call, Shop};
use ecom_services::demo::session::Credentials;
use tokio::process::{Child, Command};

use crate::error::{Outcome, during};
use crate::proxy::Proxy;
use crate::servers::{Servers, database_name};

/// How many copies of each service run.
const COPIES: [(Service, usize); 6] = [
    (Service::Gateway, 1),
    (Service::User, 1),
    (Service::Order, 3),
    (Service::Inventory, 2),
    (Service::Payment, 2),
    (Service::Notification, 1),
];

/// How long a process may take to end after SIGTERM.
const STOP_MAX: Duration = Duration::from_secs(10);
/// How long a process that does not end is waited for.
const STOP_PATIENCE: Duration = Duration::from_secs(30);
/// How long the shop may take to be ready.
const READY_MAX: Duration = Duration::from_secs(90);
/// How often it is asked.
const POLL: Duration = Duration::from_millis(50);
/// The lines of a log that a message quotes.
const LAST_WORDS: usize = 10;

const ADMIN: (&str, &str) = ("root@example.com", "a horse and three staples");

/// One process: a service, and which copy of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Member {
    /// What it runs.
    pub(crate) service: Service,
    copy: usize,
}

impl fmt::Display for Member {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}-{}", self.service.short_name(), self.copy)
    }
}

/// The processes.
pub(crate) struct Fleet {
    programs: PathBuf,
    folder: PathBuf,
    ports: BTreeMap<Member, u16>,
    /// In front of the broker.
    pub(crate) brokers: BTreeMap<Member, Proxy>,
    /// In front of the database.
    pub(crate) databases: BTreeMap<Member, Proxy>,
    settings: Vec<(String, String)>,
    running: Mutex<BTreeMap<Member, Child>>,
    wrong: Mutex<Vec<String>>,
}

impl Fleet {
    /// None runs yet. `programs` is where the binaries lie, `folder` where the logs go; `settings` win over all others.
    pub(crate) async fn new(
        programs: PathBuf,
        folder: PathBuf,
        servers: &Servers,
        settings: Vec<(String, String)>,
    ) -> Outcome<Self> {
        // All are bound at once, so that no two are the same.
        let mut listeners = BTreeMap::new();
        for (service, copies) in COPIES {
            for copy in 0..copies {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(during("a port"))?;
                listeners.insert(Member { service, copy }, listener);
            }
        }
        let (mut ports, mut brokers, mut databases) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for (member, listener) in &listeners {
            ports.insert(*member, listener.local_addr().map_err(during("a port"))?.port());
            if member.service != Service::Gateway {
                brokers.insert(*member, Proxy::start(servers.broker_port).await?);
                databases.insert(*member, Proxy::start(servers.database_port).await?);
            }
        }
        let (running, wrong) = (Mutex::new(BTreeMap::new()), Mutex::new(vec![]));
        Ok(Self { programs, folder, ports, brokers, databases, settings, running, wrong })
    }

    /// All of them, whether they run or not.
    pub(crate) fn members(&self) -> Vec<Member> {
        self.ports.keys().copied().collect()
    }

    /// The copies of a service.
    pub(crate) fn copies(&self, service: Service) -> Vec<Member> {
        self.ports.keys().copied().filter(|member| member.service == service).collect()
    }

    /// The gateway's base URL.
    pub(crate) fn url(&self) -> String {
        self.urls(Service::Gateway)
    }

    /// An administrator.
    pub(crate) fn admin() -> Credentials {
        Credentials::Password { email: ADMIN.0.to_owned(), password: ADMIN.1.to_owned() }
    }

    /// The base URLs of all copies of a service.
    fn urls(&self, service: Service) -> String {
        let url = |member: &Member| format!("http://127.0.0.1:{}", self.ports[member]);
        self.copies(service).iter().map(url).collect::<Vec<_>>().join(",")
    }

    /// Starts one, with one setting more, perhaps.
    pub(crate) fn start(&self, member: Member, more: Option<(&str, &str)>) -> Outcome<()> {
        let log = File::options().create(true).append(true).open(self.log(member)).map_err(during("a log"))?;
        let child = Command::new(self.programs.join(format!("{}{}", program(member), std::env::consts::EXE_SUFFIX)))
            .env_clear()
            .envs(self.environment(member))
            .envs(more)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .map_err(during(program(member)))?;
        self.running().insert(member, child);
        Ok(())
    }

    fn environment(&self, member: Member) -> BTreeMap<String, String> {
        let mut all: BTreeMap<String, String> = [
            ("PATH", std::env::var("PATH").unwrap_or_default()),
            ("HTTP_ADDR", format!("127.0.0.1:{}", self.ports[&member])),
            ("JWKS_URL", format!("{}/.well-known/jwks.json", self.urls(Service::User))),
            ("ADMIN_EMAIL", ADMIN.0.to_owned()),
            ("ADMIN_PASSWORD", ADMIN.1.to_owned()),
            ("BCRYPT_COST", "10".to_owned()),
            ("PROVIDER_TIMEOUT", "1s".to_owned()),
            ("RATE_LIMIT_USER", "1000000/s".to_owned()),
            ("RATE_LIMIT_REGISTER", "100000/m".to_owned()),
            ("RUST_LOG", "info,access=warn".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        let upper = |service: Service| service.short_name().to_uppercase();
        if let (Some(broker), Some(database)) = (self.brokers.get(&member), self.databases.get(&member)) {
            all.insert("EVENT_BUS_URL".to_owned(), format!("amqp://guest:guest@127.0.0.1:{}/%2f", broker.port()));
            let (port, name) = (database.port(), database_name(member.service));
            let url = format!("postgres://postgres@127.0.0.1:{port}/{name}");
            all.insert(format!("{}_DATABASE_URL", upper(member.service)), url);
        }
        all.extend(Service::ALL.map(|service| (format!("{}_SERVICE_URL", upper(service)), self.urls(service))));
        all.extend(self.settings.iter().cloned());
        all
    }

    /// Waits until every process says that it is ready and that nothing is degraded.
    pub(crate) async fn all_well(&self) -> Outcome<()> {
        let end = Instant::now() + READY_MAX;
        for (member, port) in &self.ports {
            let shop = Shop::new(&format!("http://127.0.0.1:{port}")).map_err(during("a client"))?;
            loop {
                let answer = shop.attempt(&Call::get("/readyz")).await.map_err(|error| error.to_string());
                let said = answer.map(|answer| String::from_utf8_lossy(&answer.body).into_owned());
                if said.as_ref().is_ok_and(|said| said.contains(r#""status":"ok""#)) {
                    break;
                }
                if Instant::now() >= end {
                    let (said, words) = (said.unwrap_or_else(|error| error), self.last_words(*member));
                    return Err(during(&member.to_string())(format!("not ready: {said}; its last words:\n{words}")));
                }
                tokio::time::sleep(POLL).await;
            }
        }
        Ok(())
    }

    /// `kill -9`.
    pub(crate) async fn kill(&self, member: Member) -> Outcome<()> {
        let Some(mut child) = self.take(member) else { return Ok(()) };
        child.kill().await.map_err(during("kill"))
    }

    /// Waits until a process that was told to ends by itself, `patience` at most; it is killed if it does not.
    pub(crate) async fn ends(&self, member: Member, patience: Duration) -> Outcome<bool> {
        let child = self.running().remove(&member);
        let Some(mut child) = child else { return Ok(false) };
        let ended = tokio::time::timeout(patience, child.wait()).await.is_ok();
        if !ended {
            child.kill().await.map_err(during("kill"))?;
        }
        Ok(ended)
    }

    /// SIGTERM, and the end, which must come in time and with exit code 0.
    pub(crate) async fn terminate(&self, member: Member) -> Outcome<()> {
        let Some(mut child) = self.take(member) else { return Ok(()) };
        let begun = Instant::now();
        signal("TERM", &child).await?;
        match tokio::time::timeout(STOP_PATIENCE, child.wait()).await {
            Ok(Ok(status)) if status.success() && begun.elapsed() < STOP_MAX => Ok(()),
            Ok(Ok(status)) => {
                let seconds = begun.elapsed().as_secs_f64();
                self.note(format!("{member} ended {seconds:.1} s after SIGTERM, with {status}"));
                Ok(())
            }
            Ok(Err(error)) => Err(during("SIGTERM")(error)),
            Err(_) => {
                self.note(format!("{member} did not end after SIGTERM"));
                child.kill().await.map_err(during("kill"))
            }
        }
    }

    /// SIGSTOP, and, after a while, SIGCONT.
    pub(crate) async fn pause(&self, member: Member, lasts: Duration) -> Outcome<()> {
        let Some(child) = self.take(member) else { return Ok(()) };
        signal("STOP", &child).await?;
        tokio::time::sleep(lasts).await;
        let goes_on = signal("CONT", &child).await;
        self.running().insert(member, child);
        goes_on
    }

    /// Takes it out of those that run. One that ended before anybody ended it is noted.
    fn take(&self, member: Member) -> Option<Child> {
        let mut child = self.running().remove(&member)?;
        if let Ok(Some(status)) = child.try_wait() {
            self.note(format!("{member} ended by itself with {status}: {}", self.last_words(member)));
            return None;
        }
        Some(child)
    }

    /// What processes did that they must not do: end by themselves, end late, panic.
    pub(crate) fn wrong(&self) -> Vec<String> {
        for member in self.members() {
            if let Some(child) = self.take(member) {
                self.running().insert(member, child);
            }
            let log = fs::read_to_string(self.log(member)).unwrap_or_default();
            for line in log.lines().filter(|line| line.contains("panicked at")) {
                self.note(format!("{member}: {line}"));
            }
        }
        std::mem::take(&mut self.wrong.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, line: String) {
        self.wrong.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }

    fn running(&self) -> MutexGuard<'_, BTreeMap<Member, Child>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log(&self, member: Member) -> PathBuf {
        self.folder.join(format!("{member}.log"))
    }

    fn last_words(&self, member: Member) -> String {
        let log = fs::read_to_string(self.log(member)).unwrap_or_default();
        let lines: Vec<&str> = log.lines().rev().take(LAST_WORDS).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }
}

const fn program(member: Member) -> &'static str {
    match member.service {
        Service::Gateway => "gateway",
        Service::User => "user-service",
        Service::Order => "order-service",
        Service::Inventory => "inventory-service",
        Service::Payment => "payment-service",
        Service::Notification => "notification-service",
    }
}

async fn signal(name: &str, child: &Child) -> Outcome<()> {
    let Some(id) = child.id() else { return Ok(()) };
    let arguments = [format!("-{name}"), id.to_string()];
    Command::new("kill").args(arguments).status().await.map(drop).map_err(during("kill"))
}
