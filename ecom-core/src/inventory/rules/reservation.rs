//! Orders and their holds: one function for each state, each with every question.

use super::{Decided, tell_low_stock};
use crate::decide::{Because, Context, Decision, HistoryEntry, Move};
use crate::event::{
    Event, FailureCode, InventoryCommitted, InventoryHoldOverdue, InventoryReleased, InventoryReservationFailed,
    InventoryReserved, Line, OrderCreated, Service, Shortage,
};
use crate::id::{OrderId, ProductId, ReservationId, derive};
use crate::inventory::error::Rejection;
use crate::inventory::model::{
    HOLD_TIMER, Hold, Movement, MovementKind, Product, Reservation, ReservationState, Stock, StockError,
    pieces_by_product, reservation_id,
};
use crate::inventory::store::{Change, InventoryContext, InventorySnapshot};
use crate::quantity::Quantity;

/// What is asked about an order.
pub(super) enum Question<'a> {
    /// Hold its lines.
    Created(&'a OrderCreated),
    /// It is complete: sell what is held.
    Completed,
    /// It has failed: let go what is held.
    Failed,
    /// It was cancelled: let go what is held.
    Cancelled,
    /// The alarm that was set with this version is due.
    HoldDue(u64),
}

impl Question<'_> {
    /// The event's name, as it stands in answers.
    const fn name(&self) -> &'static str {
        match self {
            Self::Created(_) => "order.created",
            Self::Completed => "order.completed",
            Self::Failed => "order.failed",
            Self::Cancelled => "order.cancelled",
            Self::HoldDue(_) => "hold due",
        }
    }
}

/// One function for each state.
pub(super) fn decide(
    snapshot: &InventorySnapshot,
    order_id: OrderId,
    question: &Question<'_>,
    context: &Context<'_>,
) -> Decided {
    let Some(reservation) = snapshot.reservations.get(&order_id) else {
        return missing(snapshot, order_id, question, context);
    };
    match &reservation.state {
        ReservationState::Held(hold) => held(snapshot, reservation, hold, question, context),
        ReservationState::Committed(hold) => committed(reservation, hold, question),
        ReservationState::Released(hold) => {
            not_held(reservation, Some(hold.reservation_id), Because::AlreadyEnded, question)
        }
        ReservationState::Refused { .. } => not_held(reservation, None, Because::AlreadyKnown, question),
        ReservationState::Barred => not_held(reservation, None, Because::Barred, question),
    }
}

fn missing(snapshot: &InventorySnapshot, order_id: OrderId, question: &Question<'_>, context: &Context<'_>) -> Decided {
    match question {
        Question::Created(order) => Ok(reserve(snapshot, order, context)),
        Question::Completed => Err(Rejection::Contradiction { order_id, told: question.name(), state: "missing" }),
        Question::Failed | Question::Cancelled => {
            let state = ReservationState::Barred;
            let bar = Reservation { order_id, state, created_at: context.now, version: 1 };
            let event = released(order_id, None, question);
            Ok(Move::with(Change::PutReservation(bar)).emit(order_id.0, 1, event).done())
        }
        Question::HoldDue(_) => Ok(Decision::stay(Because::StaleTimer)),
    }
}

fn held(
    snapshot: &InventorySnapshot,
    reservation: &Reservation,
    hold: &Hold,
    question: &Question<'_>,
    context: &Context<'_>,
) -> Decided {
    match question {
        Question::Created(_) => Ok(Decision::stay(Because::AlreadyKnown)),
        Question::Completed => commit(snapshot, reservation, hold, context),
        Question::Failed | Question::Cancelled => release(snapshot, reservation, hold, question),
        Question::HoldDue(epoch) if *epoch == reservation.version => Ok(report_overdue(reservation, hold, context)),
        Question::HoldDue(_) => Ok(Decision::stay(Because::StaleTimer)),
    }
}

fn committed(reservation: &Reservation, hold: &Hold, question: &Question<'_>) -> Decided {
    match question {
        Question::Created(_) => Ok(Decision::stay(Because::AlreadyEnded)),
        // Asked again: the answer may have been lost.
        Question::Completed => {
            let event = sold(reservation.order_id, hold);
            Ok(Move::default().emit(reservation.order_id.0, reservation.version, event).done())
        }
        Question::Failed | Question::Cancelled => Err(contradiction(reservation, question)),
        Question::HoldDue(_) => Ok(Decision::stay(Because::StaleTimer)),
    }
}

