//! The universe of cells: which messages each service gets and from where, which states they could meet, and which steps
//! they go through, with every end of each.

use ecom_core::event::Service;

use super::{Cell, Step};

/// Where a message comes from: it decides which steps it goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The broker.
    Event,
    /// A client.
    Command,
    /// A timer, the answer of a call, a webhook: known by its row, not by a queue.
    Row,
    /// It leaves for the outside.
    Call,
    /// It leaves for the broker.
    Publication,
}

const COMMIT: (Step, &[&str]) = (
    Step::Commit,
    &[
        "fine",
        "away",
        "conflict",
        "beaten",
        "broken",
        "unknown-done",
        "unknown-not-done",
        "crash-before",
        "crash-after",
    ],
);

impl Source {
    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Event => "events that it consumes",
            Self::Command => "commands of clients",
            Self::Row => "timers, answers and webhooks",
            Self::Call => "calls of the outside",
            Self::Publication => "events that it publishes",
        }
    }

    /// The steps, each with its ends.
    pub const fn columns(self) -> &'static [(Step, &'static [&'static str])] {
        match self {
            Self::Event => &[
                (Step::Deliver, &["first", "again", "overtaking", "twice"]),
                (Step::Decide, &["applied", "stayed", "duplicate", "refused"]),
                COMMIT,
                (Step::Settle, &["fine", "given back", "unknown-not-done", "crash-before", "crash-after", "cut off"]),
            ],
            Self::Command => &[(Step::Decide, &["applied", "stayed", "replayed", "key-reused", "refused"]), COMMIT],
            Self::Row => &[(Step::Decide, &["applied", "stayed", "duplicate", "refused"]), COMMIT],
            Self::Call => &[(
                Step::Call,
                &[
                    "fine",
                    "unknown-done",
                    "unknown-not-done",
                    "transient",
                    "late",
                    "crash-before",
                    "crash-after",
                    "crash-late",
                    "refused",
                ],
            )],
            Self::Publication => &[(
                Step::Publish,
                &[
                    "fine",
                    "unknown-not-done",
                    "unknown-done",
                    "unknown-half",
                    "returned",
                    "crash-before",
                    "crash-after",
                    "cut off",
                ],
            )],
        }
    }
}

/// Messages of one service that come from one place and meet the same states.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    /// Which service.
    pub service: Service,
    /// Where they come from.
    pub source: Source,
    /// The messages.
    pub messages: &'static [&'static str],
    /// The states.
    pub states: &'static [&'static str],
}

const fn group(
    service: Service,
    source: Source,
    messages: &'static [&'static str],
    states: &'static [&'static str],
) -> Group {
    Group { service, source, messages, states }
}

const NONE: &[&str] = &["-"];
const ORDERS: &[&str] = &["absent", "pending", "processing", "completed", "failed", "cancelled"];
const HOLDS: &[&str] = &["absent", "held", "committed", "released", "refused", "barred"];
const PRODUCTS: &[&str] = &["absent", "for sale", "not for sale"];
const PAYMENTS: &[&str] =
    &["absent", "barred", "charging", "failed", "nothing_due", "captured", "refunding", "refunded", "voided"];
const METHODS: &[&str] = &["absent", "kept", "removed"];
const CONTACTS: &[&str] = &["absent", "awaited", "active", "deactivated"];
const NOTICES: &[&str] = &["absent", "deferred", "queued", "sent", "failed", "suppressed"];
const USERS: &[&str] = &["absent", "active", "inactive"];

/// What inventory and payment tell the saga of an order.
pub(super) const FACTS: &[&str] = &[
    "inventory.reserved",
    "inventory.reservation_failed",
    "inventory.released",
    "inventory.committed",
    "inventory.hold_overdue",
    "payment.processed",
    "payment.failed",
    "payment.voided",
    "payment.refunded",
];
/// What the payment provider says.
pub(super) const ANSWERS: &[&str] = &[
    "charge: succeeded",
    "charge: refused",
    "charge: try again",
    "charge: unknown",
    "refund: succeeded",
    "refund: refused",
    "refund: try again",
    "refund: unknown",
    "webhook: charged",
    "webhook: refunded",
    "webhook: refused",
    "webhook: refund refused",
];

