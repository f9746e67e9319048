//! Small helpers to carry lists into a statement and typed values out of a row.
//!
//! A list of rows travels as one JSON text and is unfolded by `json_each(?1)`: one statement for a whole batch.

use std::str::FromStr;

use serde::Serialize;
use sqlx::sqlite::SqliteRow;
use sqlx::{Decode, Row, Sqlite, Type};

/// A value in the database does not fit its type: somebody else wrote it, or a migration is wrong.
#[derive(Debug, thiserror::Error)]
#[error("column {column} holds {value:?}, which does not fit")]
pub struct Inconsistent {
    /// The column.
    pub column: &'static str,
    /// What it holds.
    pub value: String,
}

impl From<Inconsistent> for sqlx::Error {
    fn from(error: Inconsistent) -> Self {
        Self::Decode(Box::new(error))
    }
}

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
