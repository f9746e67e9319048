//! The log's rows: what was asked under which key, and what became of it.

use std::collections::BTreeMap;

use ecom_core::id::{MessageId, OrderId, PaymentId};
use ecom_core::money::{Currency, Money};
use ecom_core::payment::{Effect, Refusal, SandboxEntry, SandboxOperation};
use ecom_core::port::{Cursor, Page, PageRequest};
use ecom_core::time::Timestamp;
use serde::Serialize;
use sqlx::sqlite::SqliteRow;
use sqlx::{SqliteConnection, SqlitePool};
use uuid::Uuid;

use super::script::{Call, Charged, Past, SUCCEEDED, Settled, Verdict, charge_key, signed, word};
use crate::sqlite::{Inconsistent, column, json, parse, text_list};

/// A row that is about to be written.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    at: i64,
    key: MessageId,
    operation: SandboxOperation,
    order_id: OrderId,
    payment_id: PaymentId,
    charge: Option<String>,
    amount: i64,
    currency: Currency,
    result: &'static str,
    reference: Option<String>,
}

impl Line {
    pub(super) fn new(at: Timestamp, call: &Call, verdict: &Verdict) -> Self {
        let (operation, order_id, payment_id, charge, amount) = match &call.effect {
            Effect::Charge(asked) => (SandboxOperation::Charge, asked.order_id, asked.payment_id, None, asked.amount),
            Effect::Refund(asked) => {
                let charge = Some(asked.charge.clone());
                (SandboxOperation::Refund, asked.order_id, asked.payment_id, charge, asked.amount)
            }
        };
        Self {
            at: at.as_micros(),
            key: call.key,
            operation,
            order_id,
            payment_id,
            charge,
            amount: amount.minor(),
            currency: amount.currency(),
            result: verdict.result,
            reference: verdict.reference.clone(),
        }
    }
}

/// What the log says about the calls of a batch and the charges that they refund; grows with the batch.
#[derive(Debug, Default)]
pub(super) struct Memory {
    keys: BTreeMap<MessageId, Past>,
    returned: BTreeMap<String, i64>,
}

impl Memory {
    /// What happened under a key.
    pub(super) fn past(&self, key: MessageId) -> Past {
        self.keys.get(&key).cloned().unwrap_or_default()
    }

    /// What is known of a charge; `None` when no money was taken under that name.
    pub(super) fn charged(&self, name: &str) -> Option<Charged> {
        let past = self.keys.get(&charge_key(name)?)?;
        let taken = past.asked.filter(|taken| matches!(past.settled, Some(Settled::Moved(_))) && taken.minor() > 0)?;
        let returned = Money::new(self.returned.get(name).copied().unwrap_or(0), taken.currency());
        Some(Charged { taken, returned })
    }

    /// Takes in a call of the same batch.
    pub(super) fn learn(&mut self, call: &Call, line: &Line) {
        self.note(call.key, signed(&call.effect), line.result, line.reference.as_deref());
        if let Some(charge) = line.charge.as_ref().filter(|_| line.result == SUCCEEDED) {
            *self.returned.entry(charge.clone()).or_default() += line.amount;
        }
    }

    fn note(&mut self, key: MessageId, asked: Money, result: &str, reference: Option<&str>) {
        let past = self.keys.entry(key).or_default();
        past.calls += 1;
        past.asked.get_or_insert(asked);
        if past.settled.is_none() {
            past.settled = settled(asked, result, reference);
        }
    }
}

/// Money that moved stays moved, a refused charge stays refused. A refused refund may be tried again.
fn settled(asked: Money, result: &str, reference: Option<&str>) -> Option<Settled> {
    if result == SUCCEEDED {
        return reference.map(|reference| Settled::Moved(reference.to_owned()));
    }
    let refusals = [Refusal::Declined, Refusal::InsufficientFunds, Refusal::Invalid];
    let refusal = refusals.into_iter().find(|refusal| word(*refusal) == result);
    refusal.filter(|_| !asked.is_negative()).map(Settled::Refused)
}

