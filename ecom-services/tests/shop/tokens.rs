//! A provider that is slow, silent or confused; and buyers who change their mind meanwhile.

use std::time::Duration;

use futures_util::future::join_all;

use crate::client::{Client, Customer, eventually, of, text};
use crate::embedded::Shop;

/// The tokens whose charge goes wrong on the way and right in the end.
const TOKENS: [&str; 5] =
    ["tok_timeout_charged", "tok_timeout_not_charged", "tok_flaky", "tok_duplicate_webhook", "tok_slow"];

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_provider_does_a_completed_order_is_charged_once() {
    let shop = Shop::start().await;
    let (client, admin) = (&shop.client, shop.admin.as_str());
    let product = client.product(admin, "MUG-1", 100).await;
    let buyer = client.customer("buyer").await;
    join_all(TOKENS.map(async |token| {
        let method = client.method(&buyer, token).await;
        let order = client.order(&buyer, token, "?wait=30s", &of(&product, 2, Some(&method))).await.expect(201);
        assert_eq!(order["status"], "completed", "{token}");
        let id = text(&order["id"]);
        client.settled(admin, &id).await;
        assert_eq!(client.moved(admin, &id).await, (1, 0), "{token}");
        let payments = client.all(&format!("/api/v1/payments?order_id={id}"), &buyer.token).await;
        assert_eq!((payments.len(), &payments[0]["captured"]), (1, &order["total_amount"]), "{token}");
        assert_eq!(client.final_notices(&buyer, &id).await, ["order_completed"], "{token}");
    }))
    .await;
    assert_eq!(client.stock(admin, &product).await, [90, 0, 90, 10]);
    shop.stop().await;
}

/// When the buyer changes his mind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    AtOnce,
    StockHeld,
    ChargeAsked,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_wins_at_every_moment_and_no_money_stays_away() {
    let shop = Shop::start().await;
    let (client, admin) = (&shop.client, shop.admin.as_str());
    let product = client.product(admin, "MUG-1", 100).await;
    let buyer = client.customer("buyer").await;
    let moments = [Moment::AtOnce, Moment::StockHeld, Moment::ChargeAsked];
    // With the others the charge may be through before anybody can cancel.
    let slow = ["tok_timeout_charged", "tok_timeout_not_charged", "tok_flaky", "tok_slow"];
    let cases = slow.into_iter().flat_map(|token| moments.map(|moment| (token, moment)));
    join_all(cases.map(async |(token, moment)| {
        let method = client.method(&buyer, token).await;
        let key = format!("{token} {moment:?}");
        let id = text(&client.order(&buyer, &key, "", &of(&product, 1, Some(&method))).await.expect(201)["id"]);
        reached(client, admin, &id, moment).await;
        assert_eq!(client.cancel(&buyer, &id).await.expect(202)["status"], "cancelled", "{key}");
        assert_eq!(client.cancel(&buyer, &id).await.expect(202)["status"], "cancelled", "{key}");
        undone(client, admin, &buyer, &id).await;
        if moment == Moment::ChargeAsked && token == "tok_timeout_charged" {
            assert_eq!(client.moved(admin, &id).await, (1, 1), "{key}");
        }
    }))
    .await;
    assert_eq!(client.stock(admin, &product).await, [100, 0, 100, 0]);
    shop.stop().await;
}

async fn reached(client: &Client, admin: &str, order: &str, moment: Moment) {
    eventually(&format!("{order} reaches {moment:?}"), async || {
        let reached = match moment {
            Moment::AtOnce => true,
            Moment::StockHeld => client.order_now(admin, order).await["status"] == "processing",
            Moment::ChargeAsked => !client.provider(admin, order).await.is_empty(),
        };
        reached.then_some(())
    })
    .await;
}

/// A cancelled order leaves nothing held and no money taken, and says so once.
async fn undone(client: &Client, admin: &str, buyer: &Customer, order: &str) {
    client.settled(admin, order).await;
    let (charges, refunds) = client.moved(admin, order).await;
    assert_eq!(charges, refunds, "{:?}", client.provider(admin, order).await);
    let reservation = client.get(&format!("/api/v1/reservations/{order}"), admin).await;
    assert!(reservation.status == 404 || reservation.expect(200)["state"] == "released", "{}", reservation.text);
    for payment in client.all(&format!("/api/v1/payments?order_id={order}"), &buyer.token).await {
        assert_eq!(payment["captured"], payment["refunded"], "{payment}");
    }
    assert_eq!(client.final_notices(buyer, order).await, ["order_cancelled"]);
    assert_eq!(client.order_now(&buyer.token, order).await["status"], "cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_that_races_the_end_has_one_winner() {
    const ORDERS: u64 = 30;
    let shop = Shop::start().await;
    let (client, admin) = (&shop.client, shop.admin.as_str());
    let product = client.product(admin, "MUG-1", ORDERS).await;
    let buyer = client.customer("buyer").await;
    let raced = join_all((0..ORDERS).map(async |number| {
        let body = of(&product, 1, None);
        let id = text(&client.order(&buyer, &number.to_string(), "", &body).await.expect(201)["id"]);
        tokio::time::sleep(Duration::from_millis(number * 12)).await;
        let answer = client.cancel(&buyer, &id).await;
        if answer.status == 202 {
            undone(client, admin, &buyer, &id).await;
            return 0;
        }
        answer.refused(409, "not_cancellable");
        client.settled(admin, &id).await;
        assert_eq!(client.moved(admin, &id).await, (1, 0));
        assert_eq!(client.final_notices(&buyer, &id).await, ["order_completed"]);
        1
    }));
    let completed: u64 = raced.await.into_iter().sum();
    println!("{completed} of {ORDERS} orders were completed before their cancel");
    let left = ORDERS - completed;
    assert_eq!(client.stock(admin, &product).await, [left, 0, left, completed]);
    shop.stop().await;
}
