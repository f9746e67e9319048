//! Fingerprints that were seen.
#![expect(
    clippy::disallowed_types,
    reason = "nobody goes through it: it is asked what is in it, and its hasher has no seed"
)]

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

/// Fingerprints; a fingerprint is a hash already.
pub(super) type Prints = HashSet<u128, BuildHasherDefault<Identity>>;

/// Fingerprints, each with the number of its world.
pub(super) type Numbers = HashMap<u128, u32, BuildHasherDefault<Identity>>;

/// The lower half of a fingerprint.
#[derive(Debug, Default)]
pub(super) struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u128(&mut self, value: u128) {
        self.0 = value as u64;
    }
}
