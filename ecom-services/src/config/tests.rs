//! Tables of variables and what they mean.

use std::io::{Error, ErrorKind};

use super::*;

const ALL_IN_ONE: fn() -> Process = || Process::AllInOne { data: PathBuf::from("data"), port: 8080 };

fn read(process: &Process, variables: &[(&str, &str)]) -> Result<Config, Problems> {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Config::read(process, &variables, &|path| match path.to_str() {
        Some("/run/secret") => Ok("from the file\n".to_owned()),
        Some("/run/empty") => Ok("\n".to_owned()),
        _ => Err(Error::new(ErrorKind::NotFound, "no such file")),
    })
}

fn problems(process: &Process, variables: &[(&str, &str)]) -> Vec<String> {
    read(process, variables).err().map_or_else(Vec::new, |problems| problems.0)
}

#[test]
fn without_variables_a_service_uses_the_compose_file() {
    let config = read(&Process::Service(Service::Order), &[]).unwrap();
    let url = "postgres://postgres:postgres@127.0.0.1:5433/orderdb";
    assert_eq!(
        config.databases,
        BTreeMap::from([(Service::Order, DatabaseUrl::Postgres(Secret::new(url.to_owned())))])
    );
    assert_eq!(config.bus.url, BusUrl::Amqp(Secret::new("amqp://guest:guest@127.0.0.1:5672/%2f".to_owned())));
    assert_eq!(config.http_addr.to_string(), "0.0.0.0:8082");
    assert_eq!(config.telemetry.format, LogFormat::Json);
    assert_eq!((config.policy, config.ladder), (Policy::default(), Ladder::default()));
    assert_eq!((config.provider, config.first_admin, config.passwords.cost), (Provider::Sandbox, None, 12));
    assert_eq!((config.lease, config.outbox_max), (Duration::from_secs(15), 1_000_000));
    assert_eq!(config.rates.login, Rate { count: 10, per: Duration::from_secs(60) });
}

#[test]
fn without_variables_all_in_one_needs_no_server() {
    let config = read(&ALL_IN_ONE(), &[]).unwrap();
    assert_eq!(config.databases.len(), 6);
    assert_eq!(config.databases[&Service::User], DatabaseUrl::Sqlite(PathBuf::from("data/user.sqlite")));
    assert_eq!((config.bus.url, config.http_addr.to_string()), (BusUrl::Local, "127.0.0.1:8080".to_owned()));
    assert_eq!(config.telemetry.format, LogFormat::Text);
    assert!(config.upstreams.is_empty());
}

#[test]
fn the_gateway_takes_several_urls_for_a_service() {
    let urls = [("ORDER_SERVICE_URL", "http://a:1/, http://b:2")];
    let config = read(&Process::Service(Service::Gateway), &urls).unwrap();
    assert_eq!(config.upstreams[&Service::Order], ["http://a:1", "http://b:2"]);
    assert_eq!(config.upstreams[&Service::User], ["http://127.0.0.1:8081"]);
    assert_eq!(config.upstreams.len(), 5);
}

#[test]
fn everything_given_takes_effect() {
    let config = read(
        &ALL_IN_ONE(),
        &[
            ("HTTP_ADDR", "[::1]:9"),
            ("PROVIDER_TIMEOUT", "250ms"),
            ("INVENTORY_DEADLINE", "2h"),
            ("RETRY_LADDER", "1s, 2m"),
            ("RATE_LIMIT_USER", "5/h"),
            ("BCRYPT_COST", "10"),
            ("ADMIN_EMAIL", "Root@Example.com"),
            ("ADMIN_PASSWORD_FILE", "/run/secret"),
            ("PAYMENT_PROVIDER", "stripe"),
            ("STRIPE_SECRET_KEY", "sk"),
            ("STRIPE_WEBHOOK_SECRET", "wh"),
            ("RUST_LOG", "warn,ecom_core=debug"),
            ("SMTP_URL", ""),
        ],
    )
    .unwrap();
    assert_eq!(config.http_addr.to_string(), "[::1]:9");
    assert_eq!(config.policy.provider_timeout, Duration::from_millis(250));
    assert_eq!(config.policy.inventory_deadline, Duration::from_secs(7_200));
    assert!(!config.policy.sandbox_default_method);
    assert_eq!(config.ladder.rungs, [1, 120, 120, 120, 120].map(Duration::from_secs));
    assert_eq!(config.rates.user, Rate { count: 5, per: Duration::from_secs(3_600) });
    let admin = config.first_admin.unwrap();
    assert_eq!((admin.email.as_str(), admin.password.reveal()), ("root@example.com", "from the file"));
    assert_eq!(config.telemetry.filter, "warn,ecom_core=debug");
    assert_eq!(config.channels, Channels::default());
}

