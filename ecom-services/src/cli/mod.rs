//! The `ecom` command: all services in one process, the demo, and the operator's tools.

mod admin;
mod demo;
mod health;
mod migrate;
mod operator;
mod service;
mod signal;
mod up;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use clap::{CommandFactory as _, Parser, Subcommand};
use clap_complete::Shell;
use tokio::net::TcpListener;

use crate::config::Config;
use crate::demo::session::Credentials;
use admin::AdminVerb;
use operator::{LetterVerb, ResyncArguments, SagaVerb, WhyArguments};

pub use demo::DemoArguments;
pub use health::HealthArguments;
pub use service::service;
pub use up::UpArguments;

/// How long what is under way may take before it is left to the next start, and again how long closing the databases may.
/// Those who run processes commonly kill them ten seconds after they asked them to stop; with the time that requests
/// have to end, all of it is done by then.
const STOP_PATIENCE: Duration = Duration::from_millis(2_500);

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
    /// Bring every database up to date, without starting anything.
    Migrate(UpArguments),
    /// Keep administrators, working on the database.
    #[command(subcommand)]
    Admin(AdminVerb),
    /// See sagas of orders that hang, and do something about them.
    #[command(subcommand)]
    Saga(SagaVerb),
    /// See messages that were given up, and do something about them.
    #[command(subcommand)]
    Dlq(LetterVerb),
    /// Tell what became of an order: what it waits for, its payment, its stock, its history.
    Why(WhyArguments),
    /// Have a service publish the current versions of what it owns again.
    Resync(ResyncArguments),
    /// Ask a service or the gateway whether it is ready.
    Health(HealthArguments),
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

    /// It did not work, whatever the text is made of: one line, and nothing in it controls the terminal.
    #[expect(clippy::needless_pass_by_value, reason = "made for `map_err`")]
    fn line(message: impl ToString) -> Self {
        let text = message.to_string();
        Self::failed(text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect::<String>())
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
        Verb::Migrate(arguments) => migrate::run(&arguments),
        Verb::Admin(verb) => admin::run(&verb),
        Verb::Saga(verb) => operator::saga(&verb),
        Verb::Dlq(verb) => operator::letters(&verb),
        Verb::Why(arguments) => operator::why(&arguments),
        Verb::Resync(arguments) => operator::resync(&arguments),
        Verb::Health(arguments) => health::run(&arguments),
        Verb::Config(arguments) => config(&arguments),
        Verb::Completions { shell } => {
            clap_complete::generate(shell, &mut Arguments::command(), "ecom", &mut std::io::stdout());
            Ok(ExitCode::SUCCESS)
        }
    };
    ended("ecom", result)
}

/// The exit code of a command; a failure is told on standard error.
fn ended(name: &str, result: Result<ExitCode, Failure>) -> ExitCode {
    result.unwrap_or_else(|failure| {
        eprintln!("{name}: {failure}");
        ExitCode::from(failure.code)
    })
}

/// Who asks a shop at a URL.
fn credentials() -> Result<Credentials, Failure> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    if let Some(token) = variable("ECOM_TOKEN") {
        return Ok(Credentials::Token(token));
    }
    match (variable("ADMIN_EMAIL"), variable("ADMIN_PASSWORD")) {
        (Some(email), Some(password)) => Ok(Credentials::Password { email, password }),
        (_, _) => Err(Failure::usage("a shop at a URL needs ADMIN_EMAIL and ADMIN_PASSWORD, or ECOM_TOKEN")),
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    let listener = TcpListener::bind(address).await;
    listener.map_err(|error| Failure::failed(format!("cannot listen on {address}: {error}")))
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
