//! Logs: one line per fact, to standard error, readable alone and queryable by field. Traces, to a collector that wants
//! them.

mod export;
pub mod trace;

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::Subscriber;

use crate::config::{LogFormat, Telemetry};

pub use export::Exporter;
pub use trace::Traces;

/// Logs could not be set up.
#[derive(Debug, thiserror::Error)]
#[error("logging cannot be set up: {0}")]
pub struct TelemetryError(String);

/// Sets up logging for the whole process; called once, before anything is logged.
///
/// # Errors
/// When the filter does not parse, or logging was set up already.
pub fn init(telemetry: &Telemetry) -> Result<(), TelemetryError> {
    let failed = |error: &dyn std::fmt::Display| TelemetryError(error.to_string());
    let filter = EnvFilter::builder().parse(&telemetry.filter).map_err(|error| failed(&error))?;
    let builder = Subscriber::builder().with_env_filter(filter).with_writer(std::io::stderr);
    match telemetry.format {
        LogFormat::Json => builder.json().flatten_event(true).with_current_span(false).try_init(),
        LogFormat::Text => builder.compact().with_ansi(std::io::stderr().is_terminal()).try_init(),
    }
    .map_err(|error| failed(&error))
}
