//! Password resets.

use super::{Decided, audit, changed, next_version, put, stay};
use crate::decide::{Because, Context, Decision};
use crate::event::{Event, PasswordResetRequested};
use crate::user::error::Rejection;
use crate::user::message::{ConfirmReset, Reply, RequestReset};
use crate::user::model::{PasswordReset, RESET_LIFE, RESETS_MAX, User};
use crate::user::store::{Change, UserContext, UserSnapshot};

/// Somebody asks for a reset. The reply is always the same: it does not tell whether the account exists.
pub(super) fn request(snapshot: &UserSnapshot, command: &RequestReset, context: &Context<'_>) -> Decision<UserContext> {
    let done = Reply::Done { user_id: None };
    let Some(user) = snapshot.by_email(&command.email).filter(|user| user.is_active) else {
        return stay(Because::NotConcerned, done);
    };
    if snapshot.resets.contains_key(&command.token_hash) {
        return stay(Because::AlreadyKnown, done);
    }
    // The older ones still work, so a stranger who asks again and again cannot spoil the owner's own reset.
    let recent =
        |reset: &&PasswordReset| reset.user_id == user.id && reset.requested_at.after(RESET_LIFE) > context.now;
    if snapshot.resets.values().filter(recent).count() >= RESETS_MAX {
        return stay(Because::AlreadyKnown, done);
    }
    let reset = PasswordReset {
        token_hash: command.token_hash,
        user_id: user.id,
        epoch: user.epoch,
        requested_at: context.now,
        expires_at: context.now.after(RESET_LIFE),
        used_at: None,
        version: 1,
    };
    // Nothing about the user changes, but the event needs a version of its own.
    let after = User { updated_at: user.updated_at, ..next_version(user, context, false) };
    let event = Event::PasswordResetRequested(PasswordResetRequested {
        user_id: after.id,
        version: after.version,
        email: after.email.clone(),
        token: command.token.reveal().to_owned(),
        expires_at: reset.expires_at,
    });
    let entry = audit(Some(user), &after, "password reset requested", None);
    put(&after, event).change(Change::PutReset(reset)).note(entry).reply(done).done()
}

/// The token comes back: the new password holds, and everything that was granted before ends, other resets too.
pub(super) fn confirm(snapshot: &UserSnapshot, command: &ConfirmReset, context: &Context<'_>) -> Decided {
    let reset = snapshot.resets.get(&command.token_hash).ok_or(Rejection::InvalidResetToken)?;
    let user = snapshot
        .users
        .get(&reset.user_id)
        .filter(|user| reset.is_open(user, context.now))
        .ok_or(Rejection::InvalidResetToken)?;
    let after = User { password_hash: command.password_hash.clone(), ..next_version(user, context, true) };
    let reset = PasswordReset { used_at: Some(context.now), version: reset.version + 1, ..reset.clone() };
    let entry = audit(Some(user), &after, "password reset", None);
    let step = put(&after, changed(&after)).change(Change::PutReset(reset));
    Ok(step.note(entry).reply(Reply::Done { user_id: None }).done())
}
