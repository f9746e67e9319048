//! Crash test: a shop on real files is killed with `kill -9` at random moments, started again on the same data, and
//! audited from the outside. It knows the `ecom up` command and the HTTP API, and nothing else.

pub mod random;
mod round;
mod victim;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use crate::demo::audit::{self, Check};
use crate::demo::client::{Shop, ShopError};
use crate::demo::scene::Scene;
use crate::demo::session::{Credentials, Session};
use crate::demo::{DemoError, fresh_name, write_check};
use random::Random;
use round::{Clients, Round};
use victim::{ADMIN, Victim};

/// The kill comes no sooner after the first order.
const KILL_LEAST: Duration = Duration::from_millis(200);
/// And no later.
const KILL_MOST: Duration = Duration::from_millis(2_000);
/// In one of so many rounds the shop is killed once more while it recovers.
const SECOND_KILL: u64 = 3;
/// How long after its start.
const SECOND_KILL_MOST: Duration = Duration::from_millis(300);
/// How long the last audits of all rounds may take to hold: nothing should be left to settle.
const LAST_PATIENCE: Duration = Duration::from_secs(10);

/// What to do.
#[derive(Clone, Debug)]
pub struct CrashOptions {
    /// The `ecom` binary.
    pub binary: PathBuf,
    /// Where data and log of the shop go.
    pub folder: PathBuf,
    /// How often to kill it.
    pub rounds: u32,
    /// How many clients place orders at the same time.
    pub clients: u32,
    /// Decides the moments.
    pub seed: u64,
}

