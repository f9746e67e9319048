//! From an occasion to rows and calls, and what the channels answer.

use std::time::Duration;

use uuid::Uuid;

use crate::decide::{Because, Context, Decision, Move};
use crate::email::Email;
use crate::event::{Event, NotificationSettled};
use crate::id::{CorrelationId, MessageId, OrderId, UserId};
use crate::notification::message::{Effect, EffectAnswer, Letter};
use crate::notification::model::{
    Channel, Choices, Contact, ContactState, Notice, NoticeState, Template, Text, notice_id,
};
use crate::notification::store::{Change, NotificationContext, NotificationSnapshot};
use crate::notification::template::Wording;
use crate::policy::Policy;

/// Something that a user is told of once.
pub(super) struct Occasion {
    pub(super) template: Template,
    pub(super) subject_id: Uuid,
    pub(super) user_id: UserId,
    pub(super) order_id: Option<OrderId>,
}

impl Notice {
    /// The notice in its next state.
    pub(super) fn follow(&self, state: NoticeState) -> Self {
        Self { state, version: self.version + 1, ..self.clone() }
    }
}

/// Why there is nothing to tell: there is a notice of the occasion, over whichever channel and with whichever text.
pub(super) fn known(snapshot: &NotificationSnapshot, occasion: &Occasion) -> Option<Because> {
    Channel::ALL.into_iter().find_map(|channel| {
        let id = notice_id(occasion.template, occasion.subject_id, occasion.user_id, channel);
        let notice = snapshot.notices.get(&id)?;
        // The order was told to have ended otherwise: what was said first stands.
        Some(if notice.template == occasion.template { Because::AlreadyKnown } else { Because::AlreadyEnded })
    })
}

/// Adds the notices of an occasion, one for each channel of the user.
pub(super) fn tell(
    step: Move<NotificationContext>,
    snapshot: &NotificationSnapshot,
    occasion: &Occasion,
    wording: Wording,
    contact: Option<&Contact>,
    context: &Context<'_>,
) -> Move<NotificationContext> {
    let Wording { subject, body } = wording;
    let chosen = snapshot.preferences.get(&occasion.user_id).map(|preferences| preferences.choices.clone());
    let choices = chosen.unwrap_or_default();
    let channels = choices.channels();
    let state = contact.map_or(&ContactState::Awaited, |contact| &contact.state);
    match state {
        ContactState::Awaited if !channels.is_empty() => {
            // The row is written anew for each deferred notice, so that it and the arrival of the contact cannot
            // pass each other in two transactions.
            channels.into_iter().fold(step.change(awaited(occasion.user_id, contact)), |step, channel| {
                let waiting = NoticeState::Deferred { body: Text(body.clone()), correlation: context.correlation };
                step.change(Change::PutNotice(new_notice(occasion, channel, subject.clone(), waiting, context)))
            })
        }
        ContactState::Active { email, first_name, .. } if !channels.is_empty() => {
            channels.into_iter().fold(step, |step, channel| match destination(&choices, email, channel) {
                Some(to) => {
                    let notice = new_notice(occasion, channel, subject.clone(), NoticeState::Queued, context);
                    queue(step, notice, to, Wording::greet(&body, Some(first_name)), context.correlation)
                }
                None => step,
            })
        }
        ContactState::Awaited | ContactState::Active { .. } | ContactState::Deactivated { .. } => {
            let notice = new_notice(occasion, Channel::Log, subject, NoticeState::Suppressed, context);
            let step = step.change(Change::PutNotice(notice));
            // Nobody can lock a row that is not there: of two transactions that both find no contact, and other wishes, one
            // must meet the other.
            if contact.is_none() { step.change(awaited(occasion.user_id, None)) } else { step }
        }
    }
}

/// A user of whom nothing is known yet.
pub(super) fn awaited(user_id: UserId, known: Option<&Contact>) -> Change {
    let version = known.map_or(0, |contact| contact.version) + 1;
    Change::PutContact(Contact { user_id, state: ContactState::Awaited, version })
}

/// A notice that is new.
pub(super) fn new_notice(
    occasion: &Occasion,
    channel: Channel,
    subject: String,
    state: NoticeState,
    context: &Context<'_>,
) -> Notice {
    Notice {
        id: notice_id(occasion.template, occasion.subject_id, occasion.user_id, channel),
        user_id: occasion.user_id,
        channel,
        template: occasion.template,
        subject_id: occasion.subject_id,
        order_id: occasion.order_id,
        subject,
        state,
        attempts: 0,
        created_at: context.now,
        version: 1,
    }
}

