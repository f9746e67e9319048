use serde_json::{Value, json};

use crate::shop::Shop;

const NOBODYS: &str = "00000000-0000-4000-8000-000000000000";

#[tokio::test]
async fn an_order_is_placed_once_for_each_key() {
    let shop = Shop::start().await;
    let (ada, admin) = (shop.customer("ada").await, shop.admin().await);
    let product = shop.product(&admin, "MUG", 10).await;
    let body = json!({ "items": [{ "product_id": product, "quantity": 2 }], "metadata": { "note": "gift" } });
    let missing = shop.post("/orders", &body).by(&ada).send().await;
    assert_eq!(missing.problem(), (400, "idempotency_key_required".to_owned()));
    let long = shop.post("/orders", &body).by(&ada).key(&"k".repeat(256)).send().await;
    assert_eq!(long.problem(), (400, "invalid_idempotency_key".to_owned()));
    // Placed right after its product: the catalogue of the order service may still lag behind.
    let first = shop.post("/orders", &body).by(&ada).key("k").header("X-Correlation-Id", "mine").send().await;
    assert_eq!((first.status, first.string("/status")), (201, "pending".to_owned()));
    assert_eq!((first.header("x-correlation-id"), first.header("idempotent-replayed")), ("mine", ""));
    let again = shop.post("/orders", &body).by(&ada).key("k").send().await;
    assert_eq!((again.status, again.header("idempotent-replayed")), (201, "true"));
    assert_eq!(first.text, again.text, "byte for byte");
    let waited = shop.post("/orders?wait=20s", &body).by(&ada).key("k").send().await;
    assert_eq!((waited.status, waited.string("/status")), (201, "completed".to_owned()));
    assert_eq!((waited.string("/id"), waited.header("idempotent-replayed")), (first.string("/id"), "true"));
    let other = json!({ "items": [{ "product_id": product, "quantity": 3 }] });
    let reused = shop.post("/orders", &other).by(&ada).key("k").send().await;
    assert_eq!(reused.problem(), (422, "idempotency_key_reused".to_owned()));
    let theirs = shop.post("/orders", &other).by(&admin).key("k").send().await;
    assert_eq!(theirs.status, 201, "keys of different users never meet");
}

#[tokio::test]
async fn a_refused_order_says_why_and_frees_its_key() {
    let shop = Shop::start().await;
    let (ada, admin) = (shop.customer("ada").await, shop.admin().await);
    let product = shop.product(&admin, "MUG", 10).await;
    let yen = json!({ "sku": "YEN", "name": "Yen", "price": { "amount": "100", "currency": "JPY" } });
    let yen = shop.post("/products", &yen).by(&admin).send().await.string("/id");
    let line = |product: &str, quantity: Value| json!({ "product_id": product, "quantity": quantity });
    let one = || line(&product, json!(1));
    let cheap = json!({ "amount": "1.00", "currency": "EUR" });
    for (body, status, code) in [
        (json!({ "items": [] }), 422, "no_items"),
        (json!({ "items": vec![one(); 101] }), 422, "too_many_items"),
        (json!({ "items": [line(&product, json!(0))] }), 422, "invalid_body"),
        (json!({ "items": [line(&product, json!(1_000_001))] }), 422, "invalid_body"),
        (json!({ "items": [line(&product, json!(1.5))] }), 422, "invalid_body"),
        (json!({ "items": [line("x", json!(1))] }), 422, "invalid_body"),
        (json!({ "items": [line(NOBODYS, json!(1))] }), 422, "unknown_product"),
        (json!({ "items": [one(), line(&yen, json!(1))] }), 422, "mixed_currencies"),
        (json!({ "items": [{ "product_id": product, "quantity": 1, "unit_price": cheap }] }), 409, "price_changed"),
        (json!({ "items": [one()], "metadata": [] }), 422, "invalid_metadata"),
        (json!({ "items": [one()], "metadata": { "a": "x".repeat(4_096) } }), 422, "invalid_metadata"),
        (json!({ "items": [one()], "metadata": { "card": "4242 4242 4242 4242" } }), 422, "card_number_refused"),
        (json!({ "items": [one()], "user_id": NOBODYS }), 422, "invalid_body"),
        (json!({ "items": [one()], "total_amount": cheap }), 422, "invalid_body"),
    ] {
        let reply = shop.post("/orders", &body).by(&ada).key("k").send().await;
        assert_eq!(reply.problem(), (status, code.to_owned()), "{body}");
    }
    assert_eq!(shop.order(&ada, "k", &product, 1).await.string("/status"), "completed");
}

