//! Planted bugs of webhooks.

use super::switch::Mutant as M;
use super::{Planted, plant};

/// All of them.
pub(super) const BUGS: &[Planted] = &[
    plant(
        M::WebhookBookedTwice,
        "webhook-booked-twice",
        "payment",
        "a webhook that tells what is known already is booked again",
        ("one-order", 1, 1, false),
        &["payments and ledger say"],
    ),
    plant(
        M::WebhookAfterEndDropped,
        "webhook-after-end-dropped",
        "payment",
        "a webhook about an ended order is dropped, and its call counts as answered",
        ("order-cancel", 1, 1, false),
        &["when faults stop", "an order that failed or was cancelled keeps", "payments and ledger say"],
    ),
];
