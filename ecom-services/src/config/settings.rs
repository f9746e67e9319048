//! Each setting: its variable, its default, what it must be. A value that is wrong is noted, and some stand-in goes on,
//! so that all problems are found; the stand-in never takes effect.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ecom_core::email::Email;
use ecom_core::engine::Ladder;
use ecom_core::event::Service;
use ecom_core::policy::Policy;
use ecom_core::secret::Secret;
use ecom_core::user::Password;
use tracing_subscriber::EnvFilter;

use crate::http::trust::TrustedProxies;

use super::reader::Reader;
use super::value::{LogFormat, Rate, duration, http_url, plain_http_url, rungs};
use super::{
    BusConfig, BusUrl, Channels, DatabaseUrl, FirstAdmin, Passwords, Process, Provider, RateLimits, SandboxWebhooks,
    Telemetry, Tokens, port,
};

impl Reader<'_> {
    /// A duration above zero.
    pub(super) fn duration(&mut self, name: &str, default: &str) -> Duration {
        let expected = "a duration above zero such as 500ms, 5s or 10m";
        let parse = |text: &str| duration(text).filter(|value| !value.is_zero());
        self.parsed(name, default, expected, parse).unwrap_or_default()
    }

    pub(super) fn databases(&mut self, process: &Process) -> BTreeMap<Service, DatabaseUrl> {
        let mut databases = BTreeMap::new();
        for service in Service::ALL.into_iter().filter(|service| process.runs(*service)) {
            let short = service.short_name();
            let name = format!("{}_DATABASE_URL", short.to_uppercase());
            let default = match process {
                Process::Service(_) => {
                    format!("postgres://postgres:postgres@127.0.0.1:{}/{short}db", database_port(service))
                }
                Process::AllInOne { data, .. } => {
                    format!("sqlite://{}", data.join(format!("{short}.sqlite")).display())
                }
            };
            let url = self.secret_url(&name, Some(&default)).unwrap_or_default();
            match database_url(&url) {
                Some(database) => drop(databases.insert(service, database)),
                None => self.wrong(&name, "a URL that begins with postgres:// or sqlite://"),
            }
        }
        databases
    }

    pub(super) fn bus(&mut self, process: &Process) -> BusConfig {
        let url = self.bus_url(process);
        let expected = "at most 100 letters, digits, dots, dashes and underscores";
        let namespace = self.optional("EVENT_BUS_NAMESPACE", expected, |text| {
            let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
            (plain && text.len() <= 100).then(|| text.to_owned())
        });
        BusConfig { url, namespace: namespace.unwrap_or_default() }
    }

    fn bus_url(&mut self, process: &Process) -> BusUrl {
        let (name, default) = match process {
            Process::Service(_) => ("EVENT_BUS_URL", "amqp://guest:guest@127.0.0.1:5672/%2f"),
            Process::AllInOne { .. } => ("EVENT_BUS_URL", "local:"),
        };
        let url = self.secret_url(name, Some(default)).unwrap_or_default();
        if url != "local:" {
            if !url.starts_with("amqp://") && !url.starts_with("amqps://") {
                self.wrong(name, "local: or a URL that begins with amqp:// or amqps://");
            }
            return BusUrl::Amqp(Secret::new(url));
        }
        // The gateway has no part in the flow of events.
        if let Process::Service(service) = process
            && *service != Service::Gateway
        {
            self.wrong(name, "amqp://… here: the local bus joins the services of one process alone");
        }
        BusUrl::Local
    }

    pub(super) fn http_addr(&mut self, process: &Process) -> SocketAddr {
        let default = process.default_http_addr();
        let expected = "an address with a port such as 0.0.0.0:8080";
        self.parsed("HTTP_ADDR", &default.to_string(), expected, |text| text.parse().ok()).unwrap_or(default)
    }

    pub(super) fn trusted_proxies(&mut self, process: &Process) -> TrustedProxies {
        // The services are behind the gateway, which tells them who calls; what is in front of the gateway nobody knows.
        let default = match process {
            Process::Service(Service::Gateway) | Process::AllInOne { .. } => "none",
            Process::Service(_) => "127.0.0.0/8,::1",
        };
        let expected = "none, or addresses and networks, separated by commas, such as 10.0.0.0/8";
        self.parsed("TRUSTED_PROXIES", default, expected, TrustedProxies::parse).unwrap_or_default()
    }

    pub(super) fn upstreams(&mut self, process: &Process) -> BTreeMap<Service, Vec<String>> {
        let mut upstreams = BTreeMap::new();
        if *process != Process::Service(Service::Gateway) {
            return upstreams;
        }
        for service in Service::ALL.into_iter().filter(|service| *service != Service::Gateway) {
            let name = format!("{}_SERVICE_URL", service.short_name().to_uppercase());
            let default = format!("http://127.0.0.1:{}", port(service));
            let parse = |text: &str| text.split(',').map(plain_http_url).collect::<Option<Vec<_>>>();
            let urls = self.parsed(&name, &default, "one or more http:// URLs, separated by commas", parse);
            upstreams.insert(service, urls.unwrap_or_default());
        }
        upstreams
    }

    pub(super) fn tokens(&mut self) -> Tokens {
        let text = |text: &str| Some(text.to_owned());
        let jwks_url = format!("http://127.0.0.1:{}/.well-known/jwks.json", port(Service::User));
        Tokens {
            issuer: self.parsed("JWT_ISSUER", "ecom", "a name", text).unwrap_or_default(),
            audience: self.parsed("JWT_AUDIENCE", "ecom", "a name", text).unwrap_or_default(),
            private_key_file: self.optional("JWT_PRIVATE_KEY_FILE", "a path", |text| Some(PathBuf::from(text))),
            jwks_url: self.parsed("JWKS_URL", &jwks_url, "an http:// URL", plain_http_url).unwrap_or_default(),
        }
    }

    pub(super) fn passwords(&mut self) -> Passwords {
        let cost = |text: &str| text.parse().ok().filter(|cost| (10..=15).contains(cost));
        Passwords {
            pepper: self.secret("PASSWORD_PEPPER"),
            cost: self.parsed("BCRYPT_COST", "12", "a number from 10 to 15", cost).unwrap_or_default(),
        }
    }

    pub(super) fn first_admin(&mut self, process: &Process) -> Option<FirstAdmin> {
        if !process.runs(Service::User) {
            return None;
        }
        let has_email = self.given("ADMIN_EMAIL").is_some();
        let email = self.optional("ADMIN_EMAIL", "an e-mail address", |text| Email::parse(text).ok());
        let password = self.secret("ADMIN_PASSWORD");
        if let Some(password) = &password
            && let Err(problem) = Password::parse(password.reveal())
        {
            self.problem(format!("ADMIN_PASSWORD {problem}"));
        }
        if has_email != password.is_some() {
            self.problem("ADMIN_EMAIL and ADMIN_PASSWORD go together: set both or none".to_owned());
        }
        Some(FirstAdmin { email: email?, password: password? })
    }

    pub(super) fn policy(&mut self, sandbox: bool) -> Policy {
        Policy {
            provider_timeout: self.duration("PROVIDER_TIMEOUT", "5s"),
            inventory_deadline: self.duration("INVENTORY_DEADLINE", "10m"),
            payment_deadline: self.duration("PAYMENT_DEADLINE", "15m"),
            hold_alarm: self.duration("HOLD_ALARM", "1h"),
            sandbox_default_method: sandbox,
            ..Policy::default()
        }
    }

    pub(super) fn ladder(&mut self) -> Ladder {
        let expected = "one to five durations, separated by commas, such as 0,1s,5s";
        let rungs = self.parsed("RETRY_LADDER", "0,1s,5s,15s,30s", expected, rungs);
        Ladder { rungs: rungs.unwrap_or_default(), ..Ladder::default() }
    }

    pub(super) fn outbox_max(&mut self) -> u64 {
        let parse = |text: &str| text.parse().ok().filter(|rows| *rows > 0);
        self.parsed("OUTBOX_MAX", "1000000", "a number of rows above zero", parse).unwrap_or_default()
    }

    pub(super) fn rates(&mut self) -> RateLimits {
        RateLimits {
            login: self.rate("RATE_LIMIT_LOGIN", "10/m"),
            register: self.rate("RATE_LIMIT_REGISTER", "300/m"),
            user: self.rate("RATE_LIMIT_USER", "100/s"),
        }
    }

    fn rate(&mut self, name: &str, default: &str) -> Rate {
        let rate = self.parsed(name, default, "a count above zero per s, m, h or d, such as 10/m", Rate::parse);
        rate.unwrap_or(Rate { count: 1, per: Duration::from_secs(1) })
    }

    pub(super) fn provider(&mut self) -> Provider {
        let is_stripe = self.parsed("PAYMENT_PROVIDER", "sandbox", "sandbox or stripe", |text| match text {
            "sandbox" => Some(false),
            "stripe" => Some(true),
            _ => None,
        });
        if is_stripe != Some(true) {
            return Provider::Sandbox;
        }
        let expected = "an http:// or https:// URL";
        let api_base = self.parsed("STRIPE_API_BASE", "https://api.stripe.com", expected, http_url);
        Provider::Stripe {
            api_base: api_base.unwrap_or_default(),
            secret_key: self.stripe_secret("STRIPE_SECRET_KEY"),
            webhook_secret: self.stripe_secret("STRIPE_WEBHOOK_SECRET"),
        }
    }

    pub(super) fn sandbox(&mut self, process: &Process) -> SandboxWebhooks {
        if !process.runs(Service::Payment) {
            return SandboxWebhooks::default();
        }
        let webhook_secret = self.secret("SANDBOX_WEBHOOK_SECRET");
        // In one process they are function calls.
        let webhook_url = match process {
            Process::AllInOne { .. } => None,
            Process::Service(_) => self.optional("SANDBOX_WEBHOOK_URL", "an http:// URL", plain_http_url),
        };
        if webhook_url.is_some() && webhook_secret.is_none() {
            self.problem(
                "SANDBOX_WEBHOOK_URL needs SANDBOX_WEBHOOK_SECRET: whoever is told must have it too".to_owned(),
            );
        }
        SandboxWebhooks { webhook_secret, webhook_url }
    }

    fn stripe_secret(&mut self, name: &str) -> Secret {
        let secret = self.secret(name);
        if secret.is_none() {
            self.problem(format!("{name} or {name}_FILE is required when PAYMENT_PROVIDER is stripe"));
        }
        secret.unwrap_or_else(|| Secret::new(String::new()))
    }

    pub(super) fn channels(&mut self) -> Channels {
        Channels {
            smtp: self.channel("SMTP_URL", ["smtp://", "smtps://"]),
            sms: self.channel("SMS_WEBHOOK_URL", ["http://", "https://"]),
            push: self.channel("PUSH_WEBHOOK_URL", ["http://", "https://"]),
        }
    }

    fn channel(&mut self, name: &str, schemes: [&str; 2]) -> Option<Secret> {
        let url = self.secret_url(name, None)?;
        if !schemes.iter().any(|scheme| url.starts_with(scheme)) {
            self.wrong(name, &format!("a URL that begins with {}", schemes.join(" or ")));
        }
        Some(Secret::new(url))
    }

    pub(super) fn telemetry(&mut self, process: &Process) -> Telemetry {
        let default = match process {
            Process::Service(_) => "json",
            Process::AllInOne { .. } => "text",
        };
        let format = self.parsed("LOG_FORMAT", default, "json or text", |text| match text {
            "json" => Some(LogFormat::Json),
            "text" => Some(LogFormat::Text),
            _ => None,
        });
        let filter = |text: &str| EnvFilter::builder().parse(text).ok().map(|_| text.to_owned());
        let filter = self.parsed("RUST_LOG", "info", "a log filter such as info,ecom_core=debug", filter);
        Telemetry {
            filter: filter.unwrap_or_default(),
            format: format.unwrap_or(LogFormat::Json),
            otlp_endpoint: self.optional("OTEL_EXPORTER_OTLP_ENDPOINT", "an http:// URL", plain_http_url),
        }
    }
}

/// The port of a service's database in the compose file.
const fn database_port(service: Service) -> u16 {
    match service {
        Service::User => 5432,
        Service::Order => 5433,
        Service::Inventory => 5434,
        Service::Payment => 5435,
        Service::Notification => 5436,
        Service::Gateway => 5437,
    }
}

fn database_url(url: &str) -> Option<DatabaseUrl> {
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Some(DatabaseUrl::Postgres(Secret::new(url.to_owned())));
    }
    let path = url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:"))?;
    (!path.is_empty()).then(|| DatabaseUrl::Sqlite(PathBuf::from(path)))
}