#[tokio::test]
async fn an_order_ends_as_stock_and_payment_allow() {
    let shop = Shop::start().await;
    let (ada, admin) = (shop.customer("ada").await, shop.admin().await);
    let product = shop.product(&admin, "MUG", 10).await;
    let short = shop.order(&ada, "short", &product, 11).await.expect(201);
    assert_eq!((&short["status"], &short["failure"]["code"]), (&json!("failed"), &json!("out_of_stock")));
    for (token, code) in [("tok_declined", "payment_declined"), ("tok_insufficient_funds", "insufficient_funds")] {
        let method = shop.post("/payment-methods", &json!({ "token": token, "type": "card" })).by(&ada).send().await;
        let items = json!([{ "product_id": product, "quantity": 1 }]);
        let body = json!({ "items": items, "payment_method_id": method.string("/id") });
        let failed = shop.post("/orders?wait=20s", &body).by(&ada).key(token).send().await.expect(201);
        assert_eq!((&failed["status"], &failed["failure"]["code"]), (&json!("failed"), &json!(code)));
    }
    let timeline = shop.get(&format!("/orders/{}/timeline", short["id"].as_str().unwrap())).by(&ada).send().await;
    assert_eq!(timeline.string("/items/0/event"), "order.created");
    assert_eq!(timeline.string("/items/1/to"), "failed");
}

#[tokio::test]
async fn an_order_is_its_owners_and_the_administrators() {
    let shop = Shop::start().await;
    let (ada, eve, admin) = (shop.customer("ada").await, shop.customer("eve").await, shop.admin().await);
    let product = shop.product(&admin, "MUG", 10).await;
    let id = shop.order(&ada, "k", &product, 1).await.string("/id");
    for path in ["", "/timeline", "/events", "/summary"] {
        assert_eq!(shop.get(&format!("/orders/{id}{path}")).by(&eve).send().await.status, 404, "{path}");
        assert_eq!(shop.get(&format!("/orders/{id}{path}")).by(&admin).send().await.status, 200, "{path}");
        assert_eq!(shop.get(&format!("/orders/{id}{path}")).send().await.status, 401, "{path}");
    }
    assert_eq!(shop.post(&format!("/orders/{id}/cancel"), &json!({})).by(&eve).send().await.status, 404);
    let listed = async |token: &str, query: &str| {
        let reply = shop.get(&format!("/orders{query}")).by(token).send().await;
        (reply.status, reply.json()["items"].as_array().map_or(0, Vec::len))
    };
    assert_eq!(listed(&eve, "").await, (200, 0));
    assert_eq!(listed(&ada, "?status=completed").await, (200, 1));
    assert_eq!(listed(&ada, "?status=pending").await, (200, 0));
    assert_eq!(listed(&admin, "").await, (200, 1));
    assert_eq!(listed(&ada, "?status=lost").await, (422, 0));
    assert_eq!(listed(&eve, "?user_id=00000000-0000-4000-8000-000000000000").await, (404, 0));
    let reservation = shop.get(&format!("/reservations/{id}")).by(&ada).send().await.expect(200);
    assert_eq!(reservation["state"], "committed");
}

#[tokio::test]
async fn lists_go_on_where_their_pages_end() {
    let shop = Shop::start().await;
    let (ada, admin) = (shop.customer("ada").await, shop.admin().await);
    let product = shop.product(&admin, "MUG", 10).await;
    let mut placed = vec![];
    for key in ["a", "b", "c"] {
        placed.insert(0, shop.order(&ada, key, &product, 1).await.string("/id"));
    }
    let (mut seen, mut query) = (vec![], "?limit=2".to_owned());
    loop {
        let page = shop.get(&format!("/orders{query}")).by(&ada).send().await.expect(200);
        seen.extend(page["items"].as_array().unwrap().iter().map(|order| order["id"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        query = format!("?limit=2&cursor={cursor}");
    }
    assert_eq!(seen, placed, "newest first, each once");
    for (query, code) in [
        ("?cursor=x", "invalid_cursor"),
        ("?limit=0", "invalid_parameter"),
        ("?limit=1&limit=2", "duplicate_parameter"),
    ] {
        assert_eq!(shop.get(&format!("/orders{query}")).by(&ada).send().await.problem().1, code);
    }
}
