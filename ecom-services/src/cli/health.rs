//! `ecom health`: whether a process is ready, for images that have no other HTTP client.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::{Failure, runtime};
use crate::http::client;

/// How long the answer may take.
const ANSWER_MAX: Duration = Duration::from_secs(3);

/// Whom to ask.
#[derive(Args, Clone, Debug)]
pub struct HealthArguments {
    /// The base URL of a service or of the gateway.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    url: String,
}

pub(super) fn run(arguments: &HealthArguments) -> Result<ExitCode, Failure> {
    runtime()?.block_on(async {
        let url = format!("{}/readyz", arguments.url.trim_end_matches('/'));
        let http = client::new().map_err(Failure::failed)?;
        let failed = |error: reqwest::Error| Failure::failed(format!("{url}: {error}"));
        let response = http.get(&url).timeout(ANSWER_MAX).send().await.map_err(failed)?;
        let ready = response.status().is_success();
        println!("{}", response.text().await.map_err(failed)?);
        Ok(if ready { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    })
}
