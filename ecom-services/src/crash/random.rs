//! The random choices of a run, all from one seed.

use std::time::Duration;

/// SplitMix64: small, and the same on every machine.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Draws the same for the same seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A moment between the two, in whole milliseconds.
    pub fn between(&mut self, least: Duration, most: Duration) -> Duration {
        let (least, most) = (least.as_millis() as u64, most.as_millis() as u64);
        Duration::from_millis(least + self.next() % (most.saturating_sub(least) + 1))
    }

    /// True in one of `n` cases.
    pub fn one_in(&mut self, n: u64) -> bool {
        self.next().is_multiple_of(n)
    }

    /// One of these; `None` when there are none.
    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> Option<T> {
        let place = self.next().checked_rem(choices.len() as u64)?;
        choices.get(place as usize).copied()
    }

    /// Puts them into another order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let place = self.next() % (last as u64 + 1);
            items.swap(last, place as usize);
        }
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_its_choices_within_their_bounds() {
        let (least, most) = (Duration::from_millis(200), Duration::from_millis(2_000));
        let draw = |seed| {
            let mut random = Random::new(seed);
            (0..100).map(|_| random.between(least, most)).collect::<Vec<_>>()
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        assert!(draw(9).iter().all(|moment| (least..=most).contains(moment)));
    }
}
