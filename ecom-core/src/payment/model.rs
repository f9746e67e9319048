//! Payments, refunds and payment methods.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::event::{FailureCode, Service};
use crate::id::{CorrelationId, MessageId, OrderId, PaymentId, PaymentMethodId, RefundId, UserId, derive};
use crate::money::{Money, MoneyError};
use crate::time::Timestamp;

/// The id of an order's one payment: known before anything is asked of anybody.
pub fn payment_id(order: OrderId) -> PaymentId {
    PaymentId(derive(Service::Payment.name(), order.0, "payment", order.0, 0))
}

/// The key under which a payment is charged, at every attempt.
pub fn charge_key(payment: PaymentId) -> MessageId {
    MessageId(derive(Service::Payment.name(), payment.0, "charge", payment.0, 0))
}

/// The id of the one refund that undoes a payment.
pub fn undo_refund_id(payment: PaymentId) -> RefundId {
    RefundId(derive(Service::Payment.name(), payment.0, "undo", payment.0, 0))
}

/// The key under which a refund is asked for, at every attempt.
pub fn refund_key(payment: PaymentId, refund: RefundId) -> MessageId {
    MessageId(derive(Service::Payment.name(), refund.0, "refund", payment.0, 0))
}

/// The identity of a provider's notice: the same event of the provider is the same message, however often it comes.
pub fn notice_id(provider: &str, event: &str) -> MessageId {
    MessageId(derive(provider, Uuid::nil(), event, Uuid::nil(), 0))
}

/// What a card shows of itself. Never its number.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Card {
    /// `visa`, `mastercard`, …
    pub brand: String,
    /// The last four digits.
    pub last4: String,
    /// The month it expires in, 1 to 12.
    pub exp_month: u8,
    /// The year it expires in.
    pub exp_year: u16,
}

/// A card that a user may be charged with, known to the provider by a token.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PaymentMethod {
    /// Its id.
    pub id: PaymentMethodId,
    /// Whose it is.
    pub user_id: UserId,
    /// The provider that the token belongs to.
    pub provider: String,
    /// The provider's name for the card.
    pub token: String,
    /// What may be shown of it.
    pub card: Card,
    /// Whether orders without a method are charged to it; at most one of a user's.
    pub is_default: bool,
    /// When it was added.
    pub created_at: Timestamp,
    /// Whether its user has removed it; it is charged no more.
    pub deleted: bool,
    /// Rises by one with every change.
    pub version: u64,
}

/// How an order ended, when its payment is to be undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// It failed.
    Failed(FailureCode),
    /// It was cancelled.
    Cancelled,
}

impl End {
    /// The word for it in events and in the reason of the refund.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Failed(code) => code.as_str(),
            Self::Cancelled => "order_cancelled",
        }
    }

    /// From the word.
    pub fn parse(word: &str) -> Option<Self> {
        if word == Self::Cancelled.reason() {
            Some(Self::Cancelled)
        } else {
            FailureCode::parse(word).map(Self::Failed)
        }
    }
}

/// What is known of an order: a barrier or a payment, never both.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::large_enum_variant, reason = "almost every record is a payment; a box would cost each of them")]
pub enum Record {
    /// The order had ended before it was to be paid.
    Barrier(Barrier),
    /// The order is, was or failed to be paid.
    Payment(Payment),
}

/// Keeps an order that had already ended from being charged. It stays for ever and is never shown as a payment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Barrier {
    /// The id that the payment would have had.
    pub payment_id: PaymentId,
    /// The order.
    pub order_id: OrderId,
    /// How it ended.
    pub end: End,
    /// When that was heard.
    pub created_at: Timestamp,
}

impl Barrier {
    /// A barrier never changes.
    pub const VERSION: u64 = 1;
}

/// The payment of one order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Payment {
    /// Derived from the order: see [`payment_id`].
    pub id: PaymentId,
    /// The order.
    pub order_id: OrderId,
    /// What everything of the order shares.
    pub correlation_id: CorrelationId,
    /// Who pays.
    pub user_id: UserId,
    /// Who moves the money.
    pub provider: String,
    /// What is to be paid.
    pub amount: Money,
    /// What was taken: nothing, or the amount.
    pub captured: Money,
    /// What was given back.
    pub refunded: Money,
    /// What is about to be given back: the sum of the pending refunds.
    pub pending: Money,
    /// Where it stands.
    pub state: State,
    /// When it was to be paid.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Rises by one with every change.
    pub version: u64,
}

