//! Payments, refunds, payment methods and transactions as rows.

use std::collections::BTreeMap;

use ecom_core::id::{CorrelationId, OrderId, PaymentId, UserId};
use ecom_core::money::Money;
use ecom_core::payment::{
    Barrier, Card, End, Payment, PaymentDetail, PaymentMethod, Record, Refund, RefundCause, RefundStatus, Transaction,
    TransactionKind, TransactionStatus,
};
use ecom_core::time::Timestamp;
use serde::Serialize;

use super::Inconsistent;
use super::fields::Fields;

/// A payment or a barrier from its row.
pub(crate) fn record<F: Fields>(row: &F) -> Result<Record, sqlx::Error> {
    if row.word("status")? == "barred" {
        return Ok(Record::Barrier(Barrier {
            payment_id: row.id("id")?,
            order_id: row.id("order_id")?,
            end: row.json("state")?,
            created_at: row.moment("created_at")?,
        }));
    }
    payment(row).map(Record::Payment)
}

/// A payment from its row.
pub(crate) fn payment<F: Fields>(row: &F) -> Result<Payment, sqlx::Error> {
    let currency = row.currency()?;
    Ok(Payment {
        id: row.id("id")?,
        order_id: row.id("order_id")?,
        correlation_id: row.id("correlation_id")?,
        user_id: row.id("user_id")?,
        provider: row.string("provider")?,
        amount: row.sum("amount", currency)?,
        captured: row.sum("captured", currency)?,
        refunded: row.sum("refunded", currency)?,
        pending: row.sum("pending", currency)?,
        state: row.json("state")?,
        created_at: row.moment("created_at")?,
        updated_at: row.moment("updated_at")?,
        version: row.count("version")?,
    })
}

/// A refund from its row.
pub(crate) fn refund<F: Fields>(row: &F) -> Result<Refund, sqlx::Error> {
    let outcome = || row.string_if_any("outcome").map(Option::unwrap_or_default);
    let status = match row.word("status")? {
        "pending" => RefundStatus::Pending,
        "succeeded" => RefundStatus::Succeeded { reference: outcome()? },
        "failed" => RefundStatus::Failed { detail: outcome()? },
        other => return Err(Inconsistent::new("status", other).into()),
    };
    let cause = match row.id_if_any("actor")? {
        Some(actor) => RefundCause::Administrator { actor, reason: row.string("reason")? },
        None => RefundCause::Undo(row.known("reason", End::parse)?),
    };
    Ok(Refund {
        id: row.id("id")?,
        payment_id: row.id("payment_id")?,
        amount: row.sum("amount", row.currency()?)?,
        status,
        cause,
        created_at: row.moment("created_at")?,
        version: row.count("version")?,
    })
}

/// A payment method from its row.
pub(crate) fn method<F: Fields>(row: &F) -> Result<PaymentMethod, sqlx::Error> {
    Ok(PaymentMethod {
        id: row.id("id")?,
        user_id: row.id("user_id")?,
        provider: row.string("provider")?,
        token: row.string("token")?,
        card: Card {
            brand: row.string("brand")?,
            last4: row.string("last4")?,
            exp_month: row.count("exp_month")?,
            exp_year: row.count("exp_year")?,
        },
        is_default: row.is("is_default")?,
        created_at: row.moment("created_at")?,
        deleted: row.is("deleted")?,
        version: row.count("version")?,
    })
}

/// A transaction from its row.
fn transaction<F: Fields>(row: &F) -> Result<Transaction, sqlx::Error> {
    let kind = match row.word("kind")? {
        "charge" => TransactionKind::Charge,
        "refund" => TransactionKind::Refund,
        other => return Err(Inconsistent::new("kind", other).into()),
    };
    let status = match row.word("status")? {
        "pending" => TransactionStatus::Pending,
        "unknown" => TransactionStatus::Unknown,
        "succeeded" => TransactionStatus::Succeeded,
        "failed" => TransactionStatus::Failed,
        other => return Err(Inconsistent::new("status", other).into()),
    };
    Ok(Transaction {
        id: row.id("id")?,
        payment_id: row.id("payment_id")?,
        kind,
        status,
        amount: row.sum("amount", row.currency()?)?,
        detail: row.string_if_any("detail")?,
        at: row.moment("at")?,
    })
}

