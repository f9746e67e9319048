//! What a subscription has handed out and not settled, and which acknowledgements that allows.

use std::collections::{BTreeMap, BTreeSet};

use super::wire::Incoming;

/// Deliveries in hand, by tag. The broker numbers the deliveries of a channel upwards, so whatever was not handed out
/// yet has a higher tag than all of these.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    open: BTreeMap<u64, Incoming>,
}

/// How to acknowledge.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Acks {
    /// Everything up to and including that tag.
    pub(super) up_to: Option<u64>,
    /// These one by one, because something before them is still open.
    pub(super) each: Vec<u64>,
}

impl Ledger {
    pub(super) fn hand_out(&mut self, tag: u64, message: Incoming) {
        self.open.insert(tag, message);
    }

    pub(super) fn get(&self, tag: u64) -> Option<&Incoming> {
        self.open.get(&tag)
    }

    /// The delivery goes back to its queue.
    pub(super) fn give_back(&mut self, tag: u64) {
        self.open.remove(&tag);
    }

    /// Closes settled deliveries; tags that are not open are ignored. What was given back *must* have been refused on
    /// the channel before these acknowledgements are sent.
    pub(super) fn settle(&mut self, tags: impl IntoIterator<Item = u64>) -> Acks {
        let settled: BTreeSet<u64> = tags.into_iter().filter(|tag| self.open.remove(tag).is_some()).collect();
        let first_open = self.open.keys().next().copied().unwrap_or(u64::MAX);
        let (prefix, rest): (Vec<u64>, Vec<u64>) = settled.into_iter().partition(|tag| *tag < first_open);
        Acks { up_to: prefix.last().copied(), each: rest }
    }
}

#[cfg(test)]
mod tests {
    use ecom_core::id::MessageId;
    use lapin::BasicProperties;
    use uuid::Uuid;

    use super::*;

    fn ledger(tags: std::ops::RangeInclusive<u64>) -> Ledger {
        let mut ledger = Ledger::default();
        for tag in tags {
            let message = Incoming {
                id: MessageId(Uuid::from_u128(tag.into())),
                routing_key: "k".into(),
                properties: BasicProperties::default(),
                body: vec![],
            };
            ledger.hand_out(tag, message);
        }
        ledger
    }

    fn acks(up_to: Option<u64>, each: &[u64]) -> Acks {
        Acks { up_to, each: each.to_vec() }
    }

    #[test]
    fn a_contiguous_prefix_is_one_acknowledgement_and_the_rest_goes_one_by_one() {
        let mut ledger = ledger(1..=9);
        assert_eq!(ledger.settle([2, 1]), acks(Some(2), &[]));
        assert_eq!(ledger.settle([5, 4]), acks(None, &[4, 5]));
        assert_eq!(ledger.settle([3, 7]), acks(Some(3), &[7]));
        assert_eq!(ledger.settle([6, 8, 9]), acks(Some(9), &[]));
        assert_eq!(ledger.settle([1, 5, 9, 70]), acks(None, &[]), "settled or unknown already");
    }

    #[test]
    fn what_is_given_back_does_not_hold_up_the_prefix() {
        let mut ledger = ledger(1..=3);
        ledger.give_back(1);
        assert!(ledger.get(1).is_none());
        assert_eq!(ledger.settle([1, 2]), acks(Some(2), &[]));
    }

    #[test]
    fn an_acknowledgement_never_covers_what_is_open() {
        for settled in 0_u64..64 {
            let mut ledger = ledger(1..=6);
            let tags: Vec<u64> = (1..=6).filter(|tag| settled & (1 << (tag - 1)) != 0).collect();
            let acks = ledger.settle(tags.iter().copied());
            let covered = |tag: u64| acks.up_to.is_some_and(|last| tag <= last) || acks.each.contains(&tag);
            for tag in 1..=6 {
                assert_eq!(covered(tag), tags.contains(&tag), "{tag} of {tags:?}: {acks:?}");
            }
        }
    }
}
