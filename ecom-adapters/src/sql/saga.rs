//! Instances of sagas as rows.

use ecom_core::saga::{Hosted, Instance, NotRead};

use super::Inconsistent;
use super::fields::Fields;

/// An instance from its row.
pub(crate) fn instance<S: Hosted, F: Fields>(row: &F) -> Result<Instance<S>, sqlx::Error> {
    let version: u32 = row.count("definition_version")?;
    Instance::from_stored(version, row.word("instance")?).map_err(|error| match error {
        NotRead::Version { found, .. } => Inconsistent::new("definition_version", &found.to_string()).into(),
        NotRead::Malformed(error) => sqlx::Error::Decode(Box::new(error)),
    })
}
