//! Opening a database file: settings, migrations, one writer and a few readers.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, SqliteConnection, SqlitePool};
use tokio::sync::Mutex;

use super::rows::column;

/// Readers run beside the writer (WAL); more than this many only wait for the two or so cores.
const READERS_MAX: u32 = 4;

/// Rows that the database's thread may read ahead of who takes them: those of a whole batch, so that neither waits.
const ROWS_AHEAD: usize = 1_024;

/// How long a statement waits for a lock of another process before it fails.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Bytes of a file that is read through when it is opened: about a third of a second.
const READ_THROUGH_MAX: u64 = 64 << 20;

/// Pages of the write-ahead log after which it is carried over into the file: fewer, larger carries.
const CHECKPOINT_PAGES: &str = "4000";

/// Why a database cannot be used. Each is one clear line.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file cannot be opened, is no database, or is damaged.
    #[error("cannot open {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        source: sqlx::Error,
    },
    /// A migration failed; nothing of it remains.
    #[error("migration {name} of {path} failed: {source}")]
    Migration {
        /// The file.
        path: PathBuf,
        /// The migration.
        name: String,
        /// What SQLite said.
        source: sqlx::Error,
    },
    /// The file was written by a newer version of this program.
    #[error("{path} has the migration {name}, which this version does not know: it was written by a newer version")]
    Newer {
        /// The file.
        path: PathBuf,
        /// The unknown migration.
        name: String,
    },
}

/// An open database: one writing connection and a pool of readers.
#[derive(Debug)]
pub struct Database {
    path: PathBuf,
    writer: Mutex<Option<SqliteConnection>>,
    readers: SqlitePool,
}

impl Database {
    /// Opens or creates the file and brings its schema up to date. Migrations are a name and its SQL, oldest first.
    pub async fn open(path: &Path, migrations: &[(&str, &'static str)]) -> Result<Self, OpenError> {
        let failed = |source| OpenError::File { path: path.to_owned(), source };
        create(path).map_err(|error| failed(sqlx::Error::Io(error)))?;
        look_over(path).await.map_err(failed)?;
        let mut writer = options(path).connect().await.map_err(failed)?;
        if let Err(refused) = migrate(path, &mut writer, migrations).await {
            drop(writer.close().await);
            return Err(refused);
        }
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS_MAX)
            .acquire_timeout(Duration::from_secs(3))
            .test_before_acquire(false)
            .connect_lazy_with(options(path).pragma("query_only", "ON"));
        Ok(Self { path: path.to_owned(), writer: Mutex::new(Some(writer)), readers })
    }

    /// The pool for queries.
    pub fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// The writing connection; opened anew after a commit whose end is not known.
    pub(crate) async fn writer(&self) -> Result<Writer<'_>, sqlx::Error> {
        let mut slot = self.writer.lock().await;
        if slot.is_none() {
            if self.readers.is_closed() {
                return Err(sqlx::Error::PoolClosed);
            }
            *slot = Some(options(&self.path).create_if_missing(false).connect().await?);
        }
        Ok(Writer { slot, kept: false })
    }

    /// Closes all connections, for good; what is committed is durable without it.
    pub async fn close(&self) {
        self.readers.close().await;
        if let Some(writer) = self.writer.lock().await.take() {
            // The file is closed either way; an error here loses nothing that is committed.
            drop(writer.close().await);
        }
    }
}

/// The writing connection, while it is held.
///
/// It is given back only by [`Writer::done`]. After an error, a panic or a dropped future it is given up, and the next
/// writer opens a new one: SQLite ends a transaction by itself when the disk fails, so nobody knows its state.
pub(crate) struct Writer<'a> {
    slot: tokio::sync::MutexGuard<'a, Option<SqliteConnection>>,
    kept: bool,
}

impl Writer<'_> {
    /// The connection.
    pub(crate) fn connection(&mut self) -> Result<&mut SqliteConnection, sqlx::Error> {
        self.slot.as_mut().ok_or(sqlx::Error::PoolClosed)
    }

    /// Gives the connection back: no transaction is open on it.
    pub(crate) fn done(mut self) {
        self.kept = true;
    }
}

impl Drop for Writer<'_> {
    fn drop(&mut self) {
        if !self.kept {
            // Dropping ends the connection's thread, which rolls back whatever is open.
            drop(self.slot.take());
        }
    }
}

/// Makes the file, when there is none, for its owner alone. SQLite gives its logs the same rights.
fn create(path: &Path) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new();
    file.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut file, 0o600);
    match file.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// Options that touch nothing in the file before the first statement; in particular they do not switch the journal mode.
fn plain(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::from_str("sqlite::memory:")
        .unwrap_or_default()
        .in_memory(false)
        .shared_cache(false)
        .filename(path)
        .create_if_missing(true)
        .busy_timeout(BUSY_TIMEOUT)
        .row_buffer_size(ROWS_AHEAD)
        .disable_statement_logging()
}

