//! The end of an order that was not completed: whatever was taken goes back, and the order is told so.

use std::time::Duration;

use super::super::error::Rejection;
use super::super::ledger::{TransactionKind, TransactionStatus};
use super::super::message::{Effect, RefundRequest};
use super::super::model::{
    Barrier, End, Payment, Record, Refund, RefundCause, RefundStatus, State, charge_key, payment_id, refund_key,
    undo_refund_id,
};
use super::super::store::{Change, PaymentContext, PaymentSnapshot};
use super::{Outcome, about, emit, history, next, transaction};
use crate::decide::{Because, Context, Decision, HistoryEntry, Move};
use crate::event::{Event, PaymentRefunded, PaymentVoided};
use crate::id::{OrderId, PaymentId, RefundId};
use crate::money::Money;

/// An order has failed or was cancelled. It may say so many times, until it is answered.
pub(super) fn ended(snapshot: &PaymentSnapshot, order_id: OrderId, end: End, context: &Context<'_>) -> Outcome {
    let id = payment_id(order_id);
    let payment = match snapshot.records.get(&id) {
        None => return Ok(bar(id, order_id, end, context)),
        Some(Record::Barrier(barrier)) => {
            let event = voided_event(order_id, None, barrier.end);
            return Ok(Move::default().emit(order_id.0, Barrier::VERSION, event).done());
        }
        Some(Record::Payment(payment)) => payment,
    };
    match &payment.state {
        // The answer to the charge, or to the refund, will answer the order too.
        State::Charging { undo: Some(_), .. } | State::Refunding { .. } => Ok(Decision::stay(Because::AlreadyKnown)),
        // Nobody asks the provider, and all who asked are known to have got nothing: it is not asked again.
        State::Charging { undo: None, unknown: false, harmless } if context.calls == Some(*harmless) => {
            let (step, after) = void(payment, end, context);
            Ok(step.withdraw(charge_key(id)).change(Change::PutPayment(after)).done())
        }
        State::Charging { undo: None, unknown, harmless } => Ok(owe_undo(payment, (*unknown, *harmless), end, context)),
        State::Failed { .. } => Ok(emit(about(payment), payment, voided_event(order_id, Some(id), end)).done()),
        State::Voided { end } => Ok(emit(about(payment), payment, voided_event(order_id, Some(id), *end)).done()),
        State::NothingDue => {
            let (step, after) = void(payment, end, context);
            Ok(step.change(Change::PutPayment(after)).done())
        }
        State::Captured { reference } => {
            let (step, after) = undo(about(payment), next(payment, context), reference, end)?;
            let line = history(payment, &after, "order.ended", end.reason());
            Ok(step.change(Change::PutPayment(after)).note(line).done())
        }
        State::Refunded { refund, amount, reason, .. } => {
            let event = refunded_event(payment, (*refund, *amount), reason, Told::End);
            Ok(emit(about(payment), payment, event).done())
        }
    }
}

/// Nobody has asked for money yet, and nobody shall.
fn bar(id: PaymentId, order_id: OrderId, end: End, context: &Context<'_>) -> Decision<PaymentContext> {
    let barrier = Barrier { payment_id: id, order_id, end, created_at: context.now };
    let line = HistoryEntry {
        subject: order_id.0,
        event: "order.ended".into(),
        from: "none".into(),
        to: "barred".into(),
        detail: Some(end.reason().to_owned()),
    };
    Move::with(Change::AddBarrier(barrier))
        .emit(order_id.0, Barrier::VERSION, voided_event(order_id, None, end))
        .note(line)
        .done()
}

/// The provider was asked, or is just being asked: first its answer, then the undo. Two calls at once could arrive in
/// either order.
fn owe_undo(
    payment: &Payment,
    (unknown, harmless): (bool, u32),
    end: End,
    context: &Context<'_>,
) -> Decision<PaymentContext> {
    let after = Payment { state: State::Charging { unknown, undo: Some(end), harmless }, ..next(payment, context) };
    let line = history(payment, &after, "order.ended", end.reason());
    about(payment).change(Change::PutPayment(after)).note(line).done()
}

/// Closes a payment that took nothing. The caller writes the row that comes back.
pub(super) fn void(payment: &Payment, end: End, context: &Context<'_>) -> (Move<PaymentContext>, Payment) {
    let after = Payment { state: State::Voided { end }, ..next(payment, context) };
    let event = voided_event(after.order_id, Some(after.id), end);
    let line = history(payment, &after, "order.ended", end.reason());
    (emit(about(payment), &after, event).note(line), after)
}

/// Begins to give back all that is left of a captured payment. `payment` is the row that the caller is about to
/// write; the caller writes the one that comes back.
///
/// While an administrator's refund is under way it is not known how much is left, so the undo waits for its answer.
pub(super) fn undo(
    step: Move<PaymentContext>,
    payment: Payment,
    reference: &str,
    end: End,
) -> Result<(Move<PaymentContext>, Payment), Rejection> {
    if !payment.pending.is_zero() {
        let state = State::Refunding { reference: reference.to_owned(), end, refund: None, refusal: None };
        return Ok((step, Payment { state, ..payment }));
    }
    let id = undo_refund_id(payment.id);
    let amount = payment.left()?;
    let refund = Refund {
        id,
        payment_id: payment.id,
        amount,
        status: RefundStatus::Pending,
        cause: RefundCause::Undo(end),
        created_at: payment.updated_at,
        version: 1,
    };
    let step = ask(step, &payment, reference, refund);
    let state = State::Refunding { reference: reference.to_owned(), end, refund: Some(id), refusal: None };
    Ok((step, Payment { pending: amount, state, ..payment }))
}

/// Adds a new refund and the call that it needs. The caller counts its amount as pending.
pub(super) fn ask(
    step: Move<PaymentContext>,
    payment: &Payment,
    reference: &str,
    refund: Refund,
) -> Move<PaymentContext> {
    let request = RefundRequest {
        order_id: payment.order_id,
        payment_id: payment.id,
        refund_id: refund.id,
        charge: reference.to_owned(),
        amount: refund.amount,
    };
    let line = transaction(payment, (TransactionKind::Refund, TransactionStatus::Pending), refund.amount, None);
    step.effect(refund_key(payment.id, refund.id), Duration::ZERO, Effect::Refund(request))
        .change(Change::PutRefund(refund))
        .change(Change::AddTransaction(line))
}

/// To whom a `payment.refunded` is said.
#[derive(Clone, Copy)]
pub(super) enum Told {
    /// To the order's end, which waits until all of the money is back: now it is.
    End,
    /// To whoever wants to know what an administrator did.
    Others {
        /// Whether all of the money is back.
        full: bool,
    },
}

/// The event that tells that money went back.
pub(super) fn refunded_event(
    payment: &Payment,
    (refund_id, amount): (RefundId, Money),
    reason: &str,
    told: Told,
) -> Event {
    let (full, undo) = match told {
        Told::End => (true, true),
        Told::Others { full } => (full, false),
    };
    Event::PaymentRefunded(PaymentRefunded {
        order_id: payment.order_id,
        user_id: payment.user_id,
        payment_id: payment.id,
        refund_id,
        amount,
        reason: reason.to_owned(),
        full,
        undo,
    })
}

/// The event that tells that no money was taken.
pub(super) fn voided_event(order_id: OrderId, payment_id: Option<PaymentId>, end: End) -> Event {
    let reason = end.reason().to_owned();
    Event::PaymentVoided(PaymentVoided { order_id, payment_id, refund_id: None, amount: None, reason })
}
