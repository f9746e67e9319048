//! The planted bugs.

use super::{Lane, Planted};

/// A planted bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mutant {
    /// A message is acknowledged when it comes, before its transaction.
    AckBeforeCommit,
    /// A message is acknowledged although its transaction was rolled back.
    AckAfterRollback,
    /// A message is acknowledged although nobody knows whether its transaction is durable.
    AckAfterUnknown,
    /// The inbox knows messages by their order and not by their own id.
    InboxByOrder,
    /// The inbox keeps the id in a transaction of its own, before the message is handled.
    InboxBeforeCommit,
    /// A publication without a confirm counts as confirmed.
    ConfirmTakenForGranted,
    /// The row leaves the outbox before its event is confirmed.
    OutboxDeletedAtOnce,
    /// Events are published before their transaction is durable.
    PublishBeforeCommit,
    /// Events go into the outbox after the commit of their state, in a transaction of their own.
    OutboxBesideState,
    /// Nobody looks for rows that a dead process left in the outbox.
    OutboxNotSwept,
    /// A deadline that fires is not asked what it was set for.
    DeadlineUnchecked,
    /// The saga waits and sets no timer.
    DeadlineNotSet,
    /// The timer of a state that is left stays armed.
    DeadlineNotCancelled,
    /// A timer that has fired is not deleted.
    TimerNotDeleted,
    /// What is due later wakes nobody.
    WakeLost,
    /// A cancelled order tells nobody.
    CancellationUntold,
    /// A payment that comes after the cancellation completes the order.
    LatePaymentWins,
    /// An end that comes during the charge is answered as if nothing had been asked.
    EndWhileChargingForgotten,
    /// The undo of a payment is written down, but the provider is never asked.
    UndoNotCalled,
    /// Payment listens to cancelled orders, not to failed ones.
    FailedNotUndone,
    /// The undo asks for all that was captured, whatever was given back before.
    UndoTakesAll,
    /// Each attempt of a charge has a key of its own.
    ChargeFreshKey,
    /// Each attempt of a refund has a key of its own.
    RefundFreshKey,
    /// A call that is owed is written after the commit of its state.
    EffectBesideState,
    /// Nobody looks for calls that a dead process left.
    EffectsNotSwept,
    /// A call that was answered stays owed.
    EffectNotDeleted,
    /// A charge without an answer counts as refused.
    UnknownIsRefusal,
    /// A charge without an answer counts as taken.
    UnknownIsSuccess,
    /// A refund is not booked in the ledger.
    RefundNotBooked,
    /// A second refund does not see the one under way.
    PendingNotCounted,
    /// A release does not ask whether anything is still held.
    ReleaseUnchecked,
    /// A sale does not ask whether it was made before.
    SoldTwice,
    /// What others hold counts as available.
    HoldsNotCounted,
    /// A released hold does not give its pieces back.
    ReleaseKeepsPieces,
    /// Of several lines the last is not taken from stock.
    HalfReserved,
    /// A sale is not written into the log of stock.
    SaleNotLogged,
    /// Inventory says that stock is held when there is none.
    ToldHeld,
    /// An administrator takes out what is held.
    AdjustIgnoresHolds,
    /// The answer of an idempotency key is not kept.
    KeyNotKept,
    /// Idempotency keys of different users meet.
    KeyWithoutUser,
    /// A key that is used for another request gets the first answer.
    FingerprintIgnored,
    /// The answer of a key is kept before the commit of what it tells.
    KeyBeforeCommit,
    /// An older price overwrites a newer one.
    OldPriceWins,
    /// A transaction does not notice that others changed what it has read.
    VersionsNotChecked,
    /// A transaction that met a concurrent change counts as done.
    ConflictIsDone,
    /// Each attempt of a notice has a key of its own.
    NoticeFreshKey,
}

// The beginnings of the names of invariants.
const ANSWER: &str = "a client is answered for its own request";
const BOOKS: &str = "payments and ledger say";
const EARLY: &str = "no order fails of a deadline";
const KEEPS: &str = "an order that failed or was cancelled keeps";
const KEY: &str = "one key makes one order";
const NOTICES: &str = "each order's end has one notice";
const ONCE: &str = "an order is charged once";
const PAID: &str = "an order that is complete is paid";
const PRICES: &str = "the order service knows the products";
const REST: &str = "when faults stop";
const STOCK: &str = "stock adds up";
const TIMERS: &str = "whoever waits has its timer";
const TOLD: &str = "what a client was told holds";
const WAYS: &str = "an order goes the ways of its saga";

use Mutant as M;

