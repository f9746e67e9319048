//! How long something took, for reports and measurements: no run depends on it.

use std::time::{Duration, Instant};

/// When something began, by the machine's clock.
#[expect(clippy::disallowed_methods, reason = "it measures runs and is no part of any")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// The time that the processor gave to this thread so far: what else the machine does is not counted.
#[cfg(unix)]
pub(crate) fn processor() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}

/// The time by the wall's clock, where there is no better one.
#[cfg(not(unix))]
pub(crate) fn processor() -> Duration {
    static BEGAN: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    BEGAN.get_or_init(now).elapsed()
}
