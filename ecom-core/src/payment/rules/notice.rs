//! What the provider tells of its own accord: the same fact as the answer of the call, whichever comes first.
//!
//! The call that it is about stays owed. Its own answer, whenever and however it ends, finds the fact known and closes it.

use super::super::error::Rejection;
use super::super::ledger::{TransactionKind, TransactionStatus};
use super::super::message::{News, Notice};
use super::super::model::{End, Payment, Record, Refund, RefundCause, RefundStatus, State, charge_key, refund_key};
use super::super::store::{Change, PaymentContext, PaymentSnapshot};
use super::{Outcome, about, charge as charges, history, next, refund as refunds, transaction};
use crate::decide::{Because, Context, Decision, Move};
use crate::money::Money;

/// The provider has told something. What nobody knows is refused, and told again by the provider until somebody does.
pub(super) fn heard(snapshot: &PaymentSnapshot, notice: &Notice, context: &Context<'_>) -> Outcome {
    let payment = match snapshot.records.get(&notice.payment_id) {
        Some(Record::Payment(payment)) if payment.provider == notice.provider => payment,
        Some(Record::Payment(_) | Record::Barrier(_)) | None => return Err(Rejection::NoticeUnknown),
    };
    match notice.refund_id {
        None if notice.key == charge_key(payment.id) => charge(payment, notice, context),
        Some(id) if notice.key == refund_key(payment.id, id) => match snapshot.refunds.get(&id) {
            Some(known) => refund(payment, known, notice, context),
            None => Err(Rejection::NoticeUnknown),
        },
        None | Some(_) => Err(Rejection::NoticeUnknown),
    }
}

fn charge(payment: &Payment, notice: &Notice, context: &Context<'_>) -> Outcome {
    if notice.amount != payment.amount {
        return Ok(contradicts(payment, payment.amount, notice, context));
    }
    match (&payment.state, &notice.news) {
        (State::Charging { undo, .. }, News::Succeeded { reference }) => {
            charges::captured(payment, reference, *undo, context)
        }
        (State::Charging { undo, .. }, News::Refused { code, detail }) => {
            Ok(charges::refused(payment, (*code, detail), *undo, context))
        }
        // It had said that it took nothing. The order has ended or is about to: what was taken goes back.
        (State::Failed { reason, .. }, News::Succeeded { reference }) => {
            charges::captured(payment, reference, Some(End::Failed(*reason)), context)
        }
        (State::Voided { end }, News::Succeeded { reference }) => {
            charges::captured(payment, reference, Some(*end), context)
        }
        (State::Failed { .. } | State::Voided { .. }, News::Refused { .. }) => {
            Ok(Decision::stay(Because::AlreadyKnown))
        }
        (
            State::Captured { reference: known }
            | State::Refunding { reference: known, .. }
            | State::Refunded { reference: known, .. },
            News::Succeeded { reference },
        ) if known == reference => Ok(Decision::stay(Because::AlreadyKnown)),
        // A second charge, or none after all, or one that was never asked for: no rule can tell which is true.
        (
            State::Captured { .. } | State::Refunding { .. } | State::Refunded { .. } | State::NothingDue,
            News::Succeeded { .. } | News::Refused { .. },
        ) => Ok(contradicts(payment, payment.amount, notice, context)),
    }
}

fn refund(payment: &Payment, known: &Refund, notice: &Notice, context: &Context<'_>) -> Outcome {
    if notice.amount != known.amount {
        return Ok(contradicts(payment, known.amount, notice, context));
    }
    match (&known.status, &notice.news, &known.cause) {
        (RefundStatus::Pending, News::Succeeded { reference }, _) => {
            refunds::succeeded(payment, known, reference, context)
        }
        // It is asked on, by the call that is owed: only the answer of that says that nobody is asking any more.
        (RefundStatus::Pending, News::Refused { .. }, RefundCause::Administrator { .. }) => {
            Ok(Decision::stay(Because::AlreadyKnown))
        }
        (RefundStatus::Pending, News::Refused { detail, .. }, RefundCause::Undo(_)) => {
            let noted = refunds::noted(payment, known.amount, detail, context);
            Ok(noted.map_or_else(|| Decision::stay(Because::AlreadyKnown), Move::done))
        }
        (RefundStatus::Succeeded { reference: known }, News::Succeeded { reference }, _) if known == reference => {
            Ok(Decision::stay(Because::AlreadyKnown))
        }
        // An earlier attempt was refused: an undo is asked for until it succeeds.
        (RefundStatus::Succeeded { .. }, News::Refused { .. }, RefundCause::Undo(_))
        | (RefundStatus::Failed { .. }, News::Refused { .. }, _) => Ok(Decision::stay(Because::AlreadyKnown)),
        // Of an administrator's refund it may be the same, or the money has come back to the provider after all.
        (RefundStatus::Succeeded { .. }, News::Succeeded { .. } | News::Refused { .. }, _)
        | (RefundStatus::Failed { .. }, News::Succeeded { .. }, _) => {
            Ok(contradicts(payment, known.amount, notice, context))
        }
    }
}

/// The provider contradicts what it said before. No money moves for that: the payment shows it where somebody will look.
fn contradicts(payment: &Payment, asked: Money, notice: &Notice, context: &Context<'_>) -> Decision<PaymentContext> {
    let (kind, what) = match notice.refund_id {
        None => (TransactionKind::Charge, "charge"),
        Some(_) => (TransactionKind::Refund, "refund"),
    };
    let said = match &notice.news {
        News::Succeeded { reference } => {
            format!("the provider says that the {what} of {} is {reference}", notice.amount)
        }
        News::Refused { detail, .. } => {
            format!("the provider says that the {what} of {} is refused: {detail}", notice.amount)
        }
    };
    let after = next(payment, context);
    let line = transaction(&after, (kind, TransactionStatus::Unknown), asked, Some(&said));
    let note = history(payment, &after, "provider.contradicts", &said);
    about(payment).change(Change::PutPayment(after)).change(Change::AddTransaction(line)).note(note).done()
}
