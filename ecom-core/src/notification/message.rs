//! What can happen to notices, what leaves through the channels, and what a waiting caller is told.

use serde::{Deserialize, Serialize};

use super::model::{Channel, Choices, Preferences, Template, Text};
use crate::event;
use crate::id::{CorrelationId, NotificationId, UserId};

/// Everything that can happen to notices.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// An order is complete.
    OrderCompleted(event::OrderCompleted),
    /// An order has failed.
    OrderFailed(event::OrderFailed),
    /// An order was cancelled.
    OrderCancelled(event::OrderCancelled),
    /// Money was given back.
    PaymentRefunded(event::PaymentRefunded),
    /// Little is left of a product.
    StockLow(event::StockLow),
    /// A user is new.
    UserRegistered(event::UserChanged),
    /// A user has changed.
    UserUpdated(event::UserChanged),
    /// A user was deactivated.
    UserDeactivated(event::UserDeactivated),
    /// A user wants to set a new password.
    PasswordResetRequested(event::PasswordResetRequested),
    /// A user chooses his channels.
    SetPreferences(SetPreferences),
    /// A channel has answered.
    Answered {
        /// What it was asked.
        letter: Letter,
        /// How often it was asked so far.
        attempts: u32,
        /// What it says.
        answer: EffectAnswer,
    },
}

/// Chooses a user's channels.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SetPreferences {
    /// The user.
    pub user_id: UserId,
    /// What he chooses, as given.
    pub choices: Choices,
}

/// A call to a channel.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Effect {
    /// Hand a notice over.
    Send(Letter),
}

/// A notice on its way to a channel. Subject and destination have no line breaks, so they are safe in a header.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Letter {
    /// The notice; at the same time the id of the effect, and so the idempotency key of the call.
    pub notice_id: NotificationId,
    /// To whom.
    pub user_id: UserId,
    /// How.
    pub channel: Channel,
    /// Which text.
    pub template: Template,
    /// The address, number or endpoint.
    pub to: String,
    /// The subject line.
    pub subject: String,
    /// What it says, in plain text.
    pub body: Text,
    /// The correlation of what it is about.
    pub correlation: CorrelationId,
}

/// How a call to a channel ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum EffectAnswer {
    /// The channel has taken it.
    Sent,
    /// The channel has not taken it.
    NotSent {
        /// Whether asking again later may help.
        transient: bool,
        /// The channel's words.
        detail: String,
    },
    /// It may have taken it or not. It is asked again with the same id.
    Unknown {
        /// What went wrong.
        detail: String,
    },
}

/// What a waiting caller is told.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Reply {
    /// The preferences are as chosen.
    Preferences(Preferences),
}
