//! The log in a schema of its own in a PostgreSQL database, shared by all copies of the payment service.

use ecom_core::id::{MessageId, OrderId, PaymentId};
use ecom_core::money::Money;
use ecom_core::payment::{SandboxEntry, SandboxOperation};
use ecom_core::time::Timestamp;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Row};
use uuid::Uuid;

use super::log::{self, Line, Memory};
use super::script::{Call, Reply};
use crate::postgres::Database;

/// One transaction at a time decides, whichever copy it is of: the ASCII of `ecomsand`.
const LOCK: i64 = 0x6563_6f6d_7361_6e64;

/// Decides on all calls in one transaction and returns their answers, in order.
pub(super) async fn carry_out(database: &Database, at: Timestamp, calls: &[Call]) -> Result<Vec<Reply>, sqlx::Error> {
    let mut transaction = database.writers().begin().await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *transaction).await?;
    let mut memory = recall(&mut transaction, calls).await?;
    let (lines, replies) = log::decide(&mut memory, at, calls);
    append(&mut transaction, &lines).await?;
    transaction.commit().await?;
    Ok(replies)
}

async fn recall(connection: &mut PgConnection, calls: &[Call]) -> Result<Memory, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT key, operation, amount_minor, currency, result, reference FROM sandbox.calls
         WHERE key = ANY ($1) ORDER BY seq",
    )
    .bind(log::keys(calls).into_iter().map(|key| key.0).collect::<Vec<Uuid>>())
    .fetch_all(&mut *connection)
    .await?;
    let mut memory = Memory::default();
    for row in &rows {
        let result = (row.try_get("result")?, row.try_get("reference")?);
        memory.recall(MessageId(row.try_get("key")?), log::operation(row.try_get("operation")?)?, money(row)?, result);
    }
    let charges: Vec<&str> = log::charges(calls).into_iter().collect();
    if !charges.is_empty() {
        let rows = sqlx::query(
            "SELECT charge, sum(amount_minor)::BIGINT AS returned FROM sandbox.calls
             WHERE charge = ANY ($1) AND result = 'succeeded' GROUP BY charge",
        )
        .bind(charges)
        .fetch_all(connection)
        .await?;
        for row in &rows {
            memory.recall_returned(row.try_get("charge")?, row.try_get("returned")?);
        }
    }
    Ok(memory)
}

async fn append(connection: &mut PgConnection, lines: &[Line]) -> Result<(), sqlx::Error> {
    let operation = |line: &Line| match line.operation {
        SandboxOperation::Charge => "charge",
        SandboxOperation::Refund => "refund",
    };
    sqlx::query(
        "INSERT INTO sandbox.calls
             (at, key, operation, order_id, payment_id, charge, amount_minor, currency, result, reference)
         SELECT * FROM unnest($1::BIGINT[], $2::UUID[], $3::TEXT[], $4::UUID[], $5::UUID[], $6::TEXT[], $7::BIGINT[],
                              $8::TEXT[], $9::TEXT[], $10::TEXT[])",
    )
    .bind(lines.iter().map(|line| line.at).collect::<Vec<_>>())
    .bind(lines.iter().map(|line| line.key.0).collect::<Vec<_>>())
    .bind(lines.iter().map(operation).collect::<Vec<_>>())
    .bind(lines.iter().map(|line| line.order_id.0).collect::<Vec<_>>())
    .bind(lines.iter().map(|line| line.payment_id.0).collect::<Vec<_>>())
    .bind(lines.iter().map(|line| line.charge.as_deref()).collect::<Vec<_>>())
    .bind(lines.iter().map(|line| line.amount).collect::<Vec<_>>())
    .bind(lines.iter().map(|line| line.currency.code()).collect::<Vec<_>>())
    .bind(lines.iter().map(|line| line.result).collect::<Vec<_>>())
    .bind(lines.iter().map(|line| line.reference.as_deref()).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}

/// The rows before that number, the highest first, each with its number.
pub(super) async fn entries(
    pool: &PgPool,
    order: Option<OrderId>,
    before: i64,
    limit: i64,
) -> Result<Vec<(i64, SandboxEntry)>, sqlx::Error> {
    let query = match order {
        Some(order) => {
            sqlx::query("SELECT * FROM sandbox.calls WHERE order_id = $3 AND seq < $1 ORDER BY seq DESC LIMIT $2")
                .bind(before)
                .bind(limit)
                .bind(order.0)
        }
        None => sqlx::query("SELECT * FROM sandbox.calls WHERE seq < $1 ORDER BY seq DESC LIMIT $2")
            .bind(before)
            .bind(limit),
    };
    let rows = query.fetch_all(pool).await?;
    rows.iter().map(|row| Ok((row.try_get("seq")?, entry(row)?))).collect()
}

fn entry(row: &PgRow) -> Result<SandboxEntry, sqlx::Error> {
    Ok(SandboxEntry {
        at: Timestamp::from_micros(row.try_get("at")?),
        key: MessageId(row.try_get("key")?),
        operation: log::operation(row.try_get("operation")?)?,
        order_id: OrderId(row.try_get("order_id")?),
        payment_id: PaymentId(row.try_get("payment_id")?),
        amount: money(row)?,
        result: row.try_get("result")?,
        reference: row.try_get("reference")?,
    })
}

fn money(row: &PgRow) -> Result<Money, sqlx::Error> {
    Ok(log::money(row.try_get("amount_minor")?, row.try_get("currency")?)?)
}
