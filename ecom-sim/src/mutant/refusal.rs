//! Planted bugs of refunds that the provider refuses now and gives later.

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
        &["when faults stop", "an order that failed or was cancelled keeps"],
    ),
    plant(
        M::RefusalIsRefund,
        "refusal-is-refund",
        "payment",
        "an administrator's refund that the provider refuses counts as given back",
        ("refund-twice", 1, 1, false),
        &["payments and ledger say", "an order shows of its payment"],
    ),
];
