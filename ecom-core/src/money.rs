//! Money in integer minor units of an ISO 4217 currency. Never a float, never mixed, never wrapping.

use std::fmt;

use serde::de::Error as _;
use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use crate::quantity::Quantity;

/// A currency of ISO 4217.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Currency(iso_currency::Currency);

impl Currency {
    /// The euro.
    pub const EUR: Self = Self(iso_currency::Currency::EUR);

    /// From its three-letter code; `None` when ISO 4217 does not list it or gives it no minor unit (gold, funds).
    pub fn from_code(code: &str) -> Option<Self> {
        let currency = iso_currency::Currency::from_code(code)?;
        currency.exponent().map(|_| Self(currency))
    }

    /// The three-letter code.
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// How many decimal digits an amount has: 2 for EUR, 0 for JPY, 3 for BHD.
    pub fn exponent(self) -> u32 {
        u32::from(self.0.exponent().unwrap_or(0))
    }
}

impl PartialOrd for Currency {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Currency {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.code().cmp(other.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::from_code(&code).ok_or_else(|| D::Error::custom("not an ISO 4217 currency with a minor unit"))
    }
}

/// Why a computation or a parse of money was refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MoneyError {
    /// Two currencies met in one computation.
    #[error("currencies differ: {} and {}", .left.code(), .right.code())]
    MixedCurrencies {
        /// The left currency.
        left: Currency,
        /// The right currency.
        right: Currency,
    },
    /// The result does not fit 64 bits of minor units.
    #[error("the amount is too large")]
    Overflow,
    /// Not a decimal number with exactly the currency's digits.
    #[error("{text:?} is not a decimal amount with {exponent} digits after the point")]
    Malformed {
        /// What was given.
        text: String,
        /// The digits that the currency has.
        exponent: u32,
    },
}

/// An amount of money, possibly negative (a ledger needs that).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Money {
    currency: Currency,
    minor: i64,
}

