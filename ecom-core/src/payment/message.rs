//! What can happen to payments, what callers are told, and what is asked of the provider.

use serde::{Deserialize, Serialize};

use super::card_number::holds_card_number;
use super::error::Rejection;
use super::model::{Card, End, PaymentMethod, Refund};
use super::store::MethodCatalogue;
use crate::event::FailureCode;
use crate::id::{MessageId, OrderId, PaymentId, PaymentMethodId, RefundId, UserId};
use crate::money::Money;

/// Everything that can happen to this context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A user adds a card.
    AddMethod(AddMethod),
    /// A user removes a card.
    RemoveMethod {
        /// Which.
        id: PaymentMethodId,
        /// Who asks.
        user_id: UserId,
    },
    /// A user makes a card his default.
    SetDefaultMethod {
        /// Which.
        id: PaymentMethodId,
        /// Who asks.
        user_id: UserId,
    },
    /// An administrator gives money back.
    Refund(RequestRefund),
    /// An order's stock is held: it is to be paid.
    Reserved(Price),
    /// An order ended without being completed: what it paid goes back.
    Ended {
        /// The order.
        order_id: OrderId,
        /// How.
        end: End,
    },
    /// A charge has an answer.
    ChargeAnswered(Answered<ChargeRequest>),
    /// A refund has an answer.
    RefundAnswered(Answered<RefundRequest>),
    /// The provider tells of its own accord how a charge or a refund ended.
    Noticed(Notice),
}

/// What a provider tells of its own accord, by webhook: the same fact as the answer of the call. It may come before that
/// answer, after it, in its place, twice, or never.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Who tells it.
    pub provider: String,
    /// The idempotency key of the call.
    pub key: MessageId,
    /// As which payment.
    pub payment_id: PaymentId,
    /// As which refund; `None` for the charge.
    pub refund_id: Option<RefundId>,
    /// How much.
    pub amount: Money,
    /// How it ended.
    pub news: News,
}

/// How a call ended, as its notice tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// It is done.
    Succeeded {
        /// The provider's name for it.
        reference: String,
    },
    /// It is certainly not done, and the provider does not want to.
    Refused {
        /// Why.
        code: Refusal,
        /// The provider's words.
        detail: String,
    },
}

/// A call of the provider has ended, with or without an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered<R> {
    /// The call's idempotency key.
    pub key: MessageId,
    /// What was asked.
    pub request: R,
    /// The calls so far.
    pub attempts: u32,
    /// How it ended.
    pub answer: ProviderAnswer,
}

/// A user adds a card. Made by [`AddMethod::new`], so its token is one that the provider knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddMethod {
    /// The id that the method shall have.
    pub id: PaymentMethodId,
    /// Whose it is.
    pub user_id: UserId,
    /// The provider that knows the token.
    pub provider: String,
    /// The provider's name for the card.
    pub token: String,
    /// What may be shown of it.
    pub card: Card,
}

impl AddMethod {
    /// Checks a token and asks the provider's catalogue what card it names. Refuses card numbers and unknown tokens.
    pub fn new(
        catalogue: &dyn MethodCatalogue,
        id: PaymentMethodId,
        user_id: UserId,
        token: &str,
    ) -> Result<Self, Rejection> {
        if holds_card_number(token) {
            return Err(Rejection::CardNumber { field: "/token" });
        }
        let card = catalogue.describe(token).ok_or(Rejection::TokenUnknown)?;
        Ok(Self { id, user_id, provider: catalogue.provider().to_owned(), token: token.to_owned(), card })
    }
}

/// An administrator gives money back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestRefund {
    /// The id that the refund shall have.
    pub id: RefundId,
    /// Of which payment.
    pub payment_id: PaymentId,
    /// How much; `None`: all that is left.
    pub amount: Option<Money>,
    /// Why.
    pub reason: String,
    /// Who asks.
    pub actor: UserId,
}

/// What an order is to pay, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    /// The order.
    pub order_id: OrderId,
    /// Who pays.
    pub user_id: UserId,
    /// How much.
    pub total: Money,
    /// With what; `None`: his default method.
    pub payment_method_id: Option<PaymentMethodId>,
}

/// What a waiting caller is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The method is kept.
    MethodAdded(PaymentMethod),
    /// The method is gone.
    MethodRemoved(PaymentMethodId),
    /// The method is the default.
    DefaultSet(PaymentMethod),
    /// The refund is on its way.
    RefundRequested(Refund),
}

/// What is asked of the provider. The effect's id is the idempotency key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// To take money.
    Charge(ChargeRequest),
    /// To give it back.
    Refund(RefundRequest),
}

/// To take money: authorize and capture in one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ChargeRequest {
    /// For which order.
    pub order_id: OrderId,
    /// As which payment.
    pub payment_id: PaymentId,
    /// From which card.
    pub token: String,
    /// How much.
    pub amount: Money,
    /// The calls up to this one are known to have taken nothing. A call that was begun and never answered is not.
    #[serde(default)]
    pub harmless: u32,
}

/// To give money back.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RefundRequest {
    /// For which order.
    pub order_id: OrderId,
    /// Of which payment.
    pub payment_id: PaymentId,
    /// As which refund.
    pub refund_id: RefundId,
    /// The provider's name for the charge.
    pub charge: String,
    /// How much.
    pub amount: Money,
}

/// How a call of the provider ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ProviderAnswer {
    /// It is done.
    Succeeded {
        /// The provider's name for it.
        reference: String,
    },
    /// It is certainly not done, and the provider does not want to.
    Refused {
        /// Why.
        code: Refusal,
        /// The provider's words.
        detail: String,
    },
    /// It is certainly not done; the provider may want to later.
    Transient {
        /// What went wrong.
        detail: String,
    },
    /// It may be done or not.
    Unknown {
        /// What went wrong.
        detail: String,
    },
}

/// Why a provider refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// It does not say.
    Declined,
    /// Not enough money.
    InsufficientFunds,
    /// It does not know the card, the charge, or takes no more of it.
    Invalid,
}

impl Refusal {
    /// Why the order fails.
    pub const fn failure(self) -> FailureCode {
        match self {
            Self::Declined => FailureCode::PaymentDeclined,
            Self::InsufficientFunds => FailureCode::InsufficientFunds,
            Self::Invalid => FailureCode::PaymentMethodInvalid,
        }
    }
}
