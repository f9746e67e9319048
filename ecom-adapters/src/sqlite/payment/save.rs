//! Writes the changes of a batch: one statement for each kind of row, parents first.

use std::collections::BTreeMap;

use ecom_core::id::{PaymentId, PaymentMethodId, RefundId, UserId};
use ecom_core::payment::{Change, PaymentMethod, Posting, Refund, Transaction};
use serde::Serialize;
use uuid::Uuid;

use crate::sql::payment::{PaymentRow, actor, outcome};
use crate::sqlite::script::Script;

/// The rows to write: of each row what it is at the end of the batch.
#[derive(Default)]
struct Rows<'a> {
    payments: BTreeMap<PaymentId, PaymentRow<'a>>,
    refunds: BTreeMap<RefundId, RefundRow<'a>>,
    methods: BTreeMap<PaymentMethodId, &'a PaymentMethod>,
    transactions: Vec<TransactionRow<'a>>,
    postings: Vec<PostingRow>,
}

pub(super) fn save(script: &mut Script, changes: &[Change]) -> Result<(), sqlx::Error> {
    let mut rows = Rows::default();
    for change in changes {
        match change {
            Change::PutPayment(payment) => {
                rows.payments.insert(payment.id, PaymentRow::payment(payment)?);
            }
            Change::AddBarrier(barrier) => {
                rows.payments.insert(barrier.payment_id, PaymentRow::barrier(barrier)?);
            }
            Change::PutRefund(refund) => {
                rows.refunds.insert(refund.id, RefundRow::from(refund));
            }
            Change::PutMethod(method) => {
                rows.methods.insert(method.id, method);
            }
            Change::AddTransaction(transaction) => rows.transactions.push(TransactionRow::from(transaction)),
            Change::AddPosting(posting) => rows.postings.push(PostingRow::from(posting)),
        }
    }
    save_payments(script, &rows.payments.into_values().collect::<Vec<_>>())?;
    save_refunds(script, &rows.refunds.into_values().collect::<Vec<_>>())?;
    save_methods(script, rows.methods.into_values().collect())?;
    save_transactions(script, &rows.transactions)?;
    save_postings(script, &rows.postings)
}

fn save_payments(script: &mut Script, rows: &[PaymentRow<'_>]) -> Result<(), sqlx::Error> {
    script.put(
        "payments",
        "INSERT INTO payments (id, order_id, correlation_id, user_id, provider, currency, amount_minor,
                captured_minor, refunded_minor, pending_minor, status, state, created_at, updated_at, version)
         SELECT value->>'id', value->>'order_id', value->>'correlation_id', value->>'user_id', value->>'provider',
                value->>'currency', value->>'amount', value->>'captured', value->>'refunded', value->>'pending',
                value->>'status', value->>'state', value->>'created_at', value->>'updated_at', value->>'version'
         FROM jsonb_each(?) WHERE true
         ON CONFLICT (id) DO UPDATE SET captured_minor = excluded.captured_minor,
                refunded_minor = excluded.refunded_minor, pending_minor = excluded.pending_minor,
                status = excluded.status, state = excluded.state, updated_at = excluded.updated_at,
                version = excluded.version
         WHERE payments.version < excluded.version AND payments.status <> 'barred'",
        rows,
    )
}

#[derive(Serialize)]
struct RefundRow<'a> {
    id: RefundId,
    payment_id: PaymentId,
    amount: i64,
    currency: &'static str,
    status: &'static str,
    outcome: Option<&'a str>,
    actor: Option<UserId>,
    reason: &'a str,
    created_at: i64,
    version: u64,
}

impl<'a> From<&'a Refund> for RefundRow<'a> {
    fn from(refund: &'a Refund) -> Self {
        Self {
            id: refund.id,
            payment_id: refund.payment_id,
            amount: refund.amount.minor(),
            currency: refund.amount.currency().code(),
            status: refund.status.word(),
            outcome: outcome(refund),
            actor: actor(refund),
            reason: refund.cause.reason(),
            created_at: refund.created_at.as_micros(),
            version: refund.version,
        }
    }
}

