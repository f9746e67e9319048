//! The keys that access tokens are signed with, kept beside the users.

use ecom_core::engine::Fault;
use ecom_core::time::Timestamp;
use ecom_core::user::UserContext;
use sqlx::PgPool;

use super::UserTables;
use crate::postgres::fault::fault;
use crate::postgres::rows::{Moment, statements};
use crate::postgres::store::PgStore;

statements! {
    /// Of two copies that start at once, the second waits and finds the first one's key.
    LOCK = "SELECT pg_advisory_xact_lock('signing_keys'::REGCLASS::BIGINT)";
    KEEP_FIRST = "INSERT INTO signing_keys (pkcs8, created_at)
        SELECT $1, $2 WHERE NOT EXISTS (SELECT 1 FROM signing_keys)";
    SIGNING_KEYS = "SELECT pkcs8 FROM signing_keys ORDER BY id DESC";
}

/// All signing keys in PKCS#8, the newest first. When there is none, `fresh` becomes the first: so the same keys are
/// found at every start, and by every process that shares the database.
pub async fn signing_keys(
    store: &PgStore<UserContext, UserTables>,
    fresh: &[u8],
    now: Timestamp,
) -> Result<Vec<Vec<u8>>, Fault> {
    keep_first(store.writers(), fresh, now).await.map_err(|error| fault(&error))
}

async fn keep_first(pool: &PgPool, fresh: &[u8], now: Timestamp) -> Result<Vec<Vec<u8>>, sqlx::Error> {
    let mut transaction = pool.begin().await?;
    sqlx::query(LOCK).execute(&mut *transaction).await?;
    sqlx::query(KEEP_FIRST).bind(fresh).bind(Moment(now)).execute(&mut *transaction).await?;
    let keys = sqlx::query_scalar(SIGNING_KEYS).fetch_all(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(keys)
}
