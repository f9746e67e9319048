//! Why nothing reaches some cells of the notification service.

use ecom_core::event::Service;

use super::{
    ALL, BY_KEY, Because, KEYLESS, KNOWN, LEFT, LEFT_OR_TAKEN, MOVED, MOVES, NOBODY, OWN_ROW, REFUSED, ROW_LEFT,
    Reason, TAKEN, TOLD, TWICE, WELL_FORMED,
};

const IN: Because = Because(Service::Notification);

const SETTLED: &str = "a notice that has ended owes no call: an answer is a duplicate";

/// All of them.
pub(super) const REASONS: &[Reason] = &[
    IN.why(NOBODY, &["user.password_reset_requested"], ALL, ALL),
    IN.why(KEYLESS, &["set preferences"], ALL, BY_KEY),
    IN.why(WELL_FORMED, &["set preferences"], ALL, REFUSED),
    IN.why("who takes no letter at an address takes none there later", &["not sent: refused"], &["sent"], ALL),
    IN.why("each order of the simulated worlds has its user", &["order.failed"], &["-"], ALL),
    IN.why(
        TOLD,
        &[
            "order.completed",
            "order.failed",
            "order.cancelled",
            "payment.refunded",
            "user.registered",
            "user.updated",
            "user.deactivated",
            "stock.low",
            "sent",
            "not sent: try again",
            "not sent: refused",
            "sent: unknown",
        ],
        ALL,
        REFUSED,
    ),
    IN.why(
        "a channel that refuses a letter refuses it for good, by what it is",
        &["call: send"],
        ALL,
        &["call/refused"],
    ),
    IN.why(
        OWN_ROW,
        &["call: send", "sent", "not sent: try again", "not sent: refused", "sent: unknown"],
        &["absent", "deferred"],
        ALL,
    ),
    IN.why(ROW_LEFT, &["user.registered", "user.updated", "user.deactivated"], &["absent"], TWICE),
    IN.why("somebody registers once: a second time it is known by its id", &["user.registered"], ALL, TAKEN),
    IN.why(MOVES, &["user.updated", "user.deactivated"], &["absent", "awaited"], TAKEN),
    IN.why(MOVED, &["user.registered", "user.updated", "user.deactivated"], &["awaited"], TWICE),
    IN.why("whoever has left changes nothing any more", &["user.updated"], &["deactivated"], LEFT),
    IN.why(
        "of whom nothing is known, he is awaited from the first time on that he is told something",
        &["order.completed", "order.failed", "order.cancelled"],
        &["absent"],
        &["decide/stayed", "decide/duplicate"],
    ),
    IN.why(
        "that somebody leaves is told once, and nothing of him is newer",
        &["user.deactivated"],
        &["active"],
        &["decide/stayed", "decide/duplicate"],
    ),
    IN.why(KNOWN, &["user.deactivated"], &["deactivated"], LEFT),
    IN.why(MOVES, &["sent", "not sent: try again", "not sent: refused", "sent: unknown"], &["queued"], TAKEN),
    IN.why(
        SETTLED,
        &["sent", "not sent: try again", "not sent: refused", "sent: unknown"],
        &["sent", "failed", "suppressed"],
        LEFT_OR_TAKEN,
    ),
];
