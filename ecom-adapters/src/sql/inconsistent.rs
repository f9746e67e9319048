//! Values that do not fit.

/// A value in the database does not fit its type: somebody else wrote it, or a migration is wrong.
#[derive(Debug, thiserror::Error)]
#[error("column {column} holds {value:?}, which does not fit")]
pub struct Inconsistent {
    /// The column.
    pub column: &'static str,
    /// What it holds.
    pub value: String,
}

impl Inconsistent {
    /// The beginning of what a column holds, enough to recognise it.
    pub(crate) fn new(column: &'static str, value: &str) -> Self {
        Self { column, value: value.chars().take(80).collect() }
    }
}

impl From<Inconsistent> for sqlx::Error {
    fn from(error: Inconsistent) -> Self {
        Self::Decode(Box::new(error))
    }
}
