//! Why nothing reaches some cells: patterns, each with its reason.

use ecom_core::event::Service;

use super::Cell;
use super::alphabet::{ANSWERS, FACTS};

/// Cells that cannot be reached. An empty list stands for everything.
#[derive(Clone, Copy, Debug)]
pub struct Reason {
    /// Which service.
    pub service: Service,
    /// Which messages.
    pub messages: &'static [&'static str],
    /// Which states.
    pub states: &'static [&'static str],
    /// Which ends, as `step/outcome`, or `step/` for all of a step.
    pub ends: &'static [&'static str],
    /// Why.
    pub why: &'static str,
}

impl Reason {
    /// Whether it speaks of that cell.
    pub fn covers(&self, cell: &Cell) -> bool {
        let among = |list: &[&str], word: &str| list.is_empty() || list.contains(&word);
        let ends = |end: &&str| {
            let (step, outcome) = end.split_once('/').unwrap_or((end, ""));
            step == cell.step.word() && (outcome.is_empty() || outcome == cell.outcome)
        };
        self.service as u8 == cell.service
            && among(self.messages, cell.message)
            && among(self.states, cell.state)
            && (self.ends.is_empty() || self.ends.iter().any(ends))
    }
}

/// Why a cell cannot be reached: the number of the first reason that covers it.
pub fn reason(cell: &Cell) -> Option<usize> {
    REASONS.iter().position(|reason| reason.covers(cell))
}

const fn because(
    why: &'static str,
    service: Service,
    messages: &'static [&'static str],
    states: &'static [&'static str],
    ends: &'static [&'static str],
) -> Reason {
    Reason { service, messages, states, ends, why }
}

/// What the saga hears beside the facts.
const SIGNS: &[&str] = &["notice", "deadline"];
const ALL: &[&str] = &[];

const LEFT: &[&str] = &["decide/applied"];
const TAKEN: &[&str] = &["decide/stayed"];
const REFUSED: &[&str] = &["decide/refused"];
const BY_KEY: &[&str] = &["decide/replayed", "decide/key-reused"];

const NOBODY: &str = "no client or operator of the simulated worlds does it";
const TOLD: &str = "rules refuse commands alone: what has happened is taken or left";
const KEYLESS: &str = "the command is sent without an idempotency key";
const SAME_KEY: &str = "clients use this command's key for one request alone";
const ROW_FIRST: &str = "whoever tells of it was told of the order first, and that was after its row was durable";
const PRICED: &str = "nothing is for sale for nothing";
const OWN_ROW: &str = "what is called, and its answer, belong to a row that was written with the call";
const ONE_RESULT: &str = "under one key the provider has one result";
const CAPTURED: &str = "only what was captured is given back";
const KNOWN: &str = "it is known already: nothing is left to change";
const PATIENT: &str =
    "a client waits for the end of a command before it sends the next, and whoever has left sends none";

