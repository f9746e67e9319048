use reqwest::Method;
use serde_json::json;

use crate::shop::Shop;

#[tokio::test]
async fn administrators_keep_products_and_everybody_sees_them() {
    let shop = Shop::start().await;
    let (ada, admin) = (shop.customer("ada").await, shop.admin().await);
    let price = |amount: &str| json!({ "amount": amount, "currency": "EUR" });
    let mug = json!({ "sku": "MUG", "name": "Mug", "price": price("12.50"), "initial_stock": 10 });
    assert_eq!(shop.post("/products", &mug).send().await.status, 401);
    assert_eq!(shop.post("/products", &mug).by(&ada).send().await.status, 403);
    let created = shop.post("/products", &mug).by(&admin).key("k").send().await;
    let replayed = shop.post("/products", &mug).by(&admin).key("k").send().await;
    assert_eq!((created.status, created.header("idempotent-replayed")), (201, ""));
    assert_eq!((replayed.status, replayed.header("idempotent-replayed")), (201, "true"));
    assert_eq!(created.text, replayed.text);
    let id = created.string("/id");
    assert_eq!(shop.post("/products", &mug).by(&admin).send().await.problem(), (409, "sku_taken".to_owned()));
    for (field, value) in [
        ("price", price("-1.00")),
        ("price", price("1.5")),
        ("price", json!(12.5)),
        ("initial_stock", json!(-1)),
        ("sku", json!("")),
        ("name", json!("")),
        ("description", json!("pay with 4242 4242 4242 4242")),
        ("color", json!("red")),
    ] {
        let mut body = mug.clone();
        body["sku"] = json!("OTHER");
        body[field] = value.clone();
        assert_eq!(shop.post("/products", &body).by(&admin).send().await.status, 422, "{field}: {value}");
    }
    let seen = shop.get(&format!("/products/{id}")).send().await.expect(200);
    assert_eq!((seen["available"].as_u64(), &seen["price"]), (Some(10), &price("12.50")));
    assert_eq!(shop.get("/products?sku=MUG").send().await.expect(200)["items"].as_array().unwrap().len(), 1);
    assert_eq!(shop.get("/products?q=nothing").send().await.expect(200), json!({ "items": [], "next_cursor": null }));
    let change = json!({ "name": "Big mug", "price": price("13.00"), "is_active": false });
    let changed = shop.call(Method::PATCH, &format!("/products/{id}")).by(&admin).body(&change).send().await;
    assert_eq!(changed.expect(200)["name"], "Big mug");
    assert_eq!(shop.get("/products/00000000-0000-4000-8000-000000000000").send().await.status, 404);
}

#[tokio::test]
async fn stock_is_adjusted_with_a_reason_and_every_movement_is_kept() {
    let shop = Shop::start().await;
    let (ada, admin) = (shop.customer("ada").await, shop.admin().await);
    let id = shop.product(&admin, "MUG", 10).await;
    let stock = format!("/products/{id}/stock");
    let adjust = |delta: serde_json::Value, reason: &str| {
        shop.post(&stock, &json!({ "delta": delta, "reason": reason })).by(&admin).send()
    };
    assert_eq!(adjust(json!(5), "delivery").await.expect(200)["on_hand"], 15);
    assert_eq!(adjust(json!(-16), "loss").await.problem(), (409, "insufficient_stock".to_owned()));
    for (delta, reason) in [(json!(0), "x"), (json!(1), ""), (json!("1"), "x"), (json!(1.5), "x")] {
        assert_eq!(adjust(delta, reason).await.status, 422);
    }
    assert_eq!(shop.get(&stock).by(&ada).send().await.status, 403);
    let movements = shop.get(&format!("/products/{id}/movements")).by(&admin).send().await.expect(200);
    let of = |field: &str| -> Vec<_> {
        movements["items"].as_array().unwrap().iter().map(|movement| movement[field].clone()).collect()
    };
    assert_eq!((of("kind"), of("delta")), (vec![json!("adjustment"), json!("initial")], vec![json!(5), json!(10)]));
}
