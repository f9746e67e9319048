//! Why a command was refused.

use thiserror::Error;

use crate::money::{Money, MoneyError};

/// One variant for each rule that a command can break.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Rejection {
    /// No such payment method, or another user's.
    #[error("there is no such payment method")]
    MethodNotFound,
    /// The provider does not know the token.
    #[error("the payment provider does not know this token")]
    TokenUnknown,
    /// A field holds what looks like a card number.
    #[error("card numbers are not accepted here; send a token of the payment provider")]
    CardNumber {
        /// The field.
        field: &'static str,
    },
    /// The user keeps as many payment methods as he may.
    #[error("no more than {max} payment methods can be kept")]
    TooManyMethods {
        /// The limit.
        max: usize,
    },
    /// No such payment.
    #[error("there is no such payment")]
    PaymentNotFound,
    /// A refund of a payment that has not been captured.
    #[error("only a captured payment can be refunded")]
    NotCaptured,
    /// More was asked back than is left.
    #[error("{asked} exceeds what is left to refund, {left}")]
    RefundExceedsCaptured {
        /// What was asked for.
        asked: Money,
        /// Captured, less what is refunded or about to be.
        left: Money,
    },
    /// A refund of nothing or less.
    #[error("a refund must be greater than zero, not {asked}")]
    RefundNotPositive {
        /// What was asked for.
        asked: Money,
    },
    /// A refund in another currency than the payment's.
    #[error("the payment is in {}, not {}", .captured.currency().code(), .asked.currency().code())]
    CurrencyMismatch {
        /// What was asked for.
        asked: Money,
        /// What was captured.
        captured: Money,
    },
    /// A refund without a reason, or with a very long one.
    #[error("a reason has 1 to {max} characters, not {length}")]
    ReasonLength {
        /// The characters given.
        length: usize,
        /// The limit.
        max: usize,
    },
    /// An order that would have to be paid with a negative amount: a fault of whoever published it.
    #[error("{total} cannot be charged")]
    NegativeTotal {
        /// What was to be charged.
        total: Money,
    },
    /// A provider's notice about a payment or a refund that nobody knows here. Refused, so that the provider repeats it.
    #[error("no payment and no refund is known that this notice could be about")]
    NoticeUnknown,
    /// A computation with money failed.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

impl Rejection {
    /// The stable word on the wire.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::MethodNotFound => "payment_method_not_found",
            Self::TokenUnknown => "payment_method_invalid",
            Self::CardNumber { .. } => "card_number_refused",
            Self::TooManyMethods { .. } => "too_many_payment_methods",
            Self::PaymentNotFound => "payment_not_found",
            Self::NotCaptured => "payment_not_captured",
            Self::RefundExceedsCaptured { .. } => "refund_exceeds_captured",
            Self::RefundNotPositive { .. } => "refund_not_positive",
            Self::CurrencyMismatch { .. } => "currency_mismatch",
            Self::ReasonLength { .. } => "reason_length",
            Self::NegativeTotal { .. } => "amount_negative",
            Self::NoticeUnknown => "notice_unknown",
            Self::Money(_) => "amount_invalid",
        }
    }

    /// The HTTP status that tells a caller what to do about it.
    pub const fn status(&self) -> u16 {
        match self {
            Self::MethodNotFound | Self::PaymentNotFound | Self::NoticeUnknown => 404,
            Self::TooManyMethods { .. } | Self::NotCaptured | Self::RefundExceedsCaptured { .. } => 409,
            Self::TokenUnknown
            | Self::CardNumber { .. }
            | Self::RefundNotPositive { .. }
            | Self::CurrencyMismatch { .. }
            | Self::ReasonLength { .. }
            | Self::NegativeTotal { .. }
            | Self::Money(_) => 422,
        }
    }

    /// The field of the request body that is at fault, as a JSON pointer.
    pub const fn pointer(&self) -> Option<&'static str> {
        match self {
            Self::TokenUnknown => Some("/token"),
            Self::CardNumber { field } => Some(field),
            Self::RefundExceedsCaptured { .. }
            | Self::RefundNotPositive { .. }
            | Self::CurrencyMismatch { .. }
            | Self::Money(_) => Some("/amount"),
            Self::ReasonLength { .. } => Some("/reason"),
            Self::MethodNotFound
            | Self::PaymentNotFound
            | Self::NoticeUnknown
            | Self::TooManyMethods { .. }
            | Self::NotCaptured
            | Self::NegativeTotal { .. } => None,
        }
    }
}
