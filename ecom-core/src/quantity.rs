//! How many pieces of a product an order line asks for.

use serde::{Deserialize, Deserializer, Serialize};

/// Between 1 and [`Quantity::MAX`] pieces.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(transparent)]
pub struct Quantity(u32);

impl Quantity {
    /// The most pieces that one line may ask for.
    pub const MAX: u32 = 1_000_000;

    /// One piece.
    pub const ONE: Self = Self(1);

    /// A quantity, when it is within bounds.
    pub fn new(pieces: u64) -> Option<Self> {
        u32::try_from(pieces).ok().filter(|pieces| (1..=Self::MAX).contains(pieces)).map(Self)
    }

    /// The number of pieces.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The sum, when it is within bounds.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        Self::new(u64::from(self.0) + u64::from(other.0))
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let pieces = u64::deserialize(deserializer)?;
        Self::new(pieces).ok_or_else(|| serde::de::Error::custom("a quantity is between 1 and 1,000,000"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_hold() {
        assert_eq!(Quantity::new(0), None);
        assert_eq!(Quantity::new(1), Some(Quantity::ONE));
        assert_eq!(Quantity::new(1_000_001), None);
        assert_eq!(Quantity::new(u64::MAX), None);
        assert_eq!(Quantity::new(1_000_000).and_then(|most| most.checked_add(Quantity::ONE)), None);
        assert!(serde_json::from_str::<Quantity>("-1").is_err());
        assert!(serde_json::from_str::<Quantity>("1.0").is_err());
    }
}