/// Where a payment stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The provider is asked, as often as it takes to hear how it ended.
    Charging {
        /// Whether a call has ended without an answer: the money may be taken or not.
        unknown: bool,
        /// The order's end, when it came meanwhile: the charge is undone as soon as its end is known.
        undo: Option<End>,
        /// The calls up to this one are known to have taken nothing. A call that was begun and never answered is not.
        #[serde(default)]
        harmless: u32,
    },
    /// Refused for good; no money was taken.
    Failed {
        /// Why.
        reason: FailureCode,
        /// The provider's words.
        detail: String,
    },
    /// The order costs nothing: processed without a provider.
    NothingDue,
    /// The amount was taken; some of it may be refunded or about to be.
    Captured {
        /// The provider's name for the charge.
        reference: String,
    },
    /// The order has ended and everything that is left goes back.
    Refunding {
        /// The provider's name for the charge.
        reference: String,
        /// How the order ended.
        end: End,
        /// The refund that undoes the payment; `None` while an administrator's refund is still under way, because
        /// only then it is known how much is left.
        refund: Option<RefundId>,
        /// Why the provider last refused that refund. It is tried on, but somebody should look at it.
        refusal: Option<String>,
    },
    /// Everything that was taken went back.
    Refunded {
        /// The provider's name for the charge.
        reference: String,
        /// The last refund.
        refund: RefundId,
        /// What it gave back.
        amount: Money,
        /// Why.
        reason: String,
    },
    /// The order has ended and nothing was taken.
    Voided {
        /// How it ended.
        end: End,
    },
}

impl State {
    /// The word for it, in the database and in the history.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Charging { .. } => "charging",
            Self::Failed { .. } => "failed",
            Self::NothingDue => "nothing_due",
            Self::Captured { .. } => "captured",
            Self::Refunding { .. } => "refunding",
            Self::Refunded { .. } => "refunded",
            Self::Voided { .. } => "voided",
        }
    }
}

impl Payment {
    /// What could still be refunded: captured, less what is refunded or about to be.
    pub fn left(&self) -> Result<Money, MoneyError> {
        self.captured.checked_sub(self.refunded)?.checked_sub(self.pending)
    }

    /// The provider's name for the charge, when there was one.
    pub fn reference(&self) -> Option<&str> {
        match &self.state {
            State::Captured { reference } | State::Refunding { reference, .. } | State::Refunded { reference, .. } => {
                Some(reference)
            }
            State::Charging { .. } | State::Failed { .. } | State::NothingDue | State::Voided { .. } => None,
        }
    }
}

/// Money on its way back.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Refund {
    /// Its id.
    pub id: RefundId,
    /// Of which payment.
    pub payment_id: PaymentId,
    /// How much, above zero.
    pub amount: Money,
    /// How far it is.
    pub status: RefundStatus,
    /// Who wants it.
    pub cause: RefundCause,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// Rises by one with every change.
    pub version: u64,
}

/// How far a refund is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundStatus {
    /// The provider is asked.
    Pending,
    /// The money went back.
    Succeeded {
        /// The provider's name for the refund.
        reference: String,
    },
    /// The provider refused.
    Failed {
        /// Its words.
        detail: String,
    },
}

impl RefundStatus {
    /// The word on the wire.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Succeeded { .. } => "succeeded",
            Self::Failed { .. } => "failed",
        }
    }
}

/// Who wants a refund.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundCause {
    /// An administrator.
    Administrator {
        /// Which.
        actor: UserId,
        /// Why.
        reason: String,
    },
    /// The order's end.
    Undo(End),
}

impl RefundCause {
    /// Why.
    pub fn reason(&self) -> &str {
        match self {
            Self::Administrator { reason, .. } => reason,
            Self::Undo(end) => end.reason(),
        }
    }
}
