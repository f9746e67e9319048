//! The programs that run one service, or the gateway, in a process of their own.

use std::process::ExitCode;
use std::time::Duration;

use clap::Command;
use ecom_core::event::Service;
use tokio::net::TcpListener;

use super::signal::stop_asked;
use super::{Failure, STOP_PATIENCE, ended, listen, runtime};
use crate::compose::{GatewayProcess, Server, ServiceProcess};
use crate::config::{Config, Process};
use crate::telemetry;

/// How long a start waits for the next look at a database that is away.
const START_PAUSE: Duration = Duration::from_secs(1);

/// Runs a service, or the gateway. It takes no arguments: its configuration is its environment.
pub fn service(service: Service) -> ExitCode {
    let about = format!("The {} of Ecom; configured by environment variables (`ecom config --help`)", service.name());
    // Usage errors end here, with exit code 2.
    Command::new(service.name()).version(env!("CARGO_PKG_VERSION")).about(about).get_matches();
    ended(service.name(), start(service))
}

fn start(service: Service) -> Result<ExitCode, Failure> {
    let config = Config::from_env(&Process::Service(service)).map_err(Failure::usage)?;
    telemetry::init(&config.telemetry).map_err(Failure::usage)?;
    runtime()?.block_on(async {
        // Taken at once, so that a second copy on the same address ends before it touches the database.
        let listener = listen(config.http_addr).await?;
        tracing::info!(service = service.name(), address = %config.http_addr, "listening");
        tokio::select! {
            biased;
            stop = stop_asked() => stop.map(|()| ExitCode::SUCCESS),
            running = assemble(service, &config) => running?.run(listener).await,
        }
    })
}

/// A process that runs.
enum Running {
    Service(Box<ServiceProcess>),
    Gateway(Box<GatewayProcess>),
}

/// Starts the process; waits for a database that is away.
async fn assemble(service: Service, config: &Config) -> Result<Running, Failure> {
    if service == Service::Gateway {
        return GatewayProcess::start(config)
            .map(|gateway| Running::Gateway(Box::new(gateway)))
            .map_err(Failure::failed);
    }
    loop {
        match ServiceProcess::start(service, config).await {
            Ok(process) => return Ok(Running::Service(Box::new(process))),
            Err(error) if error.is_temporary() => {
                tracing::warn!(%error, "cannot start yet");
                tokio::time::sleep(START_PAUSE).await;
            }
            Err(error) => return Err(Failure::failed(error)),
        }
    }
}

impl Running {
    async fn run(mut self, listener: TcpListener) -> Result<ExitCode, Failure> {
        let server = self.serve(listener);
        let ended = tokio::select! {
            reason = self.failed() => Err(Failure::failed(reason)),
            stop = stop_asked() => stop.map(|()| ExitCode::SUCCESS),
        };
        server.stop().await;
        match self {
            Self::Service(process) => process.stop(STOP_PATIENCE).await,
            Self::Gateway(process) => process.stop(STOP_PATIENCE).await,
        }
        ended
    }

    fn serve(&self, listener: TcpListener) -> Server {
        match self {
            Self::Service(process) => process.serve(listener),
            Self::Gateway(process) => process.serve(listener),
        }
    }

    async fn failed(&mut self) -> String {
        match self {
            Self::Service(process) => process.failed().await,
            Self::Gateway(process) => process.failed().await,
        }
    }
}
