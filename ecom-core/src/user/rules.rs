//! The rules: one function for each command, in the file of its group.

mod account;
mod reset;
mod session;

use super::error::Rejection;
use super::message::{Input, Reply};
use super::model::User;
use super::store::{Change, UserContext, UserSnapshot};
use crate::decide::{Because, Context, Decision, HistoryEntry, Move};
use crate::event::{Event, UserChanged, UserDeactivated};
use crate::id::UserId;

/// What a rule gives.
type Decided = Result<Decision<UserContext>, Rejection>;

pub(super) fn decide(snapshot: &UserSnapshot, input: &Input, context: &Context<'_>) -> Decided {
    match input {
        Input::Register(new) => account::register(snapshot, new, context),
        Input::CreateAdmin(new) => account::create_admin(snapshot, new, context),
        Input::BootstrapAdmin(new) => account::bootstrap_admin(snapshot, new, context),
        Input::ChangeProfile(command) => account::change_profile(snapshot, command, context),
        Input::Deactivate { actor, user_id } => account::deactivate(snapshot, *actor, *user_id, context),
        Input::Resync(users) => Ok(account::resync(snapshot, users)),
        Input::OpenSession(command) => session::open(snapshot, command, context),
        Input::RotateToken(command) => session::rotate(snapshot, command, context),
        Input::Logout { session_id } => Ok(session::log_out(snapshot, *session_id, context)),
        Input::ChangePassword(command) => session::change_password(snapshot, command, context),
        Input::RequestReset(command) => Ok(reset::request(snapshot, command, context)),
        Input::ConfirmReset(command) => reset::confirm(snapshot, command, context),
    }
}

/// Nothing changes, but the caller gets his answer.
const fn stay(because: Because, reply: Reply) -> Decision<UserContext> {
    Decision::Stay { because, reply: Some(reply) }
}

/// The next version of a user, with his next epoch when everything that was granted before is to end.
fn next_version(user: &User, context: &Context<'_>, new_epoch: bool) -> User {
    User {
        epoch: user.epoch + u64::from(new_epoch),
        updated_at: context.now,
        version: user.version + 1,
        ..user.clone()
    }
}

/// A move that puts a user and announces his new version.
fn put(user: &User, event: Event) -> Move<UserContext> {
    Move::with(Change::PutUser(user.clone())).emit(user.id.0, user.version, event)
}

/// The event that tells others how a known user now is.
///
/// For an inactive one it is always the deactivation: `user.updated` would bring him back to life in their copies.
fn changed(user: &User) -> Event {
    if user.is_active {
        Event::UserUpdated(contact(user))
    } else {
        Event::UserDeactivated(UserDeactivated { user_id: user.id, version: user.version })
    }
}

/// How to reach a user.
fn contact(user: &User) -> UserChanged {
    UserChanged {
        user_id: user.id,
        version: user.version,
        email: user.email.clone(),
        first_name: user.first_name.as_str().to_owned(),
        last_name: user.last_name.as_str().to_owned(),
        is_admin: user.is_active_admin(),
    }
}

/// A line for the audit of a user.
fn audit(before: Option<&User>, after: &User, event: &'static str, actor: Option<UserId>) -> HistoryEntry {
    HistoryEntry {
        subject: after.id.0,
        event: event.into(),
        from: before.map(User::standing).unwrap_or_default().into(),
        to: after.standing().into(),
        detail: actor.filter(|actor| *actor != after.id).map(|actor| format!("by {actor}")),
    }
}
