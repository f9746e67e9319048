//! Users as the user service tells them, and what they choose.

use super::delivery::{Occasion, destination, known, queue, tell};
use crate::decide::{Because, Context, Decision, Move};
use crate::email::Email;
use crate::event::{UserChanged, UserDeactivated};
use crate::id::{CorrelationId, UserId};
use crate::notification::error::Rejection;
use crate::notification::message::{Reply, SetPreferences};
use crate::notification::model::{
    Choices, Contact, ContactState, EmailChoice, Notice, NoticeState, Preferences, Template,
};
use crate::notification::store::{Change, NotificationContext, NotificationSnapshot};
use crate::notification::template::{self, Wording};

/// A new user: his contact, what waited for it, and a welcome, which he gets even when a newer version of him is known.
pub(super) fn registered(
    snapshot: &NotificationSnapshot,
    event: &UserChanged,
    context: &Context<'_>,
) -> Decision<NotificationContext> {
    let (step, contact) = match arrive(snapshot, event) {
        Some((step, contact)) => (step, Some(contact)),
        None => (Move::default(), snapshot.contacts.get(&event.user_id).cloned()),
    };
    let occasion = Occasion {
        template: Template::UserRegistered,
        subject_id: event.user_id.0,
        user_id: event.user_id,
        order_id: None,
    };
    match known(snapshot, &occasion) {
        Some(because) if step.changes.is_empty() => Decision::stay(because),
        Some(_) => step.done(),
        None => tell(step, snapshot, &occasion, template::user_registered(), contact.as_ref(), context).done(),
    }
}

/// A user as he now is, and what waited for him.
pub(super) fn updated(snapshot: &NotificationSnapshot, event: &UserChanged) -> Decision<NotificationContext> {
    arrive(snapshot, event).map_or(Decision::stay(Because::Stale), |(step, _)| step.done())
}

/// A user who is not to be notified any more: what waited for him is suppressed.
pub(super) fn deactivated(snapshot: &NotificationSnapshot, event: &UserDeactivated) -> Decision<NotificationContext> {
    let state = ContactState::Deactivated { user_version: event.version };
    let Some(contact) = next_contact(snapshot, event.user_id, state) else {
        return Decision::stay(Because::Stale);
    };
    deferred(snapshot, event.user_id)
        .fold(Move::with(Change::PutContact(contact)), |step, (notice, ..)| {
            step.change(Change::PutNotice(notice.follow(NoticeState::Suppressed)))
        })
        .done()
}

/// Takes a user's contact in and hands over what waited for it; `None` when a version as new is known.
fn arrive(snapshot: &NotificationSnapshot, event: &UserChanged) -> Option<(Move<NotificationContext>, Contact)> {
    let state = ContactState::Active {
        user_version: event.version,
        email: event.email.clone(),
        first_name: event.first_name.clone(),
        is_admin: event.is_admin,
    };
    let contact = next_contact(snapshot, event.user_id, state)?;
    let choices = snapshot.preferences.get(&event.user_id).map(|chosen| chosen.choices.clone()).unwrap_or_default();
    let mut step = Move::with(Change::PutContact(contact.clone()));
    for (notice, body, correlation) in deferred(snapshot, event.user_id) {
        step = match destination(&choices, &event.email, notice.channel) {
            Some(to) => {
                let text = Wording::greet(body, Some(&event.first_name));
                queue(step, notice.follow(NoticeState::Queued), to, text, correlation)
            }
            // He has turned the channel off since.
            None => step.change(Change::PutNotice(notice.follow(NoticeState::Suppressed))),
        };
    }
    Some((step, contact))
}

/// The contact in its new state; `None` when a version of the user as new is known.
fn next_contact(snapshot: &NotificationSnapshot, user_id: UserId, state: ContactState) -> Option<Contact> {
    let known = snapshot.contacts.get(&user_id);
    let is_newer = known.is_none_or(|contact| contact.state.user_version() < state.user_version());
    is_newer.then(|| Contact { user_id, state, version: known.map_or(0, |contact| contact.version) + 1 })
}

/// A user's notices that wait for his contact, each with what it will say and its correlation.
fn deferred(snapshot: &NotificationSnapshot, user_id: UserId) -> impl Iterator<Item = (&Notice, &str, CorrelationId)> {
    snapshot.notices.values().filter(move |notice| notice.user_id == user_id).filter_map(|notice| match &notice.state {
        NoticeState::Deferred { body, correlation } => Some((notice, body.0.as_str(), *correlation)),
        NoticeState::Queued | NoticeState::Sent { .. } | NoticeState::Failed { .. } | NoticeState::Suppressed => None,
    })
}

/// Sets a user's channels; the same choice again is answered and changes nothing.
pub(super) fn set_preferences(
    snapshot: &NotificationSnapshot,
    command: &SetPreferences,
) -> Result<Decision<NotificationContext>, Rejection> {
    let choices = checked(&command.choices)?;
    let untouched = Preferences::untouched(command.user_id);
    let before = snapshot.preferences.get(&command.user_id).unwrap_or(&untouched);
    if before.choices == choices {
        return Ok(Decision::Stay { because: Because::AlreadyKnown, reply: Some(Reply::Preferences(before.clone())) });
    }
    let preferences = Preferences { user_id: command.user_id, choices, version: before.version + 1 };
    Ok(Move::with(Change::PutPreferences(preferences.clone())).reply(Reply::Preferences(preferences)).done())
}

/// The choices in canonical form.
fn checked(choices: &Choices) -> Result<Choices, Rejection> {
    let address = match &choices.email.address {
        Some(address) => Some(Email::parse(address).map_err(|_| Rejection::AddressInvalid)?.as_str().to_owned()),
        None => None,
    };
    match &choices.sms.number {
        Some(number) if !is_number(number) => return Err(Rejection::NumberInvalid),
        None if choices.sms.enabled => return Err(Rejection::NumberRequired),
        Some(_) | None => {}
    }
    match &choices.push.endpoint {
        Some(endpoint) if !is_endpoint(endpoint) => return Err(Rejection::EndpointInvalid),
        None if choices.push.enabled => return Err(Rejection::EndpointRequired),
        Some(_) | None => {}
    }
    Ok(Choices { email: EmailChoice { enabled: choices.email.enabled, address }, ..choices.clone() })
}

fn is_number(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0')
    })
}

fn is_endpoint(text: &str) -> bool {
    let rest = text.strip_prefix("https://").unwrap_or_default();
    !rest.is_empty()
        && !rest.starts_with('/')
        && text.len() <= 2_048
        && rest.bytes().all(|byte| byte.is_ascii_graphic())
}
