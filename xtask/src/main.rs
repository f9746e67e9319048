//! Project tasks, run as `cargo xtask <task>`: `test` (everything), `tidy` (the house rules), `crash` (kill -9, again
//! and again), `chaos` (real processes on real servers, broken in every way), `sim` (what the simulator must show),
//! `repeat` (suites, many times).

mod gate;
mod repeat;
mod servers;
mod sim;
mod step;
mod tidy;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

/// Project tasks.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Runs everything that must hold: house rules, tests, examples, a demo and a short crash run. Finds, or starts, the
    /// PostgreSQL and the RabbitMQ that it needs.
    Test {
        /// Install missing servers without asking, as root on a Debian-like system; so does CI=true.
        #[arg(long)]
        yes: bool,
    },
    /// Checks the house rules: file sizes, direction of dependencies, banned words, shape of the contexts, papers.
    Tidy,
    /// Starts the shop, places orders, kills it with `kill -9`, starts it again, and checks that nothing is lost.
    Crash(CrashArgs),
    /// Runs the suites of stores and buses many times, some beside each other, on servers of their own, to find what
    /// depends on chance or on time.
    Repeat {
        /// How often.
        #[arg(long, default_value_t = 20)]
        times: usize,
        /// How many at a time.
        #[arg(long, default_value_t = 20)]
        at_once: usize,
        /// Only tests whose name contains one of these, as `rabbitmq` or `local`.
        #[arg(long)]
        only: Vec<String>,
        /// Install missing servers without asking.
        #[arg(long)]
        yes: bool,
    },
    /// Starts six services on a PostgreSQL and a RabbitMQ of their own, places orders at a fixed rate, breaks processes,
    /// servers and connections meanwhile, heals them, and checks that nothing is lost.
    Chaos(ChaosArgs),
    /// Lets the simulator show what it must: runs that are the same twice, everything that may happen in small worlds,
    /// planted bugs found, and what is reached. Tells the figures in a table.
    Sim {
        /// The first seed of the random runs; without it, one that follows from the commit.
        #[arg(long)]
        seed: Option<u64>,
        /// A million runs, three faults, more searches: for a night.
        #[arg(long)]
        long: bool,
    },
}

#[derive(Debug, Args)]
struct CrashArgs {
    /// How often to kill it.
    #[arg(long, default_value_t = 10)]
    rounds: u32,
    /// How many clients place orders at the same time.
    #[arg(long, default_value_t = 16)]
    clients: u32,
    /// Repeats the random choices of an earlier run.
    #[arg(long)]
    seed: Option<u64>,
    /// Kills an optimised build.
    #[arg(long)]
    release: bool,
}

#[derive(Debug, Args)]
struct ChaosArgs {
    /// How long, in minutes.
    #[arg(long, default_value_t = 1.0)]
    minutes: f64,
    /// Orders a second.
    #[arg(long, default_value_t = 50)]
    rate: u32,
    /// Repeats the random choices of an earlier run.
    #[arg(long)]
    seed: Option<u64>,
    /// The negative control: a service does without its inbox, and the audit must notice.
    #[arg(long)]
    control: bool,
    /// Nothing but this: the broker is away for so many seconds.
    #[arg(long, value_name = "SECONDS", conflicts_with_all = ["control", "minutes"])]
    broker_down: Option<u32>,
    /// Breaks an optimised build, which knows no named crash points.
    #[arg(long)]
    release: bool,
    /// Install missing servers without asking.
    #[arg(long)]
    yes: bool,
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().task {
        Task::Test { yes } => gate::test(yes),
        Task::Tidy => tidy::report(),
        Task::Crash(args) => gate::crash(args.release, args.rounds, args.clients, args.seed),
        Task::Chaos(ChaosArgs { minutes, rate, seed, control, broker_down, release, yes }) => {
            gate::chaos(&gate::Chaos { minutes, rate, seed, control, broker_down, release, yes })
        }
        Task::Sim { seed, long } => sim::sim(seed, long),
        Task::Repeat { times, at_once, only, yes } => repeat::suites(times, at_once, &only, yes),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("xtask: FAILED: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// The root of the workspace: the folder above this crate.
fn root() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    here.parent().map_or_else(|| here.clone(), PathBuf::from)
}
