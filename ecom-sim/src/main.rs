//! The command `ecom-sim`.

use std::process::ExitCode;

use clap::Parser;
use ecom_sim::cli::{self, Cli};

fn main() -> ExitCode {
    cli::main(Cli::parse()).into()
}
