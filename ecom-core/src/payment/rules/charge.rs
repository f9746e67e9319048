//! Taking the money: once, whatever happens.

use std::time::Duration;

use super::super::error::Rejection;
use super::super::ledger::{Account, Posting, TransactionKind, TransactionStatus};
use super::super::message::{Answered, ChargeRequest, Effect, Price, ProviderAnswer, Refusal};
use super::super::model::{End, Payment, Record, State, charge_key, payment_id};
use super::super::store::{Change, PaymentContext, PaymentSnapshot};
use super::super::{NO_PROVIDER, SANDBOX, SANDBOX_TOKEN};
use super::{Outcome, about, emit, end, history, method, next, transaction};
use crate::decide::{Because, Context, Decision, Move};
use crate::event::{Event, FailureCode, PaymentFailed, PaymentProcessed};
use crate::id::PaymentId;
use crate::money::Money;
use crate::policy::Policy;

/// An order is to be paid. The payment and the call that is owed are committed together; the provider is called after.
pub(super) fn price(snapshot: &PaymentSnapshot, price: &Price, context: &Context<'_>) -> Outcome {
    let id = payment_id(price.order_id);
    match snapshot.records.get(&id) {
        Some(Record::Barrier(_)) => return Ok(Decision::stay(Because::Barred)),
        Some(Record::Payment(_)) => return Ok(Decision::stay(Because::AlreadyKnown)),
        None => {}
    }
    if price.total.is_negative() {
        return Err(Rejection::NegativeTotal { total: price.total });
    }
    if price.total.is_zero() {
        let payment = new(id, price, NO_PROVIDER, State::NothingDue, context);
        let event = processed_event(&payment, None);
        return Ok(emit(Move::default(), &payment, event).change(Change::PutPayment(payment)).done());
    }
    match source(snapshot, price, context.policy) {
        Ok((provider, token)) => {
            let charging = State::Charging { unknown: false, undo: None, harmless: 0 };
            Ok(charge(new(id, price, provider, charging, context), token))
        }
        Err((reason, detail)) => {
            let failed = State::Failed { reason, detail: detail.to_owned() };
            let payment = new(id, price, NO_PROVIDER, failed, context);
            let event = failed_event(&payment, reason, detail);
            Ok(emit(Move::default(), &payment, event).change(Change::PutPayment(payment)).done())
        }
    }
}

fn new(id: PaymentId, price: &Price, provider: &str, state: State, context: &Context<'_>) -> Payment {
    let nothing = Money::zero(price.total.currency());
    Payment {
        id,
        order_id: price.order_id,
        correlation_id: context.correlation,
        user_id: price.user_id,
        provider: provider.to_owned(),
        amount: price.total,
        captured: nothing,
        refunded: nothing,
        pending: nothing,
        state,
        created_at: context.now,
        updated_at: context.now,
        version: 1,
    }
}

/// Provider and token to charge, or why there are none.
fn source<'a>(
    snapshot: &'a PaymentSnapshot,
    price: &Price,
    policy: &Policy,
) -> Result<(&'a str, &'a str), (FailureCode, &'static str)> {
    let method = match price.payment_method_id {
        Some(id) => method::own(snapshot, id, price.user_id)
            .map_err(|_| (FailureCode::PaymentMethodInvalid, "the payment method does not exist or was removed"))?,
        None => match snapshot.default_method(price.user_id) {
            Some(method) => method,
            None if policy.sandbox_default_method => return Ok((SANDBOX, SANDBOX_TOKEN)),
            None => return Err((FailureCode::NoPaymentMethod, "the user has no default payment method")),
        },
    };
    Ok((&method.provider, &method.token))
}

fn charge(payment: Payment, token: &str) -> Decision<PaymentContext> {
    let request = ChargeRequest {
        order_id: payment.order_id,
        payment_id: payment.id,
        token: token.to_owned(),
        amount: payment.amount,
        harmless: 0,
    };
    let line = transaction(&payment, (TransactionKind::Charge, TransactionStatus::Pending), payment.amount, None);
    Move::default()
        .effect(charge_key(payment.id), Duration::ZERO, Effect::Charge(request))
        .change(Change::PutPayment(payment))
        .change(Change::AddTransaction(line))
        .done()
}

/// The provider has answered, or the call has ended without an answer.
pub(super) fn answered(
    snapshot: &PaymentSnapshot,
    answered: &Answered<ChargeRequest>,
    context: &Context<'_>,
) -> Outcome {
    let Some(Record::Payment(payment)) = snapshot.records.get(&answered.request.payment_id) else {
        return Ok(Decision::stay(Because::NotConcerned));
    };
    let (unknown, undo, harmless) = match &payment.state {
        State::Charging { unknown, undo, harmless } => (*unknown, *undo, *harmless),
        State::Failed { .. }
        | State::NothingDue
        | State::Captured { .. }
        | State::Refunding { .. }
        | State::Refunded { .. }
        | State::Voided { .. } => return Ok(Decision::stay(Because::AlreadyKnown)),
    };
    match &answered.answer {
        ProviderAnswer::Succeeded { reference } => captured(payment, reference, undo, context),
        ProviderAnswer::Refused { code, detail } => Ok(refused(payment, (*code, detail), undo, context)),
        ProviderAnswer::Transient { detail } => {
            Ok(later(payment, undo.filter(|_| !unknown), (answered, detail), context))
        }
        // Only the first one is written down: there may be any number of them.
        ProviderAnswer::Unknown { .. } if unknown => Ok(again(about(payment), answered, context.policy)),
        ProviderAnswer::Unknown { detail } => {
            let after = Payment { state: State::Charging { unknown: true, undo, harmless }, ..next(payment, context) };
            let status = (TransactionKind::Charge, TransactionStatus::Unknown);
            let line = transaction(&after, status, after.amount, Some(detail));
            let step = about(payment).change(Change::PutPayment(after)).change(Change::AddTransaction(line));
            Ok(again(step, answered, context.policy))
        }
    }
}

