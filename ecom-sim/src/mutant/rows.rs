//! Planted bugs of rows: their versions, what is not heard of them, and what is shown of them.

use super::caught::{ARRIVES, CONTACTS, SEEN, SHOWS, VERSIONS};
use super::switch::Mutant as M;
use super::{Planted, plant};

/// All of them.
pub(super) const BUGS: &[Planted] = &[
    plant(
        M::VersionKept,
        "version-kept",
        "versions",
        "stock that changes keeps its version",
        ("stock-count", 0, 1, false),
        &[VERSIONS],
    ),
    plant(
        M::RenameUnheard,
        "rename-unheard",
        "versions",
        "who sends notices does not hear that a user has changed",
        ("rename-first", 0, 1, false),
        &[CONTACTS],
    ),
    plant(
        M::RefundUnheard,
        "refund-notice-unheard",
        "ack",
        "who sends notices does not hear that money went back",
        ("refund-last", 0, 1, false),
        &[ARRIVES],
    ),
    plant(
        M::LastPaymentFactWins,
        "last-payment-fact-wins",
        "versions",
        "what was heard last of a payment is what an order shows of it, also when it is older",
        ("watched", 0, 1, false),
        &[SHOWS, SEEN],
    ),
    plant(
        M::ReplicaRead,
        "replica-read",
        "versions",
        "of three who look one is answered by a replica of the rows that lags behind",
        ("watched", 0, 1, false),
        &[SEEN],
    ),
];
