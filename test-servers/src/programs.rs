//! A server from installed programs, with its data in a private directory and on a free port.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::kind::Kind;
use crate::process::{is_root, run};

/// How long a start may take.
const START_MAX: Duration = Duration::from_secs(90);

/// A running server.
pub(crate) enum Program {
    Postgres { bin: PathBuf, directory: TempDir },
    RabbitMq { child: Child, epmd: u16, _directory: TempDir },
}

/// Whether there are programs to start one from.
pub(crate) fn are_installed(kind: Kind) -> bool {
    folder_of(kind).is_some()
}

/// Starts one.
pub(crate) async fn start(kind: Kind) -> Result<(String, Program), String> {
    let failed = |error: String| format!("from installed programs: {error}");
    let bin = folder_of(kind).ok_or_else(|| failed("there are none".to_owned()))?;
    let directory = tempfile::Builder::new().prefix("ecom-servers-").tempdir();
    let directory = directory.map_err(|error| failed(error.to_string()))?;
    let port = free_port().map_err(failed)?;
    let (url, program) = match kind {
        Kind::Postgres => start_postgres(bin, directory, port).map_err(failed)?,
        Kind::RabbitMq => start_rabbitmq(&bin, directory, port).map_err(failed)?,
    };
    let end = Instant::now() + START_MAX;
    loop {
        match kind.check(&url).await {
            Ok(()) => return Ok((url, program)),
            Err(error) if Instant::now() >= end => {
                program.stop();
                return Err(failed(error));
            }
            Err(_) => sleep(Duration::from_millis(200)).await,
        }
    }
}

/// The folder with the programs: on the path, or where the systems' packages put them; the newest version.
fn folder_of(kind: Kind) -> Option<PathBuf> {
    let (program, roots): (&str, &[&str]) = match kind {
        Kind::Postgres => ("pg_ctl", &["/usr/lib/postgresql", "/usr/local/opt", "/opt/homebrew/opt"]),
        Kind::RabbitMq => ("rabbitmq-server", &["/usr/lib/rabbitmq", "/usr/local/opt", "/opt/homebrew/opt"]),
    };
    let mut folders = vec![];
    for root in roots.iter().map(Path::new) {
        folders.push(root.join("bin"));
        let mut below: Vec<PathBuf> =
            fs::read_dir(root).into_iter().flatten().flatten().map(|entry| entry.path().join("bin")).collect();
        below.sort();
        folders.extend(below.into_iter().rev());
    }
    // The path comes last: what is there on Debian is a wrapper that leaves the private directory.
    folders.extend(std::env::var_os("PATH").iter().flat_map(std::env::split_paths));
    folders.into_iter().find(|folder| folder.join(program).is_file())
}

fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|error| error.to_string())?;
    listener.local_addr().map(|address| address.port()).map_err(|error| error.to_string())
}

/// A PostgreSQL command. The server refuses to run as root, so root hands it to the user that the package brings.
fn postgres(bin: &Path, program: &str) -> Command {
    let path = bin.join(program);
    if !is_root() {
        return Command::new(path);
    }
    let mut command = Command::new("runuser");
    command.args(["-u", "postgres", "--"]).arg(path);
    command
}

fn start_postgres(bin: PathBuf, directory: TempDir, port: u16) -> Result<(String, Program), String> {
    if is_root() {
        run(Command::new("chown").arg("postgres").arg(directory.path()))?;
    }
    let (data, log) = (directory.path().join("data"), directory.path().join("log"));
    run(postgres(&bin, "initdb").args(["--auth=trust", "--username=postgres", "-D"]).arg(&data))?;
    let sockets = directory.path().display();
    let options = format!("-p {port} -c listen_addresses=127.0.0.1 -k {sockets} -c max_connections=300");
    // Its own output would keep the pipe of `run` open for as long as the server lives.
    let mut start = postgres(&bin, "pg_ctl");
    start.arg("-D").arg(&data).arg("-l").arg(&log).args(["-o", &options, "-w", "start"]);
    let status = start.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !status.map_err(|error| error.to_string())?.success() {
        return Err(fs::read_to_string(&log).unwrap_or_default());
    }
    let url = format!("postgres://postgres@127.0.0.1:{port}/postgres");
    Ok((url, Program::Postgres { bin, directory }))
}

fn start_rabbitmq(bin: &Path, directory: TempDir, port: u16) -> Result<(String, Program), String> {
    let epmd = free_port()?;
    let at = |name: &str| directory.path().join(name);
    fs::write(at("enabled_plugins"), "[].\n").map_err(|error| error.to_string())?;
    let mut command = Command::new(bin.join("rabbitmq-server"));
    command
        .env("HOME", directory.path())
        .env("RABBITMQ_NODENAME", format!("ecom-{port}@localhost"))
        .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
        .env("RABBITMQ_NODE_PORT", port.to_string())
        .env("RABBITMQ_DIST_PORT", free_port()?.to_string())
        .env("RABBITMQ_MNESIA_BASE", at("data"))
        .env("RABBITMQ_LOG_BASE", at("log"))
        .env("RABBITMQ_CONF_ENV_FILE", at("no-env"))
        .env("RABBITMQ_CONFIG_FILE", at("no-config"))
        .env("RABBITMQ_ENABLED_PLUGINS_FILE", at("enabled_plugins"))
        .env("ERL_EPMD_PORT", epmd.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    // A group of its own, so that its children end with it.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let child = command.spawn().map_err(|error| error.to_string())?;
    let url = format!("amqp://guest:guest@127.0.0.1:{port}/%2f");
    Ok((url, Program::RabbitMq { child, epmd, _directory: directory }))
}

impl Program {
    /// Stops it; its data go.
    pub(crate) fn stop(self) {
        let stopped = match self {
            Self::Postgres { bin, directory } => {
                let data = directory.path().join("data");
                run(postgres(&bin, "pg_ctl").arg("-D").arg(data).args(["-m", "immediate", "-w", "stop"])).map(drop)
            }
            Self::RabbitMq { mut child, epmd, _directory } => {
                let group = format!("-{}", child.id());
                let killed = run(Command::new("kill").args(["-KILL", "--", &group])).map(drop);
                drop(child.wait());
                // The name server of Erlang that came with it; it may be gone already.
                drop(run(Command::new("epmd").args(["-port", &epmd.to_string(), "-kill"])));
                killed
            }
        };
        if let Err(error) = stopped {
            eprintln!("test-servers: a server could not be stopped: {error}");
        }
    }
}
