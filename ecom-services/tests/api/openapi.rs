//! The description of the API against the API itself.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::schema::misfits;
use crate::shop::{Reply, Shop};

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

async fn document(shop: &Shop) -> Value {
    let reply = shop.outside(Method::GET, "/openapi.json").send().await;
    assert_eq!(reply.header("content-type"), "application/json");
    reply.expect(200)
}

/// Method, path and description of each operation.
fn operations(document: &Value) -> Vec<(Method, &str, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    paths
        .iter()
        .flat_map(|(path, item)| {
            METHODS.into_iter().filter_map(move |method| {
                let operation = item.get(method)?;
                Some((method.to_uppercase().parse().unwrap(), path.as_str(), operation))
            })
        })
        .collect()
}

/// The path with ids that nothing has.
fn nowhere(path: &str) -> String {
    let segments = path.split('/').map(|segment| if segment.starts_with('{') { NOBODY } else { segment });
    segments.collect::<Vec<_>>().join("/")
}

const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

#[tokio::test]
async fn a_running_shop_answers_every_operation_and_lets_in_whom_it_says() {
    let shop = Shop::start().await;
    let ada = shop.customer("ada").await;
    let document = document(&shop).await;
    for (method, path, operation) in operations(&document) {
        let target = nowhere(path);
        let options = shop.outside(Method::OPTIONS, &target).send().await;
        let mut allowed: BTreeSet<&str> = options.header("allow").split(", ").collect();
        for beside in ["HEAD", "OPTIONS"] {
            allowed.remove(beside);
        }
        let item = &document["paths"][path];
        let described: BTreeSet<String> =
            METHODS.iter().filter(|method| item.get(method).is_some()).map(|method| method.to_uppercase()).collect();
        let described: BTreeSet<&str> = described.iter().map(String::as_str).collect();
        assert_eq!((options.status, &allowed), (204, &described), "{path}");

        let role = operation["x-role"].as_str();
        let stranger = shop.outside(method.clone(), &target).send().await;
        assert_eq!(stranger.problem() == (401, "missing_token".to_owned()), role.is_some(), "{method} {path}");
        if role == Some("admin") {
            let customer = shop.outside(method.clone(), &target).by(&ada).send().await;
            assert_eq!(customer.problem(), (403, "forbidden".to_owned()), "{method} {path}");
        }
    }
}

/// A shop whose every exchange is held against its description.
struct Described {
    shop: Shop,
    document: Value,
    seen: BTreeSet<(String, String)>,
    keys: u64,
}

impl Described {
    async fn start() -> Self {
        let shop = Shop::start().await;
        let document = document(&shop).await;
        Self { shop, document, seen: BTreeSet::new(), keys: 0 }
    }

    /// Sends a request to a path under `/api/v1`, whose pattern the ids are put into.
    async fn send(&mut self, method: Method, pattern: &str, id: &str, token: &str, body: Option<Value>) -> Reply {
        let (pattern, query) = pattern.split_once('?').unwrap_or((pattern, ""));
        let path: Vec<&str> = pattern.split('/').map(|part| if part.starts_with('{') { id } else { part }).collect();
        let target = if query.is_empty() { path.join("/") } else { format!("{}?{query}", path.join("/")) };
        let mut call = self.shop.outside(method.clone(), &target);
        if !token.is_empty() {
            call = call.by(token);
        }
        let described = &self.document["paths"][pattern][method.as_str().to_ascii_lowercase()];
        assert!(described.is_object(), "{method} {pattern} is not described");
        if let Some(body) = &body {
            let schema = &described["requestBody"]["content"]["application/json"]["schema"];
            assert_eq!(misfits(&self.document, schema, body, "body"), Vec::<String>::new(), "{method} {pattern}");
            call = call.body(body);
        }
        if described["parameters"].to_string().contains("IdempotencyKey") {
            self.keys += 1;
            call = call.key(&self.keys.to_string());
        }
        let reply = call.send().await;
        self.judge(&method, pattern, &reply);
        self.seen.insert((method.to_string(), pattern.to_owned()));
        reply
    }

    fn judge(&self, method: &Method, pattern: &str, reply: &Reply) {
        let described = &self.document["paths"][pattern][method.as_str().to_ascii_lowercase()];
        let response = &described["responses"][reply.status.to_string()];
        let place = format!("{method} {pattern} {}: {}", reply.status, reply.text);
        assert!(response.is_object(), "{place}");
        for header in response["headers"].as_object().into_iter().flat_map(|headers| headers.keys()) {
            if header != "Idempotent-Replayed" {
                assert_ne!(reply.header(header), "", "{place} lacks {header}");
            }
        }
        if reply.text.is_empty() {
            assert!(response.get("content").is_none(), "{place}");
            return;
        }
        let media_type = reply.header("content-type");
        let schema = &response["content"][media_type]["schema"];
        assert!(schema.is_object(), "{place} as {media_type}");
        if media_type.ends_with("json") {
            assert_eq!(misfits(&self.document, schema, &reply.json(), ""), Vec::<String>::new(), "{place}");
        }
        if media_type == "application/problem+json" {
            let code = reply.json()["code"].clone();
            assert!(response["x-codes"].as_array().unwrap().contains(&code), "{place}");
        }
    }

