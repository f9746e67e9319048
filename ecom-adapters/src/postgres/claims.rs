//! Housekeeping outside a handler's transaction: claims with a lease, attempts, what is old.
//!
//! A claim is one statement: it takes what nobody else is taking at that moment and leases it. No lock outlives it.

use std::sync::Arc;
use std::time::Duration;

use ecom_core::decide::Timer;
use ecom_core::engine::{EffectRow, Retention};
use ecom_core::event::Envelope;
use ecom_core::id::MessageId;
use ecom_core::port::Claimed;
use ecom_core::time::Timestamp;
use serde::de::DeserializeOwned;
use sqlx::PgPool;
use sqlx::postgres::PgRow;

use super::kit;
use super::rows::{Moment, statements};
use crate::sql::Inconsistent;
use crate::sql::fields::Fields;

statements! {
    OUTBOX_NEXT = "SELECT min(lease_until) AS next, min(lease_until) <= coalesce($1, now()) AS due FROM outbox";
    CLAIM_OUTBOX = "
        WITH free AS MATERIALIZED (
            SELECT event_id FROM outbox WHERE lease_until <= coalesce($1, now())
            ORDER BY lease_until LIMIT $3 FOR UPDATE SKIP LOCKED
        )
        UPDATE outbox SET lease_until = coalesce($1, now()) + $2 * INTERVAL '1 microsecond'
        FROM free WHERE outbox.event_id = free.event_id
        RETURNING outbox.event_id, outbox.body, outbox.traceparent";
    DELIVERED = "DELETE FROM outbox WHERE event_id = ANY ($1)";
    OUTBOX_DEPTH = "SELECT count(*) FROM outbox";
    EFFECTS_NEXT = "SELECT min(ready_at) AS next, min(ready_at) <= coalesce($1, now()) AS due FROM effects";
    CLAIM_EFFECTS = "
        WITH free AS MATERIALIZED (
            SELECT id FROM effects WHERE ready_at <= coalesce($1, now())
            ORDER BY ready_at LIMIT $3 FOR UPDATE SKIP LOCKED
        )
        UPDATE effects SET ready_at = coalesce($1, now()) + $2 * INTERVAL '1 microsecond', attempts = attempts + 1
        FROM free WHERE effects.id = free.id
        RETURNING effects.id, effects.correlation, effects.effect, effects.attempts, effects.traceparent,
            coalesce($1, now()) AS due";
    TIMERS = "SELECT subject, kind, epoch, due, due <= coalesce($1, now()) AS is_due FROM timers ORDER BY due LIMIT $2";
    COUNT_ATTEMPT = "INSERT INTO attempts (queue, message_id, count, at) VALUES ($1, $2, 1, coalesce($3, now()))
        ON CONFLICT (queue, message_id) DO UPDATE SET count = attempts.count + 1, at = excluded.at RETURNING count";
    /// What another copy is just deleting is left to it.
    PURGE = "
        WITH messages AS (
            DELETE FROM inbox WHERE message_id IN (
                SELECT message_id FROM inbox WHERE at < coalesce($1, now()) - $2 * INTERVAL '1 microsecond'
                ORDER BY at LIMIT $5 FOR UPDATE SKIP LOCKED
            ) RETURNING 1
        ), answers AS (
            DELETE FROM kept_answers WHERE (scope, key) IN (
                SELECT scope, key FROM kept_answers WHERE at < coalesce($1, now()) - $3 * INTERVAL '1 microsecond'
                ORDER BY at LIMIT $5 FOR UPDATE SKIP LOCKED
            ) RETURNING 1
        ), counts AS (
            DELETE FROM attempts WHERE (queue, message_id) IN (
                SELECT queue, message_id FROM attempts WHERE at < coalesce($1, now()) - $4 * INTERVAL '1 microsecond'
                ORDER BY at LIMIT $5 FOR UPDATE SKIP LOCKED
            ) RETURNING 1
        )
        SELECT (SELECT count(*) FROM messages) + (SELECT count(*) FROM answers) + (SELECT count(*) FROM counts)
            AS deleted";
    /// What was in flight may be called again at once: the key makes that safe. What waits for longer than a lease waits
    /// for its rung of the ladder, and a restart must not shorten that.
    VOID_LEASES = "
        WITH events AS (UPDATE outbox SET lease_until = coalesce($1, now()) WHERE lease_until > coalesce($1, now()))
        UPDATE effects SET ready_at = coalesce($1, now())
        WHERE ready_at > coalesce($1, now()) AND attempts > 0
            AND ready_at <= coalesce($1, now()) + $2 * INTERVAL '1 microsecond'";
}

/// Whose time it is: that of a given clock, or the database's own.
pub(super) type Now = Option<Timestamp>;

