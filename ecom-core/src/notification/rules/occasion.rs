//! What users are told of.

use uuid::Uuid;

use super::delivery::{Occasion, awaited, known, new_notice, queue, tell};
use crate::decide::{Because, Context, Decision, Move};
use crate::event::{
    FailureCode, OrderCancelled, OrderCompleted, OrderFailed, PasswordResetRequested, PaymentRefunded, Service,
    StockLow,
};
use crate::id::derive;
use crate::notification::model::{Channel, ContactState, NoticeState, Template};
use crate::notification::store::{Change, NotificationContext, NotificationSnapshot};
use crate::notification::template::{self, Wording};

type Decided = Decision<NotificationContext>;

pub(super) fn order_completed(
    snapshot: &NotificationSnapshot,
    event: &OrderCompleted,
    context: &Context<'_>,
) -> Decided {
    let occasion = Occasion {
        template: Template::OrderCompleted,
        subject_id: event.order_id.0,
        user_id: event.user_id,
        order_id: Some(event.order_id),
    };
    tell_once(snapshot, &occasion, || template::order_completed(event), context)
}

/// An order that the order service does not know is nobody's order.
pub(super) fn order_failed(snapshot: &NotificationSnapshot, event: &OrderFailed, context: &Context<'_>) -> Decided {
    let Some(user_id) = event.user_id.filter(|_| event.reason != FailureCode::UnknownOrder) else {
        return Decision::stay(Because::NotConcerned);
    };
    let occasion = Occasion {
        template: Template::OrderFailed,
        subject_id: event.order_id.0,
        user_id,
        order_id: Some(event.order_id),
    };
    tell_once(snapshot, &occasion, || template::order_failed(event), context)
}

pub(super) fn order_cancelled(
    snapshot: &NotificationSnapshot,
    event: &OrderCancelled,
    context: &Context<'_>,
) -> Decided {
    let occasion = Occasion {
        template: Template::OrderCancelled,
        subject_id: event.order_id.0,
        user_id: event.user_id,
        order_id: Some(event.order_id),
    };
    tell_once(snapshot, &occasion, || template::order_cancelled(event), context)
}

/// Money that went back because its order ended is part of that end, which has its own notice.
pub(super) fn payment_refunded(
    snapshot: &NotificationSnapshot,
    event: &PaymentRefunded,
    context: &Context<'_>,
) -> Decided {
    if event.undo {
        return Decision::stay(Because::NotConcerned);
    }
    let occasion = Occasion {
        template: Template::PaymentRefunded,
        subject_id: event.refund_id.0,
        user_id: event.user_id,
        order_id: Some(event.order_id),
    };
    tell_once(snapshot, &occasion, || template::payment_refunded(event), context)
}

/// For all administrators. Each fall below the threshold is an occasion of its own, named by its event.
pub(super) fn stock_low(snapshot: &NotificationSnapshot, event: &StockLow, context: &Context<'_>) -> Decided {
    let mut step: Move<NotificationContext> = Move::default();
    for contact in snapshot.contacts.values() {
        let is_admin = match &contact.state {
            ContactState::Active { is_admin, .. } => *is_admin,
            ContactState::Awaited | ContactState::Deactivated { .. } => false,
        };
        if is_admin {
            let occasion = Occasion {
                template: Template::StockLow,
                subject_id: context.cause.0,
                user_id: contact.user_id,
                order_id: None,
            };
            step = tell(step, snapshot, &occasion, template::stock_low(event), Some(contact), context);
        }
    }
    if step.changes.is_empty() { Decision::stay(Because::NotConcerned) } else { step.done() }
}

/// What names one request for a new password: its token, so that the same request has one notice for ever.
pub(crate) fn password_reset_id(event: &PasswordResetRequested) -> Uuid {
    derive(Service::Notification.name(), event.user_id.0, &event.token, event.user_id.0, 0)
}

/// Goes to the account's address alone, at once and whatever the user's channels are: an address that somebody put
/// into the preferences must not be a way into the account, and turning notices off must not lock its owner out.
pub(super) fn password_reset(
    snapshot: &NotificationSnapshot,
    event: &PasswordResetRequested,
    context: &Context<'_>,
) -> Decided {
    let occasion = Occasion {
        template: Template::PasswordReset,
        subject_id: password_reset_id(event),
        user_id: event.user_id,
        order_id: None,
    };
    if let Some(because) = known(snapshot, &occasion) {
        return Decision::stay(because);
    }
    let wording = template::password_reset(event);
    let contact = snapshot.contacts.get(&event.user_id);
    // One of two copies may find the request expired already: who is not known must have a row on which they meet.
    let step = if contact.is_none() { Move::with(awaited(event.user_id, None)) } else { Move::default() };
    let (deactivated, first_name) = match contact.map(|contact| &contact.state) {
        None | Some(ContactState::Awaited) => (false, None),
        Some(ContactState::Active { first_name, .. }) => (false, Some(first_name.as_str())),
        Some(ContactState::Deactivated { user_version }) => (*user_version >= event.version, None),
    };
    if deactivated || event.expires_at <= context.now {
        let notice = new_notice(&occasion, Channel::Log, wording.subject, NoticeState::Suppressed, context);
        return step.change(Change::PutNotice(notice)).done();
    }
    let notice = new_notice(&occasion, Channel::Email, wording.subject, NoticeState::Queued, context);
    let body = Wording::greet(&wording.body, first_name);
    queue(step, notice, event.email.as_str().to_owned(), body, context.correlation).done()
}

fn tell_once(
    snapshot: &NotificationSnapshot,
    occasion: &Occasion,
    wording: impl FnOnce() -> Wording,
    context: &Context<'_>,
) -> Decided {
    if let Some(because) = known(snapshot, occasion) {
        return Decision::stay(because);
    }
    let contact = snapshot.contacts.get(&occasion.user_id);
    tell(Move::default(), snapshot, occasion, wording(), contact, context).done()
}
