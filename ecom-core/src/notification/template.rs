//! What notices say: short plain text, one function for each.

use crate::event::{
    FailureCode, OrderCancelled, OrderCompleted, OrderFailed, PasswordResetRequested, PaymentRefunded, StockLow,
};

use super::model::Text;

/// The longest subject line, in characters: what mail programs show, and far below the limit of a header line.
const SUBJECT_MAX: usize = 150;

/// A subject line and a body without a salutation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wording {
    /// One line.
    pub(super) subject: String,
    /// Plain text.
    pub(super) body: String,
}

impl Wording {
    /// The subject becomes a header of an e-mail: whatever came into it, it is one line.
    fn new(subject: &str, body: String) -> Self {
        Self { subject: one_line(subject).chars().take(SUBJECT_MAX).collect(), body }
    }

    /// The body with its salutation.
    pub(super) fn greet(body: &str, first_name: Option<&str>) -> Text {
        match first_name.map(one_line) {
            Some(name) => Text(format!("Hello {name},\n\n{body}\n")),
            None => Text(format!("Hello,\n\n{body}\n")),
        }
    }
}

/// The text with every control character and line separator as a space.
pub(super) fn one_line(text: &str) -> String {
    let breaks = |letter: char| letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}');
    text.chars().map(|letter| if breaks(letter) { ' ' } else { letter }).collect()
}

pub(super) fn order_completed(event: &OrderCompleted) -> Wording {
    let body = format!("Your order {} over {} is complete. Thank you.", event.order_id, event.total_amount);
    Wording::new(&format!("Your order {} is complete", event.order_id), body)
}

pub(super) fn order_failed(event: &OrderFailed) -> Wording {
    let why = match event.reason {
        FailureCode::OutOfStock => "not all of it is in stock",
        FailureCode::ProductUnavailable => "a product is no longer for sale",
        FailureCode::UnknownProduct => "a product is no longer known",
        FailureCode::PaymentDeclined => "the payment was declined",
        FailureCode::InsufficientFunds => "the payment was declined for lack of funds",
        FailureCode::PaymentMethodInvalid => "the payment method cannot be used",
        FailureCode::NoPaymentMethod => "there is no payment method",
        FailureCode::PaymentTimeout => "the payment was not settled in time",
        FailureCode::InventoryTimeout => "its stock could not be confirmed in time",
        FailureCode::UnknownOrder => "it is not known",
    };
    let body = format!(
        "Your order {} could not be completed: {why}. If anything was charged for it, it is given back.",
        event.order_id
    );
    Wording::new(&format!("Your order {} has failed", event.order_id), body)
}

pub(super) fn order_cancelled(event: &OrderCancelled) -> Wording {
    let body =
        format!("Your order {} was cancelled. If anything was charged for it, it is given back.", event.order_id);
    Wording::new(&format!("Your order {} was cancelled", event.order_id), body)
}

pub(super) fn payment_refunded(event: &PaymentRefunded) -> Wording {
    let body = format!("{} of your order {} was given back to you.", event.amount, event.order_id);
    Wording::new(&format!("Refund {} of your order {}", event.refund_id, event.order_id), body)
}

pub(super) fn user_registered() -> Wording {
    Wording::new("Welcome", "your account is ready. Welcome.".to_owned())
}

pub(super) fn password_reset(event: &PasswordResetRequested) -> Wording {
    let body = format!(
        "somebody, hopefully you, asked to set a new password for your account.\n\n\
         The token to do so is: {}\n\n\
         It works once, until {}. If it was not you, there is nothing to do.",
        one_line(&event.token),
        event.expires_at
    );
    Wording::new(&format!("Set a new password until {}", event.expires_at), body)
}

pub(super) fn stock_low(event: &StockLow) -> Wording {
    let body = format!(
        "{} pieces of {} (product {}) are available, fewer than {}.",
        event.available,
        one_line(&event.sku),
        event.product_id,
        event.threshold
    );
    Wording::new(&format!("Little stock of {}: {} left", event.sku, event.available), body)
}
