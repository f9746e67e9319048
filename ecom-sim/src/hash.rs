//! Hashes that are the same in every run, process and build: for fingerprints of states and for the trace.

use std::hash::{Hash, Hasher};

const SEEDS: [u64; 2] = [0x9e37_79b9_7f4a_7c15, 0xd1b5_4a32_d192_ed03];
const FACTORS: [u64; 2] = [0xa076_1d64_78bd_642f, 0xe703_7ed1_a0b4_28db];

/// A hasher of 128 bits in two lanes. Not for enemies: nobody chooses what is hashed here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hasher128 {
    lanes: [u64; 2],
}

impl Default for Hasher128 {
    fn default() -> Self {
        Self { lanes: SEEDS }
    }
}

impl Hasher128 {
    /// The 128 bits.
    pub fn finish128(&self) -> u128 {
        let [high, low] = self.lanes;
        (u128::from(folded(high, FACTORS[1])) << 64) | u128::from(folded(low, FACTORS[0]))
    }

    /// Takes one word in.
    pub fn word(&mut self, word: u64) {
        for (lane, factor) in self.lanes.iter_mut().zip(FACTORS) {
            *lane = folded(*lane ^ word, factor).wrapping_add(word.rotate_left(29));
        }
    }
}

const fn folded(left: u64, right: u64) -> u64 {
    let product = (left as u128).wrapping_mul(right as u128);
    (product as u64) ^ ((product >> 64) as u64) ^ left.rotate_right(23)
}

impl Hasher for Hasher128 {
    fn finish(&self) -> u64 {
        self.finish128() as u64
    }

    fn write(&mut self, bytes: &[u8]) {
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            let mut word = [0; 8];
            word.copy_from_slice(chunk);
            self.word(u64::from_le_bytes(word));
        }
        let rest = chunks.remainder();
        if !rest.is_empty() {
            let mut word = [0; 8];
            word[..rest.len()].copy_from_slice(rest);
            self.word(u64::from_le_bytes(word) ^ ((rest.len() as u64) << 56));
        }
    }

    fn write_u8(&mut self, value: u8) {
        self.word(u64::from(value));
    }

    fn write_u32(&mut self, value: u32) {
        self.word(u64::from(value));
    }

    fn write_u64(&mut self, value: u64) {
        self.word(value);
    }

    fn write_usize(&mut self, value: usize) {
        self.word(value as u64);
    }
}

/// The fingerprint of a value.
pub fn fingerprint<T: Hash + ?Sized>(value: &T) -> u128 {
    let mut hasher = Hasher128::default();
    value.hash(&mut hasher);
    hasher.finish128()
}

/// A fingerprint of values in any order.
pub(crate) fn bag<T: Hash>(values: impl Iterator<Item = T>) -> u128 {
    values.fold(0, |sum, value| sum.wrapping_add(fingerprint(&value)))
}

/// A small generator of random numbers (SplitMix64): fast, seedable, and the same everywhere.
#[derive(Clone, Copy, Debug)]
pub struct Rng(u64);

impl Rng {
    /// From a seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub const fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`; 0 when the bound is 0.
    pub const fn below(&mut self, bound: u64) -> u64 {
        ((self.next_u64() as u128 * bound as u128) >> 64) as u64
    }

    /// Whether something of that probability, in parts of 65,536, happens.
    pub const fn chance(&mut self, parts: u32) -> bool {
        (self.next_u64() >> 48) < parts as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_repeats_and_tells_values_apart() {
        assert_eq!(fingerprint("order"), fingerprint("order"));
        let prints: std::collections::BTreeSet<u128> = (0_u32..10_000).map(|n| fingerprint(&(n, "x"))).collect();
        assert_eq!(prints.len(), 10_000);
        assert_ne!(fingerprint(&("ab", "c")), fingerprint(&("a", "bc")));
    }

    #[test]
    fn the_generator_stays_below_its_bound_and_reaches_all_of_it() {
        let mut rng = Rng::new(1);
        let seen: std::collections::BTreeSet<u64> = (0..1_000).map(|_| rng.below(7)).collect();
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), (0..7).collect::<Vec<_>>());
        assert_eq!(rng.below(0), 0);
    }
}
