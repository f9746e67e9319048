//! Why nothing reaches some cells of the payment service.

use ecom_core::event::Service;

use super::{
    ALL, ASKED_AGAIN, BY_KEY, Because, HELD_ONCE, KEYLESS, KNOWN, LEFT, LEFT_OR_TAKEN, MOVED, MOVES, OWN_ROW, PATIENT,
    REFUSED, ROW_LEFT, Reason, SAME_KEY, TAKEN, TOLD, TWICE, WELL_FORMED,
};
use crate::coverage::alphabet::ANSWERS;

const IN: Because = Because(Service::Payment);

const PRICED: &str = "nothing is for sale for nothing";
const ONE_RESULT: &str = "under one key the provider has one result";
const CAPTURED: &str = "only what was captured is given back";
const VOIDED: &str =
    "a payment is voided when each call that has begun is known to have reached nobody, and then none is owed";

/// All of them.
pub(super) const REASONS: &[Reason] = &[
    IN.why(PRICED, ALL, &["nothing_due"], ALL),
    IN.why(TOLD, &["inventory.reserved", "order ended"], ALL, REFUSED),
    IN.why(TOLD, ANSWERS, ALL, REFUSED),
    IN.why(
        HELD_ONCE,
        &["inventory.reserved"],
        &["charging", "failed", "captured", "refunding", "refunded", "voided"],
        TAKEN,
    ),
    IN.why(MOVES, &["inventory.reserved"], &["absent"], TAKEN),
    IN.why(ROW_LEFT, &["inventory.reserved", "order ended"], &["absent"], TWICE),
    IN.why(ASKED_AGAIN, &["order ended"], &["absent", "barred", "failed", "captured", "refunded", "voided"], TAKEN),
    IN.why(
        MOVES,
        &[
            "charge: succeeded",
            "charge: refused",
            "charge: try again",
            "charge: unknown",
            "webhook: charged",
            "webhook: refused",
        ],
        &["charging"],
        TAKEN,
    ),
    IN.why(MOVED, &["webhook: charged", "webhook: refused"], &["charging"], TWICE),
    IN.why(MOVED, &["order ended"], &["captured"], TWICE),
    IN.why(VOIDED, &["charge: refused", "charge: unknown", "webhook: refused", "call: charge"], &["voided"], ALL),
    IN.why(VOIDED, &["charge: try again"], &["voided"], LEFT_OR_TAKEN),
    IN.why("the provider refuses a charge for its card, and then for good", &["call: charge"], ALL, &["call/refused"]),
    IN.why("what is refused is still asked for", &["refund: refused"], ALL, TAKEN),
    IN.why(OWN_ROW, ANSWERS, &["absent", "barred"], ALL),
    IN.why(
        CAPTURED,
        &[
            "call: refund",
            "refund: succeeded",
            "refund: refused",
            "refund: try again",
            "refund: unknown",
            "webhook: refunded",
            "webhook: refund refused",
        ],
        &["charging", "failed", "voided"],
        ALL,
    ),
    IN.why(ONE_RESULT, &["charge: succeeded", "webhook: charged"], &["failed", "voided"], ALL),
    IN.why(ONE_RESULT, &["charge: refused", "webhook: refused"], &["captured", "refunding", "refunded"], ALL),
    IN.why(
        "an order is charged once",
        &["inventory.reserved"],
        &["barred", "charging", "failed", "captured", "refunding", "refunded", "voided"],
        LEFT,
    ),
    IN.why(
        KNOWN,
        &["charge: succeeded", "charge: try again", "charge: unknown", "webhook: charged"],
        &["captured", "refunding", "refunded"],
        LEFT,
    ),
    IN.why(KNOWN, &["charge: refused", "charge: try again", "charge: unknown", "webhook: refused"], &["failed"], LEFT),
    IN.why(
        "when all of the money is back, no refund is owed",
        &["refund: succeeded", "refund: refused", "refund: try again", "refund: unknown", "webhook: refunded"],
        &["refunded"],
        LEFT,
    ),
    IN.why(KNOWN, &["order ended"], &["refunding"], LEFT),
    IN.why(
        "only what was captured, and is left, is given back",
        &["refund"],
        &["absent", "barred", "charging", "failed", "refunding", "refunded", "voided"],
        LEFT,
    ),
    IN.why(
        "a refund's id is minted with each attempt; the second attempt of one is known by its key",
        &["refund"],
        ALL,
        TAKEN,
    ),
    IN.why(SAME_KEY, &["refund"], ALL, &["decide/key-reused"]),
    IN.why(
        "what is refused is not kept under its key",
        &["refund"],
        &["absent", "barred", "charging", "failed", "voided"],
        &["decide/replayed"],
    ),
    IN.why(KEYLESS, &["add method", "remove method", "choose method"], ALL, BY_KEY),
    IN.why(PATIENT, &["add method"], &["removed"], ALL),
    IN.why(KNOWN, &["add method"], &["kept"], LEFT),
    IN.why("who has no such card is refused", &["remove method"], &["absent", "removed"], LEFT_OR_TAKEN),
    IN.why(MOVES, &["add method"], &["absent"], TAKEN),
    IN.why(MOVES, &["remove method"], &["kept"], TAKEN),
    IN.why(WELL_FORMED, &["add method"], &["absent", "kept"], REFUSED),
    IN.why(WELL_FORMED, &["remove method", "choose method"], &["kept"], REFUSED),
    IN.why(
        "who has no such card is refused",
        &["choose method"],
        &["absent", "removed"],
        &["decide/applied", "decide/stayed"],
    ),
    IN.why(OWN_ROW, &["call: charge", "call: refund"], &["absent", "barred"], ALL),
];
