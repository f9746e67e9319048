//! Contacts, preferences and notices.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::email::Email;
use crate::event::Service;
use crate::id::{CorrelationId, NotificationId, OrderId, UserId, derive};
use crate::time::Timestamp;

/// What we know of a user.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Contact {
    /// The user.
    pub user_id: UserId,
    /// What we know.
    pub state: ContactState,
    /// Rises by 1 with each change of this row; the user's own version is in the state.
    pub version: u64,
}

/// What we know of a user.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ContactState {
    /// Notices wait for him. The row is there so that his arrival and a new waiting notice meet on one version.
    Awaited,
    /// He can be notified.
    Active {
        /// The user's version that said so.
        user_version: u64,
        /// His address.
        email: Email,
        /// His first name.
        first_name: String,
        /// Whether he is an administrator.
        is_admin: bool,
    },
    /// He is not to be notified; what we knew of him is forgotten.
    Deactivated {
        /// The user's version that said so.
        user_version: u64,
    },
}

impl ContactState {
    /// The newest version of the user that is known; 0 when none is.
    pub const fn user_version(&self) -> u64 {
        match self {
            Self::Awaited => 0,
            Self::Active { user_version, .. } | Self::Deactivated { user_version } => *user_version,
        }
    }
}

/// How a user wants to be notified.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Preferences {
    /// The user.
    pub user_id: UserId,
    /// What he chose.
    pub choices: Choices,
    /// Rises by 1 with each change; 0 when nothing was ever chosen.
    pub version: u64,
}

impl Preferences {
    /// Those of a user who has chosen nothing: e-mail alone.
    pub fn untouched(user_id: UserId) -> Self {
        Self { user_id, choices: Choices::default(), version: 0 }
    }
}

/// The channels that a user chose; the JSON body of his preferences.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choices {
    /// E-mail.
    pub email: EmailChoice,
    /// Text messages.
    pub sms: SmsChoice,
    /// Push messages.
    pub push: PushChoice,
}

/// E-mail.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmailChoice {
    /// Whether to use it.
    pub enabled: bool,
    /// Where to; `None`: the account's address.
    #[serde(default)]
    pub address: Option<String>,
}

/// Text messages.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmsChoice {
    /// Whether to use it.
    pub enabled: bool,
    /// Where to: `+` and 7 to 15 digits (E.164).
    #[serde(default)]
    pub number: Option<String>,
}

/// Push messages.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PushChoice {
    /// Whether to use it.
    pub enabled: bool,
    /// Where to: an `https` URL.
    #[serde(default)]
    pub endpoint: Option<String>,
}

impl Default for Choices {
    fn default() -> Self {
        Self {
            email: EmailChoice { enabled: true, address: None },
            sms: SmsChoice { enabled: false, number: None },
            push: PushChoice { enabled: false, endpoint: None },
        }
    }
}

impl Choices {
    /// The channels to use, each of which leads somewhere; none when all are off.
    pub fn channels(&self) -> Vec<Channel> {
        let sms = self.sms.enabled && self.sms.number.is_some();
        let push = self.push.enabled && self.push.endpoint.is_some();
        [(self.email.enabled, Channel::Email), (sms, Channel::Sms), (push, Channel::Push)]
            .into_iter()
            .filter_map(|(enabled, channel)| enabled.then_some(channel))
            .collect()
    }
}

/// A way to reach a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// E-mail.
    Email,
    /// Text message.
    Sms,
    /// Push message.
    Push,
    /// None that leads to the user: a suppressed notice is only noted.
    Log,
}

impl Channel {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Email, Self::Sms, Self::Push, Self::Log];

    /// The channel's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
            Self::Push => "push",
            Self::Log => "log",
        }
    }

    /// From its name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.name() == name)
    }

    const fn ordinal(self) -> u32 {
        match self {
            Self::Email => 0,
            Self::Sms => 1,
            Self::Push => 2,
            Self::Log => 3,
        }
    }
}

/// Which text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Template {
    /// An order is complete.
    OrderCompleted,
    /// An order has failed.
    OrderFailed,
    /// An order was cancelled.
    OrderCancelled,
    /// An administrator gave money back.
    PaymentRefunded,
    /// Welcome.
    UserRegistered,
    /// The token to set a new password.
    PasswordReset,
    /// Little is left of a product; for administrators.
    StockLow,
}

impl Template {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::OrderCompleted,
        Self::OrderFailed,
        Self::OrderCancelled,
        Self::PaymentRefunded,
        Self::UserRegistered,
        Self::PasswordReset,
        Self::StockLow,
    ];

    /// The text's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OrderCompleted => "order_completed",
            Self::OrderFailed => "order_failed",
            Self::OrderCancelled => "order_cancelled",
            Self::PaymentRefunded => "payment_refunded",
            Self::UserRegistered => "user_registered",
            Self::PasswordReset => "password_reset",
            Self::StockLow => "stock_low",
        }
    }

    /// From its name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|template| template.name() == name)
    }

    /// What a user is told once of: an order has one end, whichever it is.
    pub const fn occasion(self) -> &'static str {
        match self {
            Self::OrderCompleted | Self::OrderFailed | Self::OrderCancelled => "order_ended",
            Self::PaymentRefunded => "payment_refunded",
            Self::UserRegistered => "user_registered",
            Self::PasswordReset => "password_reset",
            Self::StockLow => "stock_low",
        }
    }
}

/// A notice to one user over one channel.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Notice {
    /// Its id, see [`notice_id`].
    pub id: NotificationId,
    /// To whom.
    pub user_id: UserId,
    /// How.
    pub channel: Channel,
    /// Which text.
    pub template: Template,
    /// What it is about: the order, refund, user, password reset or event.
    pub subject_id: Uuid,
    /// The order it is about, if any.
    pub order_id: Option<OrderId>,
    /// Its subject line: one line without control characters.
    pub subject: String,
    /// How far it is.
    pub state: NoticeState,
    /// How often its channel was asked.
    pub attempts: u32,
    /// When it was decided on.
    pub created_at: Timestamp,
    /// Rises by 1 with each change.
    pub version: u64,
}

/// How far a notice is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum NoticeState {
    /// It waits for its user's contact.
    Deferred {
        /// What it will say.
        body: Text,
        /// The correlation of what it is about; his arrival has another.
        correlation: CorrelationId,
    },
    /// Its channel is, or will be, asked; the effect has what it says.
    Queued,
    /// Its channel has taken it.
    Sent {
        /// When.
        at: Timestamp,
    },
    /// It was given up.
    Failed {
        /// The channel's last words.
        detail: String,
    },
    /// It was not to be sent.
    Suppressed,
}

impl NoticeState {
    /// The state as users see it: what waits for a contact is queued.
    pub const fn status(&self) -> &'static str {
        match self {
            Self::Deferred { .. } | Self::Queued => "queued",
            Self::Sent { .. } => "sent",
            Self::Failed { .. } => "failed",
            Self::Suppressed => "suppressed",
        }
    }
}

/// The id of the notice of an occasion, derived from what makes it unique: occasion, subject, user and channel.
pub fn notice_id(template: Template, subject_id: Uuid, user_id: UserId, channel: Channel) -> NotificationId {
    let producer = Service::Notification.name();
    NotificationId(derive(producer, user_id.0, template.occasion(), subject_id, channel.ordinal()))
}

/// What a notice says. It may hold a secret, so it shows itself to nobody by accident.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Text(pub String);

impl fmt::Debug for Text {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Text({} bytes)", self.0.len())
    }
}