    async fn get(&mut self, pattern: &str, id: &str, token: &str) -> Reply {
        self.send(Method::GET, pattern, id, token, None).await
    }

    async fn post(&mut self, pattern: &str, id: &str, token: &str, body: Value) -> Reply {
        self.send(Method::POST, pattern, id, token, Some(body)).await
    }
}

const PASSWORD: &str = "a-long-enough-secret";

async fn accounts(api: &mut Described, admin: &str) -> (String, String) {
    let name = json!({ "email": "eve@example.com", "password": PASSWORD, "first_name": "Eve", "last_name": "E" });
    let id = api.post("/api/v1/users/register", "", "", name.clone()).await.string("/id");
    assert_eq!(api.post("/api/v1/users/register", "", "", name).await.status, 409);
    let wrong = json!({ "email": "eve@example.com", "password": "wrong" });
    assert_eq!(api.post("/api/v1/users/login", "", "", wrong).await.status, 401);
    let right = json!({ "email": "eve@example.com", "password": PASSWORD });
    let signed_in = api.post("/api/v1/users/login", "", "", right).await;
    let refresh = json!({ "refresh_token": signed_in.string("/refresh_token") });
    let signed_in = api.post("/api/v1/users/token", "", "", refresh).await;
    let token = signed_in.string("/access_token");
    api.get("/api/v1/users/me", "", &token).await;
    let profile = json!({ "first_name": "Eva" });
    api.send(Method::PATCH, "/api/v1/users/me", "", &token, Some(profile.clone())).await;
    api.send(Method::PATCH, "/api/v1/users/{id}", &id, admin, Some(profile)).await;
    api.get("/api/v1/users/{id}", &id, &token).await;
    assert_eq!(api.get("/api/v1/users/{id}", NOBODY, &token).await.status, 404);
    api.get("/api/v1/users?role=customer&limit=1", "", admin).await;
    assert_eq!(api.get("/api/v1/users?limit=0", "", admin).await.status, 422);
    let change = json!({ "current_password": PASSWORD, "new_password": "another-long-secret" });
    api.post("/api/v1/users/me/password", "", &token, change).await;
    api.post("/api/v1/users/password-reset", "", "", json!({ "email": "nobody@example.com" })).await;
    let confirmation = json!({ "token": "none", "new_password": PASSWORD });
    assert_eq!(api.post("/api/v1/users/password-reset/confirm", "", "", confirmation).await.status, 422);
    api.get("/.well-known/jwks.json", "", "").await;
    (token, id)
}

async fn catalogue(api: &mut Described, admin: &str) -> String {
    let price = json!({ "amount": "12.50", "currency": "EUR" });
    let mug = json!({ "sku": "MUG", "name": "Mug", "price": price, "initial_stock": 5 });
    let product = api.post("/api/v1/products", "", admin, mug.clone()).await.string("/id");
    assert_eq!(api.post("/api/v1/products", "", admin, mug).await.status, 409);
    api.get("/api/v1/products?sku=MUG", "", "").await;
    api.get("/api/v1/products/{id}", &product, "").await;
    let change = json!({ "description": "Holds tea" });
    api.send(Method::PATCH, "/api/v1/products/{id}", &product, admin, Some(change)).await;
    api.get("/api/v1/products/{id}/stock", &product, admin).await;
    api.post("/api/v1/products/{id}/stock", &product, admin, json!({ "delta": 2, "reason": "found" })).await;
    let much = json!({ "delta": -100, "reason": "gone" });
    assert_eq!(api.post("/api/v1/products/{id}/stock", &product, admin, much).await.status, 409);
    api.get("/api/v1/products/{id}/movements", &product, admin).await;
    product
}

