//! The sandbox's log beside a service's tables, shared by two copies.

use std::sync::Arc;
use std::time::Duration;

use ecom_core::engine::EffectRow;
use ecom_core::id::{CorrelationId, MessageId, OrderId, PaymentId, RefundId};
use ecom_core::money::{Currency, Money};
use ecom_core::payment::{ChargeRequest, Effect, ProviderAnswer, RefundRequest, SandboxLog};
use ecom_core::port::{Clock, Outside, PageRequest};
use ecom_core::time::Timestamp;
use uuid::Uuid;

use super::world::Home;
use crate::sandbox::Sandbox;

struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(1_800_000_000_000_000)
    }
}

async fn open(home: &Home) -> Sandbox {
    Sandbox::open_postgres(&home.url(), Duration::from_secs(60), Arc::new(Still)).await.unwrap()
}

fn row(number: u128, effect: Effect) -> EffectRow<Effect> {
    let id = MessageId(Uuid::from_u128(number));
    EffectRow {
        id,
        correlation: CorrelationId(Uuid::nil()),
        effect,
        attempts: 1,
        due: Timestamp::EPOCH,
        traceparent: None,
    }
}

fn charge(number: u128, token: &str) -> EffectRow<Effect> {
    let (order_id, payment_id) = (OrderId(Uuid::from_u128(number)), PaymentId(Uuid::from_u128(number)));
    let amount = Money::new(1_250, Currency::EUR);
    row(number, Effect::Charge(ChargeRequest { order_id, payment_id, token: token.to_owned(), amount, harmless: 0 }))
}

fn refund(number: u128, charge: &str, minor: i64) -> EffectRow<Effect> {
    let (order_id, payment_id) = (OrderId(Uuid::from_u128(1)), PaymentId(Uuid::from_u128(1)));
    let (refund_id, amount) = (RefundId(Uuid::from_u128(number)), Money::new(minor, Currency::EUR));
    row(number, Effect::Refund(RefundRequest { order_id, payment_id, refund_id, charge: charge.to_owned(), amount }))
}

#[tokio::test(flavor = "multi_thread")]
async fn two_copies_share_one_memory() {
    let home = Home::new().await;
    let (one, two) = (open(&home).await, open(&home).await);
    let ask = charge(1, "tok_visa");
    let (first, second) = tokio::join!(one.perform(&ask), two.perform(&ask));
    assert_eq!(first, second);
    let ProviderAnswer::Succeeded { reference } = first else { panic!("{first:?}") };
    // A token that fails at first goes on where it was, whoever asks.
    let flaky = charge(2, "tok_flaky");
    assert!(!matches!(one.perform(&flaky).await, ProviderAnswer::Succeeded { .. }));
    assert!(!matches!(two.perform(&flaky).await, ProviderAnswer::Succeeded { .. }));
    assert!(matches!(one.perform(&flaky).await, ProviderAnswer::Succeeded { .. }));
    // What went back through one copy is known to the other.
    assert!(matches!(one.perform(&refund(3, &reference, 1_000)).await, ProviderAnswer::Succeeded { .. }));
    assert!(!matches!(two.perform(&refund(4, &reference, 1_000)).await, ProviderAnswer::Succeeded { .. }));
    assert!(matches!(two.perform(&refund(5, &reference, 250)).await, ProviderAnswer::Succeeded { .. }));

    let all = two.entries(None, PageRequest::default()).await.unwrap().items;
    let results: Vec<&str> = all.iter().rev().map(|entry| entry.result.as_str()).collect();
    let expected =
        ["succeeded", "repeated", "transient", "transient", "succeeded", "succeeded", "refused", "succeeded"];
    assert_eq!(results, expected);
    let of_one = one.entries(Some(OrderId(Uuid::from_u128(2))), PageRequest::default()).await.unwrap().items;
    assert_eq!(of_one.len(), 3);
    one.close().await;
    assert!(two.entries(None, PageRequest::default()).await.is_ok(), "the other copy goes on");
    two.close().await;
}