fn limit_of(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

/// When the next row is due, and whether that is now. A look before the write: an idle sweeper writes nothing.
async fn look(pool: &PgPool, query: &'static str, now: Now) -> Result<(Option<Timestamp>, bool), sqlx::Error> {
    let row = sqlx::query(query).bind(now.map(Moment)).fetch_one(pool).await?;
    Ok((row.time("next")?, row.flag("due")? == Some(true)))
}

/// Claims what is due, by a look, a claim, and a look at what comes next.
async fn claim<T>(
    pool: &PgPool,
    [next, claim]: [&'static str; 2],
    (limit, now, lease): (usize, Now, Duration),
    item: impl Fn(&PgRow) -> Result<T, sqlx::Error>,
) -> Result<Claimed<T>, sqlx::Error> {
    let (first, due) = look(pool, next, now).await?;
    if !due {
        return Ok(Claimed { items: vec![], next: first });
    }
    let rows =
        sqlx::query(claim).bind(now.map(Moment)).bind(micros(lease)).bind(limit_of(limit)).fetch_all(pool).await?;
    let items = rows.iter().filter_map(|row| readable(item(row))).collect();
    Ok(Claimed { items, next: look(pool, next, now).await?.0 })
}

/// A row that cannot be read blocks nothing but itself: it stays, leased again and again, and is reported each time.
fn readable<T>(row: Result<T, sqlx::Error>) -> Option<T> {
    row.inspect_err(|error| tracing::error!(%error, "a stored row cannot be read and is skipped")).ok()
}

pub(super) async fn outbox(
    pool: &PgPool,
    limit: usize,
    now: Now,
    lease: Duration,
) -> Result<Claimed<Arc<Envelope>>, sqlx::Error> {
    claim(pool, [OUTBOX_NEXT, CLAIM_OUTBOX], (limit, now, lease), envelope).await
}

fn envelope(row: &PgRow) -> Result<Arc<Envelope>, sqlx::Error> {
    let body = row.word("body")?;
    let mut envelope = Envelope::from_json(body).map_err(|_| Inconsistent::new("outbox.body", body))?;
    envelope.traceparent = row.string_if_any("traceparent")?;
    Ok(Arc::new(envelope))
}

pub(super) async fn delivered(pool: &PgPool, ids: Vec<MessageId>) -> Result<(), sqlx::Error> {
    sqlx::query(DELIVERED).bind(kit::ids(ids)).execute(pool).await?;
    Ok(())
}

pub(super) async fn outbox_depth(pool: &PgPool) -> Result<u64, sqlx::Error> {
    sqlx::query_scalar::<_, i64>(OUTBOX_DEPTH).fetch_one(pool).await.map(i64::cast_unsigned)
}

pub(super) async fn effects<E: DeserializeOwned>(
    pool: &PgPool,
    limit: usize,
    now: Now,
    lease: Duration,
) -> Result<Claimed<EffectRow<E>>, sqlx::Error> {
    claim(pool, [EFFECTS_NEXT, CLAIM_EFFECTS], (limit, now, lease), effect).await
}

fn effect<E: DeserializeOwned>(row: &PgRow) -> Result<EffectRow<E>, sqlx::Error> {
    Ok(EffectRow {
        id: row.id("id")?,
        correlation: row.id("correlation")?,
        effect: row.json("effect")?,
        attempts: row.count("attempts")?,
        due: row.moment("due")?,
        traceparent: row.string_if_any("traceparent")?,
    })
}

pub(super) async fn timers(pool: &PgPool, limit: usize, now: Now) -> Result<Claimed<Timer>, sqlx::Error> {
    let rows =
        sqlx::query(TIMERS).bind(now.map(Moment)).bind(limit_of(limit.saturating_add(1))).fetch_all(pool).await?;
    let mut claimed = Claimed { items: vec![], next: None };
    for row in &rows {
        if !row.is("is_due")? || claimed.items.len() == limit {
            claimed.next = row.time("due")?;
            break;
        }
        claimed.items.push(kit::timer(row)?);
    }
    Ok(claimed)
}

pub(super) async fn count_attempt(pool: &PgPool, queue: &str, id: MessageId, now: Now) -> Result<u32, sqlx::Error> {
    sqlx::query(COUNT_ATTEMPT).bind(queue).bind(id.0).bind(now.map(Moment)).fetch_one(pool).await?.count("count")
}

pub(super) async fn purge(pool: &PgPool, keep: Retention, limit: usize, now: Now) -> Result<u64, sqlx::Error> {
    let row = sqlx::query(PURGE)
        .bind(now.map(Moment))
        .bind(micros(keep.inbox))
        .bind(micros(keep.answers))
        .bind(micros(keep.attempts))
        .bind(limit_of(limit))
        .fetch_one(pool)
        .await?;
    row.count("deleted")
}

pub(super) async fn void_leases(pool: &PgPool, now: Now, lease: Duration) -> Result<(), sqlx::Error> {
    sqlx::query(VOID_LEASES).bind(now.map(Moment)).bind(micros(lease)).execute(pool).await?;
    Ok(())
}
