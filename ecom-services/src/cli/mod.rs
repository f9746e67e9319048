//! The `ecom` command: all services in one process, the demo, and the operator's tools.

mod demo;
mod up;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};
use clap_complete::Shell;

use crate::config::Config;

pub use demo::DemoArguments;
pub use up::UpArguments;

/// Event-driven e-commerce: orders, stock and money that stay right.
#[derive(Debug, Parser)]
#[command(name = "ecom", version, about, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run all services in one process; no server is needed.
    Up(UpArguments),
    /// Place real orders in a shop, some of which fail on purpose, and check stock, money and notices.
    Demo(DemoArguments),
    /// Print the effective configuration, secrets redacted.
    Config(UpArguments),
    /// Print a completion script.
    Completions {
        /// For which shell.
        shell: Shell,
    },
}

/// A command that failed: one line on standard error.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    message: String,
    code: u8,
}

impl Failure {
    /// It did not work: exit code 1.
    #[expect(clippy::needless_pass_by_value, reason = "made for `map_err`")]
    pub fn failed(message: impl ToString) -> Self {
        Self { message: message.to_string(), code: 1 }
    }

    /// It was asked wrongly: exit code 2.
    #[expect(clippy::needless_pass_by_value, reason = "made for `map_err`")]
    pub fn usage(message: impl ToString) -> Self {
        Self { message: message.to_string(), code: 2 }
    }
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    // Usage errors end here, with exit code 2.
    let arguments = Arguments::parse();
    let result = match arguments.verb {
        Verb::Up(arguments) => up::run(&arguments),
        Verb::Demo(arguments) => demo::run(&arguments),
        Verb::Config(arguments) => config(&arguments),
        Verb::Completions { shell } => {
            clap_complete::generate(shell, &mut Arguments::command(), "ecom", &mut std::io::stdout());
            Ok(ExitCode::SUCCESS)
        }
    };
    match result {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("ecom: {failure}");
            ExitCode::from(failure.code)
        }
    }
}

fn config(arguments: &UpArguments) -> Result<ExitCode, Failure> {
    let config = Config::from_env(&arguments.process()).map_err(Failure::usage)?;
    for setting in config.effective() {
        println!("{}={}{}", setting.name, setting.value, if setting.is_default { "  # default" } else { "" });
    }
    Ok(ExitCode::SUCCESS)
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed(format!("cannot start the runtime: {error}")))
}
