//! The rules of notices: what happened in `occasion`, users in `contact`, channels in `delivery`.

mod contact;
mod delivery;
mod occasion;

pub(super) use occasion::password_reset_id;

use super::error::Rejection;
use super::message::Input;
use super::store::{NotificationContext, NotificationSnapshot};
use crate::decide::{Context, Decision};

/// One function for each case.
pub(super) fn decide(
    snapshot: &NotificationSnapshot,
    input: &Input,
    context: &Context<'_>,
) -> Result<Decision<NotificationContext>, Rejection> {
    Ok(match input {
        Input::OrderCompleted(event) => occasion::order_completed(snapshot, event, context),
        Input::OrderFailed(event) => occasion::order_failed(snapshot, event, context),
        Input::OrderCancelled(event) => occasion::order_cancelled(snapshot, event, context),
        Input::PaymentRefunded(event) => occasion::payment_refunded(snapshot, event, context),
        Input::StockLow(event) => occasion::stock_low(snapshot, event, context),
        Input::PasswordResetRequested(event) => occasion::password_reset(snapshot, event, context),
        Input::UserRegistered(event) => contact::registered(snapshot, event, context),
        Input::UserUpdated(event) => contact::updated(snapshot, event),
        Input::UserDeactivated(event) => contact::deactivated(snapshot, event),
        Input::SetPreferences(command) => return contact::set_preferences(snapshot, command),
        Input::Answered { letter, attempts, answer } => {
            delivery::answered(snapshot, letter, *attempts, answer, context)
        }
    })
}
