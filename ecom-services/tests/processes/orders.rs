//! Orders through six processes.

use ecom_core::event::Service;
use ecom_core::id::MessageId;
use ecom_core::payment::{SANDBOX, notice_id};
use ecom_services::demo::client::Call;
use serde_json::{Value, json};

use crate::fleet::{Fleet, PATIENCE};

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_start_in_any_order_on_an_empty_broker_make_one_shop() {
    let mut fleet = Fleet::new();
    // Who depends on others comes first, and nobody is waited for: the demo has patience.
    fleet.start_all(Service::ALL.into_iter().rev());
    let report = fleet.demo(200, 8).await.unwrap();
    println!("{report}");
    assert!(report.passed, "{report}");
    fleet.all_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_wait_for_services_that_have_never_run() {
    let mut fleet = Fleet::new();
    fleet.start_all([Service::Gateway, Service::User, Service::Inventory, Service::Order]);
    for service in [Service::User, Service::Inventory, Service::Order] {
        fleet.becomes(service, "ok").await;
    }
    let (shop, admin) = (fleet.client(Service::Gateway), fleet.admin().await);
    let price = json!({ "amount": "12.50", "currency": "EUR" });
    let body = json!({ "sku": "MUG", "name": "Mug", "price": price, "initial_stock": 5 });
    let product: Value = shop.expect(&Call::post("/api/v1/products", body).token(&admin), 201).await.unwrap();
    let order = place(&fleet, &admin, &product["id"], "first").await;
    assert_eq!(order["status"], "pending");
    // Held, but nobody charges; the summary shows what there is.
    let summary = format!("/api/v1/orders/{}/summary", order["id"].as_str().unwrap());
    let call = Call::get(summary).token(&admin);
    let joined: Value = shop.expect(&call, 200).await.unwrap();
    assert_eq!((&joined["order"]["status"], &joined["payment"]["status"]), (&json!("ok"), &json!("unavailable")));
    assert_eq!(joined["notifications"]["status"], "unavailable");
    let away = shop.attempt(&Call::get("/api/v1/payments").token(&admin)).await.unwrap();
    assert_eq!((away.status, away.code().as_str()), (503, "service_unavailable"));
    fleet.becomes(Service::Gateway, "degraded").await;

    fleet.start_all([Service::Payment, Service::Notification]);
    let path = format!("/api/v1/orders/{}", order["id"].as_str().unwrap());
    let begun = std::time::Instant::now();
    loop {
        let order: Value = shop.expect(&Call::get(&path).token(&admin), 200).await.unwrap();
        let joined: Value = shop.expect(&call, 200).await.unwrap();
        let notices = joined["notifications"]["data"].as_array().map_or(0, Vec::len);
        if order["status"] == "completed" && notices > 0 {
            assert_eq!(joined["payment"]["data"]["status"], "processed");
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "{order} {joined}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    fleet.becomes(Service::Gateway, "ok").await;
    a_webhook_comes_over_http(&fleet, &admin, &product["id"]).await;
}

/// The sandbox's webhook, which comes before its answer, is what the payment service heard first.
async fn a_webhook_comes_over_http(fleet: &Fleet, admin: &str, product: &Value) {
    let shop = fleet.client(Service::Gateway);
    let card = json!({ "token": "tok_duplicate_webhook", "type": "card" });
    let card: Value = shop.expect(&Call::post("/api/v1/payment-methods", card).token(admin), 201).await.unwrap();
    let body = json!({ "items": [{ "product_id": product, "quantity": 1 }], "payment_method_id": card["id"] });
    let call = Call::post("/api/v1/orders?wait=20s", body).token(admin).key("by webhook");
    let order: Value = shop.expect(&call, 201).await.unwrap();
    assert_eq!(order["status"], "completed", "{order}");
    let (id, list) = (order["id"].as_str().unwrap(), |path: String| Call::get(path).token(admin));
    let log: Value = shop.expect(&list(format!("/api/v1/payments/sandbox/log?order_id={id}")), 200).await.unwrap();
    let key: MessageId = log["items"][0]["key"].as_str().unwrap().parse().unwrap();
    let told = notice_id(SANDBOX, &format!("evt_{}", key.0.simple()));
    let timeline: Value = shop.expect(&list(format!("/api/v1/orders/{id}/timeline")), 200).await.unwrap();
    let mut paid = timeline["items"].as_array().unwrap().iter().filter(|entry| entry["event"] == "payment.processed");
    assert_eq!(paid.next().unwrap()["causation_id"], json!(told), "{timeline}");
    assert!(paid.next().is_none(), "{timeline}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_broker_orders_are_accepted_and_end_when_it_is_there() {
    let mut fleet = Fleet::new();
    fleet.start_all(Service::ALL);
    fleet.all_well().await;
    let (shop, admin) = (fleet.client(Service::Gateway), fleet.admin().await);
    let price = json!({ "amount": "1.00", "currency": "EUR" });
    let body = json!({ "sku": "CUP", "name": "Cup", "price": price, "initial_stock": 5 });
    let product: Value = shop.expect(&Call::post("/api/v1/products", body).token(&admin), 201).await.unwrap();
    // The order service comes to know the product over the broker.
    place(&fleet, &admin, &product["id"], "before").await;
    fleet.kill(Service::Order).await;
    // Nobody listens there.
    fleet.set("EVENT_BUS_URL", "amqp://guest:guest@127.0.0.1:9/%2f");
    fleet.start(Service::Order);
    fleet.becomes(Service::Order, "degraded").await;
    let order = place(&fleet, &admin, &product["id"], "without").await;
    fleet.kill(Service::Order).await;
    fleet.set("EVENT_BUS_URL", &crate::fleet::broker());
    fleet.start(Service::Order);
    fleet.becomes(Service::Order, "ok").await;
    let path = format!("/api/v1/orders/{}", order["id"].as_str().unwrap());
    let begun = std::time::Instant::now();
    loop {
        let order: Value = shop.expect(&Call::get(&path).token(&admin), 200).await.unwrap();
        if order["status"] == "completed" {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "{order}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// Places an order for one piece; while the order service does not know the product, it is asked again.
async fn place(fleet: &Fleet, token: &str, product: &Value, key: &str) -> Value {
    let shop = fleet.client(Service::Gateway);
    let body = json!({ "items": [{ "product_id": product, "quantity": 1 }] });
    let begun = std::time::Instant::now();
    loop {
        let answer = shop.send(&Call::post("/api/v1/orders", body.clone()).token(token).key(key)).await.unwrap();
        if answer.status == 201 {
            return answer.json().unwrap();
        }
        assert_eq!(answer.code(), "unknown_product");
        assert!(begun.elapsed() < PATIENCE, "the product is not known");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}
