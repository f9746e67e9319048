use reqwest::Method;
use serde_json::json;

use crate::shop::Shop;

#[tokio::test]
async fn payment_methods_are_tokens_and_their_owners() {
    let shop = Shop::start().await;
    let (ada, eve) = (shop.customer("ada").await, shop.customer("eve").await);
    let add =
        |token: &str, by: &str| shop.post("/payment-methods", &json!({ "token": token, "type": "card" })).by(by).send();
    let visa = add("tok_visa", &ada).await.expect(201);
    assert!(visa["is_default"].as_bool().unwrap() && visa["last4"].as_str().unwrap().len() == 4);
    assert!(!visa.to_string().contains("tok_"), "the token is not shown");
    assert_eq!(add("4242424242424242", &ada).await.problem(), (422, "card_number_refused".to_owned()));
    assert_eq!(add("tok_unheard_of", &ada).await.status, 422);
    let slow = add("tok_slow", &ada).await.string("/id");
    let path = format!("/payment-methods/{slow}");
    assert_eq!(shop.call(Method::POST, &format!("{path}/default")).by(&eve).send().await.status, 404);
    assert_eq!(
        shop.call(Method::POST, &format!("{path}/default")).by(&ada).send().await.expect(200)["id"],
        slow.as_str()
    );
    assert_eq!(shop.call(Method::DELETE, &path).by(&eve).send().await.status, 404);
    assert_eq!(shop.call(Method::DELETE, &path).by(&ada).send().await.status, 204);
    let left = shop.get("/payment-methods").by(&ada).send().await.expect(200);
    assert_eq!(left["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn refunds_never_exceed_what_was_captured() {
    let shop = Shop::start().await;
    let (ada, eve, admin) = (shop.customer("ada").await, shop.customer("eve").await, shop.admin().await);
    let product = shop.product(&admin, "MUG", 10).await;
    let order = shop.order(&ada, "k", &product, 2).await.string("/id");
    let payments = shop.get(&format!("/payments?order_id={order}")).by(&ada).send().await;
    assert_eq!(payments.string("/items/0/captured/amount"), "25.00");
    let path = format!("/payments/{}", payments.string("/items/0/id"));
    assert_eq!(shop.get(&path).by(&eve).send().await.status, 404);
    let refund = |amount: &str, key: &str, by: &str| {
        let amount = json!({ "amount": amount, "currency": "EUR" });
        let body = json!({ "amount": amount, "reason": "goodwill" });
        shop.post(&format!("{path}/refunds"), &body).by(by).key(key).send()
    };
    assert_eq!(refund("5.00", "a", &ada).await.status, 403);
    let first = refund("20.00", "a", &admin).await;
    let again = refund("20.00", "a", &admin).await;
    assert_eq!((first.status, &first.text, again.header("idempotent-replayed")), (201, &again.text, "true"));
    assert_eq!(refund("5.01", "b", &admin).await.problem(), (409, "refund_exceeds_captured".to_owned()));
    assert_eq!(refund("0.00", "b", &admin).await.status, 422);
    assert_eq!(refund("5.00", "b", &admin).await.status, 201, "a refused request frees its key");
    let refunds = shop.get(&format!("{path}/refunds")).by(&ada).send().await.expect(200);
    assert_eq!(refunds["items"].as_array().unwrap().len(), 2);
    assert_eq!(shop.get("/payments/sandbox/log").by(&ada).send().await.status, 403);
    assert_eq!(shop.get(&format!("/payments/sandbox/log?order_id={order}")).by(&admin).send().await.status, 200);
}

#[tokio::test]
async fn notices_follow_and_go_where_their_user_wants() {
    let shop = Shop::start().await;
    let (ada, eve) = (shop.customer("ada").await, shop.customer("eve").await);
    let none = json!({ "email": { "enabled": true, "address": null }, "sms": { "enabled": false, "number": null }, "push": { "enabled": false, "endpoint": null } });
    assert_eq!(shop.get("/notifications/preferences").by(&ada).send().await.expect(200), none);
    let put =
        |body: serde_json::Value| shop.call(Method::PUT, "/notifications/preferences").by(&ada).body(&body).send();
    let mut wanted = none.clone();
    wanted["sms"] = json!({ "enabled": true, "number": "+4915112345678" });
    assert_eq!(put(wanted.clone()).await.expect(200), wanted);
    wanted["sms"]["number"] = json!("call me");
    assert_eq!(put(wanted).await.expect(422)["errors"][0]["pointer"], "/sms/number");
    let ada_id = shop.get("/users/me").by(&ada).send().await.string("/id");
    assert_eq!(shop.get(&format!("/notifications?user_id={ada_id}")).by(&eve).send().await.status, 404);
    assert_eq!(shop.get("/notifications").by(&ada).send().await.status, 200);
}
