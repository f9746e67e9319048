//! `ecom up`: all services in one process.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::signal::stop_asked;
use super::{Failure, STOP_PATIENCE, listen, runtime};
use crate::compose::{DataDir, Embedded};
use crate::config::{Config, Process};
use crate::telemetry;

/// Where and how to run.
#[derive(Args, Clone, Debug)]
pub struct UpArguments {
    /// Where all data is kept; survives restarts and crashes.
    #[arg(long, value_name = "DIR", default_value = "./ecom-data")]
    data: PathBuf,
    /// The port of the API.
    #[arg(long, value_name = "N", default_value_t = 8080)]
    port: u16,
    /// Add a small catalogue.
    #[arg(long)]
    demo_data: bool,
}

impl UpArguments {
    /// What the configuration is read for.
    pub(super) fn process(&self) -> Process {
        Process::AllInOne { data: self.data.clone(), port: self.port }
    }

    /// The data directory.
    pub(super) fn data(&self) -> &Path {
        &self.data
    }
}

pub(super) fn run(arguments: &UpArguments) -> Result<ExitCode, Failure> {
    let config = Config::from_env(&arguments.process()).map_err(Failure::usage)?;
    telemetry::init(&config.telemetry).map_err(Failure::usage)?;
    let data = DataDir::open(&arguments.data).map_err(Failure::failed)?;
    runtime()?.block_on(serve(arguments, &config, data))
}

async fn serve(arguments: &UpArguments, config: &Config, data: DataDir) -> Result<ExitCode, Failure> {
    let listener = listen(config.http_addr).await?;
    let mut embedded = Embedded::start(data, config).await.map_err(Failure::failed)?;
    if arguments.demo_data {
        embedded.add_catalogue().await.map_err(Failure::failed)?;
    }
    let address = listener.local_addr().map_err(Failure::failed)?;
    announce(&embedded, &format!("http://{address}"));
    let server = embedded.serve(listener);
    let ended = tokio::select! {
        reason = embedded.failed() => Err(Failure::failed(reason)),
        stop = stop_asked() => stop.map(|()| ExitCode::SUCCESS),
    };
    server.stop().await;
    embedded.stop(STOP_PATIENCE).await;
    ended
}

fn announce(embedded: &Embedded, url: &str) {
    let admin = embedded.generated_password();
    let admin = admin.map(|made| format!("  admin    {} with password {}\n", made.email, made.password));
    let text = format!(
        "ecom is up\n  API      {url}/api/v1\n  docs     {url}/docs\n  console  {url}/console\n  health   {url}/health\n  metrics  {url}/metrics\n{}",
        admin.unwrap_or_default()
    );
    // Nobody may be listening: the shop runs all the same.
    let mut out = std::io::stdout();
    drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}