#[test]
fn each_wrong_value_is_reported() {
    for (name, value) in [
        ("USER_DATABASE_URL", "mysql://x"),
        ("USER_DATABASE_URL", "sqlite://"),
        ("EVENT_BUS_URL", "kafka://x"),
        ("EVENT_BUS_NAMESPACE", "a b"),
        ("TRUSTED_PROXIES", "10.0.0.0/33"),
        ("TRUSTED_PROXIES", "example.com"),
        ("HTTP_ADDR", "8080"),
        ("HTTP_ADDR", "localhost:8080"),
        ("JWKS_URL", "ftp://x"),
        ("JWKS_URL", "https://x"),
        ("BCRYPT_COST", "9"),
        ("BCRYPT_COST", "16"),
        ("BCRYPT_COST", "many"),
        ("PROVIDER_TIMEOUT", "5"),
        ("PROVIDER_TIMEOUT", "0"),
        ("PROVIDER_TIMEOUT", "-5s"),
        ("PROVIDER_TIMEOUT", "5 s"),
        ("PAYMENT_DEADLINE", "18446744073709551615d"),
        ("LEASE", "soon"),
        ("RETRY_LADDER", "1s,,2s"),
        ("RETRY_LADDER", "1s,1s,1s,1s,1s,1s"),
        ("OUTBOX_MAX", "0"),
        ("RATE_LIMIT_LOGIN", "10"),
        ("RATE_LIMIT_LOGIN", "0/m"),
        ("RATE_LIMIT_LOGIN", "10/y"),
        ("PAYMENT_PROVIDER", "paypal"),
        ("SMTP_URL", "http://x"),
        ("SMS_WEBHOOK_URL", "x"),
        ("LOG_FORMAT", "xml"),
        ("RUST_LOG", "ecom=loud"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://collector:4318"),
        ("PASSWORD_PEPPER_FILE", "/run/missing"),
        ("PASSWORD_PEPPER_FILE", "/run/empty"),
    ] {
        let found = problems(&ALL_IN_ONE(), &[(name, value)]);
        assert!(found.len() == 1 && found[0].starts_with(name), "{name}={value}: {found:?}");
    }
    assert_eq!(
        problems(&ALL_IN_ONE(), &[("LEASE", "5s")]),
        ["LEASE must be longer than PROVIDER_TIMEOUT by at least 1s"]
    );
    assert_eq!(problems(&ALL_IN_ONE(), &[("LEASE", "6s")]), Vec::<String>::new());
    let (payment, secret) = (Process::Service(Service::Payment), ("SANDBOX_WEBHOOK_SECRET", "wh"));
    assert_eq!(problems(&payment, &[("SANDBOX_WEBHOOK_URL", "https://x"), secret]).len(), 1);
    assert_eq!(problems(&payment, &[("SANDBOX_WEBHOOK_URL", "http://x")]).len(), 1, "who is told must know the secret");
    assert_eq!(problems(&payment, &[("SANDBOX_WEBHOOK_URL", "http://x"), secret]), Vec::<String>::new());
    assert_eq!(problems(&Process::Service(Service::User), &[("EVENT_BUS_URL", "local:")]).len(), 1);
    assert_eq!(problems(&Process::Service(Service::Gateway), &[("EVENT_BUS_URL", "local:")]), Vec::<String>::new());
    assert_eq!(problems(&Process::Service(Service::Gateway), &[("USER_SERVICE_URL", "http://a,b")]).len(), 1);
}

#[test]
fn all_problems_are_reported_at_once() {
    let found = problems(
        &ALL_IN_ONE(),
        &[
            ("LEASE", "x"),
            ("HTTP_ADDR", "x"),
            ("ADMIN_EMAIL", "nobody"),
            ("PASSWORD_PEPPER", "a"),
            ("PASSWORD_PEPPER_FILE", "/run/secret"),
            ("PAYMENT_PROVIDER", "stripe"),
        ],
    );
    let expected = [
        "STRIPE_SECRET_KEY or STRIPE_SECRET_KEY_FILE is required when PAYMENT_PROVIDER is stripe",
        "STRIPE_WEBHOOK_SECRET or STRIPE_WEBHOOK_SECRET_FILE is required when PAYMENT_PROVIDER is stripe",
        "HTTP_ADDR must be an address with a port such as 0.0.0.0:8080",
        "PASSWORD_PEPPER and PASSWORD_PEPPER_FILE are both set: keep one",
        "ADMIN_EMAIL must be an e-mail address",
        "ADMIN_EMAIL and ADMIN_PASSWORD go together: set both or none",
        "LEASE must be a duration above zero such as 500ms, 5s or 10m",
    ];
    assert_eq!(found, expected);
}

#[test]
fn an_administrator_has_a_good_password() {
    let found = problems(&ALL_IN_ONE(), &[("ADMIN_EMAIL", "a@example.com"), ("ADMIN_PASSWORD", "password")]);
    assert_eq!(found, ["ADMIN_PASSWORD is one of the most common passwords"]);
}

#[test]
fn what_is_shown_holds_no_secret() {
    let secrets = [
        ("USER_DATABASE_URL", "postgres://app:hunter2@db:1/x?sslmode=require"),
        ("EVENT_BUS_URL", "amqp://app:hunter@2@mq/%2f"),
        ("PASSWORD_PEPPER", "hunter2"),
        ("ADMIN_EMAIL", "a@example.com"),
        ("ADMIN_PASSWORD", "hunter2hunter2"),
        ("SMTP_URL", "smtp://u:hunter2@mail"),
    ];
    let config = read(&Process::Service(Service::User), &secrets).unwrap();
    assert!(!format!("{:?}{config:?}", config.effective()).contains("hunter"));
    let shown = |name: &str| {
        let setting = config.effective().iter().find(|setting| setting.name == name);
        setting.map(|setting| (setting.value.as_str(), setting.is_default))
    };
    assert_eq!(shown("USER_DATABASE_URL"), Some(("postgres://app:***@db:1/x?sslmode=require", false)));
    assert_eq!(shown("EVENT_BUS_URL"), Some(("amqp://app:***@mq/%2f", false)));
    assert_eq!(shown("ADMIN_PASSWORD"), Some(("***", false)));
    assert_eq!(shown("LEASE"), Some(("15s", true)));
    let wrong = problems(&ALL_IN_ONE(), &[("USER_DATABASE_URL", "x://hunter2"), ("SMTP_URL", "hunter2")]);
    assert!(wrong.len() == 2 && !wrong.join("").contains("hunter2"), "{wrong:?}");
}
