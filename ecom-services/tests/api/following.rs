use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::shop::{Reply, Shop};

/// Places an order that the provider takes three seconds to charge.
async fn slow_order(shop: &Shop, token: &str, wait: &str) -> Reply {
    let admin = shop.admin().await;
    let product = shop.product(&admin, "MUG", 10).await;
    let method = json!({ "token": "tok_slow", "type": "card" });
    let method = shop.post("/payment-methods", &method).by(token).send().await.string("/id");
    let items = json!([{ "product_id": product, "quantity": 1 }]);
    let body = json!({ "items": items, "payment_method_id": method });
    shop.post(&format!("/orders{wait}"), &body).by(token).key("k").send().await
}

#[tokio::test]
async fn whoever_waits_is_answered_at_the_deadline_at_the_latest() {
    let shop = Shop::start().await;
    let ada = shop.customer("ada").await;
    let began = Instant::now();
    let order = slow_order(&shop, &ada, "?wait=500ms").await;
    assert!(began.elapsed() < Duration::from_secs(3));
    assert_eq!(order.status, 201);
    assert!(["pending", "processing"].contains(&order.string("/status").as_str()), "{}", order.text);
    for (wait, status) in [("5", 400), ("1h", 400), ("31s", 422)] {
        let body = json!({ "items": [] });
        let reply = shop.post(&format!("/orders?wait={wait}"), &body).by(&ada).key("other").send().await;
        assert_eq!(reply.status, status, "{wait}");
    }
}

#[tokio::test]
async fn a_stream_shows_each_change_and_ends_with_the_order() {
    let shop = Shop::start().await;
    let ada = shop.customer("ada").await;
    let id = slow_order(&shop, &ada, "").await.string("/id");
    let stream = shop.get(&format!("/orders/{id}/events")).by(&ada).send().await;
    assert_eq!((stream.status, stream.header("content-type")), (200, "text/event-stream"));
    let events: Vec<(u64, Value)> =
        stream.text.split("\n\n").filter(|event| event.starts_with("id")).map(event).collect();
    assert!(events.windows(2).all(|pair| pair[0].0 < pair[1].0), "versions rise: {}", stream.text);
    assert!(events.iter().all(|(version, order)| order["version"] == *version && order["id"] == id.as_str()));
    let statuses: Vec<_> = events.iter().map(|(_, order)| order["status"].as_str().unwrap()).collect();
    assert_eq!(statuses.last(), Some(&"completed"));
    assert!(statuses.len() > 1, "{statuses:?}");
    let ended = shop.get(&format!("/orders/{id}/events")).by(&ada).send().await;
    assert_eq!(ended.text.matches("event: order").count(), 1, "of an order that has ended there is one state");
}

fn event(text: &str) -> (u64, Value) {
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    assert_eq!(field("event: "), "order");
    (field("id: ").parse().unwrap(), serde_json::from_str(field("data: ")).unwrap())
}

#[tokio::test]
async fn an_order_under_way_can_be_cancelled() {
    let shop = Shop::start().await;
    let ada = shop.customer("ada").await;
    let id = slow_order(&shop, &ada, "").await.string("/id");
    let cancel = |body: Value| shop.post(&format!("/orders/{id}/cancel"), &body).by(&ada).send();
    assert_eq!(cancel(json!({ "reason": 5 })).await.status, 422);
    assert_eq!(cancel(json!({ "reason": "too slow" })).await.expect(202)["status"], "cancelled");
    assert_eq!(cancel(json!({})).await.expect(202)["status"], "cancelled", "again is no conflict");
    let admin = shop.admin().await;
    let product = shop.product(&admin, "CUP", 1).await;
    let sold = shop.order(&ada, "sold", &product, 1).await.string("/id");
    let late = shop.post(&format!("/orders/{sold}/cancel"), &json!({})).by(&ada).send().await;
    assert_eq!(late.problem(), (409, "not_cancellable".to_owned()));
}
