//! Accounts: who comes, who goes, who may do what.

use super::{Decided, audit, changed, contact, next_version, put, stay};
use crate::decide::{Because, Context, Decision, Move};
use crate::event::Event;
use crate::id::UserId;
use crate::user::error::Rejection;
use crate::user::message::{ChangeProfile, NewUser, Reply};
use crate::user::model::{Role, User};
use crate::user::store::{UserContext, UserSnapshot};

/// Somebody registers himself.
pub(super) fn register(snapshot: &UserSnapshot, new: &NewUser, context: &Context<'_>) -> Decided {
    add(snapshot, new, Role::Customer, "registered", context)
}

/// An operator adds an administrator.
pub(super) fn create_admin(snapshot: &UserSnapshot, new: &NewUser, context: &Context<'_>) -> Decided {
    add(snapshot, new, Role::Admin, "created by an operator", context)
}

/// The first administrator, from the configuration of the process.
pub(super) fn bootstrap_admin(snapshot: &UserSnapshot, new: &NewUser, context: &Context<'_>) -> Decided {
    if snapshot.active_admins > 0 {
        return Ok(Decision::stay(Because::AlreadyKnown));
    }
    add(snapshot, new, Role::Admin, "created as the first administrator", context)
}

fn add(snapshot: &UserSnapshot, new: &NewUser, role: Role, event: &'static str, context: &Context<'_>) -> Decided {
    if let Some(known) = snapshot.users.get(&new.user_id) {
        // The caller tries again because the end of his first commit was not known.
        return if known.email == new.email {
            Ok(stay(Because::AlreadyKnown, Reply::Registered(known.clone())))
        } else {
            Err(Rejection::IdTaken)
        };
    }
    if snapshot.by_email(&new.email).is_some() {
        return Err(Rejection::EmailTaken);
    }
    let user = User {
        id: new.user_id,
        email: new.email.clone(),
        first_name: new.first_name.clone(),
        last_name: new.last_name.clone(),
        role,
        is_active: true,
        password_hash: new.password_hash.clone(),
        epoch: 0,
        created_at: context.now,
        updated_at: context.now,
        version: 1,
    };
    let entry = audit(None, &user, event, None);
    Ok(put(&user, Event::UserRegistered(contact(&user))).note(entry).reply(Reply::Registered(user)).done())
}

/// Names, role or activity change.
pub(super) fn change_profile(snapshot: &UserSnapshot, command: &ChangeProfile, context: &Context<'_>) -> Decided {
    let (actor, user) = concerned(snapshot, command.actor, command.user_id)?;
    if !actor.is_active_admin() && (command.role.is_some() || command.is_active.is_some()) {
        return Err(Rejection::Forbidden);
    }
    let wanted = User {
        first_name: command.first_name.as_ref().unwrap_or(&user.first_name).clone(),
        last_name: command.last_name.as_ref().unwrap_or(&user.last_name).clone(),
        role: command.role.unwrap_or(user.role),
        is_active: command.is_active.unwrap_or(user.is_active),
        ..user.clone()
    };
    if wanted == *user {
        return Ok(stay(Because::AlreadyKnown, Reply::Current(wanted)));
    }
    keeps_an_admin(snapshot, user, &wanted)?;
    let standing_changes = wanted.role != user.role || wanted.is_active != user.is_active;
    let after = next_version(&wanted, context, standing_changes);
    let entry = audit(Some(user), &after, "profile changed", Some(actor.id));
    Ok(put(&after, changed(&after)).note(entry).reply(Reply::Current(after)).done())
}

/// A user is deactivated. His address stays taken and his orders stay his.
pub(super) fn deactivate(snapshot: &UserSnapshot, actor: UserId, user_id: UserId, context: &Context<'_>) -> Decided {
    let (actor, user) = concerned(snapshot, actor, user_id)?;
    let done = Reply::Done { user_id: Some(user_id) };
    if !user.is_active {
        return Ok(stay(Because::AlreadyEnded, done));
    }
    let wanted = User { is_active: false, ..user.clone() };
    keeps_an_admin(snapshot, user, &wanted)?;
    let after = next_version(&wanted, context, true);
    let entry = audit(Some(user), &after, "deactivated", Some(actor.id));
    Ok(put(&after, changed(&after)).note(entry).reply(done).done())
}

/// Publishes current versions again; unknown users are left out.
pub(super) fn resync(snapshot: &UserSnapshot, users: &[UserId]) -> Decision<UserContext> {
    let known = users.iter().filter_map(|id| snapshot.users.get(id));
    let step = known.fold(Move::default(), |step, user| step.emit(user.id.0, user.version, changed(user)));
    if step.events.is_empty() {
        return stay(Because::NotConcerned, Reply::Done { user_id: None });
    }
    step.reply(Reply::Done { user_id: None }).done()
}

/// Who asks and whom it is about. Another's account exists for administrators alone.
fn concerned(snapshot: &UserSnapshot, actor: UserId, user_id: UserId) -> Result<(&User, &User), Rejection> {
    let actor = snapshot.users.get(&actor).filter(|actor| actor.is_active).ok_or(Rejection::AccountInactive(actor))?;
    let visible = |user: &&User| user.id == actor.id || actor.is_active_admin();
    let user = snapshot.users.get(&user_id).filter(visible).ok_or(Rejection::NotFound(user_id))?;
    Ok((actor, user))
}

/// Refuses what would leave nobody to run the shop.
fn keeps_an_admin(snapshot: &UserSnapshot, before: &User, after: &User) -> Result<(), Rejection> {
    let is_lost = before.is_active_admin() && !after.is_active_admin();
    if is_lost && snapshot.active_admins <= 1 { Err(Rejection::LastAdmin) } else { Ok(()) }
}