fn options(path: &Path) -> SqliteConnectOptions {
    plain(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
        .pragma("temp_store", "MEMORY")
        .statement_cache_capacity(200)
}

/// Looks at a file on a connection of its own, and closes that before it tells what it found: one that is merely dropped is
/// closed later, or never when the process ends before, and leaves its log beside a file that nobody has changed.
async fn look_over(path: &Path) -> Result<(), sqlx::Error> {
    let mut connection = plain(path).connect().await?;
    let found = look_at(path, &mut connection).await;
    drop(connection.close().await);
    found
}

/// Reads the schema, so that a file that is no database is found here and not at the first order; and every page of a
/// small file, the first row of every table of a large one: a start must not take longer as the shop grows.
async fn look_at(path: &Path, connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let tables: Vec<String> =
        sqlx::query_scalar("SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0")
            .fetch_all(&mut *connection)
            .await?;
    if tokio::fs::metadata(path).await?.len() > READ_THROUGH_MAX {
        for table in tables {
            let first = format!("SELECT * FROM \"{}\" LIMIT 1", table.replace('"', "\"\""));
            sqlx::raw_sql(AssertSqlSafe(first)).fetch_optional(&mut *connection).await?;
        }
        return Ok(());
    }
    let verdict: Vec<String> = sqlx::query_scalar("PRAGMA quick_check(1)").fetch_all(connection).await?;
    if verdict == ["ok"] { Ok(()) } else { Err(sqlx::Error::Protocol(verdict.join("; "))) }
}

async fn migrate(
    path: &Path,
    connection: &mut SqliteConnection,
    migrations: &[(&str, &'static str)],
) -> Result<(), OpenError> {
    let failed = |source| OpenError::File { path: path.to_owned(), source };
    sqlx::query("CREATE TABLE IF NOT EXISTS migrations (name TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID")
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    let rows = sqlx::query("SELECT name FROM migrations").fetch_all(&mut *connection).await.map_err(failed)?;
    let applied: Vec<String> = rows.iter().map(|row| column(row, "name")).collect::<Result<_, _>>().map_err(failed)?;
    if let Some(name) = applied.iter().find(|name| !migrations.iter().any(|(known, _)| known == name)) {
        return Err(OpenError::Newer { path: path.to_owned(), name: name.clone() });
    }
    for (name, sql) in migrations.iter().filter(|(name, _)| !applied.iter().any(|done| done == name)) {
        apply(connection, name, sql).await.map_err(|source| OpenError::Migration {
            path: path.to_owned(),
            name: (*name).to_owned(),
            source,
        })?;
    }
    Ok(())
}

async fn apply(connection: &mut SqliteConnection, name: &str, sql: &'static str) -> Result<(), sqlx::Error> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    sqlx::raw_sql(sql).execute(&mut *transaction).await?;
    sqlx::query("INSERT INTO migrations (name) VALUES (?1)").bind(name).execute(&mut *transaction).await?;
    transaction.commit().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_large_file_is_looked_over_and_not_read_through() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("large.db");
        let schema: &[(&str, &'static str)] =
            &[("0001", "CREATE TABLE \"odd\"\"name\" (a TEXT) STRICT; CREATE TABLE t (a BLOB)")];
        Database::open(&path, schema).await.unwrap().close().await;
        let mut connection = options(&path).connect().await.unwrap();
        for _ in 0..2 {
            sqlx::raw_sql("INSERT INTO t VALUES (zeroblob(40000000))").execute(&mut connection).await.unwrap();
        }
        connection.close().await.unwrap();
        assert!(std::fs::metadata(&path).unwrap().len() > READ_THROUGH_MAX);
        Database::open(&path, schema).await.unwrap().close().await;
        let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
        std::os::unix::fs::FileExt::write_all_at(&file, &[0xff; 3_000], 100).unwrap();
        drop(file);
        assert!(matches!(Database::open(&path, schema).await, Err(OpenError::File { .. })));
    }

    #[tokio::test]
    async fn a_file_that_is_refused_is_closed_before_the_error_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("half.db");
        let rows = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) \
                    INSERT INTO t SELECT i, hex(randomblob(40)) FROM n";
        let schema: &[(&str, &'static str)] =
            &[("0001", "CREATE TABLE t (i INTEGER PRIMARY KEY, a TEXT)"), ("0002", rows)];
        Database::open(&path, schema).await.unwrap().close().await;
        let mut content = std::fs::read(&path).unwrap();
        content.truncate(content.len() / 2);
        std::fs::write(&path, &content).unwrap();
        for _ in 0..50 {
            assert!(matches!(Database::open(&path, schema).await, Err(OpenError::File { .. })));
            let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|it| it.unwrap().file_name()).collect();
            assert_eq!(left, ["half.db"]);
            assert!(std::fs::read(&path).unwrap() == content);
        }
    }
}
