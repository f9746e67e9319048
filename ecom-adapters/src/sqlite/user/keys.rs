//! The keys that access tokens are signed with, kept beside the users.

use ecom_core::engine::Fault;
use ecom_core::time::Timestamp;
use ecom_core::user::UserContext;
use sqlx::{Connection, SqliteConnection};

use super::UserTables;
use crate::sqlite::store::{SqliteStore, fault};

/// All signing keys in PKCS#8, the newest first. When there is none, `fresh` becomes the first: so the same keys are
/// found at every start, and by every process that shares the database.
pub async fn signing_keys(
    store: &SqliteStore<UserContext, UserTables>,
    fresh: &[u8],
    now: Timestamp,
) -> Result<Vec<Vec<u8>>, Fault> {
    let mut writer = store.database().writer().await.map_err(|error| fault(&error))?;
    let connection = writer.connection().map_err(|error| fault(&error))?;
    let keys = keep_first(connection, fresh, now).await.map_err(|error| fault(&error))?;
    writer.done();
    Ok(keys)
}

async fn keep_first(
    connection: &mut SqliteConnection,
    fresh: &[u8],
    now: Timestamp,
) -> Result<Vec<Vec<u8>>, sqlx::Error> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    sqlx::query(
        "INSERT INTO signing_keys (pkcs8, created_at)
        SELECT ?1, ?2 WHERE NOT EXISTS (SELECT 1 FROM signing_keys)",
    )
    .bind(fresh)
    .bind(now.as_micros())
    .execute(&mut *transaction)
    .await?;
    let keys =
        sqlx::query_scalar("SELECT pkcs8 FROM signing_keys ORDER BY id DESC").fetch_all(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(keys)
}
