use std::collections::BTreeSet;

use ecom_core::engine::{Message, Writes};
use ecom_core::id::{MessageId, RefundId};
use ecom_core::money::Money;
use ecom_core::payment::{
    Answered, Change, Effect, End, Input, News, Notice, PaymentContext, PaymentSnapshot, ProviderAnswer, Record,
    RefundCause, RefundRequest, Refusal, State, payment_id,
};

use super::{Mutable, Mutant, fresh_keys};

impl Mutable for PaymentContext {
    fn mishear(mutant: Mutant, message: &mut Message<Self>, rows: &PaymentSnapshot) {
        match (mutant, &mut message.input) {
            (Mutant::RefusalIsRefund, Input::RefundAnswered(answered))
                if is_of_administrator(rows, answered.request.refund_id)
                    && matches!(answered.answer, ProviderAnswer::Refused { .. }) =>
            {
                answered.answer = ProviderAnswer::Succeeded { reference: "not known".to_owned() };
            }
            (Mutant::RefusalToldIsFinal, Input::Noticed(notice)) => {
                if let Some(answered) = as_answer(rows, notice) {
                    message.input = Input::RefundAnswered(answered);
                }
                return;
            }
            _ => {}
        }
        let Input::ChargeAnswered(answered) = &mut message.input else { return };
        if mutant == Mutant::SilenceIsHarmless {
            answered.request.harmless = answered.attempts.saturating_sub(1);
        }
        if let ProviderAnswer::Unknown { detail } = &answered.answer {
            match mutant {
                Mutant::UnknownIsRefusal => {
                    answered.answer = ProviderAnswer::Refused { code: Refusal::Declined, detail: detail.clone() };
                }
                Mutant::UnknownIsSuccess => {
                    answered.answer = ProviderAnswer::Succeeded { reference: "not known".to_owned() };
                }
                _ => {}
            }
        }
    }

    fn misread(mutant: Mutant, message: &Message<Self>, rows: &mut PaymentSnapshot) {
        match (mutant, &message.input) {
            (Mutant::EndWhileChargingForgotten, Input::Ended { order_id, .. }) => {
                let id = payment_id(*order_id);
                if matches!(rows.records.get(&id), Some(Record::Payment(it)) if matches!(it.state, State::Charging { .. }))
                {
                    rows.records.remove(&id);
                }
            }
            (Mutant::PendingNotCounted, Input::Refund(request)) => {
                if let Some(Record::Payment(payment)) = rows.records.get_mut(&request.payment_id) {
                    payment.pending = Money::zero(payment.pending.currency());
                }
            }
            (Mutant::WebhookBookedTwice, Input::Noticed(notice)) => {
                if let Some(Record::Payment(payment)) = rows.records.get_mut(&notice.payment_id)
                    && matches!(payment.state, State::Captured { .. })
                {
                    payment.state = State::Charging { unknown: false, undo: None, harmless: 0 };
                }
            }
            _ => {}
        }
    }

    fn unsee(message: &Message<Self>, seen: &mut BTreeSet<MessageId>) {
        if matches!(message.input, Input::Noticed(_)) {
            seen.remove(&message.id);
        }
    }

    fn miswrite(mutant: Mutant, message: &Message<Self>, rows: &PaymentSnapshot, writes: &mut Writes<Self>) {
        match (mutant, &message.input) {
            (Mutant::ChargeFreshKey, _) => fresh_keys(message, writes, |effect| matches!(effect, Effect::Charge(_))),
            (Mutant::RefundFreshKey, _) => fresh_keys(message, writes, |effect| matches!(effect, Effect::Refund(_))),
            (Mutant::UndoNotCalled, Input::Ended { .. } | Input::ChargeAnswered(_)) => {
                writes.effects.retain(|_, row| row.as_ref().is_none_or(|row| matches!(row.effect, Effect::Charge(_))));
            }
            (Mutant::FailedNotUndone, Input::Ended { end: End::Failed(_), .. }) => {
                writes.changes.clear();
                writes.outbox.clear();
                writes.effects.clear();
                writes.history.clear();
            }
            (Mutant::UndoTakesAll, Input::Ended { order_id, .. }) => {
                let Some(Record::Payment(payment)) = rows.records.get(&payment_id(*order_id)) else { return };
                for row in writes.effects.values_mut().flatten() {
                    if let Effect::Refund(asked) = &mut row.effect {
                        asked.amount = payment.captured;
                    }
                }
            }
            (Mutant::WebhookAfterEndDropped, Input::Noticed(notice)) => {
                let Some(Record::Payment(payment)) = rows.records.get(&notice.payment_id) else { return };
                if matches!(payment.state, State::Charging { undo: Some(_), .. }) {
                    let inbox = std::mem::take(&mut writes.inbox);
                    let outcomes = std::mem::take(&mut writes.outcomes);
                    *writes = Writes { inbox, outcomes, ..Writes::default() };
                    writes.effects.insert(notice.key, None);
                }
            }
            (Mutant::RefusedUndoGivenUp, Input::RefundAnswered(answered))
                if matches!(answered.answer, ProviderAnswer::Refused { .. }) =>
            {
                writes.effects.insert(answered.key, None);
            }
            (Mutant::RefundKeyNotKept, Input::Refund(_)) => writes.kept.clear(),
            (Mutant::RefundNotBooked, Input::RefundAnswered(_)) => {
                writes.changes.retain(|change| !matches!(change, Change::AddPosting(_)));
            }
            _ => {}
        }
    }
}

fn is_of_administrator(rows: &PaymentSnapshot, refund: RefundId) -> bool {
    rows.refunds.get(&refund).is_some_and(|it| matches!(it.cause, RefundCause::Administrator { .. }))
}

/// That an administrator's refund is refused, as if the call that is owed had been answered so.
fn as_answer(rows: &PaymentSnapshot, notice: &Notice) -> Option<Answered<RefundRequest>> {
    let refund_id = notice.refund_id.filter(|id| is_of_administrator(rows, *id))?;
    let News::Refused { code, detail } = &notice.news else { return None };
    let Some(Record::Payment(payment)) = rows.records.get(&notice.payment_id) else { return None };
    let request = RefundRequest {
        order_id: payment.order_id,
        payment_id: payment.id,
        refund_id,
        charge: payment.reference()?.to_owned(),
        amount: notice.amount,
    };
    let answer = ProviderAnswer::Refused { code: *code, detail: detail.clone() };
    Some(Answered { key: notice.key, request, attempts: 1, answer })
}
