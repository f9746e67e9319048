//! `ecom demo`: real orders in a throw-away shop, or in one that runs already.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use tokio::net::TcpListener;

use super::{Failure, credentials, runtime};
use crate::compose::{DataDir, Embedded};
use crate::config::{Config, Process};
use crate::demo::session::Credentials;
use crate::demo::{self, DemoOptions, Report};
use crate::telemetry;

/// How much to order, and where.
#[derive(Args, Clone, Debug)]
pub struct DemoArguments {
    /// How many orders to place.
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..))]
    orders: u32,
    /// How many clients order at a time.
    #[arg(long, value_name = "C", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    concurrency: u32,
    /// Print one JSON object instead of a table.
    #[arg(long)]
    json: bool,
    /// Order in the shop at this URL, signing in with ADMIN_EMAIL and ADMIN_PASSWORD, or ECOM_TOKEN.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
}

pub(super) fn run(arguments: &DemoArguments) -> Result<ExitCode, Failure> {
    let report = runtime()?.block_on(async {
        match &arguments.url {
            Some(url) => order(arguments, url.clone(), credentials()?).await,
            None => in_throw_away_shop(arguments).await,
        }
    })?;
    if arguments.json {
        println!("{}", serde_json::to_string(&report).map_err(Failure::failed)?);
    } else {
        println!("{report}");
    }
    Ok(if report.passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn order(arguments: &DemoArguments, url: String, admin: Credentials) -> Result<Report, Failure> {
    let options = DemoOptions { url, admin, orders: arguments.orders, concurrency: arguments.concurrency };
    demo::run(options).await.map_err(Failure::failed)
}

async fn in_throw_away_shop(arguments: &DemoArguments) -> Result<Report, Failure> {
    let directory = tempfile::Builder::new().prefix("ecom-demo-").tempdir().map_err(Failure::failed)?;
    let config = config(directory.path())?;
    telemetry::init(&config.telemetry).map_err(Failure::usage)?;
    let data = DataDir::open(directory.path()).map_err(Failure::failed)?;
    let listener = TcpListener::bind(config.http_addr).await.map_err(Failure::failed)?;
    let url = format!("http://{}", listener.local_addr().map_err(Failure::failed)?);
    let mut embedded = Embedded::start(data, &config).await.map_err(Failure::failed)?;
    let admin = embedded.generated_password().map(|generated| Credentials::Password {
        email: generated.email.clone(),
        password: generated.password.clone(),
    });
    let admin = admin.ok_or_else(|| Failure::failed("the throw-away shop has an administrator already"))?;
    let server = embedded.serve(listener);
    let report = tokio::select! {
        report = order(arguments, url, admin) => report,
        reason = embedded.failed() => Err(Failure::failed(reason)),
    };
    server.stop().await;
    embedded.stop(Duration::from_secs(10)).await;
    report
}

/// The configuration of the throw-away shop: the one of the environment, except that few users may order as fast as
/// the shop can, hashing is as cheap as allowed, and the log keeps quiet.
fn config(directory: &Path) -> Result<Config, Failure> {
    let mut variables: BTreeMap<String, String> = std::env::vars_os()
        .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
        .filter(|(name, _)| !name.starts_with("ADMIN_") && name != "HTTP_ADDR" && !name.ends_with("DATABASE_URL"))
        .collect();
    for (name, value) in [("RATE_LIMIT_USER", "1000000/s"), ("BCRYPT_COST", "10")] {
        variables.insert(name.to_owned(), value.to_owned());
    }
    variables.entry("RUST_LOG".to_owned()).or_insert_with(|| "warn".to_owned());
    let process = Process::AllInOne { data: directory.to_owned(), port: 0 };
    Config::read(&process, &variables, &|path| std::fs::read_to_string(path)).map_err(Failure::usage)
}
