//! An order from placing to its end, with its state in memory: no database, no broker, no runtime.

use ecom_core::decide::{BoundedContext, Context, Decision};
use ecom_core::event::ProductChanged;
use ecom_core::id::{CorrelationId, MessageId, OrderId, ProductId, UserId};
use ecom_core::money::{Currency, Money};
use ecom_core::order::{Fact, Input, OrderContext, OrderSnapshot, Place, PlacedLine, Rejection};
use ecom_core::{policy::Policy, quantity::Quantity, time::Timestamp};
use uuid::Uuid;

fn main() -> Result<(), Rejection> {
    let (order_id, product_id) = (OrderId(Uuid::from_u128(1)), ProductId(Uuid::from_u128(2)));
    let (user_id, correlation_id) = (UserId(Uuid::from_u128(3)), CorrelationId(Uuid::from_u128(4)));
    let (price, mut state) = (Money::new(1_250, Currency::EUR), OrderSnapshot::default());
    let (sku, name, cause) = ("TEA-1".to_owned(), "Tea".to_owned(), MessageId(Uuid::nil()));
    let tea = ProductChanged { product_id, version: 1, sku, name, price, is_active: true };
    let items = vec![PlacedLine { product_id, quantity: Quantity::ONE, unit_price: None }];
    let (request_correlation_id, payment_method_id, metadata) = (None, None, None);
    let place = Place { order_id, user_id, correlation_id, request_correlation_id, items, payment_method_id, metadata };
    for input in [
        Input::ProductChanged(tea),
        Input::Place(Box::new(place)),
        Input::fact(order_id, Fact::PaymentProcessed { amount: price }), // Overtakes the next one: no harm.
        Input::fact(order_id, Fact::InventoryReserved),
        Input::fact(order_id, Fact::InventoryCommitted),
    ] {
        let context = Context {
            now: Timestamp::EPOCH,
            cause,
            correlation: correlation_id,
            policy: &Policy::default(),
            calls: None,
        };
        match OrderContext::decide(&state, &input, &context)? {
            Decision::Stay { because, .. } => println!("stays: {because:?}"),
            Decision::Move(step) => {
                step.changes.iter().for_each(|change| OrderContext::apply(&mut state, change));
                step.history.iter().for_each(|line| println!("{} -> {}: {}", line.from, line.to, line.event));
                step.events.iter().for_each(|emit| println!("    publishes {}", emit.event.event_type().name()));
            }
        }
    }
    assert!(state.orders[&order_id].saga.is_settled(), "completed, and its stock is sold");
    Ok(())
}
