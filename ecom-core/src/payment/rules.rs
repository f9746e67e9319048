//! The rules: one function for each input, in the file of its group.

mod charge;
mod end;
mod method;
mod notice;
mod refund;

use super::error::Rejection;
use super::ledger::{Transaction, TransactionKind, TransactionStatus};
use super::message::Input;
use super::model::Payment;
use super::store::{PaymentContext, PaymentSnapshot};
use crate::decide::{BoundedContext, Context, Decision, HistoryEntry, Move};
use crate::event::Event;
use crate::id::derive;
use crate::money::Money;

type Outcome = Result<Decision<PaymentContext>, Rejection>;

/// Decides what an input does.
pub(super) fn decide(snapshot: &PaymentSnapshot, input: &Input, context: &Context<'_>) -> Outcome {
    match input {
        Input::AddMethod(command) => method::add(snapshot, command, context),
        Input::RemoveMethod { id, user_id } => method::remove(snapshot, *id, *user_id),
        Input::SetDefaultMethod { id, user_id } => method::set_default(snapshot, *id, *user_id),
        Input::Refund(command) => refund::request(snapshot, command, context),
        Input::Reserved(price) => charge::price(snapshot, price, context),
        Input::Ended { order_id, end } => end::ended(snapshot, *order_id, *end, context),
        Input::ChargeAnswered(answered) => charge::answered(snapshot, answered, context),
        Input::RefundAnswered(answered) => refund::answered(snapshot, answered, context),
        Input::Noticed(notice) => notice::heard(snapshot, notice, context),
    }
}

/// The payment as it is about to be: a copy with the next version.
fn next(payment: &Payment, context: &Context<'_>) -> Payment {
    Payment { version: payment.version + 1, updated_at: context.now, ..payment.clone() }
}

/// A move about an order that was accepted earlier: what it emits carries the order's correlation.
fn about(payment: &Payment) -> Move<PaymentContext> {
    Move::default().correlated(payment.correlation_id)
}

/// A line of what happens between us and the provider. A version of a payment writes at most one of each kind and
/// status, so the id repeats on a retry and meets no other.
fn transaction(
    payment: &Payment,
    (kind, status): (TransactionKind, TransactionStatus),
    amount: Money,
    detail: Option<&str>,
) -> Transaction {
    let name = format!("{}.{}", kind.word(), status.word());
    let service = PaymentContext::SERVICE.name();
    Transaction {
        id: derive(service, payment.id.0, &name, payment.id.0, payment.version as u32),
        payment_id: payment.id,
        kind,
        status,
        amount,
        detail: detail.map(str::to_owned),
        at: payment.updated_at,
    }
}

/// A line of the payment's history. The transactions tell how it was paid, so history is written only for what its
/// order's end or an administrator did to it.
fn history(before: &Payment, after: &Payment, event: &'static str, detail: &str) -> HistoryEntry {
    HistoryEntry {
        subject: after.order_id.0,
        event: event.into(),
        from: before.state.word().into(),
        to: after.state.word().into(),
        detail: Some(detail.to_owned()),
    }
}

/// Adds an event about the payment, for the listeners of its order.
fn emit(step: Move<PaymentContext>, payment: &Payment, event: Event) -> Move<PaymentContext> {
    step.emit(payment.order_id.0, payment.version, event)
}
