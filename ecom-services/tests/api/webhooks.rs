//! What the provider tells of its own accord: before its answer, twice, in place of an answer that never comes.

use std::time::Duration;

use ecom_adapters::sandbox::SandboxWebhook;
use ecom_adapters::system::SystemClock;
use ecom_core::id::MessageId;
use ecom_core::payment::{SANDBOX, notice_id};
use ecom_core::port::Clock;
use ecom_core::secret::Secret;
use ecom_core::time::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

use crate::shop::{Reply, Shop};

const SECRET: &str = "whsec_of_these_tests";

/// A provider whose lost answers are waited for longer than any test takes: what goes on, goes on by webhook.
const SILENT: [(&str, &str); 3] = [("SANDBOX_WEBHOOK_SECRET", SECRET), ("PROVIDER_TIMEOUT", "10m"), ("LEASE", "11m")];

const PATH: &str = "/payments/webhooks/sandbox";

fn now() -> Timestamp {
    SystemClock.now()
}

fn sign(body: &str, at: Timestamp) -> String {
    SandboxWebhook::new(Secret::new(SECRET.to_owned())).sign(body.as_bytes(), at)
}

async fn tell(shop: &Shop, notice: &Value) -> Reply {
    let body = notice.to_string();
    let signature = sign(&body, now());
    shop.call(Method::POST, PATH).header("sandbox-signature", &signature).text(body).send().await
}

/// Looks until there is something.
async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..3_000 {
        if let Some(found) = look().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never: {what}")
}

/// An order paid with that token, as soon as the provider has taken the money; and what it would tell.
async fn charged(shop: &Shop, token: &str) -> (String, String, Value) {
    let (admin, ada) = (shop.admin().await, shop.customer("ada").await);
    let product = shop.product(&admin, "MUG", 10).await;
    let method = shop.post("/payment-methods", &json!({ "token": token, "type": "card" })).by(&ada).send().await;
    method.expect(201);
    let body = json!({ "items": [{ "product_id": product, "quantity": 1 }] });
    let order = shop.post("/orders", &body).by(&ada).key("k").send().await.string("/id");
    let entry = until("the provider takes the money", async || {
        let log = shop.get(&format!("/payments/sandbox/log?order_id={order}")).by(&admin).send().await.json();
        log["items"].as_array()?.iter().find(|entry| entry["result"] == "succeeded").cloned()
    })
    .await;
    let notice = json!({
        "id": "evt_told", "type": "charge.succeeded", "idempotency_key": entry["key"], "order_id": order,
        "payment_id": entry["payment_id"], "amount": entry["amount"], "reference": entry["reference"],
    });
    (order, ada, notice)
}

async fn becomes(shop: &Shop, order: &str, token: &str, status: &str) {
    until(status, async || {
        let order = shop.get(&format!("/orders/{order}")).by(token).send().await;
        (order.string("/status") == status).then_some(())
    })
    .await;
}

async fn payment(shop: &Shop, order: &str, token: &str) -> Value {
    shop.get(&format!("/payments?order_id={order}")).by(token).send().await.expect(200)["items"][0].clone()
}