/// Reads what the log says about the calls.
pub(super) async fn recall(connection: &mut SqliteConnection, calls: &[Call]) -> Result<Memory, sqlx::Error> {
    let mut charges = vec![];
    for call in calls {
        match &call.effect {
            Effect::Charge(_) => {}
            Effect::Refund(refund) => charges.push(refund.charge.as_str()),
        }
    }
    let keys = calls.iter().map(|call| call.key).chain(charges.iter().filter_map(|name| charge_key(name)));
    let rows = sqlx::query(
        "SELECT key, operation, amount_minor, currency, result, reference FROM calls
         WHERE key IN (SELECT value FROM json_each(?1)) ORDER BY seq",
    )
    .bind(text_list(keys))
    .fetch_all(&mut *connection)
    .await?;
    let mut memory = Memory::default();
    for row in &rows {
        let amount = money(row)?;
        let asked = match operation(row)? {
            SandboxOperation::Charge => amount,
            SandboxOperation::Refund => Money::new(-amount.minor(), amount.currency()),
        };
        memory.note(parse(row, "key")?, asked, column(row, "result")?, column(row, "reference")?);
    }
    if !charges.is_empty() {
        let rows = sqlx::query(
            "SELECT charge, sum(amount_minor) AS returned FROM calls
             WHERE charge IN (SELECT value FROM json_each(?1)) AND result = 'succeeded' GROUP BY charge",
        )
        .bind(text_list(charges))
        .fetch_all(connection)
        .await?;
        for row in &rows {
            memory.returned.insert(column(row, "charge")?, column(row, "returned")?);
        }
    }
    Ok(memory)
}

/// Writes the lines.
pub(super) async fn append(connection: &mut SqliteConnection, lines: &[Line]) -> Result<(), sqlx::Error> {
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

/// The log, newest first.
pub(super) async fn entries(
    pool: &SqlitePool,
    order: Option<OrderId>,
    page: PageRequest,
) -> Result<Page<SandboxEntry>, sqlx::Error> {
    // A cursor of this list carries the row's number as its id: several calls may bear one time.
    let before = i64::try_from(page.after().id.as_u128()).unwrap_or(i64::MAX);
    let query = match order {
        Some(order) => sqlx::query("SELECT * FROM calls WHERE order_id = ?3 AND seq < ?1 ORDER BY seq DESC LIMIT ?2")
            .bind(before)
            .bind(page.probe())
            .bind(order.to_string()),
        None => {
            sqlx::query("SELECT * FROM calls WHERE seq < ?1 ORDER BY seq DESC LIMIT ?2").bind(before).bind(page.probe())
        }
    };
    let rows = query.fetch_all(pool).await?;
    let entries = rows
        .iter()
        .map(|row| Ok((column::<i64>(row, "seq")?, entry(row)?)))
        .collect::<Result<Vec<_>, sqlx::Error>>()?;
    let cursor = |(seq, entry): &(i64, SandboxEntry)| Cursor {
        created_at: entry.at,
        id: Uuid::from_u128(u128::from(seq.unsigned_abs())),
    };
    Ok(Page::of(entries, page, cursor).map(|(_, entry)| entry))
}

fn entry(row: &SqliteRow) -> Result<SandboxEntry, sqlx::Error> {
    Ok(SandboxEntry {
        at: Timestamp::from_micros(column(row, "at")?),
        key: parse(row, "key")?,
        operation: operation(row)?,
        order_id: parse(row, "order_id")?,
        payment_id: parse(row, "payment_id")?,
        amount: money(row)?,
        result: column(row, "result")?,
        reference: column(row, "reference")?,
    })
}

fn operation(row: &SqliteRow) -> Result<SandboxOperation, sqlx::Error> {
    match column::<&str>(row, "operation")? {
        "charge" => Ok(SandboxOperation::Charge),
        "refund" => Ok(SandboxOperation::Refund),
        other => Err(Inconsistent { column: "operation", value: other.to_owned() }.into()),
    }
}

fn money(row: &SqliteRow) -> Result<Money, sqlx::Error> {
    let code: &str = column(row, "currency")?;
    let currency = Currency::from_code(code)
        .ok_or_else(|| sqlx::Error::from(Inconsistent { column: "currency", value: code.to_owned() }))?;
    Ok(Money::new(column(row, "amount_minor")?, currency))
}