/// Nothing is held any more, or nothing ever was. `late` says why a question for stock comes too late.
fn not_held(reservation: &Reservation, hold: Option<ReservationId>, late: Because, question: &Question<'_>) -> Decided {
    match question {
        Question::Created(_) => Ok(Decision::stay(late)),
        Question::Completed => Err(contradiction(reservation, question)),
        // Asked again: the answer may have been lost.
        Question::Failed | Question::Cancelled => {
            let event = released(reservation.order_id, hold, question);
            Ok(Move::default().emit(reservation.order_id.0, reservation.version, event).done())
        }
        Question::HoldDue(_) => Ok(Decision::stay(Because::StaleTimer)),
    }
}

/// Holds all lines or none.
fn reserve(snapshot: &InventorySnapshot, order: &OrderCreated, context: &Context<'_>) -> Decision<InventoryContext> {
    let order_id = order.order_id;
    let taken = match take_all(snapshot, &order.items) {
        Ok(taken) => taken,
        Err((reason, shortages)) => return refuse(order, reason, shortages, context),
    };
    let hold = Hold {
        reservation_id: reservation_id(order_id),
        user_id: order.user_id,
        lines: order.items.clone(),
        total: order.total_amount,
        payment_method_id: order.payment_method_id,
        alarm_at: context.now.after(context.policy.hold_alarm),
        correlation: context.correlation,
    };
    let event = InventoryReserved {
        order_id,
        reservation_id: hold.reservation_id,
        items: hold.lines.clone(),
        total_amount: hold.total,
        user_id: hold.user_id,
        payment_method_id: hold.payment_method_id,
    };
    let state = ReservationState::Held(hold);
    let reservation = Reservation { order_id, state, created_at: context.now, version: 1 };
    let mut step = Move::with(Change::PutReservation(reservation))
        .emit(order_id.0, 1, Event::InventoryReserved(event))
        .arm(order_id.0, HOLD_TIMER, 1, context.policy.hold_alarm);
    for (product, before, after) in taken {
        step = tell_low_stock(step.change(Change::PutStock(after)), product, before, &after, context);
    }
    step.done()
}

type Taken<'a> = Vec<(&'a Product, &'a Stock, Stock)>;

/// The stock of each product after all lines are taken from it; otherwise the worst reason with the lines that have it.
fn take_all<'a>(snapshot: &'a InventorySnapshot, lines: &[Line]) -> Result<Taken<'a>, (FailureCode, Vec<Shortage>)> {
    let mut taken = vec![];
    let (mut unknown, mut unavailable, mut short) = (vec![], vec![], vec![]);
    for (product_id, pieces) in pieces_by_product(lines) {
        let Some((product, stock)) = snapshot.products.get(&product_id).zip(snapshot.stock.get(&product_id)) else {
            unknown.push(shortage(product_id, pieces, 0));
            continue;
        };
        let missing = shortage(product_id, pieces, stock.available());
        if !product.is_active {
            unavailable.push(missing);
        } else if let Ok(after) = stock.reserve(pieces) {
            taken.push((product, stock, after));
        } else {
            short.push(missing);
        }
    }
    for (reason, lines) in [
        (FailureCode::UnknownProduct, unknown),
        (FailureCode::ProductUnavailable, unavailable),
        (FailureCode::OutOfStock, short),
    ] {
        if !lines.is_empty() {
            return Err((reason, lines));
        }
    }
    Ok(taken)
}

/// Several lines of one product may add up to more than one line can ask for; the report then says the most it can.
fn shortage(product_id: ProductId, pieces: u64, available: u64) -> Shortage {
    Shortage {
        product_id,
        requested: Quantity::new(pieces.min(u64::from(Quantity::MAX))).unwrap_or(Quantity::ONE),
        available: u32::try_from(available).unwrap_or(u32::MAX),
    }
}

fn refuse(
    order: &OrderCreated,
    reason: FailureCode,
    shortages: Vec<Shortage>,
    context: &Context<'_>,
) -> Decision<InventoryContext> {
    let order_id = order.order_id;
    let event = InventoryReservationFailed { order_id, reason, items: shortages.clone() };
    let state = ReservationState::Refused { user_id: order.user_id, reason, shortages };
    let reservation = Reservation { order_id, state, created_at: context.now, version: 1 };
    Move::with(Change::PutReservation(reservation)).emit(order_id.0, 1, Event::InventoryReservationFailed(event)).done()
}

