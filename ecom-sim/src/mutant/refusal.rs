//! Planted bugs of refunds that the provider refuses now and gives later.

use super::caught::{BOOKS, ENDS, KEEPS, RESTS, SHOWS};
use super::switch::Mutant as M;
use super::{Planted, plant};

/// All of them.
pub(super) const BUGS: &[Planted] = &[
    plant(
        M::RefusedUndoGivenUp,
        "refused-undo-given-up",
        "compensation",
        "an undo that the provider refuses is not asked for again",
        ("order-cancel", 1, 1, false),
        &[ENDS, RESTS, KEEPS],
    ),
    plant(
        M::RefusalIsRefund,
        "refusal-is-refund",
        "payment",
        "an administrator's refund that the provider refuses counts as given back",
        ("refund-twice", 1, 1, false),
        &[BOOKS, SHOWS],
    ),
];
