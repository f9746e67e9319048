//! The switches of the planted bugs.

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
    /// What was heard last of a payment is what an order shows of it, also when it is older.
    LastPaymentFactWins,
    /// Of three who look one is answered by a replica of the rows that lags behind.
    ReplicaRead,
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
    /// A charge that nobody heard of took nothing, it is thought, when the next one is told to come later.
    SilenceIsHarmless,
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
    /// A key that is used again gets an answer of its own.
    KeyAnsweredAfresh,
    /// The answer to a request for a refund is not kept under its key.
    RefundKeyNotKept,
    /// The answer to an adjustment of stock is not kept under its key.
    AdjustKeyNotKept,
    /// Idempotency keys of different users meet.
    KeyWithoutUser,
    /// A key that is used for another request gets the first answer.
    FingerprintIgnored,
    /// The answer of a key is kept before the commit of what it tells.
    KeyBeforeCommit,
    /// An older price overwrites a newer one.
    OldPriceWins,
    /// Stock that changes keeps its version.
    VersionKept,
    /// That a user has changed counts as handled by whoever sends notices, who does nothing.
    RenameUnheard,
    /// That money went back is acknowledged by whoever sends notices, and neither handled nor kept.
    RefundUnheard,
    /// A transaction does not notice that others changed what it has read.
    VersionsNotChecked,
    /// A transaction locks the rows that it writes, and not those by which it decides.
    ReadsNotLocked,
    /// A transaction that met a concurrent change counts as done.
    ConflictIsDone,
    /// Each attempt of a notice has a key of its own.
    NoticeFreshKey,
    /// The wire form of an event does not tell the version of what it is about.
    VersionNotSent,
    /// A webhook that tells what is known already is booked again.
    WebhookBookedTwice,
    /// A webhook about an order that has ended is dropped, and the call that it is about counts as answered.
    WebhookAfterEndDropped,
    /// An undo that the provider refuses is not asked for again.
    RefusedUndoGivenUp,
    /// An administrator's refund that the provider refuses counts as given back.
    RefusalIsRefund,
    /// An administrator's refund ends with a webhook that tells of its refusal, although its call is still owed.
    RefusalToldIsFinal,
}
