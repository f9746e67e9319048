//! Payment methods.

use super::super::error::Rejection;
use super::super::message::{AddMethod, Reply};
use super::super::model::PaymentMethod;
use super::super::store::{Change, PaymentSnapshot};
use super::super::{METHODS_MAX, holds_card_number};
use super::Outcome;
use crate::decide::{Because, Context, Decision, Move};
use crate::id::{PaymentMethodId, UserId};

/// Keeps a card. A user's first one becomes his default, and so does one that is added when he has none.
pub(super) fn add(snapshot: &PaymentSnapshot, command: &AddMethod, context: &Context<'_>) -> Outcome {
    if snapshot.method(command.id).is_some() {
        // Ids are minted for one command, so it is the same command again.
        let known = own(snapshot, command.id, command.user_id)?.clone();
        return Ok(Decision::Stay { because: Because::AlreadyKnown, reply: Some(Reply::MethodAdded(known)) });
    }
    if holds_card_number(&command.token) {
        return Err(Rejection::CardNumber { field: "/token" });
    }
    if snapshot.wallet(command.user_id).count() >= METHODS_MAX {
        return Err(Rejection::TooManyMethods { max: METHODS_MAX });
    }
    let method = PaymentMethod {
        id: command.id,
        user_id: command.user_id,
        provider: command.provider.clone(),
        token: command.token.clone(),
        card: command.card.clone(),
        is_default: snapshot.default_method(command.user_id).is_none(),
        created_at: context.now,
        deleted: false,
        version: 1,
    };
    Ok(Move::with(Change::PutMethod(method.clone())).reply(Reply::MethodAdded(method)).done())
}

/// Removes a card; the row stays, because payments were made with it. No other card takes its place as the default:
/// nobody shall be charged on a card that he did not choose.
pub(super) fn remove(snapshot: &PaymentSnapshot, id: PaymentMethodId, user_id: UserId) -> Outcome {
    let method = own(snapshot, id, user_id)?;
    let removed = PaymentMethod { deleted: true, is_default: false, version: method.version + 1, ..method.clone() };
    Ok(Move::with(Change::PutMethod(removed)).reply(Reply::MethodRemoved(id)).done())
}

/// Makes a card the user's default in place of the one before.
pub(super) fn set_default(snapshot: &PaymentSnapshot, id: PaymentMethodId, user_id: UserId) -> Outcome {
    let method = own(snapshot, id, user_id)?;
    if method.is_default {
        let reply = Some(Reply::DefaultSet(method.clone()));
        return Ok(Decision::Stay { because: Because::AlreadyKnown, reply });
    }
    let chosen = PaymentMethod { is_default: true, version: method.version + 1, ..method.clone() };
    let mut step = Move::default();
    if let Some(old) = snapshot.default_method(user_id) {
        let old = PaymentMethod { is_default: false, version: old.version + 1, ..old.clone() };
        step = step.change(Change::PutMethod(old));
    }
    Ok(step.change(Change::PutMethod(chosen.clone())).reply(Reply::DefaultSet(chosen)).done())
}

/// A user's own card; for him, another's does not exist.
pub(super) fn own(
    snapshot: &PaymentSnapshot,
    id: PaymentMethodId,
    user_id: UserId,
) -> Result<&PaymentMethod, Rejection> {
    let method = snapshot.method(id).filter(|method| method.user_id == user_id && !method.deleted);
    method.ok_or(Rejection::MethodNotFound)
}
