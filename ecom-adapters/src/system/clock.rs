//! The clock of the machine.

use std::time::{SystemTime, UNIX_EPOCH};

use ecom_core::port::Clock;
use ecom_core::time::Timestamp;

/// The machine's clock in UTC. It may step when the machine's clock is set: rules compare times, they never count on
/// them to rise.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place where time is read")]
    fn now(&self) -> Timestamp {
        // A clock before 1970 was never set; the epoch is as wrong as anything and breaks nothing.
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::EPOCH.after(since_epoch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_later_than_when_this_was_written() {
        assert!(SystemClock.now() > Timestamp::parse("2025-01-01T00:00:00Z").unwrap());
    }
}
