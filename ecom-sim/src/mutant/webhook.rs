//! Planted bugs of webhooks, and of the form in which events are sent.

use super::caught::{BOOKS, ENDS, KEEPS, READ, RESTS};
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
        &[READ],
    ),
    plant(
        M::WebhookBookedTwice,
        "webhook-booked-twice",
        "payment",
        "a webhook that tells what is known already is booked again",
        ("one-order", 1, 1, false),
        &[BOOKS],
    ),
    plant(
        M::WebhookAfterEndDropped,
        "webhook-after-end-dropped",
        "payment",
        "a webhook about an ended order is dropped, and its call counts as answered",
        ("order-cancel", 1, 1, false),
        &[ENDS, RESTS, KEEPS, BOOKS],
    ),
];