fn steps(payment: &Value) -> Vec<String> {
    let steps = payment["transactions"].as_array().unwrap().iter();
    steps.map(|step| format!("{} {}", step["type"].as_str().unwrap(), step["status"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn a_webhook_before_the_answer_and_another_after_it_complete_an_order_once() {
    let shop = Shop::start().await;
    let (order, ada, notice) = charged(&shop, "tok_duplicate_webhook").await;
    becomes(&shop, &order, &ada, "completed").await;
    let key: MessageId = notice["idempotency_key"].as_str().unwrap().parse().unwrap();
    let told = notice_id(SANDBOX, &format!("evt_{}", key.0.simple()));
    let timeline = shop.get(&format!("/orders/{order}/timeline")).by(&ada).send().await.expect(200);
    let entries = timeline["items"].as_array().unwrap();
    let paid: Vec<_> = entries.iter().filter(|entry| entry["event"] == "payment.processed").collect();
    assert_eq!((paid.len(), paid[0]["causation_id"].as_str()), (1, Some(told.to_string().as_str())), "{timeline}");
    assert_eq!(steps(&payment(&shop, &order, &ada).await), ["charge pending", "charge succeeded"]);
    let admin = shop.admin().await;
    let log = shop.get(&format!("/payments/sandbox/log?order_id={order}")).by(&admin).send().await.json();
    assert_eq!(log["items"].as_array().unwrap().len(), 1, "{log}");
    let notices = until("the notice", async || {
        let notices = shop.get("/notifications").by(&ada).send().await.json();
        let ours: Vec<_> = notices["items"].as_array()?.iter().filter(|it| it["order_id"] == *order).cloned().collect();
        (!ours.is_empty()).then_some(ours)
    })
    .await;
    assert_eq!((notices.len(), &notices[0]["template"]), (1, &json!("order_completed")));
}

#[tokio::test]
async fn a_webhook_alone_completes_an_order_whose_answer_never_comes() {
    let shop = Shop::start_with(&SILENT).await;
    let (order, ada, notice) = charged(&shop, "tok_timeout_charged").await;
    assert_eq!(shop.get(&format!("/orders/{order}")).by(&ada).send().await.string("/status"), "processing");
    for _ in 0..3 {
        assert_eq!(tell(&shop, &notice).await.status, 204);
    }
    becomes(&shop, &order, &ada, "completed").await;
    let mut other = notice.clone();
    other["id"] = json!("evt_told_again");
    assert_eq!(tell(&shop, &other).await.status, 204, "the rule is idempotent beside the inbox");
    let payment = payment(&shop, &order, &ada).await;
    assert_eq!(steps(&payment), ["charge pending", "charge succeeded"]);
    assert_eq!(payment["captured"]["amount"], "12.50");
}

#[tokio::test]
async fn a_webhook_after_the_end_of_its_order_gives_the_money_back() {
    let shop = Shop::start_with(&SILENT).await;
    let (order, ada, notice) = charged(&shop, "tok_timeout_charged").await;
    let cancel = shop.post(&format!("/orders/{order}/cancel"), &json!({})).by(&ada).send().await;
    assert_eq!(cancel.expect(202)["status"], "cancelled");
    assert_eq!(tell(&shop, &notice).await.status, 204);
    let payment = until("the money is back", async || {
        let payment = payment(&shop, &order, &ada).await;
        (payment["status"] == "refunded").then_some(payment)
    })
    .await;
    assert_eq!((&payment["captured"], &payment["refunded"]), (&payment["amount"], &payment["amount"]));
    assert_eq!(tell(&shop, &notice).await.status, 204);
    let log = shop.get(&format!("/payments/sandbox/log?order_id={order}")).by(&shop.admin().await).send().await.json();
    let moved: Vec<_> = log["items"].as_array().unwrap().iter().map(|entry| entry["operation"].as_str()).collect();
    assert_eq!(moved, [Some("refund"), Some("charge")]);
}

#[tokio::test]
async fn a_webhook_that_contradicts_what_is_known_moves_no_money_and_is_seen() {
    let shop = Shop::start_with(&SILENT).await;
    let (order, ada, notice) = charged(&shop, "tok_timeout_charged").await;
    assert_eq!(tell(&shop, &notice).await.status, 204);
    becomes(&shop, &order, &ada, "completed").await;
    let mut second = notice.clone();
    second["id"] = json!("evt_second");
    second["reference"] = json!("ch_another");
    assert_eq!(tell(&shop, &second).await.status, 204);
    let payment = payment(&shop, &order, &ada).await;
    assert_eq!(steps(&payment), ["charge pending", "charge succeeded", "charge unknown"]);
    assert_eq!((&payment["status"], &payment["captured"]), (&json!("processed"), &payment["amount"]));
}

#[tokio::test]
async fn a_webhook_that_is_not_signed_or_not_known_is_refused() {
    let shop = Shop::start_with(&SILENT).await;
    let nobody = "00000000-0000-4000-8000-000000000000";
    let notice = json!({
        "id": "evt_1", "type": "charge.succeeded", "idempotency_key": nobody, "order_id": nobody, "payment_id": nobody,
        "amount": { "amount": "1.00", "currency": "EUR" }, "reference": "ch_1",
    });
    assert_eq!(tell(&shop, &notice).await.problem(), (404, "notice_unknown".to_owned()), "so that it is told again");
    assert_eq!(tell(&shop, &json!({ "id": "evt_1" })).await.problem(), (422, "invalid_body".to_owned()));
    let body = notice.to_string();
    let send = |path: &str, signature: &str, body: &str| {
        shop.call(Method::POST, path).header("sandbox-signature", signature).text(body).send()
    };
    let (good, changed) = (sign(&body, now()), body.replace("1.00", "9.00"));
    let old = sign(&body, Timestamp::from_micros(now().as_micros() - 301_000_000));
    for (signature, body) in [(good.as_str(), changed.as_str()), (&old, &body), ("t=1,v1=00", "not even JSON")] {
        assert_eq!(send(PATH, signature, body).await.problem(), (400, "invalid_signature".to_owned()));
    }
    let unsigned = shop.call(Method::POST, PATH).text(&body).send().await;
    assert_eq!(unsigned.problem(), (400, "invalid_signature".to_owned()));
    assert_eq!(send("/payments/webhooks/stripe", &good, &body).await.problem(), (404, "not_found".to_owned()));
    let large = "x".repeat((1 << 20) + 1);
    assert_eq!(send(PATH, &sign(&large, now()), &large).await.status, 413);
    assert_eq!(shop.call(Method::GET, PATH).send().await.status, 405);
}
