//! Giving money back: administrators' refunds, and the answers to every refund.

use super::super::error::Rejection;
use super::super::ledger::{Account, Posting, TransactionKind, TransactionStatus};
use super::super::message::{Answered, Effect, ProviderAnswer, RefundRequest, Reply, RequestRefund};
use super::super::model::{Payment, Record, Refund, RefundCause, RefundStatus, State};
use super::super::store::{Change, PaymentContext, PaymentSnapshot};
use super::super::{REASON_LENGTH_MAX, holds_card_number};
use super::end::{Told, ask, refunded_event, undo};
use super::{Outcome, about, emit, history, next, transaction};
use crate::decide::{Because, Context, Decision, Move};
use crate::money::Money;
use crate::policy::Policy;

/// An administrator gives back a part of a captured payment, or all that is left.
pub(super) fn request(snapshot: &PaymentSnapshot, command: &RequestRefund, context: &Context<'_>) -> Outcome {
    if let Some(known) = snapshot.refunds.get(&command.id) {
        // Ids are minted for one command, so it is the same command again.
        let reply = Some(Reply::RefundRequested(known.clone()));
        return Ok(Decision::Stay { because: Because::AlreadyKnown, reply });
    }
    check_reason(&command.reason)?;
    let payment = match snapshot.records.get(&command.payment_id) {
        Some(Record::Payment(payment)) => payment,
        Some(Record::Barrier(_)) | None => return Err(Rejection::PaymentNotFound),
    };
    let reference = captured(payment, command.amount)?;
    let amount = amount(payment, command.amount)?;
    let refund = Refund {
        id: command.id,
        payment_id: payment.id,
        amount,
        status: RefundStatus::Pending,
        cause: RefundCause::Administrator { actor: command.actor, reason: command.reason.clone() },
        created_at: context.now,
        version: 1,
    };
    let after = Payment { pending: payment.pending.checked_add(amount)?, ..next(payment, context) };
    let line = history(payment, &after, "refund.requested", &format!("{amount} by {}", command.actor));
    let step = ask(about(payment), &after, reference, refund.clone());
    Ok(step.change(Change::PutPayment(after)).note(line).reply(Reply::RefundRequested(refund)).done())
}

fn check_reason(reason: &str) -> Result<(), Rejection> {
    let length = reason.chars().count();
    if reason.trim().is_empty() || length > REASON_LENGTH_MAX {
        return Err(Rejection::ReasonLength { length, max: REASON_LENGTH_MAX });
    }
    if holds_card_number(reason) {
        return Err(Rejection::CardNumber { field: "/reason" });
    }
    Ok(())
}

/// The provider's name for the charge, when there is money to give back.
fn captured(payment: &Payment, asked: Option<Money>) -> Result<&str, Rejection> {
    match &payment.state {
        State::Captured { reference } => Ok(reference),
        State::Charging { .. } | State::Failed { .. } | State::Voided { .. } => Err(Rejection::NotCaptured),
        // Nothing was taken, all of it is on its way back, or all of it is back.
        State::NothingDue | State::Refunding { .. } | State::Refunded { .. } => {
            let left = Money::zero(payment.amount.currency());
            Err(Rejection::RefundExceedsCaptured { asked: asked.unwrap_or(left), left })
        }
    }
}

/// How much to give back, when that much is left. Pending refunds count as given back.
fn amount(payment: &Payment, asked: Option<Money>) -> Result<Money, Rejection> {
    let left = payment.left()?;
    let asked = asked.unwrap_or(left);
    if asked.currency() != left.currency() {
        return Err(Rejection::CurrencyMismatch { asked, captured: payment.captured });
    }
    if asked.is_negative() || (asked.is_zero() && !left.is_zero()) {
        return Err(Rejection::RefundNotPositive { asked });
    }
    if asked.is_zero() || asked > left {
        return Err(Rejection::RefundExceedsCaptured { asked, left });
    }
    Ok(asked)
}

/// The provider has answered a refund, or the call has ended without an answer.
pub(super) fn answered(
    snapshot: &PaymentSnapshot,
    answered: &Answered<RefundRequest>,
    context: &Context<'_>,
) -> Outcome {
    let record = snapshot.records.get(&answered.request.payment_id);
    let (Some(Record::Payment(payment)), Some(refund)) = (record, snapshot.refunds.get(&answered.request.refund_id))
    else {
        return Ok(Decision::stay(Because::NotConcerned));
    };
    match &refund.status {
        RefundStatus::Pending => {}
        RefundStatus::Succeeded { .. } | RefundStatus::Failed { .. } => {
            return Ok(Decision::stay(Because::AlreadyKnown));
        }
    }
    match (&answered.answer, &refund.cause) {
        (ProviderAnswer::Succeeded { reference }, _) => succeeded(payment, refund, reference, context),
        (ProviderAnswer::Transient { .. } | ProviderAnswer::Unknown { .. }, _) => {
            Ok(again(about(payment), answered, context.policy))
        }
        (ProviderAnswer::Refused { detail, .. }, RefundCause::Administrator { .. }) => {
            refused(payment, refund, detail, context)
        }
        (ProviderAnswer::Refused { detail, .. }, RefundCause::Undo(_)) => {
            Ok(insist(payment, answered, detail, context))
        }
    }
}

