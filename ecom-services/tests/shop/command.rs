//! The real `ecom` command as a child process.

use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::client::{Client, PASSWORD, PATIENCE, eventually, text};

/// The command itself.
pub(crate) const ECOM: &str = env!("CARGO_BIN_EXE_ecom");

const ADMIN: &str = "root@example.com";

/// The command with only these settings: what runs the tests has perhaps its own.
pub(crate) fn command(program: &str, arguments: &[&str], settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .envs([("ADMIN_EMAIL", ADMIN), ("ADMIN_PASSWORD", PASSWORD)])
        .envs([("BCRYPT_COST", "10"), ("PROVIDER_TIMEOUT", "1s"), ("RATE_LIMIT_USER", "1000000/s")])
        .env("RUST_LOG", "warn")
        .envs(settings.iter().copied())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

/// How a command that does not go on running ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) errors: String,
}

/// Runs the command to its end.
pub(crate) async fn run(arguments: &[&str], settings: &[(&str, &str)]) -> Ended {
    let running = command(ECOM, arguments, settings).output();
    let output = tokio::time::timeout(PATIENCE, running).await.expect("the command ends").unwrap();
    Ended { code: output.status.code(), errors: String::from_utf8(output.stderr).unwrap() }
}

impl Ended {
    /// It failed, and said why in one line.
    #[track_caller]
    pub(crate) fn failed(&self, parts: &[&str]) {
        assert_eq!((self.code, self.errors.lines().count()), (Some(1), 1), "{}", self.errors);
        assert!(parts.iter().all(|part| self.errors.contains(part)), "{} lacks one of {parts:?}", self.errors);
    }
}

/// A shop that is a process of its own.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) client: Client,
    pub(crate) port: u16,
    /// From the start of the process to its first answer.
    pub(crate) started: Duration,
    child: Child,
    _log: TempDir,
}

impl Process {
    /// Starts the shop over that data and waits until it is ready.
    pub(crate) async fn start(data: &Path, settings: &[(&str, &str)]) -> Self {
        let arguments = ["up", "--port", "0", "--data", data.to_str().unwrap()];
        Self::wait_for(command(ECOM, &arguments, settings)).await
    }

    /// Starts the command and waits until the shop that it is, or becomes, is ready.
    pub(crate) async fn wait_for(mut command: Command) -> Self {
        let log = tempfile::tempdir().unwrap();
        let (out, errors) = (log.path().join("out"), log.path().join("errors"));
        let began = Instant::now();
        command.stdout(File::create(&out).unwrap()).stderr(File::create(&errors).unwrap());
        let mut child = command.spawn().unwrap();
        let url = eventually("the command tells its address", async || {
            fs::read_to_string(&out)
                .unwrap()
                .split_whitespace()
                .find_map(|word| word.strip_suffix("/api/v1").map(str::to_owned))
        });
        let url = tokio::select! {
            url = url => url,
            status = child.wait() => panic!("{status:?}: {}", fs::read_to_string(&errors).unwrap()),
        };
        let client = Client::new(&url);
        eventually("the shop is ready", async || {
            let answer = Client::try_send(client.request(reqwest::Method::GET, "/readyz")).await?;
            (answer.status == 200).then_some(())
        })
        .await;
        let port = url.rsplit(':').next().unwrap().parse().unwrap();
        Self { client, port, started: began.elapsed(), child, _log: log }
    }

    /// The administrator's access token.
    pub(crate) async fn admin(&self) -> String {
        text(&self.client.login(ADMIN, PASSWORD).await.expect(200)["access_token"])
    }

    /// Sends SIGTERM and returns the exit code and how long the end took.
    pub(crate) async fn terminate(mut self) -> (Option<i32>, Duration) {
        let began = Instant::now();
        let id = self.child.id().expect("it runs").to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());
        let status = tokio::time::timeout(PATIENCE, self.child.wait()).await.expect("the shop ends").unwrap();
        (status.code(), began.elapsed())
    }
}