async fn orders(api: &mut Described, admin: &str, token: &str, product: &str) {
    let order = |quantity: u64| json!({ "items": [{ "product_id": product, "quantity": quantity }], "metadata": { "gift": true } });
    let done = api.post("/api/v1/orders?wait=20s", "", token, order(1)).await;
    assert_eq!(done.string("/status"), "completed");
    let failed = api.post("/api/v1/orders?wait=20s", "", token, order(1_000)).await;
    assert_eq!(failed.string("/failure/code"), "out_of_stock");
    let unknown = json!({ "items": [{ "product_id": NOBODY, "quantity": 1 }] });
    assert_eq!(api.post("/api/v1/orders", "", token, unknown).await.status, 422);
    let id = done.string("/id");
    for path in ["/api/v1/orders/{id}", "/api/v1/orders/{id}/timeline", "/api/v1/orders/{id}/events"] {
        api.get(path, &id, token).await;
        assert_eq!(api.get(path, NOBODY, token).await.status, 404);
    }
    api.get("/api/v1/orders?status=completed", "", token).await;
    api.get("/api/v1/orders/{id}/summary", &id, token).await;
    assert_eq!(api.post("/api/v1/orders/{id}/cancel", &id, token, json!({})).await.status, 409);
    api.get("/api/v1/reservations/{order_id}", &id, token).await;
    api.get("/api/v1/admin/sagas?state=completed", "", admin).await;
    api.get("/api/v1/admin/sagas/{order_id}", &id, admin).await;
    let reason = json!({ "reason": "to see" });
    for action in ["/api/v1/admin/sagas/{order_id}/retry", "/api/v1/admin/sagas/{order_id}/resolve"] {
        assert_eq!(api.post(action, &id, admin, reason.clone()).await.status, 409);
    }
    api.send(Method::POST, "/api/v1/admin/resync/products", "", admin, None).await;
    api.send(Method::POST, "/api/v1/admin/resync/users", "", admin, None).await;
    for action in ["/api/v1/admin/dead-letters/{id}/replay", "/api/v1/admin/dead-letters/{id}/discard"] {
        assert_eq!(api.post(action, NOBODY, admin, reason.clone()).await.status, 404);
    }
    api.get("/api/v1/admin/dead-letters", "", admin).await;
    payments(api, admin, token, &id).await;
}

async fn payments(api: &mut Described, admin: &str, token: &str, order: &str) {
    let method = json!({ "token": "tok_visa", "type": "card" });
    let method = api.post("/api/v1/payment-methods", "", token, method).await.string("/id");
    let card = json!({ "token": "4242424242424242", "type": "card" });
    assert_eq!(api.post("/api/v1/payment-methods", "", token, card).await.status, 422);
    api.get("/api/v1/payment-methods", "", token).await;
    api.send(Method::POST, "/api/v1/payment-methods/{id}/default", &method, token, None).await;
    api.send(Method::DELETE, "/api/v1/payment-methods/{id}", &method, token, None).await;
    let page = api.get(&format!("/api/v1/payments?order_id={order}"), "", token).await;
    let payment = page.string("/items/0/id");
    api.get("/api/v1/payments/{id}", &payment, token).await;
    api.post("/api/v1/payments/{id}/refunds", &payment, admin, json!({ "reason": "kindness" })).await;
    api.get("/api/v1/payments/{id}/refunds", &payment, token).await;
    let log = api.get("/api/v1/payments/sandbox/log", "", admin).await.json();
    let entry = &log["items"][0];
    let notice = json!({
        "id": "evt_1", "type": "charge.succeeded", "idempotency_key": entry["key"], "order_id": order,
        "payment_id": payment, "amount": entry["amount"], "reference": "ch_1",
    });
    let unsigned = api.post("/api/v1/payments/webhooks/{provider}", "sandbox", "", notice).await;
    assert_eq!(unsigned.problem(), (400, "invalid_signature".to_owned()));
    api.get("/api/v1/notifications", "", token).await;
    let preferences = api.get("/api/v1/notifications/preferences", "", token).await.json();
    api.send(Method::PUT, "/api/v1/notifications/preferences", "", token, Some(preferences)).await;
}

#[tokio::test]
async fn what_is_sent_and_answered_is_what_is_described() {
    let mut api = Described::start().await;
    let admin = api.shop.admin().await;
    for path in ["/livez", "/readyz", "/health", "/metrics", "/openapi.json", "/docs", "/docs/docs.js"] {
        api.get(path, "", "").await;
    }
    for path in ["/console", "/console/console.js", "/pages/style.css"] {
        let page = api.get(path, "", "").await;
        assert!(page.header("content-security-policy").starts_with("default-src 'none';"), "{path}");
    }
    let (token, id) = accounts(&mut api, &admin).await;
    let product = catalogue(&mut api, &admin).await;
    orders(&mut api, &admin, &token, &product).await;
    api.send(Method::DELETE, "/api/v1/users/{id}", &id, &admin, None).await;
    api.send(Method::DELETE, "/api/v1/users/me", "", &token, None).await;
    let refresh = json!({ "refresh_token": "none" });
    assert_eq!(api.post("/api/v1/users/logout", "", "", refresh).await.status, 204);
    let document = api.document.clone();
    let left: Vec<_> = operations(&document)
        .into_iter()
        .map(|(method, path, _)| (method.to_string(), path.to_owned()))
        .filter(|operation| !api.seen.contains(operation))
        .collect();
    assert_eq!(left, vec![], "described, but not held against the shop");
}
