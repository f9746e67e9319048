//! Sessions: signing in, exchanging tokens, signing out, a new password.

use super::{Decided, audit, changed, next_version, put, stay};
use crate::decide::{Because, Context, Decision, HistoryEntry, Move};
use crate::id::SessionId;
use crate::user::error::Rejection;
use crate::user::message::{ChangePassword, OpenSession, Reply, RotateToken};
use crate::user::model::{EndCause, Rotation, SESSION_GRACE, SESSION_LIFE, Session, SessionState, User};
use crate::user::store::{Change, UserContext, UserSnapshot};

/// Somebody signed in with the right password.
pub(super) fn open(snapshot: &UserSnapshot, command: &OpenSession, context: &Context<'_>) -> Decided {
    if let Some(known) = snapshot.sessions.get(&command.session_id) {
        return opened_before(snapshot, known, command);
    }
    // An inactive user and a password that was changed while it was checked look alike from outside.
    let may_enter = |user: &&User| user.is_active && user.password_hash == command.verified;
    let user = snapshot.users.get(&command.user_id).filter(may_enter).ok_or(Rejection::InvalidCredentials)?;
    let session = Session {
        id: command.session_id,
        user_id: user.id,
        epoch: user.epoch,
        state: SessionState::Open { current: command.token, rotation: None },
        created_at: context.now,
        expires_at: context.now.after(SESSION_LIFE),
        version: 1,
    };
    let (step, user) = match &command.renewed {
        // The password is the same, so what was granted with it goes on.
        Some(renewed) => {
            let after = User { password_hash: renewed.clone(), ..next_version(user, context, false) };
            (put(&after, changed(&after)).change(Change::PutSession(session.clone())), after)
        }
        None => (Move::with(Change::PutSession(session.clone())), user.clone()),
    };
    Ok(step.reply(Reply::SignedIn { user, session }).done())
}

/// The caller tries again because the end of his first commit was not known.
fn opened_before(snapshot: &UserSnapshot, known: &Session, command: &OpenSession) -> Decided {
    let same = known.user_id == command.user_id
        && known.state == SessionState::Open { current: command.token, rotation: None };
    match snapshot.users.get(&known.user_id) {
        Some(user) if same => {
            let reply = Reply::SignedIn { user: user.clone(), session: known.clone() };
            Ok(stay(Because::AlreadyKnown, reply))
        }
        Some(_) | None => Err(Rejection::IdTaken),
    }
}

/// A genuine refresh token is exchanged, answered again, or gives its thief away.
pub(super) fn rotate(snapshot: &UserSnapshot, command: &RotateToken, context: &Context<'_>) -> Decided {
    let (session, user) = live(snapshot, command.session_id, context).ok_or(Rejection::InvalidRefreshToken)?;
    let (current, rotation) = match &session.state {
        SessionState::Open { current, rotation } => (*current, rotation.as_ref()),
        SessionState::Ended { .. } => return Err(Rejection::InvalidRefreshToken),
    };
    if current == command.presented {
        let rotation = Some(Rotation { previous: current, at: context.now });
        let state = SessionState::Open { current: command.successor, rotation };
        let session = Session { state, version: session.version + 1, ..session.clone() };
        let step = Move::with(Change::PutSession(session.clone()));
        return Ok(step.reply(Reply::SignedIn { user: user.clone(), session }).done());
    }
    // The first answer may have been lost. The successor is computed from the token, so it is the one given before.
    let repeats = |last: &Rotation| {
        last.previous == command.presented
            && current == command.successor
            && context.now.since(last.at) <= SESSION_GRACE
    };
    if rotation.is_some_and(repeats) {
        let reply = Reply::SignedIn { user: user.clone(), session: session.clone() };
        return Ok(stay(Because::AlreadyKnown, reply));
    }
    let entry = HistoryEntry {
        subject: user.id.0,
        event: "a spent refresh token was used again".into(),
        from: "session open".into(),
        to: "session ended".into(),
        detail: Some(session.id.to_string()),
    };
    let reply = Reply::TokenReused { session_id: session.id };
    Ok(end(session, EndCause::TokenReused, context).note(entry).reply(reply).done())
}

/// A session is ended by its owner; whatever it was before, it has ended then.
pub(super) fn log_out(snapshot: &UserSnapshot, session_id: SessionId, context: &Context<'_>) -> Decision<UserContext> {
    let done = Reply::Done { user_id: None };
    match live(snapshot, session_id, context) {
        Some((session, _)) => end(session, EndCause::LoggedOut, context).reply(done).done(),
        None => stay(Because::AlreadyEnded, done),
    }
}

/// The owner sets a new password: all his sessions end but the one he sits at.
pub(super) fn change_password(snapshot: &UserSnapshot, command: &ChangePassword, context: &Context<'_>) -> Decided {
    let (session, user) = live(snapshot, command.session_id, context)
        .filter(|(_, user)| user.id == command.user_id)
        .ok_or(Rejection::SessionEnded(command.session_id))?;
    if user.password_hash != command.verified {
        return Err(Rejection::InvalidCredentials);
    }
    let after = User { password_hash: command.password_hash.clone(), ..next_version(user, context, true) };
    let session = Session { epoch: after.epoch, version: session.version + 1, ..session.clone() };
    let entry = audit(Some(user), &after, "password changed", None);
    let step = put(&after, changed(&after)).change(Change::PutSession(session));
    Ok(step.note(entry).reply(Reply::Done { user_id: Some(after.id) }).done())
}

/// A session that goes on, and whose it is.
fn live<'a>(
    snapshot: &'a UserSnapshot,
    session_id: SessionId,
    context: &Context<'_>,
) -> Option<(&'a Session, &'a User)> {
    let session = snapshot.sessions.get(&session_id)?;
    let user = snapshot.users.get(&session.user_id)?;
    session.is_live(user, context.now).then_some((session, user))
}

fn end(session: &Session, cause: EndCause, context: &Context<'_>) -> Move<UserContext> {
    let state = SessionState::Ended { at: context.now, cause };
    Move::with(Change::PutSession(Session { state, version: session.version + 1, ..session.clone() }))
}
