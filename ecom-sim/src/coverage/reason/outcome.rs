//! Ends that no run has had so far, although nothing is known that forbids them: what each of them takes. They are no reason
//! to call a cell unreachable, and whoever reaches one breaks nothing.

use ecom_core::event::Service;

use super::{ALL, Because, Cell, Reason};

const BEATEN: &[&str] = &["commit/beaten"];
const LEFT_ALONE: &[&str] = &["settle/fine"];
const CUT_OFF: &[&str] = &["settle/cut off"];

const OWN_ROWS: &str =
    "another process must change, between two steps, a row that hardly anybody but this client changes";
const TWO_ANSWERS: &str = "two processes must hear of one call at once, after the lease of one of them has ended";
const GIVEN_UP: &str = "it must be given up in a state in which it is hardly ever met";
const CUT: &str = "the broker must be lost while it is settled in a state in which it is hardly ever met";
const QUICKER: &str = "another process must be quicker with another message of the same group";

/// All of them.
pub const UNMET: &[Reason] = &[
    Because(Service::User).why(OWN_ROWS, &["create administrator", "deactivate"], ALL, BEATEN),
    Because(Service::Order).why(OWN_ROWS, &["cancel", "resolve", "retry"], &["absent", "pending"], BEATEN),
    Because(Service::Inventory).why(OWN_ROWS, &["create product"], &["absent", "for sale"], BEATEN),
    Because(Service::Payment).why(OWN_ROWS, &["refund"], &["absent", "voided"], BEATEN),
    Because(Service::Payment).why(OWN_ROWS, &["add method", "remove method", "choose method"], ALL, BEATEN),
    Because(Service::Payment).why(TWO_ANSWERS, &["charge: try again"], &["refunding", "refunded", "voided"], BEATEN),
    Because(Service::Payment).why(TWO_ANSWERS, &["charge: unknown"], &["refunding", "refunded"], BEATEN),
    Because(Service::Payment).why(TWO_ANSWERS, &["refund: try again"], &["captured", "refunded"], BEATEN),
    Because(Service::Payment).why(TWO_ANSWERS, &["refund: refused"], &["refunding", "refunded"], BEATEN),
    Because(Service::Payment).why(TWO_ANSWERS, &["webhook: refund refused"], &["captured"], BEATEN),
    Because(Service::Payment).why(
        "a refund must not have moved its money although all of it is back",
        &["call: refund"],
        &["refunded"],
        &["call/refused"],
    ),
    Because(Service::Payment).why(
        "it must come again and late, when the money goes back already, and out of turn",
        &["inventory.reserved"],
        &["refunding", "refunded"],
        &["deliver/overtaking", "settle/given back"],
    ),
    Because(Service::Payment).why(TWO_ANSWERS, &["refund: unknown"], &["captured", "refunded"], BEATEN),
    Because(Service::Notification).why(
        TWO_ANSWERS,
        &["sent", "not sent: try again", "not sent: refused", "sent: unknown"],
        &["queued", "sent", "failed", "suppressed"],
        BEATEN,
    ),
    Because(Service::Order).why(QUICKER, &["inventory.hold_overdue", "payment.failed"], &["pending"], BEATEN),
    Because(Service::Order).why(QUICKER, &["product"], &["absent"], BEATEN),
    Because(Service::Inventory).why(QUICKER, &["order.failed"], &["absent"], BEATEN),
    Because(Service::Payment).why(QUICKER, &["inventory.reserved"], &["refunding"], BEATEN),
    Because(Service::Notification).why(
        QUICKER,
        &["user.registered", "user.updated", "user.deactivated", "payment.refunded"],
        &["absent"],
        BEATEN,
    ),
    Because(Service::Order).why(CUT, &["inventory.hold_overdue", "payment.failed"], &["pending"], CUT_OFF),
    Because(Service::Order).why(CUT, &["payment.failed"], &["cancelled"], CUT_OFF),
    Because(Service::Order).why(CUT, &["payment.refunded"], &["failed"], CUT_OFF),
    Because(Service::Inventory).why(CUT, &["order.created"], &["committed"], CUT_OFF),
    Because(Service::Inventory).why(CUT, &["order.failed"], &["absent"], CUT_OFF),
    Because(Service::Payment).why(CUT, &["inventory.reserved"], &["refunding", "refunded"], CUT_OFF),
    Because(Service::Notification).why(CUT, &["order.cancelled"], &["deactivated"], CUT_OFF),
    Because(Service::Notification).why(CUT, &["payment.refunded"], &["absent", "deactivated"], CUT_OFF),
    Because(Service::Notification).why(CUT, &["user.registered", "user.deactivated"], &["awaited"], CUT_OFF),
    Because(Service::Inventory).why(GIVEN_UP, &["order.failed", "order.cancelled"], &["absent"], LEFT_ALONE),
    Because(Service::Payment).why(GIVEN_UP, &["order ended"], &["absent", "captured"], LEFT_ALONE),
    Because(Service::Notification).why(GIVEN_UP, &["order.failed", "order.cancelled"], &["absent"], LEFT_ALONE),
    Because(Service::Notification).why(GIVEN_UP, &["user.deactivated"], &["absent", "awaited"], LEFT_ALONE),
];

/// What a cell takes that no run has reached: the number of the first entry that covers it.
pub fn unmet(cell: &Cell) -> Option<usize> {
    UNMET.iter().position(|unmet| unmet.covers(cell))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coverage::{reason, universe};

    #[test]
    fn what_no_run_has_had_is_a_cell_and_not_called_unreachable_too() {
        for it in UNMET {
            let covered: Vec<Cell> = universe().filter(|cell| it.covers(cell)).collect();
            assert!(covered.iter().any(|cell| reason(cell).is_none()), "{it:?}");
            for (message, state) in it.messages.iter().flat_map(|it_is| it.states.iter().map(move |at| (it_is, at))) {
                assert!(
                    covered.iter().any(|cell| cell.message == *message && cell.state == *state),
                    "{message} | {state}"
                );
            }
        }
    }
}
