//! Instances of sagas as rows.

use ecom_core::saga::{Hosted, Instance};

use super::Inconsistent;
use super::fields::Fields;

/// An instance from its row.
pub(crate) fn instance<S: Hosted, F: Fields>(row: &F) -> Result<Instance<S>, sqlx::Error> {
    let version: u32 = row.count("definition_version")?;
    if version != S::VERSION {
        // Written by another version of the definition: to read it as this one would be to guess.
        return Err(Inconsistent::new("definition_version", &version.to_string()).into());
    }
    row.json("instance")
}
