//! The way of an order, seen by its buyer and by the administrator.

use serde_json::{Value, json};

use crate::client::{Client, of, text};
use crate::embedded::Shop;

#[tokio::test(flavor = "multi_thread")]
async fn an_order_completes_and_every_record_tells_the_same() {
    let shop = Shop::start().await;
    let (client, admin) = (&shop.client, shop.admin.as_str());
    let product = client.product(admin, "MUG-1", 5).await;
    let path = format!("/api/v1/products/{product}/stock");
    client.post(&path, admin, &json!({ "delta": 3, "reason": "found more" })).await.expect(200);
    assert_eq!(client.stock(admin, &product).await, [8, 0, 8, 0]);

    let buyer = client.customer("buyer").await;
    let order = client.order(&buyer, "k", "?wait=30s", &of(&product, 2, None)).await.expect(201);
    let id = text(&order["id"]);
    assert_eq!((text(&order["status"]), &order["failure"]), ("completed".into(), &Value::Null));
    assert_eq!(order["total_amount"], json!({ "amount": "25.00", "currency": "EUR" }));
    assert_eq!((text(&order["payment"]["status"]), text(&order["user_id"])), ("processed".into(), buyer.id.clone()));
    client.settled(admin, &id).await;

    assert_eq!(client.stock(admin, &product).await, [6, 0, 6, 2]);
    let movements = client.all(&format!("/api/v1/products/{product}/movements"), admin).await;
    let sold: Vec<&Value> = movements.iter().filter(|movement| movement["kind"] == "commit").collect();
    assert_eq!((sold.len(), &sold[0]["delta"], text(&sold[0]["order_id"])), (1, &json!(-2), id.clone()));
    let reservation = client.get(&format!("/api/v1/reservations/{id}"), &buyer.token).await.expect(200);
    assert_eq!(reservation["state"], "committed");

    let line = |words: [&str; 3]| words.map(str::to_owned).into();
    assert_eq!(client.provider(admin, &id).await, vec![line(["charge", "succeeded", "25.00"])]);
    let payments = client.all(&format!("/api/v1/payments?order_id={id}"), &buyer.token).await;
    assert_eq!(payments.len(), 1);
    assert_eq!(payments[0]["status"], "processed");
    assert_eq!((&payments[0]["captured"], &payments[0]["amount"]), (&order["total_amount"], &order["total_amount"]));
    assert_eq!(payments[0]["refunded"], json!({ "amount": "0.00", "currency": "EUR" }));
    assert_eq!(client.final_notices(&buyer, &id).await, ["order_completed"]);
    timeline_is_a_chain(client, &buyer.token, &id).await;
    shop.stop().await;
}

/// Each line begins where the one before ended, none is earlier, and the steps are in their order.
async fn timeline_is_a_chain(client: &Client, token: &str, order: &str) {
    let timeline = client.get(&format!("/api/v1/orders/{order}/timeline"), token).await.expect(200);
    let lines = timeline["items"].as_array().unwrap();
    assert_eq!((&lines[0]["from"], &lines[0]["to"]), (&Value::Null, &json!("pending")));
    for pair in lines.windows(2) {
        assert_eq!(pair[0]["to"], pair[1]["from"], "{timeline}");
        assert!(pair[0]["at"].as_str() <= pair[1]["at"].as_str(), "{timeline}");
    }
    let at = |event: &str| lines.iter().position(|line| line["event"] == event);
    let steps = ["inventory.reserved", "payment.processed", "inventory.committed"].map(at);
    assert!(steps[0].is_some() && steps.is_sorted(), "{timeline}");
    assert!(steps.iter().all(Option::is_some), "{timeline}");
    assert_eq!(lines.last().unwrap()["to"], "completed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_gives_the_first_answer_also_when_the_order_has_moved_on() {
    let shop = Shop::start().await;
    let client = &shop.client;
    let product = client.product(&shop.admin, "MUG-1", 5).await;
    let buyer = client.customer("buyer").await;
    let body = of(&product, 1, None);
    let first = client.order(&buyer, "key", "", &body).await;
    assert_eq!((first.expect(201)["status"].as_str(), first.header("idempotent-replayed")), (Some("pending"), None));
    let waited = client.order(&buyer, "key", "?wait=30s", &body).await;
    assert_eq!(waited.header("idempotent-replayed"), Some("true"));
    assert_eq!((&waited.expect(201)["id"], text(&waited.json()["status"])), (&first.json()["id"], "completed".into()));
    let again = client.order(&buyer, "key", "", &body).await;
    assert_eq!((again.status, &again.text), (201, &first.text));
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_cannot_be_filled_fails_with_its_reason_and_holds_nothing() {
    let shop = Shop::start().await;
    let (client, admin) = (&shop.client, shop.admin.as_str());
    let product = client.product(admin, "MUG-1", 5).await;
    let buyer = client.customer("buyer").await;
    for (token, quantity, reason) in [
        ("tok_declined", 1, "payment_declined"),
        ("tok_insufficient_funds", 1, "insufficient_funds"),
        ("tok_visa", 6, "out_of_stock"),
    ] {
        let method = client.method(&buyer, token).await;
        let order = client.order(&buyer, token, "?wait=30s", &of(&product, quantity, Some(&method))).await.expect(201);
        let id = text(&order["id"]);
        assert_eq!((text(&order["status"]), text(&order["failure"]["code"])), ("failed".into(), reason.into()));
        client.settled(admin, &id).await;
        assert_eq!(client.stock(admin, &product).await, [5, 0, 5, 0], "{reason}");
        assert_eq!(client.moved(admin, &id).await, (0, 0), "{reason}");
        assert_eq!(client.final_notices(&buyer, &id).await, ["order_failed"]);
    }
    shop.stop().await;
}
