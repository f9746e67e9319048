//! `cargo xtask chaos`: the shop as real processes on a real PostgreSQL and a real RabbitMQ, broken in every way that a
//! seed draws while orders come in at a fixed rate. When all is healed an audit from the outside looks for what was lost.
//!
//! The servers are started for the run, in private directories and on free ports; every connection to them goes through
//! a proxy that can cut it, slow it down or swallow what it carries.

mod audit;
mod error;
mod faults;
mod fleet;
mod inject;
mod kind;
mod load;
mod outage;
mod proxy;
mod report;
mod servers;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use ecom_services::crash::random::Random;
use ecom_services::demo;
use ecom_services::demo::client::Shop;
use ecom_services::demo::scene::Scene;
use ecom_services::demo::session::Session;

use error::{Outcome, during};
use faults::World;
use fleet::Fleet;
use inject::Injector;
use kind::Kind;
use load::Load;
use outage::Outage;
use report::Report;
use servers::Servers;

/// Breaks the shop under load and audits what is left.
#[derive(Debug, Parser)]
struct Arguments {
    /// How long, in minutes.
    #[arg(long, default_value_t = 1.0)]
    minutes: f64,
    /// Orders a second.
    #[arg(long, default_value_t = 50)]
    rate: u32,
    /// Decides what happens when.
    #[arg(long)]
    seed: Option<u64>,
    /// The negative control: one service does without its inbox, duplicates come, and the audit must notice.
    #[arg(long)]
    control: bool,
    /// Nothing but this: the broker is away for so many seconds.
    #[arg(long, value_name = "SECONDS", conflicts_with_all = ["control", "minutes"])]
    broker_down: Option<u32>,
    /// Install missing servers without asking.
    #[arg(long)]
    yes: bool,
    /// Where the logs go; a folder that is removed when all is well, if not given.
    #[arg(long)]
    folder: Option<PathBuf>,
    /// Where the programs of the services are; beside this one, if not given.
    #[arg(long)]
    programs: Option<PathBuf>,
}

fn main() -> ExitCode {
    match start(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("ecom-chaos: {error}");
            ExitCode::FAILURE
        }
    }
}

fn start(arguments: &Arguments) -> Outcome<bool> {
    let temporary = tempfile::Builder::new().prefix("ecom-chaos-").tempdir().map_err(during("a folder"))?;
    let folder = arguments.folder.clone().unwrap_or_else(|| temporary.path().to_owned());
    std::fs::create_dir_all(&folder).map_err(during("a folder"))?;
    let seed = match arguments.seed {
        Some(seed) => seed,
        None => getrandom::u32().map(u64::from).map_err(during("a seed"))?,
    };
    println!("seed {seed}");
    let runtime = tokio::runtime::Runtime::new().map_err(during("the runtime"))?;
    let report = runtime.block_on(async {
        let servers = Arc::new(Servers::start(arguments.yes).await?);
        let reported = tokio::select! {
            reported = run(arguments, seed, &folder, Arc::clone(&servers)) => reported,
            _ = tokio::signal::ctrl_c() => Err(during("the run")("interrupted")),
        };
        servers.stop().await;
        reported
    });
    let passed = report.as_ref().is_ok_and(|report| verdict(report, arguments.control));
    if !passed && arguments.folder.is_none() {
        println!("logs are kept in {}", temporary.keep().display());
    }
    report.map(|_| passed)
}

/// Prints the report and tells whether it is as it should be.
fn verdict(report: &Report, control: bool) -> bool {
    print!("{report}");
    if !control {
        return report.violations() == 0;
    }
    let caught = report.breaks(audit::ONCE);
    println!("control: a service without its inbox was {}", if caught { "caught" } else { "NOT caught" });
    caught
}

async fn run(arguments: &Arguments, seed: u64, folder: &Path, servers: Arc<Servers>) -> Outcome<Report> {
    let own = std::env::current_exe().map_err(during("the programs"))?;
    let beside = own.parent().unwrap_or(Path::new(".")).to_owned();
    let programs = arguments.programs.clone().unwrap_or(beside);
    let without = ("ECOM_WITHOUT_INBOX".to_owned(), "notification".to_owned());
    let settings = if arguments.control { vec![without] } else { vec![] };
    let fleet = Arc::new(Fleet::new(programs, folder.to_owned(), &servers, settings).await?);
    let mut figures = faults::begin(&fleet).await?;
    fleet.all_well().await?;
    let injector = Injector::listen(servers.broker_url()).await?;
    let lasts = match arguments.broker_down {
        Some(seconds) => Duration::from_secs(seconds.into()) + 2 * outage::CALM,
        None => Duration::from_secs_f64(arguments.minutes.max(0.0) * 60.0),
    };
    let scene = prepare(lasts.as_secs_f64() * f64::from(arguments.rate), &fleet.url()).await?;
    let load = Arc::new(Load::new(Arc::new(scene)));
    let world = Arc::new(World::new(servers, fleet, injector, Arc::clone(&load)));
    let begun = Instant::now();
    let end = begun + lasts;
    let placing = tokio::spawn(Arc::clone(&load).run(arguments.rate, end));
    let broken = if let Some(seconds) = arguments.broker_down {
        Outage::cause(&world, arguments.rate, Duration::from_secs(seconds.into())).await.map(Some)
    } else {
        let kinds = if arguments.control { vec![Kind::Duplicates] } else { Kind::all(cfg!(debug_assertions)) };
        world.torment(&kinds, Random::new(seed), end).await.map(|()| None)
    };
    let (outage, healed) = match broken {
        Ok(outage) => (outage, Instant::now()),
        Err(error) => {
            placing.abort();
            return Err(error);
        }
    };
    let lasted = begun.elapsed();
    placing.await.map_err(during("the clients"))?;
    load.retry_all().await;
    let mut findings = audit::audit(&world, healed).await?;
    findings.audit.checks.extend(outage.iter().flat_map(Outage::checks));
    let (seen, retries) = (load.seen().clone(), load.scene.shop.retries());
    figures.extend(world.figures());
    Ok(Report { seed, lasted, seen, figures, findings, retries, outage })
}

/// Products, customers and cards.
async fn prepare(orders: f64, url: &str) -> Outcome<Scene> {
    let name = demo::fresh_name().map_err(during("a name"))?;
    let shop = Arc::new(Shop::new(url).map_err(during("a client"))?);
    let admin = Arc::new(Session::new(Arc::clone(&shop), Fleet::admin()));
    // Those that show recoveries come on top.
    let size = load::size(orders as u32 + 10_000);
    Scene::prepare(shop, admin, name, size).await.map_err(during("the scene"))
}
