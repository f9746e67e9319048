//! The shop as a child process: started, waited for, killed.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::process::{Child, Command};

use super::CrashError;
use crate::demo::client::{Call, Shop};

/// How long a start may take, the recovery of a killed life included.
const START_LIMIT: Duration = Duration::from_secs(30);
/// How often a starting shop is asked whether it is ready.
const POLL: Duration = Duration::from_millis(20);
/// What of our own environment the shop sees: its configuration must be the one given here.
const INHERITED: &[&str] = &["PATH", "HOME", "TMPDIR", "RUST_BACKTRACE"];

/// A shop that is killed again and again; its data stay.
#[derive(Debug)]
pub(super) struct Victim {
    binary: PathBuf,
    data: PathBuf,
    log: PathBuf,
    port: u16,
    password: String,
    child: Option<Child>,
}

/// The administrator that the shop creates at its first start.
pub(super) const ADMIN: &str = "admin@example.com";

impl Victim {
    /// Not started yet. The port is one that is free now.
    pub(super) fn new(binary: PathBuf, folder: &Path, password: String) -> Result<Self, CrashError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(CrashError::Io)?;
        let port = listener.local_addr().map_err(CrashError::Io)?.port();
        Ok(Self { binary, data: folder.join("data"), log: folder.join("shop.log"), port, password, child: None })
    }

    /// Where it listens.
    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Starts it on the data that are there.
    pub(super) fn start(&mut self) -> Result<(), CrashError> {
        let log = std::fs::File::options().create(true).append(true).open(&self.log).map_err(CrashError::Io)?;
        let errors = log.try_clone().map_err(CrashError::Io)?;
        let inherited = INHERITED.iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
        let child = Command::new(&self.binary)
            .arg("up")
            .arg("--data")
            .arg(&self.data)
            .args(["--port", &self.port.to_string()])
            .env_clear()
            .envs(inherited)
            .envs([
                ("ADMIN_EMAIL", ADMIN),
                ("ADMIN_PASSWORD", &self.password),
                ("BCRYPT_COST", "10"),
                ("PROVIDER_TIMEOUT", "1s"),
                ("RATE_LIMIT_USER", "100000/s"),
                ("RATE_LIMIT_REGISTER", "100000/m"),
                ("RUST_LOG", "warn"),
            ])
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .kill_on_drop(true)
            .spawn()
            .map_err(CrashError::Io)?;
        self.child = Some(child);
        Ok(())
    }

    /// Waits until it says that it is ready, and returns how long that took.
    pub(super) async fn ready(&mut self, shop: &Shop) -> Result<Duration, CrashError> {
        let start = Instant::now();
        let call = Call::get("/readyz");
        while start.elapsed() < START_LIMIT {
            if shop.attempt(&call).await.is_ok_and(|answer| answer.status == 200) {
                return Ok(start.elapsed());
            }
            self.is_running()?;
            tokio::time::sleep(POLL).await;
        }
        Err(CrashError::NotReady(START_LIMIT.as_secs(), self.last_words()))
    }

    /// `kill -9`, while it runs: a shop that ended by itself is a finding.
    pub(super) async fn kill(&mut self) -> Result<(), CrashError> {
        self.is_running()?;
        match self.child.take() {
            Some(mut child) => child.kill().await.map_err(CrashError::Io),
            None => Ok(()),
        }
    }

    fn is_running(&mut self) -> Result<(), CrashError> {
        let ended = match &mut self.child {
            Some(child) => child.try_wait().map_err(CrashError::Io)?,
            None => None,
        };
        ended.map_or(Ok(()), |status| Err(CrashError::Ended(status.to_string(), self.last_words())))
    }

    /// The end of its log.
    fn last_words(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().rev().take(10).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }
}
