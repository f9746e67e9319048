//! `cargo xtask crash`: kills a shop again and again.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use ecom_services::crash::{self, CrashOptions};

/// Starts `ecom up`, places orders, kills it with `kill -9`, starts it again on the same data, and audits it by HTTP.
#[derive(Debug, Parser)]
struct Args {
    /// How often to kill it.
    #[arg(long, default_value_t = 10)]
    rounds: u32,
    /// How many clients place orders at the same time.
    #[arg(long, default_value_t = 16)]
    clients: u32,
    /// Decides the moments of the kills.
    #[arg(long)]
    seed: Option<u64>,
    /// Where data and log of the shop go; a folder that is removed when all is well, if not given.
    #[arg(long)]
    folder: Option<PathBuf>,
    /// The `ecom` binary; the one beside this tool, if not given.
    #[arg(long)]
    binary: Option<PathBuf>,
}

fn main() -> ExitCode {
    match start(Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("ecom-crash: {error}");
            ExitCode::FAILURE
        }
    }
}

fn start(args: Args) -> Result<bool, Box<dyn std::error::Error>> {
    let temporary = tempfile::Builder::new().prefix("ecom-crash-").tempdir()?;
    let folder = args.folder.clone().unwrap_or_else(|| temporary.path().to_owned());
    std::fs::create_dir_all(&folder)?;
    let binary = match args.binary {
        Some(binary) => binary,
        None => crash::binary_beside(&std::env::current_exe()?),
    };
    let seed = match args.seed {
        Some(seed) => seed,
        None => getrandom::u32().map(u64::from).map_err(|error| error.to_string())?,
    };
    println!("seed {seed}");
    let options = CrashOptions { binary, folder, rounds: args.rounds, clients: args.clients, seed };
    let runtime = tokio::runtime::Runtime::new()?;
    let outcome = runtime.block_on(crash::run(&options, |line| println!("{line}")));
    let passed = outcome.as_ref().is_ok_and(crash::Summary::passed);
    if !passed && args.folder.is_none() {
        println!("data and log are kept in {}", temporary.keep().display());
    }
    let summary = outcome?;
    print!("{summary}");
    Ok(passed)
}
