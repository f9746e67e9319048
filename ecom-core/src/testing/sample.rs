//! One plausible example of each event.

use std::sync::Arc;

use uuid::Uuid;

use crate::email::Email;
use crate::event::{
    Envelope, Event, EventType, FailureCode, InventoryCommitted, InventoryHoldOverdue, InventoryReleased,
    InventoryReservationFailed, InventoryReserved, Line, NotificationSettled, OrderCancelled, OrderCompleted,
    OrderCreated, OrderFailed, PasswordResetRequested, PaymentFailed, PaymentProcessed, PaymentRefunded, PaymentVoided,
    ProductChanged, Shortage, StockLow, UserChanged, UserDeactivated,
};
use crate::fleet::FLEET;
use crate::id::{CorrelationId, MessageId, OrderId, UserId};
use crate::money::{Currency, Money};
use crate::quantity::Quantity;
use crate::time::Timestamp;

/// An envelope around an example. Equal numbers give equal envelopes, other numbers other ids.
pub fn envelope(event: EventType, number: u64) -> Arc<Envelope> {
    let source = FLEET.iter().find(|role| role.publishes.contains(&event)).map(|role| role.service);
    let Some(source) = source else { panic!("nobody publishes {}", event.name()) };
    let event_id = MessageId(id(number, 0xe0 + event as u8));
    Arc::new(Envelope {
        event_id,
        occurred_at: Timestamp::from_micros(1_700_000_000_000_000),
        correlation_id: CorrelationId(id(number, 1)),
        causation_id: MessageId(id(number, 2)),
        aggregate_id: id(number, 3),
        aggregate_version: 1,
        source,
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
        event: example(event, number),
    })
}

fn id(number: u64, kind: u8) -> Uuid {
    Uuid::from_u128(u128::from(kind) << 120 | u128::from(number))
}

fn order(number: u64) -> OrderId {
    id(number, 3).into()
}

fn user_id(number: u64) -> UserId {
    id(number, 5).into()
}

fn lines(number: u64) -> Vec<Line> {
    let pieces = Quantity::new(2).into_iter();
    let line = |quantity| Line {
        product_id: id(number, 4).into(),
        sku: "TEA-1".to_owned(),
        quantity,
        unit_price: euros(1_250),
    };
    pieces.map(line).collect()
}

fn euros(minor: i64) -> Money {
    Money::new(minor, Currency::EUR)
}

fn email() -> Email {
    let Ok(email) = Email::parse("ada@example.org") else { panic!("the example address is an address") };
    email
}

/// An example of an event.
pub fn example(event: EventType, number: u64) -> Event {
    match event {
        EventType::OrderCreated => Event::OrderCreated(order_created(number)),
        EventType::OrderCompleted => Event::OrderCompleted(order_completed(number)),
        EventType::OrderFailed => Event::OrderFailed(order_failed(number)),
        EventType::OrderCancelled => Event::OrderCancelled(order_cancelled(number)),
        EventType::InventoryReserved => Event::InventoryReserved(reserved(number)),
        EventType::InventoryReservationFailed => Event::InventoryReservationFailed(reservation_failed(number)),
        EventType::InventoryReleased => Event::InventoryReleased(released(number)),
        EventType::InventoryCommitted => Event::InventoryCommitted(committed(number)),
        EventType::InventoryHoldOverdue => Event::InventoryHoldOverdue(overdue(number)),
        EventType::PaymentProcessed => Event::PaymentProcessed(paid(number)),
        EventType::PaymentFailed => Event::PaymentFailed(payment_failed(number)),
        EventType::PaymentVoided => Event::PaymentVoided(voided(number)),
        EventType::PaymentRefunded => Event::PaymentRefunded(refunded(number)),
        EventType::ProductCreated => Event::ProductCreated(product(number)),
        EventType::ProductUpdated => Event::ProductUpdated(product(number)),
        EventType::StockLow => Event::StockLow(stock_low(number)),
        EventType::UserRegistered => Event::UserRegistered(user(number)),
        EventType::UserUpdated => Event::UserUpdated(user(number)),
        EventType::UserDeactivated => Event::UserDeactivated(user_deactivated(number)),
        EventType::PasswordResetRequested => Event::PasswordResetRequested(reset_requested(number)),
        EventType::NotificationSent => Event::NotificationSent(notice(number)),
        EventType::NotificationFailed => Event::NotificationFailed(notice(number)),
    }
}

fn order_created(number: u64) -> OrderCreated {
    OrderCreated {
        order_id: order(number),
        user_id: user_id(number),
        items: lines(number),
        total_amount: euros(2_500),
        payment_method_id: None,
    }
}