impl Money {
    /// From minor units: `Money::new(1250, Currency::EUR)` is 12.50 EUR.
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { currency, minor }
    }

    /// Nothing, in that currency.
    pub const fn zero(currency: Currency) -> Self {
        Self::new(0, currency)
    }

    /// The amount in minor units.
    pub const fn minor(self) -> i64 {
        self.minor
    }

    /// The currency.
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// Whether the amount is zero.
    pub const fn is_zero(self) -> bool {
        self.minor == 0
    }

    /// Whether the amount is below zero.
    pub const fn is_negative(self) -> bool {
        self.minor < 0
    }

    /// The sum; refuses mixed currencies and overflow.
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        self.minor.checked_add(other.minor).map(|minor| Self::new(minor, self.currency)).ok_or(MoneyError::Overflow)
    }

    /// The difference; refuses mixed currencies and overflow.
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        self.minor.checked_sub(other.minor).map(|minor| Self::new(minor, self.currency)).ok_or(MoneyError::Overflow)
    }

    /// This amount times a quantity; refuses overflow.
    pub fn checked_mul(self, quantity: Quantity) -> Result<Self, MoneyError> {
        self.minor
            .checked_mul(i64::from(quantity.get()))
            .map(|minor| Self::new(minor, self.currency))
            .ok_or(MoneyError::Overflow)
    }

    /// This amount with the sign turned; refuses the one amount that has no opposite.
    pub fn checked_neg(self) -> Result<Self, MoneyError> {
        self.minor.checked_neg().map(|minor| Self::new(minor, self.currency)).ok_or(MoneyError::Overflow)
    }

    /// The sum of all; `None` for an empty list, which has no currency.
    pub fn sum(amounts: impl IntoIterator<Item = Self>) -> Option<Result<Self, MoneyError>> {
        amounts.into_iter().map(Ok).reduce(|left, right| left?.checked_add(right?))
    }

    /// Parses the wire form: an optional minus, digits, and exactly the currency's digits after the point.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let exponent = currency.exponent();
        let malformed = || MoneyError::Malformed { text: text.chars().take(40).collect(), exponent };
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (whole, fraction) =
            if exponent == 0 { (digits, "") } else { digits.split_once('.').ok_or_else(malformed)? };
        let well_formed = !whole.is_empty()
            && fraction.len() == exponent as usize
            && whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit())
            && (whole.len() == 1 || !whole.starts_with('0'));
        if !well_formed {
            return Err(malformed());
        }
        let unsigned: i64 = format!("{whole}{fraction}").parse().map_err(|_| MoneyError::Overflow)?;
        Ok(Self::new(if negative { -unsigned } else { unsigned }, currency))
    }

    /// The amount as a decimal string with exactly the currency's digits.
    pub fn amount(self) -> String {
        let exponent = self.currency.exponent() as usize;
        let sign = if self.minor < 0 { "-" } else { "" };
        let minor = self.minor.unsigned_abs();
        let scale = 10_u64.pow(exponent as u32);
        if exponent == 0 {
            format!("{sign}{minor}")
        } else {
            format!("{sign}{}.{:0>exponent$}", minor / scale, minor % scale)
        }
    }

    fn same_currency(self, other: Self) -> Result<(), MoneyError> {
        if self.currency == other.currency {
            Ok(())
        } else {
            Err(MoneyError::MixedCurrencies { left: self.currency, right: other.currency })
        }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.amount(), self.currency.code())
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut money = serializer.serialize_struct("Money", 2)?;
        money.serialize_field("amount", &self.amount())?;
        money.serialize_field("currency", &self.currency)?;
        money.end()
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Wire {
            amount: String,
            currency: Currency,
        }
        let wire = Wire::deserialize(deserializer)?;
        Self::parse(&wire.amount, wire.currency).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn currency(code: &str) -> Currency {
        Currency::from_code(code).expect("a currency")
    }

    #[test]
    fn the_wire_form_has_exactly_the_currencys_digits() {
        for (minor, code, text) in [
            (1250, "EUR", "12.50"),
            (5, "EUR", "0.05"),
            (-5, "EUR", "-0.05"),
            (1250, "JPY", "1250"),
            (1250, "BHD", "1.250"),
            (0, "EUR", "0.00"),
            (i64::MAX, "EUR", "92233720368547758.07"),
        ] {
            let money = Money::new(minor, currency(code));
            assert_eq!(money.amount(), text);
            assert_eq!(Money::parse(text, currency(code)), Ok(money));
        }
    }

    #[test]
    fn malformed_amounts_are_refused() {
        for (text, code) in [
            ("12.5", "EUR"),
            ("12", "EUR"),
            ("12.500", "EUR"),
            ("12.50", "JPY"),
            ("1.5", "BHD"),
            ("1e2", "EUR"),
            ("NaN", "EUR"),
            ("", "EUR"),
            (".50", "EUR"),
            ("+1.00", "EUR"),
            ("01.00", "EUR"),
            ("1,00", "EUR"),
            (" 1.00", "EUR"),
            ("--1.00", "EUR"),
            ("٣.٠٠", "EUR"),
        ] {
            assert!(matches!(Money::parse(text, currency(code)), Err(MoneyError::Malformed { .. })), "{text} {code}");
        }
        assert_eq!(Money::parse("92233720368547758.08", Currency::EUR), Err(MoneyError::Overflow));
    }

    #[test]
    fn mixed_currencies_and_overflow_are_refused() {
        let (euro, yen) = (Money::new(1, Currency::EUR), Money::new(1, currency("JPY")));
        assert!(matches!(euro.checked_add(yen), Err(MoneyError::MixedCurrencies { .. })));
        assert_eq!(Money::new(i64::MAX, Currency::EUR).checked_add(euro), Err(MoneyError::Overflow));
        assert_eq!(Money::new(i64::MIN, Currency::EUR).checked_neg(), Err(MoneyError::Overflow));
        assert!(Currency::from_code("XAU").is_none(), "gold has no minor unit");
    }

    proptest! {
        #[test]
        fn every_amount_survives_the_wire(minor in -i64::MAX..=i64::MAX, code in prop::sample::select(vec!["EUR", "JPY", "BHD", "CLF"])) {
            let money = Money::new(minor, currency(code));
            let json = serde_json::to_string(&money).unwrap();
            prop_assert_eq!(serde_json::from_str::<Money>(&json).unwrap(), money);
        }

        #[test]
        fn adding_and_subtracting_cancel(left in any::<i64>(), right in any::<i64>()) {
            let (left, right) = (Money::new(left, Currency::EUR), Money::new(right, Currency::EUR));
            if let Ok(sum) = left.checked_add(right) {
                prop_assert_eq!(sum.checked_sub(right), Ok(left));
            }
        }
    }
}
