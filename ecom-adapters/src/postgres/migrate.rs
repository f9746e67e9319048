//! Bringing a schema up to date, one process at a time.

use sqlx::{Connection, PgConnection};

use super::database::OpenError;
use super::rows::{column, statements};

/// The lock that one migrating process holds in a database: the ASCII of `ecommigr`.
const LOCK: i64 = 0x6563_6f6d_6d69_6772;

statements! {
    HAS_ANY = "SELECT to_regclass('migrations') IS NOT NULL";
    CREATE = "CREATE TABLE IF NOT EXISTS migrations (
        name TEXT NOT NULL PRIMARY KEY,
        digest TEXT NOT NULL,
        applied_at TIMESTAMPTZ NOT NULL DEFAULT now()
    )";
    /// The migrations of ours that are applied, each with whether it is the one we know.
    APPLIED = "SELECT m.name, m.digest = encode(sha256(ours.sql), 'hex') AS same
        FROM migrations AS m JOIN unnest($1::TEXT[], $2::BYTEA[]) AS ours (name, sql) ON ours.name = m.name";
    WAIT = "SELECT pg_advisory_xact_lock($1)";
    RECORD = "INSERT INTO migrations (name, digest) VALUES ($1, encode(sha256($2), 'hex'))";
}

/// Applies what is missing, each migration in one transaction; nothing at all when nothing is missing, so that a service
/// needs no right to change a schema that somebody else has brought up to date.
///
/// A migration that this version does not know is no error: the next version has made room for itself and leaves this
/// one able to work. `told` hears the name of each that is applied, before any is committed.
pub(super) async fn migrate(
    connection: &mut PgConnection,
    migrations: &[(&'static str, &'static str)],
    told: fn(&str),
) -> Result<(), OpenError> {
    if missing(connection, migrations).await?.is_empty() {
        return Ok(());
    }
    let mut transaction = connection.begin().await.map_err(OpenError::Away)?;
    sqlx::query(WAIT).bind(LOCK).execute(&mut *transaction).await.map_err(OpenError::Away)?;
    sqlx::query(CREATE).execute(&mut *transaction).await.map_err(OpenError::Away)?;
    // Somebody else may have done it while we waited.
    for (name, sql) in missing(&mut transaction, migrations).await? {
        let failed = |source| OpenError::Migration { name: name.to_owned(), source };
        sqlx::raw_sql(sql).execute(&mut *transaction).await.map_err(failed)?;
        sqlx::query(RECORD).bind(name).bind(sql.as_bytes()).execute(&mut *transaction).await.map_err(failed)?;
        told(name);
    }
    transaction.commit().await.map_err(OpenError::Away)
}

/// The migrations that are still to be applied.
pub(super) async fn missing(
    connection: &mut PgConnection,
    migrations: &[(&'static str, &'static str)],
) -> Result<Vec<(&'static str, &'static str)>, OpenError> {
    let has_any: bool = sqlx::query_scalar(HAS_ANY).fetch_one(&mut *connection).await.map_err(OpenError::Away)?;
    if !has_any {
        return Ok(migrations.to_vec());
    }
    let applied: Vec<(String, bool)> = sqlx::query_as(APPLIED)
        .bind(column(migrations, |(name, _)| *name))
        .bind(column(migrations, |(_, sql)| sql.as_bytes()))
        .fetch_all(connection)
        .await
        .map_err(OpenError::Away)?;
    if let Some((name, _)) = applied.iter().find(|(_, same)| !same) {
        return Err(OpenError::Altered { name: name.clone() });
    }
    Ok(migrations.iter().filter(|(name, _)| !applied.iter().any(|(done, _)| done == name)).copied().collect())
}