fn order_completed(number: u64) -> OrderCompleted {
    OrderCompleted {
        order_id: order(number),
        user_id: user_id(number),
        total_amount: euros(2_500),
        items: lines(number),
    }
}

fn order_failed(number: u64) -> OrderFailed {
    OrderFailed {
        order_id: order(number),
        user_id: Some(user_id(number)),
        reason: FailureCode::PaymentDeclined,
        detail: "declined".to_owned(),
    }
}

fn order_cancelled(number: u64) -> OrderCancelled {
    OrderCancelled { order_id: order(number), user_id: user_id(number), reason: "changed my mind".to_owned() }
}

fn reserved(number: u64) -> InventoryReserved {
    InventoryReserved {
        order_id: order(number),
        reservation_id: id(number, 6).into(),
        items: lines(number),
        total_amount: euros(2_500),
        user_id: user_id(number),
        payment_method_id: None,
    }
}

fn reservation_failed(number: u64) -> InventoryReservationFailed {
    let short = |line: Line| Shortage { product_id: line.product_id, requested: line.quantity, available: 1 };
    InventoryReservationFailed {
        order_id: order(number),
        reason: FailureCode::OutOfStock,
        items: lines(number).into_iter().map(short).collect(),
    }
}

fn released(number: u64) -> InventoryReleased {
    InventoryReleased {
        order_id: order(number),
        reservation_id: Some(id(number, 6).into()),
        reason: "order.failed".to_owned(),
    }
}

fn committed(number: u64) -> InventoryCommitted {
    InventoryCommitted {
        order_id: order(number),
        reservation_id: id(number, 6).into(),
        reason: "order.completed".to_owned(),
    }
}

fn overdue(number: u64) -> InventoryHoldOverdue {
    InventoryHoldOverdue { order_id: order(number), reservation_id: id(number, 6).into() }
}

fn paid(number: u64) -> PaymentProcessed {
    PaymentProcessed {
        order_id: order(number),
        payment_id: id(number, 7).into(),
        amount: euros(2_500),
        provider_reference: Some("ch_1".to_owned()),
    }
}

fn payment_failed(number: u64) -> PaymentFailed {
    PaymentFailed {
        order_id: order(number),
        payment_id: id(number, 7).into(),
        reason: FailureCode::PaymentDeclined,
        detail: "declined".to_owned(),
    }
}

fn voided(number: u64) -> PaymentVoided {
    PaymentVoided {
        order_id: order(number),
        payment_id: Some(id(number, 7).into()),
        refund_id: None,
        amount: Some(euros(2_500)),
        reason: "order.failed".to_owned(),
    }
}

fn refunded(number: u64) -> PaymentRefunded {
    PaymentRefunded {
        order_id: order(number),
        user_id: user_id(number),
        payment_id: id(number, 7).into(),
        refund_id: id(number, 8).into(),
        amount: euros(2_500),
        reason: "order.cancelled".to_owned(),
        full: true,
        undo: true,
    }
}

fn product(number: u64) -> ProductChanged {
    ProductChanged {
        product_id: id(number, 4).into(),
        version: 1,
        sku: "TEA-1".to_owned(),
        name: "Tea".to_owned(),
        price: euros(1_250),
        is_active: true,
    }
}

fn stock_low(number: u64) -> StockLow {
    StockLow { product_id: id(number, 4).into(), sku: "TEA-1".to_owned(), available: 3, threshold: 5 }
}

fn user(number: u64) -> UserChanged {
    UserChanged {
        user_id: user_id(number),
        version: 1,
        email: email(),
        first_name: "Ada".to_owned(),
        last_name: "Lovelace".to_owned(),
        is_admin: false,
    }
}

fn user_deactivated(number: u64) -> UserDeactivated {
    UserDeactivated { user_id: user_id(number), version: 2 }
}

fn reset_requested(number: u64) -> PasswordResetRequested {
    PasswordResetRequested {
        user_id: user_id(number),
        version: 2,
        email: email(),
        token: "token".to_owned(),
        expires_at: Timestamp::from_micros(1_700_000_900_000_000),
    }
}

fn notice(number: u64) -> NotificationSettled {
    NotificationSettled {
        notification_id: id(number, 9).into(),
        user_id: user_id(number),
        order_id: Some(order(number)),
        channel: "email".to_owned(),
        template: "order_completed".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_is_of_its_type_and_survives_the_wire() {
        for event in EventType::ALL {
            let sample = envelope(*event, 7);
            assert_eq!(sample.event.event_type(), *event);
            let read = Envelope::from_json(&sample.to_json()).unwrap();
            assert_eq!(Envelope { traceparent: sample.traceparent.clone(), ..read }, *sample);
        }
    }
}
