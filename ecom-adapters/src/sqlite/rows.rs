//! Small helpers to carry lists into a statement and typed values out of a row.
//!
//! A list of rows travels as one JSON text and is unfolded by `json_each(?1)`: one statement for a whole batch.

use std::str::FromStr;

use ecom_core::money::{Currency, Money};
use ecom_core::time::Timestamp;
use serde::Serialize;
use sqlx::sqlite::SqliteRow;
use sqlx::{Decode, Row, Sqlite, Type};
use uuid::Uuid;

use crate::sql::Inconsistent;
use crate::sql::fields::Fields;

/// Rows as JSON for `json_each`.
pub fn json<T: Serialize>(rows: &[T]) -> Result<String, sqlx::Error> {
    serde_json::to_string(rows).map_err(|error| sqlx::Error::Encode(Box::new(error)))
}

/// Keys as a JSON list of strings for `IN (SELECT value FROM json_each(?1))`.
pub fn text_list<T: ToString>(keys: impl IntoIterator<Item = T>) -> String {
    let keys: Vec<String> = keys.into_iter().map(|key| key.to_string()).collect();
    serde_json::Value::from(keys).to_string()
}

/// A column as the database has it.
pub fn column<'r, T: Decode<'r, Sqlite> + Type<Sqlite>>(
    row: &'r SqliteRow,
    name: &'static str,
) -> Result<T, sqlx::Error> {
    row.try_get(name)
}

/// A text column parsed into its type.
pub fn parse<T: FromStr>(row: &SqliteRow, name: &'static str) -> Result<T, sqlx::Error> {
    let text: &str = row.try_get(name)?;
    text.parse().map_err(|_| Inconsistent { column: name, value: text.to_owned() }.into())
}

/// Ids are texts, times microseconds since 1970, amounts minor units in a column whose name ends with `_minor`.
impl Fields for SqliteRow {
    type Amount = i64;

    fn amount(amount: &i64, currency: Currency) -> Result<Money, sqlx::Error> {
        Ok(Money::new(*amount, currency))
    }

    fn uuid(&self, name: &'static str) -> Result<Option<Uuid>, sqlx::Error> {
        self.text(name)?.map(|_| parse(self, name)).transpose()
    }

    fn text(&self, name: &'static str) -> Result<Option<&str>, sqlx::Error> {
        self.try_get(name)
    }

    fn integer(&self, name: &'static str) -> Result<Option<i64>, sqlx::Error> {
        self.try_get(name)
    }

    fn flag(&self, name: &'static str) -> Result<Option<bool>, sqlx::Error> {
        self.try_get(name)
    }

    fn time(&self, name: &'static str) -> Result<Option<Timestamp>, sqlx::Error> {
        Ok(self.integer(name)?.map(Timestamp::from_micros))
    }

    fn money(&self, name: &'static str, currency: Currency) -> Result<Option<Money>, sqlx::Error> {
        let minor: Option<i64> = self.try_get(format!("{name}_minor").as_str())?;
        Ok(minor.map(|minor| Money::new(minor, currency)))
    }
}
