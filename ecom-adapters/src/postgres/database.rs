//! Opening a database: settings, migrations, a pool that writes and a pool that reads.

use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgConnection, PgPool};

use super::migrate;
#[cfg(target_os = "linux")]
use super::relay::{Relay, relayed};
use super::rows::statements;

/// After how long without use a connection is tested before it is used.
const IDLE_TESTED: Duration = Duration::from_secs(1);

/// How statements are planned. They are sets over arrays: a plan for one size of them is as good as for another, so each
/// is planned once. That must not be for the first few rows of a new shop: a whole table is never the way, always the
/// index, once for each key.
pub(super) const PLANS: [(&str, &str); 4] = [
    ("plan_cache_mode", "force_generic_plan"),
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
];

statements! {
    DURABILITY = "SELECT name, setting FROM pg_settings
                  WHERE name IN ('fsync', 'synchronous_commit') AND setting = 'off' ORDER BY name";
    READY = "SELECT 1 FROM inbox LIMIT 1";
}

/// Why a database cannot be used. Each is one clear line.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL is not one of a PostgreSQL database. It is not repeated: it may hold a password.
    #[error("not the URL of a PostgreSQL database (postgres://user:password@host:port/database)")]
    Url,
    /// The server cannot be reached, or does not let us in: another try may find it.
    #[error("the database cannot be used: {0}")]
    Away(#[source] sqlx::Error),
    /// The server would lose what it has confirmed.
    #[error(
        "the server runs with {setting}=off and would lose what it has confirmed when it crashes: set {setting}=on, \
         or allow it if you can lose orders"
    )]
    NotDurable {
        /// The setting.
        setting: String,
    },
    /// A migration failed; nothing of it remains.
    #[error("migration {name} failed: {source}")]
    Migration {
        /// The migration.
        name: String,
        /// What the server said.
        source: sqlx::Error,
    },
    /// A migration that was applied is not the one that this version knows by that name.
    #[error("migration {name} was applied in another form than this version has it: the schema is not known")]
    Altered {
        /// The migration.
        name: String,
    },
}

/// How many connections one copy of a service holds at most.
///
/// All copies of all services on one server together must stay below its `max_connections`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pools {
    /// For transactions, claims and housekeeping.
    pub writers: u32,
    /// For queries.
    pub readers: u32,
}

impl Default for Pools {
    fn default() -> Self {
        Self { writers: 4, readers: 4 }
    }
}

/// How long anything may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// To get a connection, the making of a new one included.
    pub acquire: Duration,
    /// One statement.
    pub statement: Duration,
    /// The wait for a lock.
    pub lock: Duration,
    /// A transaction in which nothing happens: its locks are given up when its owner has gone without a word.
    pub idle_in_transaction: Duration,
    /// The wait for another process that migrates.
    pub migration: Duration,
    /// The wait for the server altogether, after which its connection is given up: what is beyond a broken network says
    /// nothing at all. More than the others together, so that the server speaks first where it can.
    pub answer: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            acquire: Duration::from_secs(3),
            statement: Duration::from_secs(10),
            lock: Duration::from_secs(5),
            idle_in_transaction: Duration::from_secs(10),
            migration: Duration::from_secs(60),
            answer: Duration::from_secs(20),
        }
    }
}

/// How a database is opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The sizes of the pools.
    pub pools: Pools,
    /// The time limits.
    pub timeouts: Timeouts,
    /// Whether a server that loses confirmed transactions in a crash will do (`fsync=off`, `synchronous_commit=off`).
    pub allow_data_loss: bool,
}

/// An open database: a pool that writes and one that reads.
#[derive(Debug)]
pub struct Database {
    writers: PgPool,
    readers: PgPool,
    migrations: Vec<(&'static str, &'static str)>,
    #[cfg(target_os = "linux")]
    _relay: Option<Relay>,
}

impl Database {
    /// Connects and brings the schema up to date. Migrations are a name and its SQL, oldest first.
    pub async fn open(
        url: &str,
        migrations: Vec<(&'static str, &'static str)>,
        settings: Settings,
    ) -> Result<Self, OpenError> {
        Self::open_and_tell(url, migrations, settings, |_| {}).await
    }

