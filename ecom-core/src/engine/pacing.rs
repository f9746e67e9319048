//! How long the machines wait: ladders, back-off and jitter. All of it is derived, nothing is drawn.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::id::MessageId;
use crate::policy::Policy;

/// The first pause after a fault that is nobody's fault; it doubles up to [`BACKOFF_MAX`].
const BACKOFF_FIRST: Duration = Duration::from_millis(100);

/// The longest such pause: how late a machine notices that the database or the broker is back.
pub const BACKOFF_MAX: Duration = Duration::from_secs(5);

/// The ladder that a failing message climbs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Ladder {
    /// The delay after the first, second, … failure; the last one repeats.
    pub rungs: [Duration; 5],
    /// After that many failures the message is given up.
    pub attempts_max: u32,
}

impl Default for Ladder {
    fn default() -> Self {
        Self { rungs: [0, 1, 5, 15, 30].map(Duration::from_secs), attempts_max: 10 }
    }
}

impl Ladder {
    /// The delay after failure number `attempt` (counted from 1), or `None` at the ladder's end.
    pub fn delay(&self, id: MessageId, attempt: u32) -> Option<Duration> {
        (attempt < self.attempts_max).then(|| jittered(Policy::rung(&self.rungs, attempt), id, attempt))
    }
}

/// The pause after `failures` consecutive faults, counted from 1.
pub(super) const fn backoff(failures: u32) -> Duration {
    let doublings = if failures > 16 { 16 } else { failures.saturating_sub(1) };
    let doubled = BACKOFF_FIRST.saturating_mul(1 << doublings);
    if doubled.as_millis() < BACKOFF_MAX.as_millis() { doubled } else { BACKOFF_MAX }
}

/// `delay` and up to a quarter more. Derived from the message and the attempt, so that messages that failed together
/// do not return together, and a rerun still gives the same delays.
pub(super) fn jittered(delay: Duration, id: MessageId, attempt: u32) -> Duration {
    let (high, low) = id.0.as_u64_pair();
    let mixed = (high ^ low.rotate_left(32)).wrapping_add(u64::from(attempt)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    delay + delay * ((mixed >> 56) as u32) / 1_024
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_ladder_climbs_with_little_jitter_and_ends() {
        let (ladder, id) = (Ladder::default(), MessageId(Uuid::from_u128(77)));
        assert_eq!(ladder.delay(id, 1), Some(Duration::ZERO));
        for (attempt, rung) in [(2, 1), (3, 5), (4, 15), (5, 30), (9, 30)] {
            let (delay, rung) = (ladder.delay(id, attempt).unwrap(), Duration::from_secs(rung));
            assert!(delay >= rung && delay <= rung.mul_f64(1.25), "{attempt}: {delay:?}");
        }
        assert_eq!(ladder.delay(id, 10), None);
        assert_eq!(ladder.delay(id, u32::MAX), None);
    }

    #[test]
    fn jitter_repeats_for_one_message_and_differs_between_messages() {
        let second = Duration::from_secs(1);
        let delays: std::collections::BTreeSet<Duration> =
            (0..100).map(|n| jittered(second, MessageId(Uuid::from_u128(n)), 2)).collect();
        assert!(delays.len() > 50, "{}", delays.len());
        let id = MessageId(Uuid::from_u128(5));
        assert_eq!(jittered(second, id, 2), jittered(second, id, 2));
    }

    #[test]
    fn backoff_doubles_up_to_its_limit() {
        assert_eq!(backoff(1), Duration::from_millis(100));
        assert_eq!(backoff(3), Duration::from_millis(400));
        assert_eq!(backoff(u32::MAX), BACKOFF_MAX);
    }
}
