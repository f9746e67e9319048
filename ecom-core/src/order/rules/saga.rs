//! The saga of an order: one function for each state, each a full match over the facts.

use crate::decide::{Because, Context};
use crate::event::FailureCode;
use crate::order::error::Rejection;
use crate::order::message::{Announce, Fact};
use crate::order::model::{Debt, Ended, OrderSaga, Running, Status};
use crate::policy::Policy;
use crate::saga::{Answered, Ledger, Repair, Saga, Step, Transition, Wait};

/// The wait for stock.
const INVENTORY: &str = "inventory";

/// The wait for the payment.
const PAYMENT: &str = "payment";

impl OrderSaga {
    /// The kinds of all timers that any version of it ever armed.
    pub(in crate::order) const WAITS: &'static [&'static str] = &[INVENTORY, PAYMENT];
}

const fn transition(from: Status, input: &'static str, to: Status) -> Transition {
    Transition { from: from.as_str(), input, to: to.as_str() }
}

impl Saga for OrderSaga {
    const NAME: &'static str = "order";
    const VERSION: u32 = 1;
    const TRANSITIONS: &'static [Transition] = &[
        transition(Status::Pending, "inventory.reserved", Status::Processing),
        transition(Status::Pending, "inventory.reservation_failed", Status::Failed),
        transition(Status::Pending, "payment.processed", Status::Completed),
        transition(Status::Pending, "payment.failed", Status::Failed),
        transition(Status::Pending, "cancel", Status::Cancelled),
        transition(Status::Pending, "deadline.inventory", Status::Failed),
        transition(Status::Processing, "payment.processed", Status::Completed),
        transition(Status::Processing, "payment.failed", Status::Failed),
        transition(Status::Processing, "cancel", Status::Cancelled),
        transition(Status::Processing, "deadline.payment", Status::Failed),
    ];

    type Running = Running;
    type Ended = Ended;
    type Input = Fact;
    type Debt = Debt;
    type Output = Announce;
    type Rejection = Rejection;

    fn wait(state: &Running, policy: &Policy) -> Option<Wait> {
        Some(match state {
            Running::Pending => Wait { kind: INVENTORY, after: policy.inventory_deadline },
            Running::Processing => Wait { kind: PAYMENT, after: policy.payment_deadline },
        })
    }

    fn decide(state: &Running, fact: &Fact, _context: &Context<'_>) -> Result<Step<Self>, Rejection> {
        Ok(match state {
            Running::Pending => pending(fact),
            Running::Processing => processing(fact),
        })
    }

    /// Too late is not "did not happen": what comes after the end is undone then.
    fn expire(state: &Running, _context: &Context<'_>) -> Step<Self> {
        match state {
            Running::Pending => failed_with(FailureCode::InventoryTimeout, "stock was not held in time"),
            Running::Processing => failed_with(FailureCode::PaymentTimeout, "the payment was not settled in time"),
        }
    }

    fn obligations(state: &Ended) -> Vec<Debt> {
        match state {
            Ended::Completed => vec![Debt::StockCommit],
            // Both, whatever is known: a step whose outcome is not known may have happened.
            Ended::Failed { .. } | Ended::Cancelled { .. } => vec![Debt::StockRelease, Debt::PaymentUndo],
        }
    }

    /// The order's end asks for everything at once: inventory and payment each know their part, and answer each time.
    fn ask(_state: &Ended, _ledger: &Ledger<Debt>) -> Vec<Announce> {
        vec![Announce]
    }

    fn repair(state: &Ended, fact: &Fact, _context: &Context<'_>) -> Result<Repair<Self>, Rejection> {
        match state {
            Ended::Completed => completed(fact),
            Ended::Failed { .. } => undone(fact, Err(Rejection::NotCancellable { status: Status::Failed })),
            Ended::Cancelled { .. } => undone(fact, Ok(Repair::Stay(Because::AlreadyEnded))),
        }
    }
}

fn failed_with(code: FailureCode, detail: &str) -> Step<OrderSaga> {
    Step::end(Ended::Failed { code, detail: detail.to_owned() })
}

fn before_the_end(what: &str) -> Step<OrderSaga> {
    Step::Flag(format!("{what} before the order's end asked for it"))
}

