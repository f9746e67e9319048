//! What the shop refuses, and how.

use reqwest::Method;
use serde_json::json;

use crate::client::{Client, of, text};
use crate::embedded::Shop;

const NOBODY: &str = "00000000-0000-8000-8000-000000000000";

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_breaks_a_rule_is_refused_and_leaves_no_trace() {
    let shop = Shop::start().await;
    let client = &shop.client;
    let product = client.product(&shop.admin, "MUG-1", 5).await;
    let buyer = client.customer("buyer").await;
    let priced = |amount: &str| {
        let price = json!({ "amount": amount, "currency": "EUR" });
        json!({ "items": [{ "product_id": product, "quantity": 1, "unit_price": price }] })
    };
    let mut unknown_field = of(&product, 1, None);
    unknown_field["voucher"] = json!("FREE");
    let line = "/items/0/quantity";
    for (number, (body, status, code, field)) in [
        (of(NOBODY, 1, None), 422, "unknown_product", Some(("/items/0/product_id", "unknown_product"))),
        (priced("12.49"), 409, "price_changed", Some(("/items/0/unit_price", "price_changed"))),
        (json!({ "items": [] }), 422, "no_items", Some(("/items", "no_items"))),
        (of(&product, 0, None), 422, "invalid_body", Some((line, "invalid_value"))),
        (of(&product, 1_000_001, None), 422, "invalid_body", Some((line, "invalid_value"))),
        (priced("12.5"), 422, "invalid_body", Some(("/items/0/unit_price", "invalid_value"))),
        (unknown_field, 422, "invalid_body", Some(("/voucher", "unknown_field"))),
        (json!({ "items": [{ "product_id": product }] }), 422, "invalid_body", Some((line, "missing_field"))),
    ]
    .into_iter()
    .enumerate()
    {
        let answer = client.order(&buyer, &number.to_string(), "", &body).await;
        answer.refused(status, code);
        let first = &answer.json()["errors"][0];
        assert_eq!(first["pointer"].as_str().zip(first["code"].as_str()), field, "{}", answer.text);
    }
    assert_eq!(client.all("/api/v1/orders", &buyer.token).await.len(), 0);
    client.order(&buyer, "right", "", &priced("12.50")).await.expect(201);
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_belongs_to_another_is_not_there() {
    let shop = Shop::start().await;
    let client = &shop.client;
    let product = client.product(&shop.admin, "MUG-1", 5).await;
    let (buyer, other) = (client.customer("buyer").await, client.customer("other").await);
    let order = text(&client.order(&buyer, "k", "?wait=30s", &of(&product, 1, None)).await.expect(201)["id"]);
    let payment = text(&client.all(&format!("/api/v1/payments?order_id={order}"), &buyer.token).await[0]["id"]);
    let order_path = format!("/api/v1/orders/{order}");
    for path in [
        order_path.clone(),
        format!("{order_path}/timeline"),
        format!("{order_path}/events"),
        format!("{order_path}/summary"),
        format!("/api/v1/reservations/{order}"),
        format!("/api/v1/payments/{payment}"),
        format!("/api/v1/orders/{NOBODY}"),
    ] {
        client.get(&path, &other.token).await.refused(404, "not_found");
        if !path.contains(NOBODY) && !path.contains("events") {
            client.get(&path, &buyer.token).await.expect(200);
            client.get(&path, &shop.admin).await.expect(200);
        }
    }
    client.cancel(&other, &order).await.refused(404, "not_found");
    client.cancel(&buyer, &order).await.refused(409, "not_cancellable");
    assert_eq!(client.all("/api/v1/payments", &other.token).await.len(), 0);
    for path in [format!("/api/v1/products/{product}/stock"), "/api/v1/payments/sandbox/log".into()] {
        client.get(&path, &buyer.token).await.refused(403, "forbidden");
    }
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_of_the_wrong_form_is_told_what_is_wrong() {
    let shop = Shop::start().await;
    let client = &shop.client;
    let buyer = client.customer("buyer").await;
    let raw = |method: Method, path: &str| client.request(method, path).bearer_auth(&buyer.token);
    let json = "application/json";

    let answer = Client::send(raw(Method::PUT, "/api/v1/orders")).await;
    answer.refused(405, "method_not_allowed");
    let mut allowed: Vec<&str> = answer.header("allow").unwrap().split(", ").collect();
    allowed.sort_unstable();
    assert!(allowed.contains(&"GET") && allowed.contains(&"POST"), "{allowed:?}");
    client.get("/api/v1/nothing", &buyer.token).await.refused(404, "not_found");

    let order = |body: &'static str, media: &str| {
        raw(Method::POST, "/api/v1/orders").header("idempotency-key", "k").header("content-type", media).body(body)
    };
    assert_eq!(Client::send(order("{", json)).await.status, 400);
    Client::send(order("{}", "text/plain")).await.refused(415, "unsupported_media_type");
    let large = raw(Method::POST, "/api/v1/orders").header("content-type", json).body(vec![b' '; 2 << 20]);
    Client::send(large).await.refused(413, "body_too_large");

    let answer = Client::send(raw(Method::GET, "/api/v1/orders").header("x-correlation-id", "mine")).await;
    assert_eq!((answer.status, answer.header("x-correlation-id")), (200, Some("mine")));
    Client::send(client.request(Method::GET, "/api/v1/orders").bearer_auth("forged"))
        .await
        .refused(401, "invalid_token");
    shop.stop().await;
}
