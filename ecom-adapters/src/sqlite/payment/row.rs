//! From rows of the payment tables to what they mean.

use ecom_core::money::{Currency, Money};
use ecom_core::payment::{
    Barrier, Card, End, Payment, PaymentMethod, Record, Refund, RefundCause, RefundStatus, Transaction,
    TransactionKind, TransactionStatus,
};
use ecom_core::time::Timestamp;
use serde::de::DeserializeOwned;
use sqlx::sqlite::SqliteRow;

use crate::sql::Inconsistent;
use crate::sqlite::rows::{column, parse};

pub(super) fn record(row: &SqliteRow) -> Result<Record, sqlx::Error> {
    if column::<&str>(row, "status")? == "barred" {
        return Ok(Record::Barrier(Barrier {
            payment_id: parse(row, "id")?,
            order_id: parse(row, "order_id")?,
            end: state(row)?,
            created_at: time(row, "created_at")?,
        }));
    }
    payment(row).map(Record::Payment)
}

pub(super) fn payment(row: &SqliteRow) -> Result<Payment, sqlx::Error> {
    let currency = currency(row)?;
    Ok(Payment {
        id: parse(row, "id")?,
        order_id: parse(row, "order_id")?,
        correlation_id: parse(row, "correlation_id")?,
        user_id: parse(row, "user_id")?,
        provider: column(row, "provider")?,
        amount: Money::new(column(row, "amount_minor")?, currency),
        captured: Money::new(column(row, "captured_minor")?, currency),
        refunded: Money::new(column(row, "refunded_minor")?, currency),
        pending: Money::new(column(row, "pending_minor")?, currency),
        state: state(row)?,
        created_at: time(row, "created_at")?,
        updated_at: time(row, "updated_at")?,
        version: version(row)?,
    })
}

pub(super) fn refund(row: &SqliteRow) -> Result<Refund, sqlx::Error> {
    let outcome = || column::<Option<String>>(row, "outcome").map(Option::unwrap_or_default);
    let status = match column::<&str>(row, "status")? {
        "pending" => RefundStatus::Pending,
        "succeeded" => RefundStatus::Succeeded { reference: outcome()? },
        "failed" => RefundStatus::Failed { detail: outcome()? },
        other => return Err(inconsistent("status", other)),
    };
    let reason: String = column(row, "reason")?;
    let cause = if column::<Option<&str>>(row, "actor")?.is_some() {
        RefundCause::Administrator { actor: parse(row, "actor")?, reason }
    } else {
        RefundCause::Undo(End::parse(&reason).ok_or_else(|| inconsistent("reason", &reason))?)
    };
    Ok(Refund {
        id: parse(row, "id")?,
        payment_id: parse(row, "payment_id")?,
        amount: money(row)?,
        status,
        cause,
        created_at: time(row, "created_at")?,
        version: version(row)?,
    })
}

pub(super) fn method(row: &SqliteRow) -> Result<PaymentMethod, sqlx::Error> {
    Ok(PaymentMethod {
        id: parse(row, "id")?,
        user_id: parse(row, "user_id")?,
        provider: column(row, "provider")?,
        token: column(row, "token")?,
        card: Card {
            brand: column(row, "brand")?,
            last4: column(row, "last4")?,
            exp_month: column(row, "exp_month")?,
            exp_year: column(row, "exp_year")?,
        },
        is_default: column(row, "is_default")?,
        created_at: time(row, "created_at")?,
        deleted: column(row, "deleted")?,
        version: version(row)?,
    })
}

pub(super) fn transaction(row: &SqliteRow) -> Result<Transaction, sqlx::Error> {
    let kind = match column::<&str>(row, "kind")? {
        "charge" => TransactionKind::Charge,
        "refund" => TransactionKind::Refund,
        other => return Err(inconsistent("kind", other)),
    };
    let status = match column::<&str>(row, "status")? {
        "pending" => TransactionStatus::Pending,
        "unknown" => TransactionStatus::Unknown,
        "succeeded" => TransactionStatus::Succeeded,
        "failed" => TransactionStatus::Failed,
        other => return Err(inconsistent("status", other)),
    };
    Ok(Transaction {
        id: parse(row, "id")?,
        payment_id: parse(row, "payment_id")?,
        kind,
        status,
        amount: money(row)?,
        detail: column(row, "detail")?,
        at: time(row, "at")?,
    })
}

fn state<T: DeserializeOwned>(row: &SqliteRow) -> Result<T, sqlx::Error> {
    let text: &str = column(row, "state")?;
    serde_json::from_str(text).map_err(|_| inconsistent("state", text))
}

fn money(row: &SqliteRow) -> Result<Money, sqlx::Error> {
    Ok(Money::new(column(row, "amount_minor")?, currency(row)?))
}

fn currency(row: &SqliteRow) -> Result<Currency, sqlx::Error> {
    let code: &str = column(row, "currency")?;
    Currency::from_code(code).ok_or_else(|| inconsistent("currency", code))
}

fn time(row: &SqliteRow, name: &'static str) -> Result<Timestamp, sqlx::Error> {
    column(row, name).map(Timestamp::from_micros)
}

fn version(row: &SqliteRow) -> Result<u64, sqlx::Error> {
    column::<i64>(row, "version").map(i64::cast_unsigned)
}

fn inconsistent(column: &'static str, value: &str) -> sqlx::Error {
    Inconsistent { column, value: value.to_owned() }.into()
}
