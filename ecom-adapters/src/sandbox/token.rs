//! The sandbox's tokens: each is a card with a character of its own.

use ecom_core::payment::Card;

/// The year in which all of the sandbox's cards expire.
const EXPIRES: u16 = 2039;

/// What a token does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Token {
    /// Succeeds.
    Visa,
    /// Is declined.
    Declined,
    /// Is declined for lack of funds.
    InsufficientFunds,
    /// Succeeds; the first answer takes three seconds.
    Slow,
    /// Takes the money, and the first answer is lost.
    TimeoutCharged,
    /// Takes no money at first, and the first answer is lost; the second call succeeds.
    TimeoutNotCharged,
    /// Fails twice for the moment, then succeeds.
    Flaky,
    /// Succeeds, and the sandbox tells it by webhook as well: before its answer, and again after it.
    DuplicateWebhook,
}

impl Token {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Visa,
        Self::Declined,
        Self::InsufficientFunds,
        Self::Slow,
        Self::TimeoutCharged,
        Self::TimeoutNotCharged,
        Self::Flaky,
        Self::DuplicateWebhook,
    ];

    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Visa => "tok_visa",
            Self::Declined => "tok_declined",
            Self::InsufficientFunds => "tok_insufficient_funds",
            Self::Slow => "tok_slow",
            Self::TimeoutCharged => "tok_timeout_charged",
            Self::TimeoutNotCharged => "tok_timeout_not_charged",
            Self::Flaky => "tok_flaky",
            Self::DuplicateWebhook => "tok_duplicate_webhook",
        }
    }

    /// From the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|token| token.name() == word)
    }

    /// The card it names.
    pub fn card(self) -> Card {
        let (brand, last4) = match self {
            Self::Visa => ("visa", "4242"),
            Self::Declined => ("visa", "0002"),
            Self::InsufficientFunds => ("visa", "9995"),
            Self::Slow => ("mastercard", "4444"),
            Self::TimeoutCharged => ("mastercard", "3222"),
            Self::TimeoutNotCharged => ("mastercard", "8210"),
            Self::Flaky => ("amex", "0005"),
            Self::DuplicateWebhook => ("discover", "1117"),
        };
        Card { brand: brand.to_owned(), last4: last4.to_owned(), exp_month: 12, exp_year: EXPIRES }
    }
}
