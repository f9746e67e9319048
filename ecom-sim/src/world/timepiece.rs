//! The clock of a service: it may be off, jump, and go too fast or too slow.

use std::hash::{Hash, Hasher};

use ecom_core::time::Timestamp;

/// A clock that goes right goes so many thousandths of the pace of time.
const THOUSANDTHS: i64 = 1_000;

/// So many microseconds are a millisecond.
const MICROS_PER_MILLI: i64 = 1_000;

/// A clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timepiece {
    /// How far it was ahead when it began to drift, in microseconds.
    ahead: i64,
    /// How many thousandths it goes faster than time.
    rate: i16,
    /// Since when, by the world's clock.
    since: Timestamp,
    /// Whether it ever jumped back.
    set_back: bool,
}

impl Default for Timepiece {
    fn default() -> Self {
        Self::ahead(0)
    }
}

impl Timepiece {
    /// One that is so many microseconds ahead.
    pub(super) const fn ahead(micros: i64) -> Self {
        Self { ahead: micros, rate: 0, since: Timestamp::EPOCH, set_back: false }
    }

    /// What it shows at that time.
    pub(super) fn shows(&self, time: Timestamp) -> Timestamp {
        let off = self.ahead.saturating_add(self.drifted(time));
        Timestamp::from_micros(time.as_micros().saturating_add(off))
    }

    /// The first time at which it shows that, or later.
    pub(super) fn when(&self, shown: Timestamp) -> Timestamp {
        let undrifted = shown.as_micros().saturating_sub(self.ahead);
        let since = self.since.as_micros();
        if self.rate == 0 || undrifted <= since {
            return Timestamp::from_micros(undrifted);
        }
        // It has to have gone so far, and goes at this pace: the first microsecond at which it has.
        let (far, pace) =
            (i128::from(undrifted - since) * i128::from(THOUSANDTHS), i128::from(THOUSANDTHS) + i128::from(self.rate));
        let passed = i64::try_from((far + pace - 1) / pace).unwrap_or(i64::MAX);
        Timestamp::from_micros(since.saturating_add(passed))
    }

    /// It jumps so many microseconds ahead.
    pub(super) fn jump(&mut self, micros: i64) {
        self.ahead = self.ahead.saturating_add(micros);
        self.set_back |= micros < 0;
    }

    /// From that time on it goes so many thousandths faster than time.
    pub(super) fn drift(&mut self, rate: i16, time: Timestamp) {
        self.ahead = self.ahead.saturating_add(self.drifted(time));
        (self.rate, self.since) = (rate, time);
    }

    /// Whether it was ever set back.
    pub(super) const fn was_set_back(&self) -> bool {
        self.set_back
    }

    /// How it is off, in words; `None` when it is not.
    pub(super) fn told(&self, time: Timestamp) -> Option<String> {
        let off = self.ahead.saturating_add(self.drifted(time));
        let rate = match self.rate {
            0 => String::new(),
            rate => format!(", goes {} % too {}", rate.unsigned_abs() / 10, if rate < 0 { "slow" } else { "fast" }),
        };
        (off != 0 || self.rate != 0).then(|| format!("{} ms off{rate}", off / MICROS_PER_MILLI))
    }

    fn drifted(&self, time: Timestamp) -> i64 {
        if self.rate == 0 {
            return 0;
        }
        let passed = time.as_micros().saturating_sub(self.since.as_micros()).max(0);
        passed.saturating_mul(i64::from(self.rate)).div_euclid(THOUSANDTHS)
    }
}

impl Hash for Timepiece {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.ahead, self.set_back).hash(state);
        if self.rate != 0 {
            (self.rate, self.since).hash(state);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOON: i64 = 1_700_000_000_000_000;

    fn drifting(rate: i16) -> Timepiece {
        let mut it = Timepiece::ahead(-7);
        it.drift(rate, Timestamp::from_micros(NOON));
        it
    }

    #[test]
    fn a_fast_clock_gains_three_minutes_an_hour_and_keeps_them_when_it_is_set_right() {
        let mut it = drifting(50);
        let later = Timestamp::from_micros(NOON + 3_600_000_000);
        assert_eq!(it.shows(later).as_micros(), NOON + 3_780_000_000 - 7);
        it.drift(0, later);
        assert_eq!(it.shows(Timestamp::from_micros(NOON + 7_200_000_000)).as_micros(), NOON + 7_380_000_000 - 7);
        assert_eq!(it.told(later), Some("179999 ms off".to_owned()));
        assert!(!it.was_set_back());
    }

    proptest! {
        #[test]
        fn what_is_due_is_due_when_the_clock_shows_it_and_not_before(rate in -50_i16..=50, after in 0_i64..1_000_000_000_000) {
            let (it, shown) = (drifting(rate), Timestamp::from_micros(NOON + after));
            let when = it.when(shown);
            prop_assert!(it.shows(when) >= shown);
            prop_assert!(it.shows(Timestamp::from_micros(when.as_micros() - 1)) < shown);
        }
    }
}
