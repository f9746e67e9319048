//! The configuration: environment variables with defaults, read once, checked as a whole.
//!
//! Reading is a pure function of the given variables and of the files that `NAME_FILE` variables name. Everything that
//! is wrong is reported at once, so that an operator fixes it in one go.

mod reader;
mod settings;
#[cfg(test)]
mod tests;
mod value;

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ecom_core::email::Email;
use ecom_core::engine::Ladder;
use ecom_core::event::Service;
use ecom_core::policy::Policy;
use ecom_core::secret::Secret;
use serde::Serialize;

use crate::http::trust::TrustedProxies;
use reader::Reader;
pub(crate) use value::duration;
pub use value::{LogFormat, Rate};

/// Which process is being configured: the defaults differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Process {
    /// One service of a deployment.
    Service(Service),
    /// All services in one process, with their data in one directory.
    AllInOne {
        /// Where the databases lie.
        data: PathBuf,
        /// Where the gateway listens unless `HTTP_ADDR` says otherwise.
        port: u16,
    },
}

/// Where a service keeps its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A SQLite file.
    Sqlite(PathBuf),
    /// A PostgreSQL database; the URL may hold a password.
    Postgres(Secret),
}

impl fmt::Display for DatabaseUrl {
    /// Without its password.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(formatter, "sqlite://{}", path.display()),
            Self::Postgres(url) => formatter.write_str(&value::without_password(url.reveal())),
        }
    }
}

/// What carries the events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BusUrl {
    /// The durable bus inside one process.
    Local,
    /// RabbitMQ; the URL may hold a password.
    Amqp(Secret),
}

/// The bus and whose part of it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BusConfig {
    /// What carries the events.
    pub url: BusUrl,
    /// Stands before the name of every exchange and queue, so that several fleets may share a broker; mostly empty.
    pub namespace: String,
}

impl Default for BusConfig {
    fn default() -> Self {
        Self { url: BusUrl::Local, namespace: String::new() }
    }
}

/// Who charges cards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Provider {
    /// The provider of the development shop, which charges nobody.
    Sandbox,
    /// Stripe, or whatever speaks its API.
    Stripe {
        /// Base URL.
        api_base: String,
        /// The key.
        secret_key: Secret,
        /// What webhooks are signed with.
        webhook_secret: Secret,
    },
}

/// The webhooks of the sandbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SandboxWebhooks {
    /// What they are signed with; absent: a secret that is made at the first start, or at each start of a service.
    pub webhook_secret: Option<Secret>,
    /// Where they are sent; absent: to the payment service that was asked.
    pub webhook_url: Option<String>,
}

/// The first administrator, created when there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstAdmin {
    /// His address.
    pub email: Email,
    /// His password.
    pub password: Secret,
}

/// How access tokens are made and checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokens {
    /// `iss`.
    pub issuer: String,
    /// `aud`.
    pub audience: String,
    /// The file with the Ed25519 key; absent: the key that the user service keeps in its database.
    pub private_key_file: Option<PathBuf>,
    /// Where services that do not sign fetch the public keys.
    pub jwks_url: String,
}

/// How passwords are hashed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passwords {
    /// Mixed into every password; kept apart from the database.
    pub pepper: Option<Secret>,
    /// bcrypt's cost.
    pub cost: u32,
}

/// How often what may be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimits {
    /// Failed logins per account.
    pub login: Rate,
    /// Registrations per address.
    pub register: Rate,
    /// Requests per user.
    pub user: Rate,
}

/// The channels of notices; what is absent goes to the log channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Channels {
    /// `smtp://…`, perhaps with a password.
    pub smtp: Option<Secret>,
    /// Where short messages go.
    pub sms: Option<Secret>,
    /// Where push messages go.
    pub push: Option<Secret>,
}

/// What a process tells about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Telemetry {
    /// Which lines are logged, as `RUST_LOG` says it.
    pub filter: String,
    /// How they look.
    pub format: LogFormat,
    /// The collector that traces go to: beside the process, or in its private network.
    pub otlp_endpoint: Option<String>,
}

