//! Why nothing reaches some cells of the inventory service.

use ecom_core::event::Service;

use super::{
    ALL, ASKED_AGAIN, BY_KEY, Because, KEYLESS, KNOWN, LEFT, MOVED, MOVES, NOT_A_MESSAGE, PATIENT, REFUSED, ROW_LEFT,
    Reason, SAME_KEY, TAKEN, TOLD, TWICE, WELL_FORMED,
};

const IN: Because = Because(Service::Inventory);

/// All of them.
pub(super) const REASONS: &[Reason] = &[
    IN.why("whoever may ask is told of those that are there", &["resync"], ALL, REFUSED),
    IN.why(TOLD, &["order.created", "order.completed", "order.failed", "order.cancelled", "hold due"], ALL, REFUSED),
    IN.why(
        "stock is sold for an order that is complete, and that is an end",
        &["order.failed", "order.cancelled"],
        &["committed"],
        ALL,
    ),
    IN.why(
        "an order is complete only with its stock held",
        &["order.completed"],
        &["absent", "released", "refused", "barred"],
        ALL,
    ),
    IN.why("the timer is armed with the hold", &["hold due"], &["absent", "refused", "barred"], ALL),
    IN.why(
        "an order is held, or refused, once",
        &["order.created"],
        &["held", "committed", "released", "refused", "barred"],
        LEFT,
    ),
    IN.why(
        "an order is told once to have been placed: a second time it is known by its id",
        &["order.created"],
        &["held", "committed", "released", "refused"],
        TAKEN,
    ),
    IN.why(ROW_LEFT, &["order.created", "order.failed", "order.cancelled"], &["absent"], TWICE),
    IN.why(MOVES, &["order.created"], &["absent"], TAKEN),
    IN.why(ASKED_AGAIN, &["order.completed"], &["held", "committed"], TAKEN),
    IN.why(
        ASKED_AGAIN,
        &["order.failed", "order.cancelled"],
        &["absent", "held", "released", "refused", "barred"],
        TAKEN,
    ),
    IN.why(MOVED, &["order.completed", "order.failed", "order.cancelled"], &["held"], TWICE),
    IN.why(NOT_A_MESSAGE, &["hold due"], ALL, TWICE),
    IN.why("the timer is disarmed with the hold", &["hold due"], &["committed", "released"], LEFT),
    IN.why(MOVES, &["create product"], &["absent"], TAKEN),
    IN.why(
        "an article number is that of one product: whoever adds it again is refused",
        &["create product"],
        &["for sale"],
        TAKEN,
    ),
    IN.why(WELL_FORMED, &["create product"], &["absent"], REFUSED),
    IN.why(WELL_FORMED, &["change product"], &["for sale", "not for sale"], REFUSED),
    IN.why("clients change only products that are there", &["change product", "adjust stock"], &["absent"], ALL),
    IN.why(PATIENT, &["create product"], &["not for sale"], ALL),
    IN.why(KNOWN, &["create product"], &["for sale"], LEFT),
    IN.why(KEYLESS, &["create product", "change product", "resync"], ALL, BY_KEY),
    IN.why(SAME_KEY, &["adjust stock"], ALL, &["decide/key-reused"]),
    IN.why("the count always changes, or is refused", &["adjust stock"], ALL, TAKEN),
];
