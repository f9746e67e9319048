//! Planted bugs of webhooks, and of the form in which events are sent.

use super::switch::Mutant as M;
use super::{Planted, plant};

/// All of them.
pub(super) const BUGS: &[Planted] = &[
    plant(
        M::VersionNotSent,
        "version-not-sent",
        "wire",
        "the wire form of an event does not tell the version of what it is about",
        ("one-order+wire", 0, 1, false),
        &["what is sent or stored is read as it was"],
    ),
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