/// Adds a queued notice and the call to its channel.
pub(super) fn queue(
    step: Move<NotificationContext>,
    notice: Notice,
    to: String,
    body: Text,
    correlation: CorrelationId,
) -> Move<NotificationContext> {
    let letter = Letter {
        notice_id: notice.id,
        user_id: notice.user_id,
        channel: notice.channel,
        template: notice.template,
        to,
        subject: notice.subject.clone(),
        body,
        correlation,
    };
    let id = MessageId(notice.id.0);
    step.change(Change::PutNotice(notice)).effect(id, Duration::ZERO, Effect::Send(letter))
}

/// Where a channel leads; `None` when the user does not use it.
pub(super) fn destination(choices: &Choices, email: &Email, channel: Channel) -> Option<String> {
    match channel {
        Channel::Email => {
            choices.email.enabled.then(|| choices.email.address.clone().unwrap_or_else(|| email.as_str().to_owned()))
        }
        Channel::Sms => choices.sms.number.clone().filter(|_| choices.sms.enabled),
        Channel::Push => choices.push.endpoint.clone().filter(|_| choices.push.enabled),
        Channel::Log => None,
    }
}

/// What a channel's answer makes of a notice.
pub(super) fn answered(
    snapshot: &NotificationSnapshot,
    letter: &Letter,
    attempts: u32,
    answer: &EffectAnswer,
    context: &Context<'_>,
) -> Decision<NotificationContext> {
    let Some(notice) = snapshot.notices.get(&letter.notice_id) else {
        return Decision::stay(Because::NotConcerned);
    };
    match &notice.state {
        NoticeState::Queued => {}
        NoticeState::Deferred { .. } => return Decision::stay(Because::NotConcerned),
        NoticeState::Sent { .. } | NoticeState::Failed { .. } | NoticeState::Suppressed => {
            return Decision::stay(Because::AlreadyEnded);
        }
    }
    let notice = Notice { attempts, ..notice.clone() };
    match answer {
        EffectAnswer::Sent => {
            let sent = notice.follow(NoticeState::Sent { at: context.now });
            let event = Event::NotificationSent(settled(&sent));
            let step = Move::default().emit(sent.id.0, sent.version, event);
            step.change(Change::PutNotice(sent)).correlated(letter.correlation).done()
        }
        EffectAnswer::NotSent { transient: false, detail } => give_up(&notice, letter, detail),
        EffectAnswer::NotSent { transient: true, detail } | EffectAnswer::Unknown { detail } => {
            ask_again(snapshot, &notice, letter, detail, context)
        }
    }
}

fn ask_again(
    snapshot: &NotificationSnapshot,
    notice: &Notice,
    letter: &Letter,
    detail: &str,
    context: &Context<'_>,
) -> Decision<NotificationContext> {
    let state = snapshot.contacts.get(&notice.user_id).map(|contact| &contact.state);
    if let Some(ContactState::Deactivated { .. }) = state {
        return Move::with(Change::PutNotice(notice.follow(NoticeState::Suppressed))).done();
    }
    let ladder = &context.policy.notice_retry;
    if notice.attempts as usize > ladder.len() {
        return give_up(notice, letter, detail);
    }
    let after = Policy::rung(ladder, notice.attempts);
    Move::with(Change::PutNotice(notice.follow(NoticeState::Queued)))
        .effect(MessageId(notice.id.0), after, Effect::Send(letter.clone()))
        .correlated(letter.correlation)
        .done()
}

fn give_up(notice: &Notice, letter: &Letter, detail: &str) -> Decision<NotificationContext> {
    // Only the beginning: a channel's words can be a whole page.
    let failed = notice.follow(NoticeState::Failed { detail: detail.chars().take(500).collect() });
    let event = Event::NotificationFailed(settled(&failed));
    let step = Move::default().emit(failed.id.0, failed.version, event);
    step.change(Change::PutNotice(failed)).correlated(letter.correlation).done()
}

fn settled(notice: &Notice) -> NotificationSettled {
    NotificationSettled {
        notification_id: notice.id,
        user_id: notice.user_id,
        order_id: notice.order_id,
        channel: notice.channel.name().to_owned(),
        template: notice.template.name().to_owned(),
    }
}
