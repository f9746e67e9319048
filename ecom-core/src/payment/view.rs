//! The JSON bodies over HTTP.

use serde::Serialize;
use uuid::Uuid;

use super::ledger::Transaction;
use super::model::{Payment, PaymentMethod, Refund, State};
use crate::id::{OrderId, PaymentId, PaymentMethodId, RefundId, UserId};
use crate::money::Money;
use crate::time::Timestamp;

/// A payment method as its user sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PaymentMethodView {
    id: PaymentMethodId,
    #[serde(rename = "type")]
    kind: &'static str,
    brand: String,
    last4: String,
    exp_month: u8,
    exp_year: u16,
    is_default: bool,
}

impl From<&PaymentMethod> for PaymentMethodView {
    fn from(method: &PaymentMethod) -> Self {
        Self {
            id: method.id,
            kind: "card",
            brand: method.card.brand.clone(),
            last4: method.card.last4.clone(),
            exp_month: method.card.exp_month,
            exp_year: method.card.exp_year,
            is_default: method.is_default,
        }
    }
}

/// A payment with what happened between us and the provider, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PaymentView {
    id: PaymentId,
    order_id: OrderId,
    user_id: UserId,
    status: &'static str,
    amount: Money,
    captured: Money,
    refunded: Money,
    provider: String,
    provider_reference: Option<String>,
    transactions: Vec<TransactionView>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl PaymentView {
    /// The view of a payment and its transactions.
    pub fn new(payment: &Payment, transactions: &[Transaction]) -> Self {
        Self {
            id: payment.id,
            order_id: payment.order_id,
            user_id: payment.user_id,
            status: status(payment),
            amount: payment.amount,
            captured: payment.captured,
            refunded: payment.refunded,
            provider: payment.provider.clone(),
            provider_reference: payment.reference().map(str::to_owned),
            transactions: transactions.iter().map(TransactionView::from).collect(),
            created_at: payment.created_at,
            updated_at: payment.updated_at,
        }
    }
}

/// The word for where a payment stands. `authorized` is kept for providers that capture later.
fn status(payment: &Payment) -> &'static str {
    match &payment.state {
        State::Charging { unknown: true, .. } => "unknown",
        State::Charging { unknown: false, .. } => "pending",
        State::Failed { .. } => "failed",
        State::NothingDue => "processed",
        State::Captured { .. } | State::Refunding { .. } if payment.refunded.is_zero() => "processed",
        State::Captured { .. } | State::Refunding { .. } => "partially_refunded",
        State::Refunded { .. } => "refunded",
        State::Voided { .. } => "voided",
    }
}

/// One step between us and the provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TransactionView {
    id: Uuid,
    #[serde(rename = "type")]
    kind: &'static str,
    status: &'static str,
    amount: Money,
    at: Timestamp,
}

impl From<&Transaction> for TransactionView {
    fn from(transaction: &Transaction) -> Self {
        Self {
            id: transaction.id,
            kind: transaction.kind.word(),
            status: transaction.status.word(),
            amount: transaction.amount,
            at: transaction.at,
        }
    }
}

/// A refund.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RefundView {
    id: RefundId,
    payment_id: PaymentId,
    amount: Money,
    status: &'static str,
    reason: String,
    created_at: Timestamp,
}

impl From<&Refund> for RefundView {
    fn from(refund: &Refund) -> Self {
        Self {
            id: refund.id,
            payment_id: refund.payment_id,
            amount: refund.amount,
            status: refund.status.word(),
            reason: refund.cause.reason().to_owned(),
            created_at: refund.created_at,
        }
    }
}
