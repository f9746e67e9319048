//! The command `ecom-sim`.

use std::process::ExitCode;

use clap::Parser;
use ecom_sim::cli::{self, Cli};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::main(Cli::parse()).into()
}