/// All groups.
pub const GROUPS: &[Group] = &[
    group(Service::Order, Source::Event, FACTS, ORDERS),
    group(Service::Order, Source::Event, &["notice"], ORDERS),
    group(Service::Order, Source::Event, &["notice"], NONE),
    group(Service::Order, Source::Event, &["product"], &["absent", "older", "current"]),
    group(Service::Order, Source::Command, &["place", "cancel", "retry", "resolve"], ORDERS),
    group(Service::Order, Source::Row, &["deadline"], ORDERS),
    group(
        Service::Order,
        Source::Publication,
        &["order.created", "order.completed", "order.failed", "order.cancelled"],
        NONE,
    ),
    group(
        Service::Inventory,
        Source::Event,
        &["order.created", "order.completed", "order.failed", "order.cancelled"],
        HOLDS,
    ),
    group(Service::Inventory, Source::Row, &["hold due"], HOLDS),
    group(Service::Inventory, Source::Command, &["create product", "change product", "adjust stock"], PRODUCTS),
    group(
        Service::Inventory,
        Source::Publication,
        &[
            "inventory.reserved",
            "inventory.reservation_failed",
            "inventory.released",
            "inventory.committed",
            "inventory.hold_overdue",
            "product.created",
            "product.updated",
            "stock.low",
        ],
        NONE,
    ),
    group(Service::Inventory, Source::Command, &["resync"], NONE),
    group(Service::Payment, Source::Event, &["inventory.reserved", "order ended"], PAYMENTS),
    group(Service::Payment, Source::Row, ANSWERS, PAYMENTS),
    group(Service::Payment, Source::Command, &["refund"], PAYMENTS),
    group(Service::Payment, Source::Command, &["add method", "remove method", "choose method"], METHODS),
    group(Service::Payment, Source::Call, &["call: charge", "call: refund"], PAYMENTS),
    group(
        Service::Payment,
        Source::Publication,
        &["payment.processed", "payment.failed", "payment.voided", "payment.refunded"],
        NONE,
    ),
    group(
        Service::Notification,
        Source::Event,
        &[
            "order.completed",
            "order.failed",
            "order.cancelled",
            "payment.refunded",
            "user.registered",
            "user.updated",
            "user.deactivated",
            "user.password_reset_requested",
        ],
        CONTACTS,
    ),
    group(Service::Notification, Source::Event, &["order.failed", "stock.low"], NONE),
    group(
        Service::Notification,
        Source::Row,
        &["sent", "not sent: try again", "not sent: refused", "sent: unknown"],
        NOTICES,
    ),
    group(Service::Notification, Source::Command, &["set preferences"], CONTACTS),
    group(Service::Notification, Source::Call, &["call: send"], NOTICES),
    group(Service::Notification, Source::Publication, &["notification.sent", "notification.failed"], NONE),
    group(
        Service::User,
        Source::Command,
        &["register", "create administrator", "first administrator", "change profile", "deactivate"],
        USERS,
    ),
    group(
        Service::User,
        Source::Command,
        &["sign in", "refresh", "sign out", "change password", "ask for a reset", "reset", "resync"],
        NONE,
    ),
    group(
        Service::User,
        Source::Publication,
        &["user.registered", "user.updated", "user.deactivated", "user.password_reset_requested"],
        NONE,
    ),
];

/// All cells that the alphabets span.
pub fn universe() -> impl Iterator<Item = Cell> {
    GROUPS.iter().flat_map(|group| {
        let rows = group.messages.iter().flat_map(|message| group.states.iter().map(move |state| (*message, *state)));
        rows.flat_map(move |(message, state)| {
            group.source.columns().iter().flat_map(move |(step, outcomes)| {
                let cell = move |outcome: &&'static str| Cell {
                    service: group.service as u8,
                    message,
                    state,
                    step: *step,
                    outcome,
                };
                outcomes.iter().map(cell)
            })
        })
    })
}
