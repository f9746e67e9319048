//! Finds or starts the PostgreSQL and the RabbitMQ that tests need, and keeps them while it runs.
//!
//! Each is looked for in this order: the one that `TEST_DATABASE_URL` or `TEST_AMQP_URL` names; one on this machine's
//! usual port; a container, where a Docker engine answers; installed programs, in a private directory; and, for root on a
//! Debian-like system that agrees, programs that are installed now. What it did not start it does not stop.
//!
//! It prints one `NAME=URL` line for each, then `ready`, and ends, with everything that it started, when its standard
//! input is closed.

mod containers;
mod local;

use std::io::{Read as _, Write as _};
use std::process::ExitCode;

use clap::{Parser, ValueEnum};

use test_servers::kind::Kind;
use test_servers::{packages, programs};

/// Finds or starts the servers that tests need, and keeps them until its standard input is closed.
#[derive(Debug, Parser)]
struct Arguments {
    /// Install missing programs without asking; so does CI=true.
    #[arg(long)]
    yes: bool,
    /// Look in this way alone.
    #[arg(long)]
    only: Option<Way>,
}

/// How a server is come by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Way {
    /// It runs already.
    Local,
    /// A container.
    Containers,
    /// Installed programs.
    Programs,
}

/// A server that tests may use; what was started for it ends with [`Server::stop`].
struct Server {
    url: String,
    from: String,
    started: Option<Started>,
}

/// What was started.
enum Started {
    Container(Box<containers::Container>),
    Program(programs::Program),
}

impl Server {
    async fn stop(self) {
        match self.started {
            None => {}
            Some(Started::Container(container)) => containers::stop(*container).await,
            Some(Started::Program(program)) => program.stop(),
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut servers = vec![];
    let mut failure = None;
    for kind in Kind::ALL {
        match find(kind, &arguments).await {
            Ok(server) => {
                eprintln!("{}: {} ({})", kind.name(), server.url, server.from);
                servers.push((kind, server));
            }
            Err(error) => {
                failure = Some(error);
                break;
            }
        }
    }
    if failure.is_none() {
        failure = hold(&servers).await.err().map(|error| error.to_string());
    }
    for (_, server) in servers {
        server.stop().await;
    }
    match failure {
        None => ExitCode::SUCCESS,
        Some(error) => {
            eprintln!("test-servers: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Tells the addresses and waits until nobody needs them any more.
async fn hold(servers: &[(Kind, Server)]) -> std::io::Result<()> {
    let mut out = std::io::stdout();
    for (kind, server) in servers {
        writeln!(out, "{}={}", kind.variable(), server.url)?;
    }
    writeln!(out, "ready")?;
    out.flush()?;
    let closed = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut vec![]));
    tokio::select! {
        closed = closed => closed.map(drop).map_err(std::io::Error::other),
        signal = tokio::signal::ctrl_c() => signal,
    }
}

/// A server of that kind, or what to do to have one.
async fn find(kind: Kind, arguments: &Arguments) -> Result<Server, String> {
    let tries = |way| arguments.only.is_none_or(|only| only == way);
    // A server that somebody names is used or fails: never another one in its place.
    if let Ok(url) = std::env::var(kind.variable())
        && arguments.only.is_none()
    {
        kind.check(&url).await.map_err(|error| format!("{} does not answer: {error}", kind.variable()))?;
        return Ok(Server { url, from: kind.variable().to_owned(), started: None });
    }
    let mut why = vec![];
    if tries(Way::Local) {
        match local::find(kind).await {
            Ok(url) => return Ok(Server { url, from: "runs on this machine".to_owned(), started: None }),
            Err(error) => why.push(error),
        }
    }
    if tries(Way::Containers) {
        match containers::start(kind).await {
            Ok((url, container)) => {
                let started = Some(Started::Container(Box::new(container)));
                return Ok(Server { url, from: "a container".to_owned(), started });
            }
            Err(error) => why.push(error),
        }
    }
    if tries(Way::Programs) {
        if !programs::are_installed(kind) {
            packages::install(kind, arguments.yes)?;
        }
        match programs::start(kind).await {
            Ok((url, program)) => {
                let started = Some(Started::Program(program));
                return Ok(Server { url, from: "started in a private directory".to_owned(), started });
            }
            Err(error) => why.push(error),
        }
    }
    Err(format!("no {} for the tests:\n  {}\n{}", kind.name(), why.join("\n  "), packages::instructions(kind)))
}
