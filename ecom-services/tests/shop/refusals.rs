//! Requests that are wrong before anybody looks at what they ask for.

use reqwest::Method;

use crate::client::Client;
use crate::embedded::Shop;

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
