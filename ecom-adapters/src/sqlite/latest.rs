//! What a batch writes, as JSON for a statement; and whether all of it was written.

use serde_json::Value;

pub(super) use crate::sql::latest::Latest;
use crate::sql::latest::Written;

/// Rows that are new, and rows that are to be changed, each with the version it *must* still have under `base`.
pub(super) fn split<'a, K: Ord, R>(
    latest: Latest<'a, K, R>,
    mut json: impl FnMut(&'a R) -> Result<Value, sqlx::Error>,
) -> Result<(Vec<Value>, Vec<Value>), sqlx::Error> {
    let (new, changed) = latest.split();
    let new = new.into_iter().map(|written| json(written.row)).collect::<Result<_, _>>()?;
    let based = |Written { base, row }| {
        let mut value = json(row)?;
        if let Value::Object(fields) = &mut value {
            fields.insert("base".to_owned(), base.into());
        }
        Ok(value)
    };
    Ok((new, changed.into_iter().map(based).collect::<Result<_, sqlx::Error>>()?))
}
