//! What others see: the JSON over HTTP, the kept answers, and the events that are consumed.

use serde_json::json;

use super::super::{
    PaymentMethodView, PaymentView, RefundView, Reply, State, Transaction, TransactionKind, TransactionStatus,
};
use super::*;
use crate::event::{
    Event, EventType, FailureCode, InventoryReserved, OrderCancelled, OrderFailed, ProductChanged, Service,
};
use crate::fleet;
use crate::id::{ProductId, ReservationId};

#[test]
fn a_payment_looks_as_it_should() {
    let mut play = captured();
    play.moved(&Input::Refund(refund(1, Some(30))));
    let back = play.answer(succeeded());
    play.moved(&back);
    let line = Transaction {
        id: Uuid::from_u128(5),
        payment_id: payment(),
        kind: TransactionKind::Charge,
        status: TransactionStatus::Succeeded,
        amount: euro(100),
        detail: None,
        at: Timestamp::from_micros(2),
    };
    let view = serde_json::to_value(PaymentView::new(play.payment(), &[line])).unwrap();
    let expected = json!({
        "id": payment(), "order_id": ORDER, "user_id": USER, "status": "partially_refunded",
        "amount": {"amount": "1.00", "currency": "EUR"},
        "captured": {"amount": "1.00", "currency": "EUR"},
        "refunded": {"amount": "0.30", "currency": "EUR"},
        "provider": "sandbox", "provider_reference": "ch_1",
        "transactions": [{
            "id": Uuid::from_u128(5), "type": "charge", "status": "succeeded",
            "amount": {"amount": "1.00", "currency": "EUR"}, "at": "1970-01-01T00:00:00.000002Z",
        }],
        "created_at": "1970-01-01T00:00:00.000001Z", "updated_at": "1970-01-01T00:00:00.000004Z",
    });
    assert_eq!(view, expected);
}

#[test]
fn the_status_tells_where_the_payment_stands() {
    let reference = || "ch_1".to_owned();
    let base = captured().payment().clone();
    let zero = euro(0);
    for (state, refunded, status) in [
        (State::Charging { unknown: false, undo: None, harmless: 0 }, zero, "pending"),
        (State::Charging { unknown: true, undo: Some(End::Cancelled), harmless: 0 }, zero, "unknown"),
        (State::Failed { reason: FailureCode::PaymentDeclined, detail: String::new() }, zero, "failed"),
        (State::NothingDue, zero, "processed"),
        (State::Captured { reference: reference() }, zero, "processed"),
        (State::Captured { reference: reference() }, euro(1), "partially_refunded"),
        (
            State::Refunding { reference: reference(), end: End::Cancelled, refund: None, refusal: None },
            zero,
            "processed",
        ),
        (
            State::Refunded {
                reference: reference(),
                refund: RefundId(Uuid::nil()),
                amount: euro(100),
                reason: String::new(),
            },
            euro(100),
            "refunded",
        ),
        (State::Voided { end: End::Cancelled }, zero, "voided"),
    ] {
        let view = PaymentView::new(&Payment { refunded, state, ..base.clone() }, &[]);
        assert_eq!(serde_json::to_value(view).unwrap()["status"], status);
    }
}

#[test]
fn answers_carry_the_status_and_body_of_http() {
    let mut play = Play::default();
    let Some(Reply::MethodAdded(added)) = play.moved(&add(1, USER, "tok_visa").unwrap()).reply else { panic!() };
    let answer = PaymentContext::answer(&Reply::MethodAdded(added.clone()));
    assert_eq!((answer.status, answer.resource), (201, added.id.0));
    let body: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    let expected = json!({
        "id": added.id, "type": "card", "brand": "visa", "last4": "4242", "exp_month": 12, "exp_year": 2039,
        "is_default": true,
    });
    assert_eq!(body, expected);
    assert_eq!(body, serde_json::to_value(PaymentMethodView::from(&added)).unwrap());
    assert_eq!(PaymentContext::answer(&Reply::DefaultSet(added)).status, 200);
    let removed = PaymentContext::answer(&Reply::MethodRemoved(method(1)));
    assert_eq!((removed.status, removed.body.as_str()), (204, ""));
    let Some(Reply::RefundRequested(asked)) = captured().moved(&Input::Refund(refund(4, Some(30)))).reply else {
        panic!("no refund")
    };
    let expected = json!({
        "id": asked.id, "payment_id": payment(), "amount": {"amount": "0.30", "currency": "EUR"},
        "status": "pending", "reason": "damaged", "created_at": "1970-01-01T00:00:00.000003Z",
    });
    assert_eq!(serde_json::to_value(RefundView::from(&asked)).unwrap(), expected);
    assert_eq!(PaymentContext::answer(&Reply::RefundRequested(asked)).status, 201);
}

#[test]
fn a_refund_carries_the_correlation_of_its_order() {
    let step = captured().moved(&Input::Refund(refund(1, None)));
    assert_eq!(step.correlation, Some(CorrelationId(Uuid::from_u128(2))));
}

#[test]
fn exactly_the_events_of_the_fleet_are_consumed() {
    let reserved = Event::InventoryReserved(InventoryReserved {
        order_id: ORDER,
        reservation_id: ReservationId(ORDER.0),
        items: vec![],
        total_amount: euro(100),
        user_id: USER,
        payment_method_id: None,
    });
    let failed = Event::OrderFailed(OrderFailed {
        order_id: ORDER,
        user_id: None,
        reason: FailureCode::UnknownOrder,
        detail: String::new(),
    });
    let cancelled = Event::OrderCancelled(OrderCancelled { order_id: ORDER, user_id: USER, reason: String::new() });
    let product = Event::ProductCreated(ProductChanged {
        product_id: ProductId(ORDER.0),
        version: 1,
        sku: String::new(),
        name: String::new(),
        price: euro(1),
        is_active: true,
    });
    let consumes = fleet::role(Service::Payment).unwrap().consumes;
    for event in [&reserved, &failed, &cancelled, &product] {
        let heard = PaymentContext::on_event(event).is_some();
        assert_eq!(heard, consumes.contains(&event.event_type()), "{}", event.event_type().name());
    }
    let heard = [EventType::InventoryReserved, EventType::OrderFailed, EventType::OrderCancelled];
    assert_eq!(consumes, heard, "and these are all that can be heard");
    let unknown_order = Input::Ended { order_id: ORDER, end: End::Failed(FailureCode::UnknownOrder) };
    assert_eq!(PaymentContext::on_event(&failed), Some(unknown_order));
}

#[test]
fn the_word_of_an_end_names_it() {
    for end in [End::Cancelled, End::Failed(FailureCode::PaymentTimeout), End::Failed(FailureCode::OutOfStock)] {
        assert_eq!(End::parse(end.reason()), Some(end));
    }
    assert_eq!(End::parse("damaged"), None);
}
