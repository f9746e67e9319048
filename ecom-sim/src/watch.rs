//! How long something took, for reports and measurements: no run depends on it.

use std::time::Instant;

/// When something began, by the machine's clock.
#[expect(clippy::disallowed_methods, reason = "it measures runs and is no part of any")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
