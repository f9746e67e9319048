//! Messages that were given up, until an operator takes them out.

use ecom_core::engine::{Buried, DeadLetter};
use ecom_core::id::MessageId;
use ecom_core::port::{Cursor, Page, PageRequest};
use ecom_core::time::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{Connection, SqlitePool};

use super::database::Database;
use super::rows::{column, parse};

pub(super) async fn bury(database: &Database, letter: &DeadLetter, now: Timestamp) -> Result<(), sqlx::Error> {
    let mut writer = database.writer().await?;
    let mut transaction = writer.connection()?.begin_with("BEGIN IMMEDIATE").await?;
    sqlx::query(
        "INSERT INTO dead_letters (id, queue, event_type, body, reason, attempts, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (id, queue) WHERE taken_at IS NULL
         DO UPDATE SET reason = excluded.reason, attempts = excluded.attempts, at = excluded.at",
    )
    .bind(letter.id.to_string())
    .bind(&letter.queue)
    .bind(&letter.event_type)
    .bind(&letter.body)
    .bind(&letter.reason)
    .bind(letter.attempts)
    .bind(now.as_micros())
    .execute(&mut *transaction)
    .await?;
    // A replay starts with a fresh count of attempts.
    sqlx::query("DELETE FROM attempts WHERE queue = ?1 AND message_id = ?2")
        .bind(&letter.queue)
        .bind(letter.id.to_string())
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    writer.done();
    Ok(())
}

pub(super) async fn page(readers: &SqlitePool, request: PageRequest) -> Result<Page<Buried>, sqlx::Error> {
    let after = request.after();
    let rows = sqlx::query(
        "SELECT id, queue, event_type, body, reason, attempts, at FROM dead_letters
         WHERE taken_at IS NULL AND (at, id) < (?1, ?2) ORDER BY at DESC, id DESC LIMIT ?3",
    )
    .bind(after.created_at.as_micros())
    .bind(after.id.to_string())
    .bind(request.probe())
    .fetch_all(readers)
    .await?;
    let buried = |row| Ok(Buried { letter: letter(row)?, at: Timestamp::from_micros(column(row, "at")?) });
    let letters = rows.iter().map(buried).collect::<Result<_, sqlx::Error>>()?;
    Ok(Page::of(letters, request, |row: &Buried| Cursor { created_at: row.at, id: row.letter.id.0 }))
}

pub(super) async fn find(readers: &SqlitePool, id: MessageId) -> Result<Option<DeadLetter>, sqlx::Error> {
    let row = sqlx::query(
        "SELECT id, queue, event_type, body, reason, attempts FROM dead_letters WHERE id = ?1 AND taken_at IS NULL",
    )
    .bind(id.to_string())
    .fetch_optional(readers)
    .await?;
    row.as_ref().map(letter).transpose()
}

pub(super) async fn exhume(
    database: &Database,
    id: MessageId,
    actor: &str,
    reason: &str,
    now: Timestamp,
) -> Result<Option<DeadLetter>, sqlx::Error> {
    let mut writer = database.writer().await?;
    let row = sqlx::query(
        "UPDATE dead_letters SET taken_at = ?4, taken_by = ?2, taken_reason = ?3 WHERE id = ?1 AND taken_at IS NULL
         RETURNING id, queue, event_type, body, reason, attempts",
    )
    .bind(id.to_string())
    .bind(actor)
    .bind(reason)
    .bind(now.as_micros())
    .fetch_optional(writer.connection()?)
    .await?;
    writer.done();
    row.as_ref().map(letter).transpose()
}

fn letter(row: &SqliteRow) -> Result<DeadLetter, sqlx::Error> {
    Ok(DeadLetter {
        id: parse(row, "id")?,
        queue: column(row, "queue")?,
        event_type: column(row, "event_type")?,
        body: column(row, "body")?,
        reason: column(row, "reason")?,
        attempts: column(row, "attempts")?,
    })
}
