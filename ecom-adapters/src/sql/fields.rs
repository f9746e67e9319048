//! Typed values out of a row, however its database keeps them: so that a row means the same in both.

use ecom_core::money::{Currency, Money};
use ecom_core::time::Timestamp;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::Inconsistent;

/// A row. The first methods read a column that may be NULL; the others are made of them.
pub(crate) trait Fields {
    /// An amount inside a column of JSON.
    type Amount: DeserializeOwned;

    /// An amount from inside a column of JSON.
    fn amount(amount: &Self::Amount, currency: Currency) -> Result<Money, sqlx::Error>;

    /// An id.
    fn uuid(&self, name: &'static str) -> Result<Option<Uuid>, sqlx::Error>;

    /// A text, or JSON as it was written.
    fn text(&self, name: &'static str) -> Result<Option<&str>, sqlx::Error>;

    /// A number.
    fn integer(&self, name: &'static str) -> Result<Option<i64>, sqlx::Error>;

    /// Yes or no.
    fn flag(&self, name: &'static str) -> Result<Option<bool>, sqlx::Error>;

    /// A time.
    fn time(&self, name: &'static str) -> Result<Option<Timestamp>, sqlx::Error>;

    /// An amount in that currency.
    fn money(&self, name: &'static str, currency: Currency) -> Result<Option<Money>, sqlx::Error>;

    /// An id that is there.
    fn id<T: From<Uuid>>(&self, name: &'static str) -> Result<T, sqlx::Error> {
        there(name, self.uuid(name)?).map(T::from)
    }

    /// An id that may be missing.
    fn id_if_any<T: From<Uuid>>(&self, name: &'static str) -> Result<Option<T>, sqlx::Error> {
        Ok(self.uuid(name)?.map(T::from))
    }

    /// A text that is there.
    fn word(&self, name: &'static str) -> Result<&str, sqlx::Error> {
        there(name, self.text(name)?)
    }

    /// A text that is there, as one's own.
    fn string(&self, name: &'static str) -> Result<String, sqlx::Error> {
        self.word(name).map(str::to_owned)
    }

    /// A text that may be missing, as one's own.
    fn string_if_any(&self, name: &'static str) -> Result<Option<String>, sqlx::Error> {
        Ok(self.text(name)?.map(str::to_owned))
    }

    /// A text that means something.
    fn parse<T: std::str::FromStr>(&self, name: &'static str) -> Result<T, sqlx::Error> {
        self.known(name, |text| text.parse().ok())
    }

    /// A text that means something, by a function that knows the words.
    fn known<T>(&self, name: &'static str, parse: impl FnOnce(&str) -> Option<T>) -> Result<T, sqlx::Error> {
        let text = self.word(name)?;
        parse(text).ok_or_else(|| Inconsistent::new(name, text).into())
    }

    /// JSON that means something.
    fn json<T: DeserializeOwned>(&self, name: &'static str) -> Result<T, sqlx::Error> {
        self.json_if_any(name)?.ok_or_else(|| Inconsistent::new(name, "NULL").into())
    }

    /// JSON that means something, when there is any.
    fn json_if_any<T: DeserializeOwned>(&self, name: &'static str) -> Result<Option<T>, sqlx::Error> {
        let read = |text| serde_json::from_str(text).map_err(|_| Inconsistent::new(name, text).into());
        self.text(name)?.map(read).transpose()
    }

    /// A version or a count; or any other number that is not below zero.
    fn count<T: TryFrom<i64>>(&self, name: &'static str) -> Result<T, sqlx::Error> {
        let number = there(name, self.integer(name)?)?;
        T::try_from(number).map_err(|_| Inconsistent::new(name, &number.to_string()).into())
    }

    /// Yes or no, and not unknown.
    fn is(&self, name: &'static str) -> Result<bool, sqlx::Error> {
        there(name, self.flag(name)?)
    }

    /// A time that is there.
    fn moment(&self, name: &'static str) -> Result<Timestamp, sqlx::Error> {
        there(name, self.time(name)?)
    }

    /// The row's currency.
    fn currency(&self) -> Result<Currency, sqlx::Error> {
        self.known("currency", Currency::from_code)
    }

    /// An amount that is there, in that currency.
    fn sum(&self, name: &'static str, currency: Currency) -> Result<Money, sqlx::Error> {
        there(name, self.money(name, currency)?)
    }
}

fn there<T>(name: &'static str, value: Option<T>) -> Result<T, sqlx::Error> {
    value.ok_or_else(|| Inconsistent::new(name, "NULL").into())
}
