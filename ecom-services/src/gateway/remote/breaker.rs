//! The circuit breaker of one copy of a service.

use std::time::{Duration, Instant};

/// Failures in a row after which a copy is left alone.
const FAILURES_MAX: u32 = 3;

/// How long at first, and how long at most.
const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(10)];

/// Closed: calls pass. Open: none passes. After a pause one call is let through on trial, and decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Breaker {
    /// Calls pass; so many have failed in a row.
    Closed { failures: u32 },
    /// No call passes until then; the next pause is that long.
    Open { until: Instant, next: Duration },
    /// One call is under way; if it fails, the pause is that long.
    Trial { next: Duration },
}

impl Breaker {
    pub(super) const fn new() -> Self {
        Self::Closed { failures: 0 }
    }

    /// Whether a call may pass now.
    pub(super) fn lets_pass(self, now: Instant) -> bool {
        match self {
            Self::Closed { .. } => true,
            Self::Open { until, .. } => now >= until,
            Self::Trial { .. } => false,
        }
    }

    /// A call that was let pass has begun.
    pub(super) const fn begun(&mut self) {
        if let Self::Open { next, .. } = *self {
            *self = Self::Trial { next };
        }
    }

    /// A call was answered, or the copy says that it is ready.
    pub(super) const fn answered(&mut self) {
        *self = Self::new();
    }

    /// A call failed.
    pub(super) fn failed(&mut self, now: Instant) {
        *self = match *self {
            Self::Closed { failures } if failures + 1 < FAILURES_MAX => Self::Closed { failures: failures + 1 },
            Self::Closed { .. } => Self::Open { until: now + PAUSES[0], next: PAUSES[0] * 2 },
            Self::Trial { next } => Self::Open { until: now + next, next: (next * 2).min(PAUSES[1]) },
            // Of the calls that had begun before.
            open @ Self::Open { .. } => open,
        };
    }

    /// A call was given up by whoever made it: nothing is known.
    pub(super) const fn given_up(&mut self, now: Instant) {
        if let Self::Trial { next } = *self {
            *self = Self::Open { until: now, next };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_after_three_failures_in_a_row_and_closes_by_one_answer() {
        let start = Instant::now();
        let mut breaker = Breaker::new();
        for _ in 0..2 {
            breaker.failed(start);
            breaker.failed(start);
            assert!(breaker.lets_pass(start));
            breaker.answered();
        }
        for _ in 0..3 {
            breaker.failed(start);
        }
        assert!(!breaker.lets_pass(start));
        let later = start + PAUSES[0];
        assert!(breaker.lets_pass(later));
        breaker.begun();
        assert!(!breaker.lets_pass(later), "one at a time");
        breaker.answered();
        assert!(breaker.lets_pass(later));
    }

    #[test]
    fn each_failed_trial_doubles_the_pause_up_to_a_limit() {
        let mut now = Instant::now();
        let mut breaker = Breaker::new();
        for _ in 0..3 {
            breaker.failed(now);
        }
        for pause in [500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000].map(Duration::from_millis) {
            assert!(!breaker.lets_pass(now + pause / 2));
            now += pause;
            assert!(breaker.lets_pass(now), "{pause:?}");
            breaker.begun();
            breaker.failed(now);
        }
    }

    #[test]
    fn a_trial_that_nobody_waits_for_is_followed_by_another() {
        let now = Instant::now();
        let mut breaker = Breaker::Open { until: now, next: PAUSES[0] };
        breaker.begun();
        breaker.given_up(now);
        assert!(breaker.lets_pass(now));
    }
}