fn save_refunds(script: &mut Script, rows: &[RefundRow<'_>]) -> Result<(), sqlx::Error> {
    script.put("refunds",
        "INSERT INTO refunds (id, payment_id, amount_minor, currency, status, outcome, actor, reason, created_at, version)
         SELECT value->>'id', value->>'payment_id', value->>'amount', value->>'currency', value->>'status',
                value->>'outcome', value->>'actor', value->>'reason', value->>'created_at', value->>'version'
         FROM jsonb_each(?) WHERE true
         ON CONFLICT (id) DO UPDATE SET status = excluded.status, outcome = excluded.outcome, version = excluded.version
         WHERE refunds.version < excluded.version AND refunds.status = 'pending'",
rows,)
}

#[derive(Serialize)]
struct MethodRow<'a> {
    id: PaymentMethodId,
    user_id: UserId,
    provider: &'a str,
    token: &'a str,
    brand: &'a str,
    last4: &'a str,
    exp_month: u8,
    exp_year: u16,
    is_default: bool,
    created_at: i64,
    deleted: bool,
    version: u64,
}

fn save_methods(script: &mut Script, mut methods: Vec<&PaymentMethod>) -> Result<(), sqlx::Error> {
    // The old default goes first: the index allows one at any time, not only at the end.
    methods.sort_by_key(|method| method.is_default);
    let rows: Vec<_> = methods
        .into_iter()
        .map(|method| MethodRow {
            id: method.id,
            user_id: method.user_id,
            provider: &method.provider,
            token: &method.token,
            brand: &method.card.brand,
            last4: &method.card.last4,
            exp_month: method.card.exp_month,
            exp_year: method.card.exp_year,
            is_default: method.is_default,
            created_at: method.created_at.as_micros(),
            deleted: method.deleted,
            version: method.version,
        })
        .collect();
    script.put(
        "payment_methods",
        "INSERT INTO payment_methods (id, user_id, provider, token, brand, last4, exp_month, exp_year, is_default,
                created_at, deleted, version)
         SELECT value->>'id', value->>'user_id', value->>'provider', value->>'token', value->>'brand',
                value->>'last4', value->>'exp_month', value->>'exp_year', value->>'is_default',
                value->>'created_at', value->>'deleted', value->>'version'
         FROM jsonb_each(?) WHERE true
         ON CONFLICT (id) DO UPDATE SET is_default = excluded.is_default, deleted = excluded.deleted,
                version = excluded.version
         WHERE payment_methods.version < excluded.version",
        &rows,
    )
}

#[derive(Serialize)]
struct TransactionRow<'a> {
    payment_id: PaymentId,
    id: Uuid,
    kind: &'static str,
    status: &'static str,
    amount: i64,
    currency: &'static str,
    detail: Option<&'a str>,
    at: i64,
}

impl<'a> From<&'a Transaction> for TransactionRow<'a> {
    fn from(transaction: &'a Transaction) -> Self {
        Self {
            payment_id: transaction.payment_id,
            id: transaction.id,
            kind: transaction.kind.word(),
            status: transaction.status.word(),
            amount: transaction.amount.minor(),
            currency: transaction.amount.currency().code(),
            detail: transaction.detail.as_deref(),
            at: transaction.at.as_micros(),
        }
    }
}

fn save_transactions(script: &mut Script, rows: &[TransactionRow<'_>]) -> Result<(), sqlx::Error> {
    script.put(
        "transactions",
        "INSERT INTO transactions (payment_id, id, kind, status, amount_minor, currency, detail, at)
         SELECT value->>'payment_id', value->>'id', value->>'kind', value->>'status', value->>'amount',
                value->>'currency', value->>'detail', value->>'at' FROM jsonb_each(?)",
        rows,
    )
}

#[derive(Serialize)]
struct PostingRow {
    payment_id: PaymentId,
    transaction_id: Uuid,
    debit: &'static str,
    credit: &'static str,
    amount: i64,
    currency: &'static str,
    at: i64,
}

impl From<&Posting> for PostingRow {
    fn from(posting: &Posting) -> Self {
        Self {
            payment_id: posting.payment_id,
            transaction_id: posting.transaction_id,
            debit: posting.debit.word(),
            credit: posting.credit.word(),
            amount: posting.amount.minor(),
            currency: posting.amount.currency().code(),
            at: posting.at.as_micros(),
        }
    }
}

fn save_postings(script: &mut Script, rows: &[PostingRow]) -> Result<(), sqlx::Error> {
    script.put(
        "postings",
        "INSERT INTO postings (payment_id, transaction_id, debit, credit, amount_minor, currency, at)
         SELECT value->>'payment_id', value->>'transaction_id', value->>'debit', value->>'credit', value->>'amount',
                value->>'currency', value->>'at' FROM jsonb_each(?)",
        rows,
    )
}
