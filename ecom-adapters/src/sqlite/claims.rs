//! Housekeeping outside a handler's transaction: claims with a lease, attempts, what is old.

use std::sync::Arc;
use std::time::Duration;

use ecom_core::decide::Timer;
use ecom_core::engine::{EffectRow, Retention};
use ecom_core::event::Envelope;
use ecom_core::id::MessageId;
use ecom_core::port::Claimed;
use ecom_core::time::Timestamp;
use serde::de::DeserializeOwned;
use sqlx::sqlite::SqliteRow;
use sqlx::{Connection, SqliteConnection};

use super::database::Database;
use super::kit;
use super::rows::{column, parse, text_list};
use crate::sql::Inconsistent;

fn limit_of(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// The earliest value of a column's index, as a time.
async fn earliest(connection: &mut SqliteConnection, query: &'static str) -> Result<Option<Timestamp>, sqlx::Error> {
    let earliest: Option<i64> = sqlx::query_scalar(query).fetch_one(connection).await?;
    Ok(earliest.map(Timestamp::from_micros))
}

pub(super) async fn outbox(
    database: &Database,
    limit: usize,
    now: Timestamp,
    lease: Duration,
) -> Result<Claimed<Arc<Envelope>>, sqlx::Error> {
    let mut writer = database.writer().await?;
    let connection = writer.connection()?;
    // A look before the write: an idle sweeper costs no sync of the disk.
    let first = earliest(connection, "SELECT min(lease_until) FROM outbox").await?;
    if first.is_none_or(|first| first > now) {
        writer.done();
        return Ok(Claimed { items: vec![], next: first });
    }
    let rows = sqlx::query(
        "UPDATE outbox SET lease_until = ?2 WHERE event_id IN
         (SELECT event_id FROM outbox WHERE lease_until <= ?1 ORDER BY lease_until LIMIT ?3)
         RETURNING event_id, body, traceparent",
    )
    .bind(now.as_micros())
    .bind(now.after(lease).as_micros())
    .bind(limit_of(limit))
    .fetch_all(&mut *connection)
    .await?;
    let items = rows.iter().filter_map(|row| readable(envelope(row))).collect();
    let next = earliest(connection, "SELECT min(lease_until) FROM outbox").await?;
    writer.done();
    Ok(Claimed { items, next })
}

/// A row that cannot be read blocks nothing but itself: it stays, leased again and again, and is reported each time.
fn readable<T>(row: Result<T, sqlx::Error>) -> Option<T> {
    row.inspect_err(|error| tracing::error!(%error, "a stored row cannot be read and is skipped")).ok()
}

fn envelope(row: &SqliteRow) -> Result<Arc<Envelope>, sqlx::Error> {
    let body: &str = column(row, "body")?;
    let mut envelope = Envelope::from_json(body)
        .map_err(|_| sqlx::Error::from(Inconsistent { column: "outbox.body", value: body.to_owned() }))?;
    envelope.traceparent = column(row, "traceparent")?;
    Ok(Arc::new(envelope))
}

/// Deletes published rows; takes their ids.
pub(super) const DELETE_DELIVERED: &str = "DELETE FROM outbox WHERE event_id IN (SELECT value FROM json_each(?))";

pub(super) async fn delivered(database: &Database, ids: &[MessageId]) -> Result<(), sqlx::Error> {
    let mut writer = database.writer().await?;
    sqlx::query(DELETE_DELIVERED).bind(text_list(ids)).execute(writer.connection()?).await?;
    writer.done();
    Ok(())
}

pub(super) async fn effects<E: DeserializeOwned>(
    database: &Database,
    limit: usize,
    now: Timestamp,
    lease: Duration,
) -> Result<Claimed<EffectRow<E>>, sqlx::Error> {
    let mut writer = database.writer().await?;
    let connection = writer.connection()?;
    let first = earliest(connection, "SELECT min(ready_at) FROM effects").await?;
    if first.is_none_or(|first| first > now) {
        writer.done();
        return Ok(Claimed { items: vec![], next: first });
    }
    let rows = sqlx::query(
        "UPDATE effects SET ready_at = ?2, attempts = attempts + 1 WHERE id IN
         (SELECT id FROM effects WHERE ready_at <= ?1 ORDER BY ready_at LIMIT ?3)
         RETURNING id, correlation, effect, attempts, traceparent",
    )
    .bind(now.as_micros())
    .bind(now.after(lease).as_micros())
    .bind(limit_of(limit))
    .fetch_all(&mut *connection)
    .await?;
    let items = rows.iter().filter_map(|row| readable(effect(row, now))).collect();
    let next = earliest(connection, "SELECT min(ready_at) FROM effects").await?;
    writer.done();
    Ok(Claimed { items, next })
}

fn effect<E: DeserializeOwned>(row: &SqliteRow, due: Timestamp) -> Result<EffectRow<E>, sqlx::Error> {
    let text: &str = column(row, "effect")?;
    let effect = serde_json::from_str(text)
        .map_err(|_| sqlx::Error::from(Inconsistent { column: "effects.effect", value: text.to_owned() }))?;
    Ok(EffectRow {
        id: parse(row, "id")?,
        correlation: parse(row, "correlation")?,
        effect,
        attempts: column(row, "attempts")?,
        due,
        traceparent: column(row, "traceparent")?,
    })
}

pub(super) async fn timers(database: &Database, limit: usize, now: Timestamp) -> Result<Claimed<Timer>, sqlx::Error> {
    let rows = sqlx::query("SELECT subject, kind, epoch, due FROM timers ORDER BY due LIMIT ?1")
        .bind(limit_of(limit.saturating_add(1)))
        .fetch_all(database.readers())
        .await?;
    let mut claimed = Claimed { items: vec![], next: None };
    for row in &rows {
        let due = Timestamp::from_micros(column(row, "due")?);
        if due > now || claimed.items.len() == limit {
            claimed.next = Some(due);
            break;
        }
        claimed.items.push(kit::timer(row)?);
    }
    Ok(claimed)
}

pub(super) async fn count_attempt(
    database: &Database,
    queue: &str,
    id: MessageId,
    now: Timestamp,
) -> Result<u32, sqlx::Error> {
    let mut writer = database.writer().await?;
    let count = sqlx::query_scalar(
        "INSERT INTO attempts (queue, message_id, count, at) VALUES (?1, ?2, 1, ?3)
         ON CONFLICT (queue, message_id) DO UPDATE SET count = count + 1, at = excluded.at RETURNING count",
    )
    .bind(queue)
    .bind(id.to_string())
    .bind(now.as_micros())
    .fetch_one(writer.connection()?)
    .await?;
    writer.done();
    Ok(count)
}

pub(super) async fn purge(
    database: &Database,
    keep: Retention,
    limit: usize,
    now: Timestamp,
) -> Result<u64, sqlx::Error> {
    let mut writer = database.writer().await?;
    let mut transaction = writer.connection()?.begin_with("BEGIN IMMEDIATE").await?;
    let mut deleted = 0;
    for (statement, age) in [
        (
            "DELETE FROM inbox WHERE message_id IN (SELECT message_id FROM inbox WHERE at < ?1 ORDER BY at LIMIT ?2)",
            keep.inbox,
        ),
        (
            "DELETE FROM kept_answers WHERE (scope, key) IN
             (SELECT scope, key FROM kept_answers WHERE at < ?1 ORDER BY at LIMIT ?2)",
            keep.answers,
        ),
        (
            "DELETE FROM attempts WHERE (queue, message_id) IN
             (SELECT queue, message_id FROM attempts WHERE at < ?1 ORDER BY at LIMIT ?2)",
            keep.attempts,
        ),
    ] {
        let result = sqlx::query(statement)
            .bind(now.before(age).as_micros())
            .bind(limit_of(limit))
            .execute(&mut *transaction)
            .await?;
        deleted += result.rows_affected();
    }
    transaction.commit().await?;
    writer.done();
    Ok(deleted)
}

pub(super) async fn void_leases(database: &Database, now: Timestamp, lease: Duration) -> Result<(), sqlx::Error> {
    let mut writer = database.writer().await?;
    let mut transaction = writer.connection()?.begin_with("BEGIN IMMEDIATE").await?;
    sqlx::query("UPDATE outbox SET lease_until = ?1 WHERE lease_until > ?1")
        .bind(now.as_micros())
        .execute(&mut *transaction)
        .await?;
    // What was in flight may be called again at once: the key makes that safe. What waits for longer than a lease
    // waits for its rung of the ladder, and a restart must not shorten that.
    sqlx::query("UPDATE effects SET ready_at = ?1 WHERE ready_at > ?1 AND ready_at <= ?2 AND attempts > 0")
        .bind(now.as_micros())
        .bind(now.after(lease).as_micros())
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    writer.done();
    Ok(())
}

/// Whether readers and the writer can be used.
pub(super) async fn ready(database: &Database) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT 1 FROM inbox LIMIT 1").fetch_optional(database.readers()).await?;
    database.writer().await?.done();
    Ok(())
}
