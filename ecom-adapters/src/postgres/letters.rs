//! Messages that were given up, until an operator takes them out.

use ecom_core::engine::{Buried, DeadLetter};
use ecom_core::id::MessageId;
use ecom_core::port::{Cursor, Page, PageRequest};
use sqlx::PgPool;
use sqlx::postgres::PgRow;

use super::claims::Now;
use super::rows::{Moment, printable, statements};
use crate::sql::fields::Fields;

statements! {
    /// A replay starts with a fresh count of attempts.
    BURY = "
        WITH fresh AS (DELETE FROM attempts WHERE queue = $2 AND message_id = $1)
        INSERT INTO dead_letters (id, queue, event_type, body, reason, attempts, at)
        VALUES ($1, $2, $3, $4, $5, $6, coalesce($7, now()))
        ON CONFLICT (id, queue) WHERE taken_at IS NULL
        DO UPDATE SET reason = excluded.reason, attempts = excluded.attempts, at = excluded.at";
    PAGE = "SELECT id, queue, event_type, body, reason, attempts, at FROM dead_letters
        WHERE taken_at IS NULL AND (at, id) < ($1, $2) ORDER BY at DESC, id DESC LIMIT $3";
    FIND = "SELECT id, queue, event_type, body, reason, attempts FROM dead_letters WHERE id = $1 AND taken_at IS NULL";
    EXHUME = "UPDATE dead_letters SET taken_at = coalesce($4, now()), taken_by = $2, taken_reason = $3
        WHERE id = $1 AND taken_at IS NULL RETURNING id, queue, event_type, body, reason, attempts";
}

pub(super) async fn bury(pool: &PgPool, letter: &DeadLetter, now: Now) -> Result<(), sqlx::Error> {
    sqlx::query(BURY)
        .bind(letter.id.0)
        .bind(printable(&letter.queue))
        .bind(printable(&letter.event_type))
        .bind(printable(&letter.body))
        .bind(printable(&letter.reason))
        .bind(i64::from(letter.attempts))
        .bind(now.map(Moment))
        .execute(pool)
        .await?;
    Ok(())
}

pub(super) async fn page(readers: &PgPool, request: PageRequest) -> Result<Page<Buried>, sqlx::Error> {
    let after = request.after();
    let rows = sqlx::query(PAGE)
        .bind(Moment(after.created_at))
        .bind(after.id)
        .bind(request.probe())
        .fetch_all(readers)
        .await?;
    let buried = |row| Ok(Buried { letter: letter(row)?, at: row.moment("at")? });
    let letters = rows.iter().map(buried).collect::<Result<_, sqlx::Error>>()?;
    Ok(Page::of(letters, request, |row: &Buried| Cursor { created_at: row.at, id: row.letter.id.0 }))
}

pub(super) async fn find(readers: &PgPool, id: MessageId) -> Result<Option<DeadLetter>, sqlx::Error> {
    let row = sqlx::query(FIND).bind(id.0).fetch_optional(readers).await?;
    row.as_ref().map(letter).transpose()
}

pub(super) async fn exhume(
    pool: &PgPool,
    id: MessageId,
    actor: &str,
    reason: &str,
    now: Now,
) -> Result<Option<DeadLetter>, sqlx::Error> {
    let row = sqlx::query(EXHUME)
        .bind(id.0)
        .bind(printable(actor))
        .bind(printable(reason))
        .bind(now.map(Moment))
        .fetch_optional(pool)
        .await?;
    row.as_ref().map(letter).transpose()
}

fn letter(row: &PgRow) -> Result<DeadLetter, sqlx::Error> {
    Ok(DeadLetter {
        id: row.id("id")?,
        queue: row.string("queue")?,
        event_type: row.string("event_type")?,
        body: row.string("body")?,
        reason: row.string("reason")?,
        attempts: row.count("attempts")?,
    })
}