/// The same request under the same key, later, for ever: the money is owed.
fn again(step: Move<PaymentContext>, answered: &Answered<RefundRequest>, policy: &Policy) -> Decision<PaymentContext> {
    let after = Policy::rung(&policy.provider_retry, answered.attempts);
    step.effect(answered.key, after, Effect::Refund(answered.request.clone())).done()
}

/// The money is back.
pub(super) fn succeeded(payment: &Payment, refund: &Refund, reference: &str, context: &Context<'_>) -> Outcome {
    let amount = refund.amount;
    let after = Payment {
        refunded: payment.refunded.checked_add(amount)?,
        pending: payment.pending.checked_sub(amount)?,
        ..next(payment, context)
    };
    let status = (TransactionKind::Refund, TransactionStatus::Succeeded);
    let line = transaction(&after, status, amount, Some(reference));
    let posting = Posting {
        transaction_id: line.id,
        payment_id: after.id,
        debit: Account::Refunds,
        credit: Account::ProviderReceivable,
        amount,
        at: context.now,
    };
    let settled = Refund {
        status: RefundStatus::Succeeded { reference: reference.to_owned() },
        version: refund.version + 1,
        ..refund.clone()
    };
    let full = after.refunded == after.captured;
    let ended = matches!(after.state, State::Refunding { .. });
    let event = |told| refunded_event(&after, (refund.id, amount), refund.cause.reason(), told);
    let mut step = about(payment);
    // An administrator's refund has a notice of its own, also when the order's end has waited for it.
    if matches!(refund.cause, RefundCause::Administrator { .. }) || !full {
        step = emit(step, &after, event(Told::Others { full }));
    }
    if full && ended {
        step = emit(step, &after, event(Told::End));
    }
    let step = step
        .change(Change::PutRefund(settled))
        .change(Change::AddTransaction(line))
        .change(Change::AddPosting(posting));
    let (step, after) = if full { (step, refunded(after, refund)) } else { resume(step, after)? };
    Ok(step.change(Change::PutPayment(after)).done())
}

/// All of the money is back.
fn refunded(payment: Payment, last: &Refund) -> Payment {
    let Some(reference) = payment.reference().map(str::to_owned) else { return payment };
    let reason = last.cause.reason().to_owned();
    Payment { state: State::Refunded { reference, refund: last.id, amount: last.amount, reason }, ..payment }
}

/// The provider does not give it back. An administrator is told so and may try another way.
fn refused(payment: &Payment, refund: &Refund, detail: &str, context: &Context<'_>) -> Outcome {
    let after = Payment { pending: payment.pending.checked_sub(refund.amount)?, ..next(payment, context) };
    let status = (TransactionKind::Refund, TransactionStatus::Failed);
    let line = transaction(&after, status, refund.amount, Some(detail));
    let settled = Refund {
        status: RefundStatus::Failed { detail: detail.to_owned() },
        version: refund.version + 1,
        ..refund.clone()
    };
    let note = history(payment, &after, "refund.refused", detail);
    let step = about(payment).change(Change::PutRefund(settled)).change(Change::AddTransaction(line)).note(note);
    let (step, after) = resume(step, after)?;
    Ok(step.change(Change::PutPayment(after)).done())
}

/// An undo that has waited for administrators' refunds begins when the last of them has its answer.
fn resume(step: Move<PaymentContext>, payment: Payment) -> Result<(Move<PaymentContext>, Payment), Rejection> {
    let State::Refunding { refund: None, reference, end, .. } = &payment.state else { return Ok((step, payment)) };
    if !payment.pending.is_zero() {
        return Ok((step, payment));
    }
    let (reference, end) = (reference.clone(), *end);
    undo(step, payment, &reference, end)
}

/// The provider refuses to give back what must go back. The payment says so, where somebody will look, and the
/// provider is asked on at the slowest pace: money is never forgotten.
fn insist(
    payment: &Payment,
    answered: &Answered<RefundRequest>,
    detail: &str,
    context: &Context<'_>,
) -> Decision<PaymentContext> {
    let pace = Policy::rung(&context.policy.provider_retry, u32::MAX);
    let step = noted(payment, answered.request.amount, detail, context).unwrap_or_else(|| about(payment));
    step.effect(answered.key, pace, Effect::Refund(answered.request.clone())).done()
}

/// Writes down that the provider refuses to give back what must go back; `None` when that is written down already.
pub(super) fn noted(
    payment: &Payment,
    amount: Money,
    detail: &str,
    context: &Context<'_>,
) -> Option<Move<PaymentContext>> {
    let State::Refunding { reference, end, refund, refusal } = &payment.state else { return None };
    if refusal.as_deref() == Some(detail) {
        return None;
    }
    let (reference, refusal) = (reference.clone(), Some(detail.to_owned()));
    let state = State::Refunding { reference, end: *end, refund: *refund, refusal };
    let after = Payment { state, ..next(payment, context) };
    let status = (TransactionKind::Refund, TransactionStatus::Failed);
    let line = transaction(&after, status, amount, Some(detail));
    let note = history(payment, &after, "undo.refused", detail);
    Some(about(payment).change(Change::PutPayment(after)).change(Change::AddTransaction(line)).note(note))
}