/// Nothing is known of stock and payment.
fn pending(fact: &Fact) -> Step<OrderSaga> {
    match fact {
        Fact::InventoryReserved => Step::go(Running::Processing),
        Fact::ReservationFailed { reason, detail } | Fact::PaymentFailed { reason, detail } => {
            failed_with(*reason, detail)
        }
        // Nothing is charged that is not held: that stock was held need not be known by its own event.
        Fact::PaymentProcessed { .. } => Step::end(Ended::Completed),
        Fact::Cancel { by, reason } => Step::end(Ended::Cancelled { by: *by, reason: reason.clone() }),
        // The deadline decides, not the alarm. And where an administrator's refund was quicker than the news of the
        // charge, that is still to come.
        Fact::HoldOverdue | Fact::PaymentRefunded { undo: false, .. } => Step::Stay(Because::NotConcerned),
        Fact::PaymentRefunded { undo: true, .. } => before_the_end("the payment was refunded"),
        Fact::PaymentVoided { .. } => before_the_end("the payment was voided"),
        Fact::InventoryReleased { .. } => before_the_end("stock was released"),
        Fact::InventoryCommitted => before_the_end("stock was sold"),
    }
}

/// Stock is held.
fn processing(fact: &Fact) -> Step<OrderSaga> {
    match fact {
        Fact::InventoryReserved => Step::Stay(Because::AlreadyKnown),
        Fact::PaymentProcessed { .. } => Step::end(Ended::Completed),
        Fact::PaymentFailed { reason, detail } => failed_with(*reason, detail),
        Fact::Cancel { by, reason } => Step::end(Ended::Cancelled { by: *by, reason: reason.clone() }),
        Fact::HoldOverdue | Fact::PaymentRefunded { undo: false, .. } => Step::Stay(Because::NotConcerned),
        Fact::ReservationFailed { .. } => Step::Flag("stock was held and could not be held".to_owned()),
        Fact::PaymentRefunded { undo: true, .. } => before_the_end("the payment was refunded"),
        Fact::PaymentVoided { .. } => before_the_end("the payment was voided"),
        Fact::InventoryReleased { .. } => before_the_end("stock was released"),
        Fact::InventoryCommitted => before_the_end("stock was sold"),
    }
}

/// Held and paid; stock is to be sold.
fn completed(fact: &Fact) -> Result<Repair<OrderSaga>, Rejection> {
    let contradiction = |what: &str| Ok(Repair::Flag(format!("{what}, but the order is completed")));
    match fact {
        Fact::InventoryReserved | Fact::PaymentProcessed { .. } => Ok(Repair::Stay(Because::AlreadyKnown)),
        Fact::InventoryCommitted => Ok(Repair::Answered(Debt::StockCommit, Answered::Done)),
        Fact::HoldOverdue => Ok(Repair::Ask { confirms: Some(Debt::StockCommit) }),
        // An administrator gave money back; the sale stands.
        Fact::PaymentRefunded { undo: false, .. } => Ok(Repair::Stay(Because::NotConcerned)),
        Fact::PaymentRefunded { undo: true, .. } => contradiction("the payment was undone"),
        Fact::PaymentVoided { .. } => contradiction("the payment was voided"),
        Fact::PaymentFailed { .. } => contradiction("the payment failed"),
        Fact::ReservationFailed { .. } => contradiction("stock could not be held"),
        Fact::InventoryReleased { .. } => contradiction("stock was released"),
        Fact::Cancel { .. } => Err(Rejection::NotCancellable { status: Status::Completed }),
    }
}

/// Failed or cancelled: what was held is to be released, what was charged is to be given back. The two differ in what
/// a cancellation means.
fn undone(fact: &Fact, cancel: Result<Repair<OrderSaga>, Rejection>) -> Result<Repair<OrderSaga>, Rejection> {
    match fact {
        Fact::InventoryReserved => Ok(Repair::Late(Debt::StockRelease)),
        Fact::PaymentProcessed { .. } => Ok(Repair::Late(Debt::PaymentUndo)),
        Fact::InventoryReleased { held: true } => Ok(Repair::Answered(Debt::StockRelease, Answered::Done)),
        Fact::InventoryReleased { held: false } => Ok(Repair::Answered(Debt::StockRelease, Answered::Nothing)),
        Fact::PaymentVoided { known: true, .. } | Fact::PaymentRefunded { full: true, .. } => {
            Ok(Repair::Answered(Debt::PaymentUndo, Answered::Done))
        }
        Fact::PaymentVoided { known: false, .. } => Ok(Repair::Answered(Debt::PaymentUndo, Answered::Nothing)),
        // Not all is given back yet.
        Fact::PaymentRefunded { full: false, .. } => Ok(Repair::Stay(Because::NotConcerned)),
        Fact::HoldOverdue => Ok(Repair::Ask { confirms: Some(Debt::StockRelease) }),
        Fact::ReservationFailed { .. } | Fact::PaymentFailed { .. } => Ok(Repair::Stay(Because::AlreadyEnded)),
        Fact::InventoryCommitted => Ok(Repair::Flag("stock was sold, but the order is not completed".to_owned())),
        Fact::Cancel { .. } => cancel,
    }
}
