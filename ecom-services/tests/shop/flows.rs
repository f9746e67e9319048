//! The way of an order, seen by its buyer and by the administrator.

use serde_json::{Value, json};

use crate::client::{Client, PASSWORD, of, tally, text};
use crate::embedded::Shop;

#[tokio::test(flavor = "multi_thread")]
async fn somebody_registers_signs_in_and_sees_himself() {
    let shop = Shop::start().await;
    let client = &shop.client;
    let user = client.register(" Ada@Example.com ").await.expect(201);
    assert_eq!((text(&user["email"]), text(&user["role"])), ("ada@example.com".into(), "customer".into()));
    client.register("ada@example.com").await.refused(409, "email_taken");

    client.login("ada@example.com", "the wrong password").await.refused(401, "invalid_credentials");
    client.login("nobody@example.com", PASSWORD).await.refused(401, "invalid_credentials");
    let signed_in = client.login("ADA@example.com", PASSWORD).await.expect(200);
    assert_eq!((&signed_in["token_type"], &signed_in["expires_in"]), (&json!("Bearer"), &json!(300)));
    assert_eq!(signed_in["user"], user);

    let me = client.get("/api/v1/users/me", &text(&signed_in["access_token"])).await;
    assert_eq!(me.expect(200), user);
    assert!(!me.text.contains("hash"), "{}", me.text);
    let anonymous = client.request(reqwest::Method::GET, "/api/v1/users/me");
    Client::send(anonymous).await.refused(401, "missing_token");
    shop.stop().await;
}

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
async fn a_key_makes_one_order_however_often_it_is_sent() {
    let shop = Shop::start().await;
    let client = &shop.client;
    let product = client.product(&shop.admin, "MUG-1", 5).await;
    let (buyer, other) = (client.customer("buyer").await, client.customer("other").await);
    let body = of(&product, 1, None);

    let first = client.order(&buyer, "key", "", &body).await;
    let id = text(&first.expect(201)["id"]);
    assert_eq!((text(&first.json()["status"]), first.header("idempotent-replayed")), ("pending".into(), None));
    let again = client.order(&buyer, "key", "", &body).await;
    assert_eq!((again.status, &again.text), (201, &first.text));
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    let waited = client.order(&buyer, "key", "?wait=30s", &body).await;
    assert_eq!(waited.header("idempotent-replayed"), Some("true"));
    assert_eq!((text(&waited.expect(201)["id"]), text(&waited.json()["status"])), (id.clone(), "completed".into()));
    // Still the first answer, to the byte, although the order has moved on.
    assert_eq!(client.order(&buyer, "key", "", &body).await.text, first.text);

    client.order(&buyer, "key", "", &of(&product, 2, None)).await.refused(422, "idempotency_key_reused");
    client.post("/api/v1/orders", &buyer.token, &body).await.refused(400, "idempotency_key_required");
    let others = client.order(&other, "key", "", &body).await;
    assert_ne!(text(&others.expect(201)["id"]), id);
    assert_eq!(client.all("/api/v1/orders", &buyer.token).await.len(), 1);

    // What was refused frees its key.
    client.order(&buyer, "free", "", &of(&product, 0, None)).await;
    client.order(&buyer, "free", "", &body).await.expect(201);
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

#[tokio::test(flavor = "multi_thread")]
async fn a_list_gives_each_order_once_and_the_newest_first() {
    let shop = Shop::start().await;
    let client = &shop.client;
    let product = client.product(&shop.admin, "MUG-1", 5).await;
    let (buyer, other) = (client.customer("buyer").await, client.customer("other").await);
    client.order(&other, "not mine", "", &of(&product, 1, None)).await.expect(201);
    let mut placed = vec![];
    for number in 0..5 {
        // The last two fail for lack of stock.
        let body = of(&product, if number < 3 { 1 } else { 9 }, None);
        let order = client.order(&buyer, &number.to_string(), "?wait=30s", &body).await.expect(201);
        placed.insert(0, text(&order["id"]));
    }
    let (mut listed, mut sizes, mut cursor) = (vec![], vec![], String::new());
    loop {
        let page = client.get(&format!("/api/v1/orders?limit=2{cursor}"), &buyer.token).await.expect(200);
        let items = page["items"].as_array().unwrap();
        sizes.push(items.len());
        listed.extend(items.iter().map(|order| text(&order["id"])));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!((listed, sizes), (placed, vec![2, 2, 1]));
    let failed = client.all("/api/v1/orders?status=failed", &buyer.token).await;
    assert_eq!(tally(failed.iter().map(|order| text(&order["status"]))), [("failed".to_owned(), 2)].into());
    assert_eq!(client.all("/api/v1/orders", &shop.admin).await.len(), 6);
    for query in ["limit=0", "limit=101"] {
        client.get(&format!("/api/v1/orders?{query}"), &buyer.token).await.refused(422, "invalid_parameter");
    }
    client.get("/api/v1/orders?cursor=nonsense", &buyer.token).await.refused(400, "invalid_cursor");
    shop.stop().await;
}