/// All reasons.
pub const REASONS: &[Reason] = &[
    // Users.
    because(
        NOBODY,
        Service::User,
        &[
            "sign in",
            "refresh",
            "sign out",
            "change password",
            "ask for a reset",
            "reset",
            "resync",
            "first administrator",
            "user.password_reset_requested",
        ],
        ALL,
        ALL,
    ),
    because(KEYLESS, Service::User, ALL, ALL, BY_KEY),
    because(PATIENT, Service::User, &["register", "create administrator", "change profile"], &["inactive"], ALL),
    because(KNOWN, Service::User, &["register", "create administrator"], &["active"], LEFT),
    because("who is not there is refused", Service::User, &["change profile", "deactivate"], &["absent"], LEFT),
    because(
        "a command that is right changes something",
        Service::User,
        &["register", "create administrator"],
        &["absent"],
        TAKEN,
    ),
    because(KNOWN, Service::User, &["deactivate"], &["inactive"], LEFT),
    // Orders.
    because(NOBODY, Service::Order, &["retry", "resolve"], ALL, ALL),
    because(TOLD, Service::Order, FACTS, ALL, REFUSED),
    because(TOLD, Service::Order, SIGNS, ALL, REFUSED),
    because(ROW_FIRST, Service::Order, FACTS, &["absent"], ALL),
    because(ROW_FIRST, Service::Order, SIGNS, &["absent"], ALL),
    because(
        "an order's id is minted with each attempt; the second attempt of one is known by its key",
        Service::Order,
        &["place"],
        &["pending", "processing", "completed", "failed", "cancelled"],
        ALL,
    ),
    because("a command that is right makes an order", Service::Order, &["place"], &["absent"], TAKEN),
    because(KEYLESS, Service::Order, &["cancel"], ALL, BY_KEY),
    because(
        "who has no order is refused",
        Service::Order,
        &["cancel"],
        &["absent"],
        &["decide/applied", "decide/stayed"],
    ),
    because(
        "an order that has not ended is cancelled",
        Service::Order,
        &["cancel"],
        &["pending", "processing"],
        &["decide/refused", "decide/stayed"],
    ),
    because(
        "an end is an end",
        Service::Order,
        &["cancel"],
        &["completed", "failed"],
        &["decide/applied", "decide/stayed"],
    ),
    because(KNOWN, Service::Order, &["cancel"], &["cancelled"], &["decide/applied", "decide/refused"]),
    because(
        "stock is sold when the order is complete, and that is an end",
        Service::Order,
        &["inventory.committed"],
        &["pending", "processing", "failed", "cancelled"],
        ALL,
    ),
    because(
        "stock is released when the order has failed or is cancelled, and that is an end",
        Service::Order,
        &["inventory.released"],
        &["pending", "processing", "completed"],
        ALL,
    ),
    because(
        "a charge is voided when the order has failed or is cancelled, and that is an end",
        Service::Order,
        &["payment.voided"],
        &["pending", "processing", "completed"],
        ALL,
    ),
    because(
        "inventory says once whether stock is held",
        Service::Order,
        &["inventory.reservation_failed"],
        &["processing", "completed"],
        ALL,
    ),
    because("a payment has one result", Service::Order, &["payment.failed"], &["completed"], ALL),
    because("a notice without an order is nobody's", Service::Order, &["notice"], &["-"], LEFT),
    because(
        "a product that is not the newest is left, another one is taken",
        Service::Order,
        &["product"],
        &["current"],
        LEFT,
    ),
    because(
        "a product that is not the newest is left, another one is taken",
        Service::Order,
        &["product"],
        &["absent", "older"],
        TAKEN,
    ),
    because(TOLD, Service::Order, &["product"], ALL, REFUSED),
    // Inventory.
    because(NOBODY, Service::Inventory, &["resync"], ALL, ALL),
    because(
        TOLD,
        Service::Inventory,
        &["order.created", "order.completed", "order.failed", "order.cancelled", "hold due"],
        ALL,
        REFUSED,
    ),
    because(
        "stock is sold for an order that is complete, and that is an end",
        Service::Inventory,
        &["order.failed", "order.cancelled"],
        &["committed"],
        ALL,
    ),
    because(
        "an order is complete only with its stock held",
        Service::Inventory,
        &["order.completed"],
        &["absent", "released", "refused", "barred"],
        ALL,
    ),
    because(
        "the timer is armed with the hold",
        Service::Inventory,
        &["hold due"],
        &["absent", "refused", "barred"],
        ALL,
    ),
    because(
        "an order is held, or refused, once",
        Service::Inventory,
        &["order.created"],
        &["held", "committed", "released", "refused", "barred"],
        LEFT,
    ),
    because(
        "clients change only products that are there",
        Service::Inventory,
        &["change product", "adjust stock"],
        &["absent"],
        ALL,
    ),
    because(PATIENT, Service::Inventory, &["create product"], &["not for sale"], ALL),
    because(KNOWN, Service::Inventory, &["create product"], &["for sale"], LEFT),
    because(KEYLESS, Service::Inventory, &["create product", "change product"], ALL, BY_KEY),
    because(SAME_KEY, Service::Inventory, &["adjust stock"], ALL, &["decide/key-reused"]),
    because("the count always changes, or is refused", Service::Inventory, &["adjust stock"], ALL, TAKEN),
    // Payments.
    because(PRICED, Service::Payment, ALL, &["nothing_due"], ALL),
    because(TOLD, Service::Payment, &["inventory.reserved", "order ended"], ALL, REFUSED),
    because(TOLD, Service::Payment, ANSWERS, ALL, REFUSED),
    because(
        "nobody asks for more than is left, and nothing else is refused",
        Service::Payment,
        &["refund: refused"],
        ALL,
        ALL,
    ),
    because(OWN_ROW, Service::Payment, ANSWERS, &["absent", "barred"], ALL),
    because(
        CAPTURED,
        Service::Payment,
        &["call: refund", "refund: succeeded", "refund: try again", "refund: unknown", "webhook: refunded"],
        &["charging", "failed", "voided"],
        ALL,
    ),
    because(ONE_RESULT, Service::Payment, &["charge: succeeded", "webhook: charged"], &["failed", "voided"], ALL),
    because(
        ONE_RESULT,
        Service::Payment,
        &["charge: refused", "webhook: refused"],
        &["captured", "refunding", "refunded"],
        ALL,
    ),
    because(
        "an order is charged once",
        Service::Payment,
        &["inventory.reserved"],
        &["barred", "charging", "failed", "captured", "refunding", "refunded", "voided"],
        LEFT,
    ),
    because(
        KNOWN,
        Service::Payment,
        &["charge: succeeded", "charge: unknown", "webhook: charged"],
        &["captured", "refunding", "refunded"],
        LEFT,
    ),
    because(KNOWN, Service::Payment, &["charge: refused", "charge: unknown", "webhook: refused"], &["failed"], LEFT),
    because(KNOWN, Service::Payment, &["order ended"], &["refunding"], LEFT),
    because(
        "only what was captured, and is left, is given back",
        Service::Payment,
        &["refund"],
        &["absent", "barred", "charging", "failed", "refunding", "refunded", "voided"],
        LEFT,
    ),
    because(SAME_KEY, Service::Payment, &["refund"], ALL, &["decide/key-reused"]),
    because(
        "what is refused is not kept under its key",
        Service::Payment,
        &["refund"],
        &["absent", "barred", "charging", "failed", "voided"],
        &["decide/replayed"],
    ),
    because(KEYLESS, Service::Payment, &["add method", "remove method", "choose method"], ALL, BY_KEY),
    because(PATIENT, Service::Payment, &["add method"], &["removed"], ALL),
    because(KNOWN, Service::Payment, &["add method"], &["kept"], LEFT),
    because(KNOWN, Service::Payment, &["remove method"], &["removed"], LEFT),
    because("who has no such card is refused", Service::Payment, &["remove method"], &["absent"], LEFT),
    because(
        "who has no such card is refused",
        Service::Payment,
        &["choose method"],
        &["absent", "removed"],
        &["decide/applied", "decide/stayed"],
    ),
    because(OWN_ROW, Service::Payment, &["call: charge", "call: refund"], &["absent", "barred"], ALL),
    // Notices.
    because(NOBODY, Service::Notification, &["set preferences", "user.password_reset_requested"], ALL, ALL),
    because("the simulated channels refuse nobody", Service::Notification, &["not sent: refused"], ALL, ALL),
    because("each order of the simulated worlds has its user", Service::Notification, &["order.failed"], &["-"], ALL),
    because(
        TOLD,
        Service::Notification,
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
            "sent: unknown",
        ],
        ALL,
        REFUSED,
    ),
    because(
        OWN_ROW,
        Service::Notification,
        &["call: send", "sent", "not sent: try again", "sent: unknown"],
        &["absent", "deferred"],
        ALL,
    ),
    because(KNOWN, Service::Notification, &["sent"], &["sent"], LEFT),
];
