//! The broker and the database server of a run: its own, in private directories, to be killed.

use std::collections::BTreeMap;
use std::time::Duration;

use ecom_core::event::Service;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};
use test_servers::kind::Kind;
use test_servers::programs::Program;
use test_servers::{packages, programs};
use tokio::sync::Mutex;
use tokio::task::block_in_place;

use crate::error::{Outcome, during};

/// How long a server may take to come back after it was killed.
const RETURN_MAX: Duration = Duration::from_secs(60);

/// What bounds the broker's memory in normal times, as RabbitMQ has it.
const USUAL_MEMORY: &str = "0.4";

/// Both servers. Each is one thing that faults share: they take turns.
pub(crate) struct Servers {
    /// None once it is stopped.
    broker: Mutex<Option<Program>>,
    database: Mutex<Option<Program>>,
    /// Where the broker listens.
    pub(crate) broker_port: u16,
    /// Where the database server listens.
    pub(crate) database_port: u16,
    broker_url: String,
    database_url: String,
}

impl Servers {
    /// Starts them, and creates a database for every service. With `yes` missing programs are installed unasked.
    pub(crate) async fn start(yes: bool) -> Outcome<Self> {
        for kind in Kind::ALL {
            if !programs::are_installed(kind) {
                packages::install(kind, yes).map_err(during("servers of our own"))?;
            }
        }
        let (database_url, database) = programs::start(Kind::Postgres).await.map_err(during("PostgreSQL"))?;
        let (broker_url, broker) = match programs::start(Kind::RabbitMq).await {
            Ok(started) => started,
            Err(error) => {
                database.stop();
                return Err(during("RabbitMQ")(error));
            }
        };
        let servers = Self {
            broker_port: broker.port(),
            database_port: database.port(),
            broker: Mutex::new(Some(broker)),
            database: Mutex::new(Some(database)),
            broker_url,
            database_url,
        };
        for service in Service::ALL {
            let create = format!("CREATE DATABASE {}", database_name(service));
            let mut connection = servers.connect("postgres").await?;
            let created = sqlx::raw_sql(AssertSqlSafe(create)).execute(&mut connection).await;
            created.map_err(during("a database"))?;
        }
        Ok(servers)
    }

    /// The broker's own address, past every proxy.
    pub(crate) fn broker_url(&self) -> &str {
        &self.broker_url
    }

    /// Kills the broker, leaves it dead for a while, and starts it again.
    pub(crate) async fn kill_broker(&self, dead: Duration) -> Outcome<()> {
        kill(&self.broker, dead).await.map_err(during("the broker"))
    }

    /// Kills the database server, leaves it dead for a while, and starts it again.
    pub(crate) async fn kill_database(&self, dead: Duration) -> Outcome<()> {
        kill(&self.database, dead).await.map_err(during("the database server"))
    }

    /// Lets the broker run short of memory for a while: it blocks all who publish.
    pub(crate) async fn alarm(&self, lasts: Duration) -> Outcome<()> {
        let broker = self.broker.lock().await;
        let broker = broker.as_ref().ok_or("it is stopped").map_err(during("the memory alarm"))?;
        let set = |limit: &[&str]| {
            let arguments = [&["-q", "set_vm_memory_high_watermark"], limit].concat();
            block_in_place(|| broker.rabbitmqctl(&arguments)).map(drop).map_err(during("the memory alarm"))
        };
        set(&["absolute", "1"])?;
        tokio::time::sleep(lasts).await;
        set(&[USUAL_MEMORY])
    }

    /// How many messages lie in each queue, those included that a consumer holds.
    pub(crate) async fn queues(&self) -> Outcome<BTreeMap<String, u64>> {
        let broker = self.broker.lock().await;
        let broker = broker.as_ref().ok_or("it is stopped").map_err(during("the list of queues"))?;
        let arguments = ["-q", "list_queues", "--no-table-headers", "name", "messages"];
        let text = block_in_place(|| broker.rabbitmqctl(&arguments)).map_err(during("the list of queues"))?;
        let row = |line: &str| {
            let (name, count) = line.rsplit_once(char::is_whitespace)?;
            Some((name.trim().to_owned(), count.trim().parse().ok()?))
        };
        Ok(text.lines().filter_map(row).collect())
    }

    /// How many events wait in a service's outbox, and how many calls of the outside it owes.
    pub(crate) async fn owed(&self, service: Service) -> Outcome<(i64, i64)> {
        let mut connection = self.connect(&database_name(service)).await?;
        let counts = "SELECT (SELECT count(*) FROM outbox) AS events, (SELECT count(*) FROM effects) AS calls";
        let row = sqlx::query(counts).fetch_one(&mut connection).await.map_err(during("an outbox"))?;
        let number = |name| row.try_get(name).map_err(during("an outbox"));
        Ok((number("events")?, number("calls")?))
    }

    async fn connect(&self, database: &str) -> Outcome<PgConnection> {
        let (base, _) = self.database_url.rsplit_once('/').unwrap_or((&self.database_url, ""));
        PgConnection::connect(&format!("{base}/{database}")).await.map_err(during("the database server"))
    }

    /// Ends both; their data go.
    pub(crate) async fn stop(&self) {
        for program in [&self.broker, &self.database] {
            if let Some(program) = program.lock().await.take() {
                block_in_place(|| program.stop());
            }
        }
    }
}

async fn kill(program: &Mutex<Option<Program>>, dead: Duration) -> Result<(), String> {
    let mut program = program.lock().await;
    let program = program.as_mut().ok_or("it is stopped")?;
    block_in_place(|| program.kill())?;
    tokio::time::sleep(dead).await;
    block_in_place(|| program.restart())?;
    program.answers(RETURN_MAX).await
}

/// The name of a service's database.
pub(crate) fn database_name(service: Service) -> String {
    format!("ecom_{}", service.short_name())
}