/// All of them.
pub const ALL: &[Planted] = &[
    plant(
        M::AckBeforeCommit,
        "ack-before-commit",
        "ack",
        "a message is acknowledged when it comes, before its transaction",
        ("one-price", 1, 1, false),
        &[NOTICES, PRICES, REST],
    ),
    plant(
        M::AckAfterRollback,
        "ack-after-rollback",
        "ack",
        "a message is acknowledged although its transaction was rolled back",
        ("one-price", 1, 1, false),
        &[NOTICES, PRICES, REST],
    ),
    plant(
        M::AckAfterUnknown,
        "ack-after-unknown",
        "ack",
        "a message is acknowledged although nobody knows whether its transaction is durable",
        ("one-price", 1, 1, false),
        &[NOTICES, PRICES, REST],
    ),
    plant(
        M::InboxByOrder,
        "inbox-by-order",
        "inbox",
        "the inbox knows messages by their order and not by their own id",
        ("one-order", 0, 1, false),
        &[REST, NOTICES, PRICES],
    ),
    plant(
        M::InboxBeforeCommit,
        "inbox-before-commit",
        "inbox",
        "the inbox keeps the id in a transaction of its own, before the message is handled",
        ("one-price", 1, 1, false),
        &[NOTICES, PRICES, REST],
    ),
    plant(
        M::ConfirmTakenForGranted,
        "confirm-taken-for-granted",
        "outbox",
        "a publication without a confirm counts as confirmed",
        ("one-price", 1, 1, false),
        &[PRICES, NOTICES, REST],
    ),
    plant(
        M::OutboxDeletedAtOnce,
        "outbox-deleted-at-once",
        "outbox",
        "the row leaves the outbox before its event is confirmed",
        ("one-price", 1, 1, false),
        &[PRICES, NOTICES, REST],
    ),
    plant(
        M::PublishBeforeCommit,
        "publish-before-commit",
        "outbox",
        "events are published before their transaction is durable",
        ("one-order", 1, 1, false),
        &[ONCE, REST, PRICES, PAID, NOTICES, KEEPS],
    ),
    plant(
        M::OutboxBesideState,
        "outbox-beside-state",
        "outbox",
        "events go into the outbox after the commit of their state, in a transaction of their own",
        ("one-price", 1, 1, false),
        &[PRICES, NOTICES, REST],
    ),
    plant(
        M::OutboxNotSwept,
        "outbox-not-swept",
        "outbox",
        "nobody looks for rows that a dead process left in the outbox",
        ("one-order", 1, 1, false),
        &[REST],
    ),
    plant(
        M::DeadlineUnchecked,
        "deadline-unchecked",
        "timers",
        "a deadline that fires is not asked what it was set for",
        ("one-order", 1, 1, true),
        &[EARLY],
    ),
    plant(
        M::DeadlineNotSet,
        "deadline-not-set",
        "timers",
        "the saga waits and sets no timer",
        ("one-order", 0, 1, false),
        &[TIMERS],
    ),
    plant(
        M::DeadlineNotCancelled,
        "deadline-not-cancelled",
        "timers",
        "the timer of a state that is left stays armed",
        ("one-order", 0, 1, false),
        &[TIMERS],
    ),
    plant(
        M::TimerNotDeleted,
        "timer-not-deleted",
        "timers",
        "a timer that has fired is not deleted",
        ("one-order", 1, 1, true),
        &[TIMERS],
    ),
    plant(
        M::WakeLost,
        "wake-lost",
        "timers",
        "what is due later wakes nobody",
        ("one-order", 1, 1, false),
        &[BOOKS, REST],
    ),
    plant(
        M::CancellationUntold,
        "cancellation-untold",
        "compensation",
        "a cancelled order tells nobody",
        ("order-cancel", 0, 1, false),
        &[REST],
    ),
    plant(
        M::LatePaymentWins,
        "late-payment-wins",
        "compensation",
        "a payment that comes after the cancellation completes the order",
        ("order-cancel", 0, 1, false),
        &[WAYS, PAID],
    ),
    plant(
        M::EndWhileChargingForgotten,
        "end-while-charging-forgotten",
        "compensation",
        "an end that comes during the charge is answered as if nothing had been asked",
        ("order-cancel", 0, 1, false),
        &[KEEPS, BOOKS],
    ),
    plant(
        M::UndoNotCalled,
        "undo-not-called",
        "compensation",
        "the undo of a payment is written down, but the provider is never asked",
        ("order-cancel", 0, 1, false),
        &[REST, KEEPS],
    ),
    plant(
        M::FailedNotUndone,
        "failed-not-undone",
        "compensation",
        "payment listens to cancelled orders, not to failed ones",
        ("declined", 0, 1, false),
        &[REST],
    ),
    plant(
        M::UndoTakesAll,
        "undo-takes-all",
        "compensation",
        "the undo asks for all that was captured, whatever was given back before",
        ("refund", 0, 1, false),
        &[KEEPS, REST],
    ),
    plant(
        M::ChargeFreshKey,
        "charge-fresh-key",
        "payment",
        "each attempt of a charge has a key of its own",
        ("one-order", 1, 1, false),
        &[ONCE],
    ),
    plant(
        M::RefundFreshKey,
        "refund-fresh-key",
        "payment",
        "each attempt of a refund has a key of its own",
        ("refund", 1, 1, false),
        &[BOOKS, REST, ONCE, KEEPS],
    ),
    plant(
        M::EffectBesideState,
        "effect-beside-state",
        "payment",
        "a call that is owed is written after the commit of its state",
        ("one-order", 1, 1, false),
        &[REST],
    ),
    plant(
        M::EffectsNotSwept,
        "effects-not-swept",
        "payment",
        "nobody looks for calls that a dead process left",
        ("one-order", 1, 1, false),
        &[REST],
    ),
    plant(
        M::EffectNotDeleted,
        "effect-not-deleted",
        "payment",
        "a call that was answered stays owed",
        ("one-order", 0, 1, false),
        &[REST],
    ),
    plant(
        M::UnknownIsRefusal,
        "unknown-is-refusal",
        "payment",
        "a charge without an answer counts as refused",
        ("one-order", 1, 1, false),
        &[KEEPS],
    ),
    plant(
        M::UnknownIsSuccess,
        "unknown-is-success",
        "payment",
        "a charge without an answer counts as taken",
        ("one-order", 1, 1, false),
        &[PAID, BOOKS, REST],
    ),
    plant(
        M::RefundNotBooked,
        "refund-not-booked",
        "payment",
        "a refund is not booked in the ledger",
        ("refund", 0, 1, false),
        &[BOOKS],
    ),
    plant(
        M::PendingNotCounted,
        "pending-not-counted",
        "payment",
        "a second refund does not see the one under way",
        ("refund", 0, 1, false),
        &[REST, BOOKS, KEEPS],
    ),
    plant(
        M::ReleaseUnchecked,
        "release-unchecked",
        "reservation",
        "a release does not ask whether anything is still held",
        ("", 0, 1, true),
        &[REST, STOCK],
    ),
    plant(
        M::SoldTwice,
        "sold-twice",
        "reservation",
        "a sale does not ask whether it was made before",
        ("one-order", 1, 1, true),
        &[REST, STOCK],
    ),
    plant(
        M::HoldsNotCounted,
        "holds-not-counted",
        "reservation",
        "what others hold counts as available",
        ("two-orders-one-piece", 0, 1, false),
        &[STOCK],
    ),
    plant(
        M::ReleaseKeepsPieces,
        "release-keeps-pieces",
        "reservation",
        "a released hold does not give its pieces back",
        ("order-cancel", 0, 1, false),
        &[STOCK],
    ),
    plant(
        M::HalfReserved,
        "half-reserved",
        "reservation",
        "of several lines the last is not taken from stock",
        ("two-lines", 0, 1, false),
        &[STOCK],
    ),
    plant(
        M::SaleNotLogged,
        "sale-not-logged",
        "reservation",
        "a sale is not written into the log of stock",
        ("one-order", 0, 1, false),
        &[STOCK],
    ),
    plant(
        M::ToldHeld,
        "told-held",
        "reservation",
        "inventory says that stock is held when there is none",
        ("two-orders-one-piece", 0, 1, false),
        &[PAID, REST],
    ),
    plant(
        M::AdjustIgnoresHolds,
        "adjust-ignores-holds",
        "reservation",
        "an administrator takes out what is held",
        ("stock-count", 0, 1, false),
        &[STOCK],
    ),
    plant(
        M::KeyNotKept,
        "key-not-kept",
        "idempotency",
        "the answer of an idempotency key is not kept",
        ("double-click", 0, 1, false),
        &[KEY],
    ),
    plant(
        M::KeyWithoutUser,
        "key-without-user",
        "idempotency",
        "idempotency keys of different users meet",
        ("two-orders-one-piece", 0, 1, false),
        &[ANSWER, KEY],
    ),
    plant(
        M::FingerprintIgnored,
        "fingerprint-ignored",
        "idempotency",
        "a key that is used for another request gets the first answer",
        ("key-reused", 0, 1, false),
        &[ANSWER],
    ),
    plant(
        M::KeyBeforeCommit,
        "key-before-commit",
        "idempotency",
        "the answer of a key is kept before the commit of what it tells",
        ("one-order", 1, 1, false),
        &[TOLD],
    ),
    plant(
        M::OldPriceWins,
        "old-price-wins",
        "versions",
        "an older price overwrites a newer one",
        ("price-change", 0, 1, false),
        &[PRICES],
    ),
    plant(
        M::VersionsNotChecked,
        "versions-not-checked",
        "versions",
        "a transaction does not notice that others changed what it has read",
        ("two-orders-one-piece", 0, 2, false),
        &[STOCK, KEY, REST, PAID, WAYS, TIMERS, KEEPS, BOOKS, ONCE],
    ),
    plant(
        M::ConflictIsDone,
        "conflict-is-done",
        "concurrency",
        "a transaction that met a concurrent change counts as done",
        ("two-orders-one-piece", 0, 2, false),
        &[TOLD, REST, PRICES, NOTICES, KEEPS],
    ),
    plant(
        M::NoticeFreshKey,
        "notice-fresh-key",
        "payment",
        "each attempt of a notice has a key of its own",
        ("notices", 1, 1, false),
        &[NOTICES],
    ),
];

const fn plant(
    mutant: M,
    name: &'static str,
    area: &'static str,
    about: &'static str,
    (scenario, faults, copies, elapse): (&'static str, u32, u8, bool),
    expected: &'static [&'static str],
) -> Planted {
    let lane = if scenario.is_empty() { None } else { Some(Lane { scenario, faults, copies, elapse }) };
    Planted { mutant, name, area, about, lane, expected }
}
