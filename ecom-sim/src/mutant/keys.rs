//! Planted bugs of idempotency keys.

use super::caught::{ANSWER, KEY, KEYED_ONCE, TOLD};
use super::switch::Mutant as M;
use super::{Planted, plant};

/// All of them.
pub(super) const BUGS: &[Planted] = &[
    plant(
        M::KeyNotKept,
        "key-not-kept",
        "idempotency",
        "the answer of an idempotency key is not kept",
        ("double-click", 0, 1, false),
        &[KEY, KEYED_ONCE],
    ),
    plant(
        M::KeyAnsweredAfresh,
        "key-answered-afresh",
        "idempotency",
        "a key that is used again gets an answer of its own, and not the first one",
        ("double-click", 0, 1, false),
        &[KEYED_ONCE],
    ),
    plant(
        M::KeyWithoutUser,
        "key-without-user",
        "idempotency",
        "idempotency keys of different users meet",
        ("two-orders-one-piece", 0, 1, false),
        &[ANSWER, KEY],
    ),
    plant(
        M::FingerprintIgnored,
        "fingerprint-ignored",
        "idempotency",
        "a key that is used for another request gets the first answer",
        ("key-reused", 0, 1, false),
        &[ANSWER],
    ),
    plant(
        M::KeyBeforeCommit,
        "key-before-commit",
        "idempotency",
        "the answer of a key is kept before the commit of what it tells",
        ("one-order", 1, 1, false),
        &[TOLD, KEYED_ONCE],
    ),
    plant(
        M::RefundKeyNotKept,
        "refund-key-not-kept",
        "idempotency",
        "the answer to a request for a refund is not kept under its key",
        ("refund-twice", 1, 1, false),
        &[KEYED_ONCE],
    ),
    plant(
        M::AdjustKeyNotKept,
        "adjust-key-not-kept",
        "idempotency",
        "the answer to an adjustment of stock is not kept under its key",
        ("stock-count", 1, 1, false),
        &[KEYED_ONCE],
    ),
];
