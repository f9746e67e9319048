//! `ecom migrate`: brings every database up to date, without starting anything.

use std::process::ExitCode;

use super::up::UpArguments;
use super::{Failure, runtime};
use crate::compose::{DataDir, Materials, migrate};
use crate::config::Config;
use crate::telemetry;

pub(super) fn run(arguments: &UpArguments) -> Result<ExitCode, Failure> {
    let config = Config::from_env(&arguments.process()).map_err(Failure::usage)?;
    telemetry::init(&config.telemetry).map_err(Failure::usage)?;
    // A shop that runs brings its files up to date itself.
    let _data = DataDir::open(arguments.data()).map_err(Failure::failed)?;
    let done = runtime()?.block_on(migrate(Materials::of(&config))).map_err(Failure::failed)?;
    for (service, url) in done {
        println!("{service}: {url} is up to date");
    }
    Ok(ExitCode::SUCCESS)
}