/// The configuration of a process.
#[derive(Clone, Debug)]
pub struct Config {
    /// The databases by service: the own one, or all for [`Process::AllInOne`].
    pub databases: BTreeMap<Service, DatabaseUrl>,
    /// The bus.
    pub bus: BusConfig,
    /// Where the process listens.
    pub http_addr: SocketAddr,
    /// Whose word on the client's address is taken.
    pub trusted_proxies: TrustedProxies,
    /// The base URLs of each service, for a gateway that is a process of its own.
    pub upstreams: BTreeMap<Service, Vec<String>>,
    /// Access tokens.
    pub tokens: Tokens,
    /// Passwords.
    pub passwords: Passwords,
    /// The first administrator.
    pub first_admin: Option<FirstAdmin>,
    /// Durations that rules need.
    pub policy: Policy,
    /// How long a claimed row belongs to who claimed it.
    pub lease: Duration,
    /// What a failing message climbs.
    pub ladder: Ladder,
    /// How often leftovers of a crash are looked for.
    pub sweep_interval: Duration,
    /// The rows in the outbox at which commands are refused.
    pub outbox_max: u64,
    /// Rate limits.
    pub rates: RateLimits,
    /// The payment provider.
    pub provider: Provider,
    /// The webhooks of the sandbox.
    pub sandbox: SandboxWebhooks,
    /// The channels of notices.
    pub channels: Channels,
    /// Logs and traces.
    pub telemetry: Telemetry,
    effective: Vec<Setting>,
}

/// One variable as it took effect, fit to be shown: secrets are redacted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// The variable.
    pub name: String,
    /// Its value, or the default.
    pub value: String,
    /// Whether it is the default.
    pub is_default: bool,
}

/// Everything that is wrong with a configuration, one line each.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Problems(pub Vec<String>);

impl fmt::Display for Problems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.join("\n"))
    }
}

impl Config {
    /// Reads the configuration of this process from its environment.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn from_env(process: &Process) -> Result<Self, Problems> {
        let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
        let variables = std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect();
        Self::read(process, &variables, &|path| std::fs::read_to_string(path))
    }

    /// Reads a configuration from the given variables; `read_file` reads what a `NAME_FILE` variable names.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn read(
        process: &Process,
        variables: &BTreeMap<String, String>,
        read_file: &dyn Fn(&Path) -> std::io::Result<String>,
    ) -> Result<Self, Problems> {
        let mut reader = Reader::new(variables, read_file);
        let provider = reader.provider();
        let config = Self {
            databases: reader.databases(process),
            bus: reader.bus(process),
            http_addr: reader.http_addr(process),
            trusted_proxies: reader.trusted_proxies(process),
            upstreams: reader.upstreams(process),
            tokens: reader.tokens(),
            passwords: reader.passwords(),
            first_admin: reader.first_admin(process),
            policy: reader.policy(provider == Provider::Sandbox),
            lease: reader.duration("LEASE", "15s"),
            ladder: reader.ladder(),
            sweep_interval: reader.duration("SWEEP_INTERVAL", "1s"),
            outbox_max: reader.outbox_max(),
            rates: reader.rates(),
            provider,
            sandbox: reader.sandbox(process),
            channels: reader.channels(),
            telemetry: reader.telemetry(process),
            effective: vec![],
        };
        // A call needs its whole time before the lease ends, or it never begins. A value that does not parse is zero here
        // and has been reported.
        let shortest = config.policy.provider_timeout.saturating_add(Duration::from_secs(1));
        if !config.lease.is_zero() && config.lease < shortest {
            reader.problem("LEASE must be longer than PROVIDER_TIMEOUT by at least 1s".to_owned());
        }
        let (effective, problems) = reader.done();
        if problems.is_empty() { Ok(Self { effective, ..config }) } else { Err(Problems(problems)) }
    }

    /// All variables as they took effect; secrets redacted.
    pub fn effective(&self) -> &[Setting] {
        &self.effective
    }
}

impl Process {
    /// Whether it has this service inside.
    pub fn runs(&self, service: Service) -> bool {
        match self {
            Self::Service(own) => *own == service,
            Self::AllInOne { .. } => true,
        }
    }

    fn default_http_addr(&self) -> SocketAddr {
        match self {
            Self::Service(service) => SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port(*service)),
            Self::AllInOne { port, .. } => SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), *port),
        }
    }
}

/// The port of a service.
pub const fn port(service: Service) -> u16 {
    match service {
        Service::Gateway => 8080,
        Service::User => 8081,
        Service::Order => 8082,
        Service::Inventory => 8083,
        Service::Payment => 8084,
        Service::Notification => 8085,
    }
}
