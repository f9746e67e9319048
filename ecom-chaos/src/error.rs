//! Why a run could not go on: nothing that the shop did, or so much that there is nothing to audit.

use std::fmt::Display;

use thiserror::Error;

/// One line for people.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub(crate) struct ChaosError(String);

/// What a run gives, or why there is nothing.
pub(crate) type Outcome<T> = Result<T, ChaosError>;

/// Says what was being done when something failed: `.map_err(during("…"))`.
pub(crate) fn during<E: Display>(what: &str) -> impl FnOnce(E) -> ChaosError + '_ {
    move |error| ChaosError(format!("{what}: {error}"))
}