/// Why the run could not go on. Some of these are findings: a shop that ends by itself or does not come back.
#[derive(Debug, Error)]
pub enum CrashError {
    /// Files or processes.
    #[error("{0}")]
    Io(#[source] std::io::Error),
    /// The shop ended without being killed.
    #[error("the shop ended by itself with {0}; its last words:\n{1}")]
    Ended(String, String),
    /// The shop did not come (back) in time.
    #[error("the shop was not ready after {0} s; its last words:\n{1}")]
    NotReady(u64, String),
    /// The shop answered with something that no client should see.
    #[error("{0}")]
    Shop(#[source] ShopError),
    /// A client ended early.
    #[error("a client ended early: {0}")]
    Client(String),
    /// No new names.
    #[error("{0}")]
    Name(#[source] DemoError),
}

/// What a run saw.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// The seed that repeats the choices.
    pub seed: u64,
    /// Rounds that were finished.
    pub rounds: u32,
    /// How often the shop was killed.
    pub kills: u32,
    /// Accepted orders.
    pub orders: u64,
    /// Requests that a kill left without an answer.
    pub unanswered: u64,
    /// Of these, carried out nevertheless.
    pub carried_out: u64,
    /// Answers that a retry gave again, byte for byte.
    pub replays: u64,
    /// The longest time from a restart to readiness.
    pub slowest_start: Duration,
    /// The longest time from the retries to the last end.
    pub slowest_end: Duration,
    /// Promises that were broken, with their round.
    pub violations: Vec<(u32, Check)>,
}

impl Summary {
    /// Whether the command ends with 0.
    pub const fn passed(&self) -> bool {
        self.violations.is_empty()
    }
}

/// Runs all rounds. `say` gets one line for each.
pub async fn run(options: &CrashOptions, mut say: impl FnMut(&str)) -> Result<Summary, CrashError> {
    let name = fresh_name().map_err(CrashError::Name)?;
    let mut run = Run::start(options, &name).await?;
    let mut finished: Vec<Round> = vec![];
    for number in 1..=options.rounds {
        let round = run.round(number, &format!("{name}{number}"), options.clients, &mut say).await?;
        finished.push(round);
    }
    // What ended must have stayed as it was through all later kills.
    for (number, round) in (1..).zip(&finished) {
        let audit = audit::settle(&round.scene, &round.accepted, LAST_PATIENCE).await.map_err(CrashError::Shop)?;
        run.note(number, audit.checks);
    }
    Ok(run.summary)
}

struct Run {
    victim: Victim,
    shop: Arc<Shop>,
    admin: Arc<Session>,
    random: Random,
    summary: Summary,
}

impl Run {
    async fn start(options: &CrashOptions, name: &str) -> Result<Self, CrashError> {
        let password = format!("crash {name}");
        let mut victim = Victim::new(options.binary.clone(), &options.folder, password.clone())?;
        let shop = Arc::new(Shop::new(&victim.url()).map_err(CrashError::Shop)?);
        let credentials = Credentials::Password { email: ADMIN.to_owned(), password };
        let admin = Arc::new(Session::new(Arc::clone(&shop), credentials));
        victim.start()?;
        victim.ready(&shop).await?;
        let summary = Summary { seed: options.seed, ..Summary::default() };
        Ok(Self { victim, shop, admin, random: Random::new(options.seed), summary })
    }

    async fn round(
        &mut self,
        number: u32,
        name: &str,
        clients: u32,
        say: &mut impl FnMut(&str),
    ) -> Result<Round, CrashError> {
        let (shop, admin) = (Arc::clone(&self.shop), Arc::clone(&self.admin));
        let scene = Scene::prepare(shop, admin, name.to_owned(), round::SIZE).await.map_err(CrashError::Shop)?;
        let scene = Arc::new(scene);
        let placing = Clients::start(&scene, clients);
        let moment = self.random.between(KILL_LEAST, KILL_MOST);
        tokio::time::sleep(moment).await;
        self.kill().await?;
        let mut round = placing.join(scene).await?;
        self.victim.start()?;
        if self.random.one_in(SECOND_KILL) {
            tokio::time::sleep(self.random.between(Duration::ZERO, SECOND_KILL_MOST)).await;
            self.kill().await?;
            self.victim.start()?;
        }
        let ready = self.victim.ready(&self.shop).await?;
        round.retry_all(clients).await?;
        let (broken, ended) = round.judge().await?;
        let (counts, summary) = (round.counts, &mut self.summary);
        say(&format!(
            "round {number}: killed after {} ms; {} orders, {} unanswered ({} carried out), {} answers repeated; \
             ready in {} ms, ended in {} ms: {}",
            moment.as_millis(),
            counts.orders,
            counts.unanswered,
            counts.carried_out,
            counts.replays,
            ready.as_millis(),
            ended.as_millis(),
            if broken.is_empty() { "ok" } else { "VIOLATION" },
        ));
        summary.rounds += 1;
        summary.orders += counts.orders;
        summary.unanswered += counts.unanswered;
        summary.carried_out += counts.carried_out;
        summary.replays += counts.replays;
        summary.slowest_start = summary.slowest_start.max(ready);
        summary.slowest_end = summary.slowest_end.max(ended);
        self.note(number, broken);
        Ok(round)
    }

    async fn kill(&mut self) -> Result<(), CrashError> {
        self.victim.kill().await?;
        self.summary.kills += 1;
        Ok(())
    }

    fn note(&mut self, round: u32, checks: Vec<Check>) {
        let broken = checks.into_iter().filter(|check| !check.holds());
        self.summary.violations.extend(broken.map(|check| (round, check)));
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, rounds, kills, orders, unanswered, carried_out, replays, .. } = self;
        writeln!(out, "seed {seed}: {rounds} rounds, {kills} kills, {orders} orders")?;
        writeln!(out, "{unanswered} requests without an answer, {carried_out} of them had been carried out")?;
        writeln!(out, "{replays} answers repeated byte for byte")?;
        let (start, end) = (self.slowest_start.as_millis(), self.slowest_end.as_millis());
        writeln!(out, "slowest: {start} ms to readiness, {end} ms to the last end")?;
        for (round, check) in &self.violations {
            writeln!(out, "round {round}:")?;
            write_check(out, check)?;
        }
        writeln!(out, "{} violations", self.violations.len())
    }
}

/// The `ecom` binary that lies beside the running one.
pub fn binary_beside(own: &Path) -> PathBuf {
    own.with_file_name(format!("ecom{}", std::env::consts::EXE_SUFFIX))
}