/// Sells what is held. It cannot fail for want of stock: the pieces were set aside.
fn commit(snapshot: &InventorySnapshot, reservation: &Reservation, hold: &Hold, context: &Context<'_>) -> Decided {
    let order_id = reservation.order_id;
    let next = follow(reservation, ReservationState::Committed(hold.clone()));
    let mut step = Move::default().emit(order_id.0, next.version, sold(order_id, hold));
    step = step.disarm(order_id.0, HOLD_TIMER).change(Change::PutReservation(next));
    for (product_id, pieces) in pieces_by_product(&hold.lines) {
        let after = moved(snapshot, order_id, product_id, |stock| stock.commit(pieces))?;
        let movement = Movement {
            id: derive(Service::Inventory.name(), order_id.0, "commit", product_id.0, 0),
            product_id,
            kind: MovementKind::Commit { order_id },
            delta: 0_i64.saturating_sub_unsigned(pieces),
            reason: Question::Completed.name().to_owned(),
            actor: None,
            at: context.now,
        };
        step = step.change(Change::PutStock(after)).change(Change::AddMovement(movement));
    }
    Ok(step.done())
}

/// Lets go what is held.
fn release(snapshot: &InventorySnapshot, reservation: &Reservation, hold: &Hold, question: &Question<'_>) -> Decided {
    let order_id = reservation.order_id;
    let next = follow(reservation, ReservationState::Released(hold.clone()));
    let event = released(order_id, Some(hold.reservation_id), question);
    let mut step = Move::default().emit(order_id.0, next.version, event);
    step = step.disarm(order_id.0, HOLD_TIMER).change(Change::PutReservation(next));
    for (product_id, pieces) in pieces_by_product(&hold.lines) {
        let after = moved(snapshot, order_id, product_id, |stock| stock.release(pieces))?;
        step = step.change(Change::PutStock(after));
    }
    Ok(step.done())
}

/// Asks what became of the order, and asks again later: the pieces stay held until somebody knows.
fn report_overdue(reservation: &Reservation, hold: &Hold, context: &Context<'_>) -> Decision<InventoryContext> {
    let order_id = reservation.order_id;
    let alarm_at = context.now.after(context.policy.hold_alarm);
    let next = follow(reservation, ReservationState::Held(Hold { alarm_at, ..hold.clone() }));
    let version = next.version;
    let event = InventoryHoldOverdue { order_id, reservation_id: hold.reservation_id };
    let entry = HistoryEntry {
        subject: order_id.0,
        event: "hold due".into(),
        from: reservation.state.name().into(),
        to: next.state.name().into(),
        detail: Some(format!("held since {}", reservation.created_at)),
    };
    Move::with(Change::PutReservation(next))
        .emit(order_id.0, version, Event::InventoryHoldOverdue(event))
        .arm(order_id.0, HOLD_TIMER, version, context.policy.hold_alarm)
        .note(entry)
        .correlated(hold.correlation)
        .done()
}

fn follow(reservation: &Reservation, state: ReservationState) -> Reservation {
    Reservation { state, version: reservation.version + 1, ..reservation.clone() }
}

fn moved(
    snapshot: &InventorySnapshot,
    order_id: OrderId,
    product_id: ProductId,
    arithmetic: impl Fn(&Stock) -> Result<Stock, StockError>,
) -> Result<Stock, Rejection> {
    let stock = snapshot.stock.get(&product_id).ok_or(Rejection::ProductNotFound(product_id))?;
    arithmetic(stock).map_err(|error| Rejection::StockInconsistent { order_id, product_id, error })
}

fn sold(order_id: OrderId, hold: &Hold) -> Event {
    Event::InventoryCommitted(InventoryCommitted {
        order_id,
        reservation_id: hold.reservation_id,
        reason: Question::Completed.name().to_owned(),
    })
}

fn released(order_id: OrderId, reservation_id: Option<ReservationId>, question: &Question<'_>) -> Event {
    Event::InventoryReleased(InventoryReleased { order_id, reservation_id, reason: question.name().to_owned() })
}

fn contradiction(reservation: &Reservation, question: &Question<'_>) -> Rejection {
    Rejection::Contradiction { order_id: reservation.order_id, told: question.name(), state: reservation.state.name() }
}
