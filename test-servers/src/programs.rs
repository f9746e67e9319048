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

/// A server of our own: it may be killed and started again on its data.
pub struct Program {
    bin: PathBuf,
    directory: TempDir,
    port: u16,
    kind: Running,
}

/// What tells the one from the other.
enum Running {
    Postgres,
    RabbitMq {
        child: Child,
        /// The port of Erlang's name server.
        epmd: u16,
        /// The port on which nodes talk to each other, and the tools to the node.
        distribution: u16,
    },
}

/// Whether there are programs to start one from.
pub fn are_installed(kind: Kind) -> bool {
    folder_of(kind).is_some()
}

/// Starts one, and returns it with its URL when it answers.
pub async fn start(kind: Kind) -> Result<(String, Program), String> {
    let failed = |error: String| format!("from installed programs: {error}");
    let program = Program::start(kind).map_err(failed)?;
    match program.answers(START_MAX).await {
        Ok(()) => Ok((program.url(), program)),
        Err(error) => {
            program.stop();
            Err(failed(error))
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

impl Program {
    fn start(kind: Kind) -> Result<Self, String> {
        let bin = folder_of(kind).ok_or_else(|| "there are none".to_owned())?;
        let directory = tempfile::Builder::new().prefix("ecom-servers-").tempdir();
        let directory = directory.map_err(|error| error.to_string())?;
        let port = free_port()?;
        match kind {
            Kind::Postgres => {
                if is_root() {
                    run(Command::new("chown").arg("postgres").arg(directory.path()))?;
                }
                let data = directory.path().join("data");
                run(postgres(&bin, "initdb").args(["--auth=trust", "--username=postgres", "-D"]).arg(data))?;
                start_postgres(&bin, directory.path(), port)?;
                Ok(Self { bin, directory, port, kind: Running::Postgres })
            }
            Kind::RabbitMq => {
                let (epmd, distribution) = (free_port()?, free_port()?);
                let plugins = directory.path().join("enabled_plugins");
                fs::write(plugins, "[].\n").map_err(|error| error.to_string())?;
                let child = start_rabbitmq(&bin, directory.path(), [port, epmd, distribution])?;
                Ok(Self { bin, directory, port, kind: Running::RabbitMq { child, epmd, distribution } })
            }
        }
    }

    /// Where it listens.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Its URL, with a user who may do everything.
    pub fn url(&self) -> String {
        match self.kind {
            Running::Postgres => format!("postgres://postgres@127.0.0.1:{}/postgres", self.port),
            Running::RabbitMq { .. } => format!("amqp://guest:guest@127.0.0.1:{}/%2f", self.port),
        }
    }

    /// Waits until it answers, `patience` at most.
    pub async fn answers(&self, patience: Duration) -> Result<(), String> {
        let kind = match self.kind {
            Running::Postgres => Kind::Postgres,
            Running::RabbitMq { .. } => Kind::RabbitMq,
        };
        let end = Instant::now() + patience;
        loop {
            match kind.check(&self.url()).await {
                Ok(()) => return Ok(()),
                Err(error) if Instant::now() >= end => return Err(error),
                Err(_) => sleep(Duration::from_millis(200)).await,
            }
        }
    }

    /// `kill -9`; its data stay.
    pub fn kill(&mut self) -> Result<(), String> {
        let process = match &self.kind {
            Running::Postgres => {
                let file = fs::read_to_string(self.directory.path().join("data").join("postmaster.pid"));
                let text = file.map_err(|error| format!("postmaster.pid: {error}"))?;
                text.lines().next().unwrap_or_default().trim().to_owned()
            }
            Running::RabbitMq { child, .. } => format!("-{}", child.id()),
        };
        run(Command::new("kill").args(["-KILL", "--", &process]))?;
        if let Running::RabbitMq { child, .. } = &mut self.kind {
            child.wait().map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// Starts one that was killed, on its data, and does not wait until it answers.
    pub fn restart(&mut self) -> Result<(), String> {
        match &mut self.kind {
            Running::Postgres => {
                // The killed one's children hold its memory for a moment more.
                let end = std::time::Instant::now() + START_MAX;
                loop {
                    match start_postgres(&self.bin, self.directory.path(), self.port) {
                        Err(_) if std::time::Instant::now() < end => std::thread::sleep(Duration::from_millis(200)),
                        started => return started,
                    }
                }
            }
            Running::RabbitMq { child, epmd, distribution } => {
                *child = start_rabbitmq(&self.bin, self.directory.path(), [self.port, *epmd, *distribution])?;
                Ok(())
            }
        }
    }

    /// Runs `rabbitmqctl` with it, and returns what that prints.
    pub fn rabbitmqctl(&self, arguments: &[&str]) -> Result<String, String> {
        let Running::RabbitMq { epmd, distribution, .. } = &self.kind else {
            return Err("not a RabbitMQ".to_owned());
        };
        let mut command = Command::new(self.bin.join("rabbitmqctl"));
        rabbitmq_environment(&mut command, self.directory.path(), [self.port, *epmd, *distribution]);
        run(command.args(arguments))
    }

    /// Stops it; its data go.
    pub fn stop(self) {
        let Self { bin, directory, kind, .. } = self;
        let stopped = match kind {
            Running::Postgres => {
                let data = directory.path().join("data");
                run(postgres(&bin, "pg_ctl").arg("-D").arg(data).args(["-m", "immediate", "-w", "stop"])).map(drop)
            }
            Running::RabbitMq { mut child, epmd, .. } => {
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

fn start_postgres(bin: &Path, directory: &Path, port: u16) -> Result<(), String> {
    let (data, log) = (directory.join("data"), directory.join("log"));
    let sockets = directory.display();
    let options = format!("-p {port} -c listen_addresses=127.0.0.1 -k {sockets} -c max_connections=300");
    // Its own output would keep the pipe of `run` open for as long as the server lives.
    let mut start = postgres(bin, "pg_ctl");
    start.arg("-D").arg(&data).arg("-l").arg(&log).args(["-o", &options, "-w", "start"]);
    let status = start.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if status.map_err(|error| error.to_string())?.success() {
        Ok(())
    } else {
        Err(fs::read_to_string(&log).unwrap_or_default())
    }
}

fn start_rabbitmq(bin: &Path, directory: &Path, ports: [u16; 3]) -> Result<Child, String> {
    let mut command = Command::new(bin.join("rabbitmq-server"));
    rabbitmq_environment(&mut command, directory, ports);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // A group of its own, so that its children end with it.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command.spawn().map_err(|error| error.to_string())
}

/// What keeps a broker and its tools inside the directory and away from any other broker.
fn rabbitmq_environment(command: &mut Command, directory: &Path, [port, epmd, distribution]: [u16; 3]) {
    let at = |name: &str| directory.join(name);
    command
        .env("HOME", directory)
        .env("RABBITMQ_NODENAME", format!("ecom-{port}@localhost"))
        .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
        .env("RABBITMQ_NODE_PORT", port.to_string())
        .env("RABBITMQ_DIST_PORT", distribution.to_string())
        .env("RABBITMQ_MNESIA_BASE", at("data"))
        .env("RABBITMQ_LOG_BASE", at("log"))
        .env("RABBITMQ_CONF_ENV_FILE", at("no-env"))
        .env("RABBITMQ_CONFIG_FILE", at("no-config"))
        .env("RABBITMQ_ENABLED_PLUGINS_FILE", at("enabled_plugins"))
        .env("ERL_EPMD_PORT", epmd.to_string());
}
