//! The log in a file.

use ecom_core::id::OrderId;
use ecom_core::money::Money;
use ecom_core::payment::SandboxEntry;
use ecom_core::time::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{Connection, SqliteConnection, SqlitePool};

use super::log::{self, Line, Memory};
use super::script::{Call, Reply};
use crate::sqlite::{Database, column, json, parse, text_list};

/// Decides on all calls in one transaction and returns their answers, in order.
pub(super) async fn carry_out(database: &Database, at: Timestamp, calls: &[Call]) -> Result<Vec<Reply>, sqlx::Error> {
    let mut writer = database.writer().await?;
    let mut transaction = writer.connection()?.begin_with("BEGIN IMMEDIATE").await?;
    let mut memory = recall(&mut transaction, calls).await?;
    let (lines, replies) = log::decide(&mut memory, at, calls);
    append(&mut transaction, &lines).await?;
    transaction.commit().await?;
    writer.done();
    Ok(replies)
}

async fn recall(connection: &mut SqliteConnection, calls: &[Call]) -> Result<Memory, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT key, operation, amount_minor, currency, result, reference FROM calls
         WHERE key IN (SELECT value FROM json_each(?1)) ORDER BY seq",
    )
    .bind(text_list(log::keys(calls)))
    .fetch_all(&mut *connection)
    .await?;
    let mut memory = Memory::default();
    for row in &rows {
        let result = (column(row, "result")?, column(row, "reference")?);
        memory.recall(parse(row, "key")?, log::operation(column(row, "operation")?)?, money(row)?, result);
    }
    let charges = log::charges(calls);
    if !charges.is_empty() {
        let rows = sqlx::query(
            "SELECT charge, sum(amount_minor) AS returned FROM calls
             WHERE charge IN (SELECT value FROM json_each(?1)) AND result = 'succeeded' GROUP BY charge",
        )
        .bind(text_list(charges))
        .fetch_all(connection)
        .await?;
        for row in &rows {
            memory.recall_returned(column(row, "charge")?, column(row, "returned")?);
        }
    }
    Ok(memory)
}

async fn append(connection: &mut SqliteConnection, lines: &[Line]) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO calls (at, key, operation, order_id, payment_id, charge, amount_minor, currency, result, reference)
         SELECT value->>'at', value->>'key', value->>'operation', value->>'order_id', value->>'payment_id',
                value->>'charge', value->>'amount', value->>'currency', value->>'result', value->>'reference'
         FROM json_each(?1)",
    )
    .bind(json(lines)?)
    .execute(connection)
    .await?;
    Ok(())
}

/// The rows before that number, the highest first, each with its number.
pub(super) async fn entries(
    pool: &SqlitePool,
    order: Option<OrderId>,
    before: i64,
    limit: i64,
) -> Result<Vec<(i64, SandboxEntry)>, sqlx::Error> {
    let query = match order {
        Some(order) => sqlx::query("SELECT * FROM calls WHERE order_id = ?3 AND seq < ?1 ORDER BY seq DESC LIMIT ?2")
            .bind(before)
            .bind(limit)
            .bind(order.to_string()),
        None => sqlx::query("SELECT * FROM calls WHERE seq < ?1 ORDER BY seq DESC LIMIT ?2").bind(before).bind(limit),
    };
    let rows = query.fetch_all(pool).await?;
    rows.iter().map(|row| Ok((column::<i64>(row, "seq")?, entry(row)?))).collect()
}

fn entry(row: &SqliteRow) -> Result<SandboxEntry, sqlx::Error> {
    Ok(SandboxEntry {
        at: Timestamp::from_micros(column(row, "at")?),
        key: parse(row, "key")?,
        operation: log::operation(column(row, "operation")?)?,
        order_id: parse(row, "order_id")?,
        payment_id: parse(row, "payment_id")?,
        amount: money(row)?,
        result: column(row, "result")?,
        reference: column(row, "reference")?,
    })
}

fn money(row: &SqliteRow) -> Result<Money, sqlx::Error> {
    Ok(log::money(column(row, "amount_minor")?, column(row, "currency")?)?)
}