/// This call took nothing. When no call before it can have taken anything either (`undo` is given only then), an order
/// that has ended needs no charge any more; else the provider is asked again, and what one of them took goes back.
fn later(
    payment: &Payment,
    undo: Option<End>,
    (answered, detail): (&Answered<ChargeRequest>, &str),
    context: &Context<'_>,
) -> Decision<PaymentContext> {
    if answered.request.harmless.saturating_add(1) != answered.attempts {
        return again(about(payment), answered, context.policy);
    }
    let Some(end) = undo else {
        let request = ChargeRequest { harmless: answered.attempts, ..answered.request.clone() };
        let step = resting(payment, answered.attempts, context);
        return again(step, &Answered { request, ..answered.clone() }, context.policy);
    };
    let status = (TransactionKind::Charge, TransactionStatus::Failed);
    let (step, after) = end::void(payment, end, context);
    let line = transaction(&after, status, after.amount, Some(detail));
    step.change(Change::PutPayment(after)).change(Change::AddTransaction(line)).done()
}

/// Writes down that all calls so far took nothing, so that an end that comes before the next one needs none. When one
/// of them is not known to have taken nothing, there is nothing to write down.
fn resting(payment: &Payment, calls: u32, context: &Context<'_>) -> Move<PaymentContext> {
    if !matches!(payment.state, State::Charging { unknown: false, undo: None, .. }) {
        return about(payment);
    }
    let state = State::Charging { unknown: false, undo: None, harmless: calls };
    about(payment).change(Change::PutPayment(Payment { state, ..next(payment, context) }))
}

/// The same request under the same key, later. There is no last attempt: giving up could lose money that was taken.
fn again(step: Move<PaymentContext>, answered: &Answered<ChargeRequest>, policy: &Policy) -> Decision<PaymentContext> {
    let after = Policy::rung(&policy.provider_retry, answered.attempts);
    step.effect(answered.key, after, Effect::Charge(answered.request.clone())).done()
}

/// The money is taken: told to the order, or, when the order has ended meanwhile, given back at once. In that case
/// the order is told only how it ends, by `payment.refunded`.
pub(super) fn captured(payment: &Payment, reference: &str, undo: Option<End>, context: &Context<'_>) -> Outcome {
    let state = State::Captured { reference: reference.to_owned() };
    let after = Payment { captured: payment.amount, state, ..next(payment, context) };
    let status = (TransactionKind::Charge, TransactionStatus::Succeeded);
    let line = transaction(&after, status, after.amount, Some(reference));
    let posting = Posting {
        transaction_id: line.id,
        payment_id: after.id,
        debit: Account::ProviderReceivable,
        credit: Account::CustomerFunds,
        amount: after.amount,
        at: context.now,
    };
    let step = about(payment).change(Change::AddTransaction(line)).change(Change::AddPosting(posting));
    let Some(end) = undo else {
        let event = processed_event(&after, Some(reference));
        return Ok(emit(step, &after, event).change(Change::PutPayment(after)).done());
    };
    let (step, after) = end::undo(step, after, reference, end)?;
    let line = history(payment, &after, "payment.captured", "the order had ended: the money goes back");
    Ok(step.change(Change::PutPayment(after)).note(line).done())
}

/// No money is taken, and none will be.
pub(super) fn refused(
    payment: &Payment,
    (code, detail): (Refusal, &str),
    undo: Option<End>,
    context: &Context<'_>,
) -> Decision<PaymentContext> {
    let reason = code.failure();
    let state = State::Failed { reason, detail: detail.to_owned() };
    let after = Payment { state, ..next(payment, context) };
    let status = (TransactionKind::Charge, TransactionStatus::Failed);
    let line = transaction(&after, status, after.amount, Some(detail));
    let event = match undo {
        None => failed_event(&after, reason, detail),
        Some(end) => end::voided_event(after.order_id, Some(after.id), end),
    };
    let step = emit(about(payment), &after, event);
    step.change(Change::PutPayment(after)).change(Change::AddTransaction(line)).done()
}

fn processed_event(payment: &Payment, reference: Option<&str>) -> Event {
    Event::PaymentProcessed(PaymentProcessed {
        order_id: payment.order_id,
        payment_id: payment.id,
        amount: payment.captured,
        provider_reference: reference.map(str::to_owned),
    })
}

fn failed_event(payment: &Payment, reason: FailureCode, detail: &str) -> Event {
    Event::PaymentFailed(PaymentFailed {
        order_id: payment.order_id,
        payment_id: payment.id,
        reason,
        detail: detail.to_owned(),
    })
}
