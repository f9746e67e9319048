//! Why nothing reaches some cells of the order service.

use ecom_core::event::Service;

use super::{
    ALL, ASKED_AGAIN, BY_KEY, Because, HELD_ONCE, KEYLESS, KNOWN, LEFT, LEFT_OR_TAKEN, MOVED, MOVES, NOT_A_MESSAGE,
    REFUSED, Reason, TAKEN, TOLD, TWICE,
};
use crate::coverage::alphabet::FACTS;

const IN: Because = Because(Service::Order);

/// What the saga hears beside the facts.
const SIGNS: &[&str] = &["notice", "deadline"];
const ROW_FIRST: &str = "whoever tells of it was told of the order first, and that was after its row was durable";

/// All of them.
pub(super) const REASONS: &[Reason] = &[
    IN.why(KEYLESS, &["retry", "resolve"], ALL, BY_KEY),
    IN.why("what is asked for again is asked for, or refused", &["retry", "resolve"], ALL, TAKEN),
    IN.why("only an order that has ended is owed anything", &["retry"], &["absent", "pending", "processing"], LEFT),
    IN.why(
        "nothing contradicts itself: before its end no order needs attention",
        &["resolve"],
        &["absent", "pending", "processing"],
        LEFT,
    ),
    IN.why(TOLD, FACTS, ALL, REFUSED),
    IN.why(TOLD, SIGNS, ALL, REFUSED),
    IN.why(ROW_FIRST, FACTS, &["absent"], ALL),
    IN.why(ROW_FIRST, SIGNS, &["absent"], ALL),
    IN.why(
        "an order's id is minted with each attempt; the second attempt of one is known by its key",
        &["place"],
        &["pending", "processing", "completed", "failed", "cancelled"],
        ALL,
    ),
    IN.why("a command that is right makes an order", &["place"], &["absent"], TAKEN),
    IN.why(KEYLESS, &["cancel"], ALL, BY_KEY),
    IN.why("who has no order is refused", &["cancel"], &["absent"], &["decide/applied", "decide/stayed"]),
    IN.why(
        "an order that has not ended is cancelled",
        &["cancel"],
        &["pending", "processing"],
        &["decide/refused", "decide/stayed"],
    ),
    IN.why("an end is an end", &["cancel"], &["completed", "failed"], &["decide/applied", "decide/stayed"]),
    IN.why(KNOWN, &["cancel"], &["cancelled"], &["decide/applied", "decide/refused"]),
    IN.why(
        "stock is sold when the order is complete, and that is an end",
        &["inventory.committed"],
        &["pending", "processing", "failed", "cancelled"],
        ALL,
    ),
    IN.why(
        "stock is released when the order has failed or is cancelled, and that is an end",
        &["inventory.released"],
        &["pending", "processing", "completed"],
        ALL,
    ),
    IN.why(
        "a charge is voided when the order has failed or is cancelled, and that is an end",
        &["payment.voided"],
        &["pending", "processing", "completed"],
        ALL,
    ),
    IN.why(
        "inventory says once whether stock is held",
        &["inventory.reservation_failed"],
        &["processing", "completed"],
        ALL,
    ),
    IN.why("a payment has one result", &["payment.failed"], &["completed"], ALL),
    IN.why(
        MOVES,
        &["inventory.reserved", "inventory.reservation_failed", "payment.processed", "payment.failed"],
        &["pending"],
        TAKEN,
    ),
    IN.why(
        MOVED,
        &["inventory.reserved", "inventory.reservation_failed", "payment.processed", "payment.failed"],
        &["pending"],
        TWICE,
    ),
    IN.why(MOVES, &["payment.processed", "payment.failed"], &["processing"], TAKEN),
    IN.why(MOVED, &["payment.processed", "payment.failed"], &["processing"], TWICE),
    IN.why(HELD_ONCE, &["inventory.reserved"], &["processing"], LEFT_OR_TAKEN),
    IN.why(KNOWN, &["inventory.reserved"], &["completed"], LEFT),
    IN.why(
        "an order that has ended owes nothing for what was not held",
        &["inventory.reservation_failed"],
        &["failed", "cancelled"],
        LEFT,
    ),
    IN.why(ASKED_AGAIN, &["inventory.hold_overdue"], &["completed", "failed", "cancelled"], TAKEN),
    IN.why(
        "payment says once that it has the money, and that completes the order: a second time it is known by its id",
        &["payment.processed"],
        &["completed"],
        LEFT_OR_TAKEN,
    ),
    IN.why(
        "payment says once that it has failed, and the order did not know",
        &["payment.failed"],
        &["failed", "cancelled"],
        TAKEN,
    ),
    IN.why("a notice without an order is nobody's", &["notice"], &["-"], LEFT),
    IN.why(
        "each notice of an order is a line of its history",
        &["notice"],
        &["pending", "processing", "completed", "failed", "cancelled"],
        TAKEN,
    ),
    IN.why(NOT_A_MESSAGE, &["deadline"], ALL, TWICE),
    IN.why(
        "the first timer of an order is armed as long as the order waits for stock",
        &["deadline"],
        &["pending"],
        TAKEN,
    ),
    IN.why("whoever has handled it knows it, or a newer one", &["product"], &["absent", "older"], TWICE),
    IN.why("the deadline decides, not the alarm", &["inventory.hold_overdue"], &["pending", "processing"], LEFT),
    IN.why("a product that is not the newest is left, another one is taken", &["product"], &["current"], LEFT),
    IN.why("a product that is not the newest is left, another one is taken", &["product"], &["absent", "older"], TAKEN),
    IN.why(TOLD, &["product"], ALL, REFUSED),
];