/// Payments with their transactions, which come in their order.
pub(crate) fn details<F: Fields>(payments: Vec<Payment>, rows: &[F]) -> Result<Vec<PaymentDetail>, sqlx::Error> {
    let mut by_payment: BTreeMap<PaymentId, Vec<Transaction>> = BTreeMap::new();
    for row in rows {
        let transaction = transaction(row)?;
        by_payment.entry(transaction.payment_id).or_default().push(transaction);
    }
    let detail = |payment: Payment| {
        let transactions = by_payment.remove(&payment.id).unwrap_or_default();
        PaymentDetail { payment, transactions }
    };
    Ok(payments.into_iter().map(detail).collect())
}

/// The row of a payment or of a barrier.
#[derive(Serialize)]
pub(crate) struct PaymentRow<'a> {
    pub(crate) id: PaymentId,
    pub(crate) order_id: OrderId,
    pub(crate) correlation_id: Option<CorrelationId>,
    pub(crate) user_id: Option<UserId>,
    pub(crate) provider: Option<&'a str>,
    pub(crate) currency: Option<&'static str>,
    #[serde(serialize_with = "super::number::minor_if_any")]
    pub(crate) amount: Option<Money>,
    #[serde(serialize_with = "super::number::minor_if_any")]
    pub(crate) captured: Option<Money>,
    #[serde(serialize_with = "super::number::minor_if_any")]
    pub(crate) refunded: Option<Money>,
    #[serde(serialize_with = "super::number::minor_if_any")]
    pub(crate) pending: Option<Money>,
    pub(crate) status: &'static str,
    pub(crate) state: String,
    #[serde(serialize_with = "super::number::micros")]
    pub(crate) created_at: Timestamp,
    #[serde(serialize_with = "super::number::micros")]
    pub(crate) updated_at: Timestamp,
    pub(crate) version: u64,
}

impl<'a> PaymentRow<'a> {
    /// Of a payment.
    pub(crate) fn payment(payment: &'a Payment) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: payment.id,
            order_id: payment.order_id,
            correlation_id: Some(payment.correlation_id),
            user_id: Some(payment.user_id),
            provider: Some(&payment.provider),
            currency: Some(payment.amount.currency().code()),
            amount: Some(payment.amount),
            captured: Some(payment.captured),
            refunded: Some(payment.refunded),
            pending: Some(payment.pending),
            status: payment.state.word(),
            state: json(&payment.state)?,
            created_at: payment.created_at,
            updated_at: payment.updated_at,
            version: payment.version,
        })
    }

    /// Of a barrier.
    pub(crate) fn barrier(barrier: &'a Barrier) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: barrier.payment_id,
            order_id: barrier.order_id,
            correlation_id: None,
            user_id: None,
            provider: None,
            currency: None,
            amount: None,
            captured: None,
            refunded: None,
            pending: None,
            status: "barred",
            state: json(&barrier.end)?,
            created_at: barrier.created_at,
            updated_at: barrier.created_at,
            version: Barrier::VERSION,
        })
    }
}

fn json<T: Serialize>(value: &T) -> Result<String, sqlx::Error> {
    serde_json::to_string(value).map_err(|error| sqlx::Error::Encode(Box::new(error)))
}

/// The provider's name for a refund, or its words when it refused.
pub(crate) fn outcome(refund: &Refund) -> Option<&str> {
    match &refund.status {
        RefundStatus::Pending => None,
        RefundStatus::Succeeded { reference } => Some(reference),
        RefundStatus::Failed { detail } => Some(detail),
    }
}

/// The administrator who asked for a refund; none when the order's end did.
pub(crate) fn actor(refund: &Refund) -> Option<UserId> {
    match &refund.cause {
        RefundCause::Administrator { actor, .. } => Some(*actor),
        RefundCause::Undo(_) => None,
    }
}