    /// The same; `told` hears the name of each migration that is applied, before any is committed.
    pub(super) async fn open_and_tell(
        url: &str,
        migrations: Vec<(&'static str, &'static str)>,
        settings: Settings,
        told: fn(&str),
    ) -> Result<Self, OpenError> {
        let options = options(url)?;
        let Timeouts { acquire, statement, lock, idle_in_transaction, migration, answer: _ } = settings.timeouts;
        let patient = limited(options.clone(), migration, migration, idle_in_transaction);
        let mut connection = connect(&patient, acquire).await?;
        check(&mut connection, settings.allow_data_loss).await?;
        migrate::migrate(&mut connection, &migrations, told).await?;
        connection.close().await.map_err(OpenError::Away)?;
        let options = limited(options, statement, lock, idle_in_transaction);
        #[cfg(target_os = "linux")]
        let (options, relay) = relayed(options, acquire);
        let pool = |connections: u32| {
            PgPoolOptions::new()
                .max_connections(connections.max(1))
                .acquire_timeout(acquire)
                .test_before_acquire(false)
                .before_acquire(|connection, used| Box::pin(is_alive(connection, used.idle_for)))
        };
        let reading = options.clone().options([("default_transaction_read_only", "on")]);
        Ok(Self {
            writers: pool(settings.pools.writers).connect_lazy_with(options),
            readers: pool(settings.pools.readers).connect_lazy_with(reading),
            migrations,
            #[cfg(target_os = "linux")]
            _relay: relay,
        })
    }

    /// The pool for queries.
    pub fn readers(&self) -> &PgPool {
        &self.readers
    }

    /// The pool for everything that writes.
    pub(crate) fn writers(&self) -> &PgPool {
        &self.writers
    }

    /// Whether both pools answer and the schema is ours.
    pub(super) async fn ready(&self) -> Result<(), sqlx::Error> {
        sqlx::query(READY).fetch_optional(&self.readers).await?;
        let mut connection = self.writers.acquire().await?;
        match migrate::missing(&mut connection, &self.migrations).await {
            Ok(missing) if missing.is_empty() => Ok(()),
            Ok(_) => Err(sqlx::Error::Protocol("the schema lacks a migration".to_owned())),
            Err(OpenError::Away(source) | OpenError::Migration { source, .. }) => Err(source),
            Err(error) => Err(sqlx::Error::Protocol(error.to_string())),
        }
    }

    /// Closes all connections.
    pub async fn close(&self) {
        self.writers.close().await;
        self.readers.close().await;
    }
}

fn options(url: &str) -> Result<PgConnectOptions, OpenError> {
    let known = url.starts_with("postgres://") || url.starts_with("postgresql://");
    let options = PgConnectOptions::from_str(url).ok().filter(|_| known).ok_or(OpenError::Url)?;
    let session = [("timezone", "UTC"), ("jit", "off")].into_iter().chain(PLANS);
    Ok(options.application_name("ecom").statement_cache_capacity(200).disable_statement_logging().options(session))
}

fn limited(options: PgConnectOptions, statement: Duration, lock: Duration, idle: Duration) -> PgConnectOptions {
    let milliseconds = |time: Duration| time.as_millis().max(1).to_string();
    options.options([
        ("statement_timeout", milliseconds(statement)),
        ("lock_timeout", milliseconds(lock)),
        ("idle_in_transaction_session_timeout", milliseconds(idle)),
    ])
}

/// A connection that was used just now needs no test; one that was idle may have been cut in the meantime.
async fn is_alive(connection: &mut PgConnection, idle: Duration) -> Result<bool, sqlx::Error> {
    if idle >= IDLE_TESTED {
        connection.ping().await?;
    }
    Ok(true)
}

async fn connect(options: &PgConnectOptions, patience: Duration) -> Result<PgConnection, OpenError> {
    let connected = tokio::time::timeout(patience, options.connect()).await;
    connected.unwrap_or(Err(sqlx::Error::PoolTimedOut)).map_err(OpenError::Away)
}

async fn check(connection: &mut PgConnection, allow_data_loss: bool) -> Result<(), OpenError> {
    let off: Vec<(String, String)> = sqlx::query_as(DURABILITY).fetch_all(connection).await.map_err(OpenError::Away)?;
    match off.into_iter().next() {
        Some((setting, _)) if !allow_data_loss => Err(OpenError::NotDurable { setting }),
        Some((setting, _)) => {
            tracing::warn!(%setting, "the database may lose confirmed transactions when its server crashes");
            Ok(())
        }
        None => Ok(()),
    }
}
