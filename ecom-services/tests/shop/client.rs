//! An HTTP client that shows everything of an answer, and what the tests ask again and again.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::{Duration, Instant};

use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

/// How long the shop may take for anything before a test gives up; the machine may be busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The body, when the status is the expected one.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.json()
    }

    /// The answer is this refusal, in the form that all refusals have.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.json()["code"].as_str()), (status, Some(code)), "{}", self.text);
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        assert_eq!(self.json()["status"], status);
    }
}

/// A client of a shop.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
}

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub(crate) struct Customer {
    pub(crate) id: String,
    pub(crate) token: String,
}

pub(crate) const PASSWORD: &str = "a horse and three staples";

impl Client {
    pub(crate) fn new(base: &str) -> Self {
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE + PATIENCE).build().unwrap();
        Self { http, base: base.to_owned() }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base))
    }

    /// The answer to a request, or `None` when nobody answered.
    pub(crate) async fn try_send(request: reqwest::RequestBuilder) -> Option<Answer> {
        let response = request.send().await.ok()?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Some(Answer { status, headers, text: response.text().await.ok()? })
    }

    pub(crate) async fn send(request: reqwest::RequestBuilder) -> Answer {
        Self::try_send(request).await.expect("the shop answers")
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> Answer {
        Self::send(self.request(Method::GET, path).bearer_auth(token)).await
    }

    pub(crate) async fn post(&self, path: &str, token: &str, body: &Value) -> Answer {
        Self::send(self.request(Method::POST, path).bearer_auth(token).json(body)).await
    }

    pub(crate) async fn login(&self, email: &str, password: &str) -> Answer {
        let body = json!({ "email": email, "password": password });
        Self::send(self.request(Method::POST, "/api/v1/users/login").json(&body)).await
    }

    pub(crate) async fn register(&self, email: &str) -> Answer {
        let body = json!({ "email": email, "password": PASSWORD, "first_name": "Ada", "last_name": "L" });
        Self::send(self.request(Method::POST, "/api/v1/users/register").json(&body)).await
    }

    /// Registers and signs in.
    pub(crate) async fn customer(&self, name: &str) -> Customer {
        let email = format!("{name}@example.com");
        let id = text(&self.register(&email).await.expect(201)["id"]);
        let token = text(&self.login(&email, PASSWORD).await.expect(200)["access_token"]);
        Customer { id, token }
    }

    /// A new product with that many pieces at 12.50 EUR each; its id.
    pub(crate) async fn product(&self, admin: &str, sku: &str, pieces: u64) -> String {
        let price = json!({ "amount": "12.50", "currency": "EUR" });
        let body = json!({ "sku": sku, "name": sku, "price": price, "initial_stock": pieces });
        text(&self.post("/api/v1/products", admin, &body).await.expect(201)["id"])
    }

    /// The id of a new payment method with that token.
    pub(crate) async fn method(&self, customer: &Customer, token: &str) -> String {
        let body = json!({ "token": token, "type": "card" });
        text(&self.post("/api/v1/payment-methods", &customer.token, &body).await.expect(201)["id"])
    }

    /// Places an order under a key; `query` is empty or such as `?wait=5s`.
    pub(crate) async fn order(&self, customer: &Customer, key: &str, query: &str, body: &Value) -> Answer {
        let request = self.request(Method::POST, &format!("/api/v1/orders{query}"));
        Self::send(request.bearer_auth(&customer.token).header("idempotency-key", key).json(body)).await
    }

    /// The order as it now is.
    pub(crate) async fn order_now(&self, token: &str, order: &str) -> Value {
        self.get(&format!("/api/v1/orders/{order}"), token).await.expect(200)
    }

    pub(crate) async fn cancel(&self, customer: &Customer, order: &str) -> Answer {
        self.post(&format!("/api/v1/orders/{order}/cancel"), &customer.token, &json!({ "reason": "no need" })).await
    }

    /// All items of a list, page by page.
    pub(crate) async fn all(&self, path: &str, token: &str) -> Vec<Value> {
        let mark = if path.contains('?') { '&' } else { '?' };
        let (mut items, mut cursor) = (vec![], String::new());
        loop {
            let page = self.get(&format!("{path}{mark}limit=100{cursor}"), token).await.expect(200);
            items.extend(page["items"].as_array().unwrap().iter().cloned());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return items,
            }
        }
    }

    /// Waits until the order has its end and everything that it is owed.
    pub(crate) async fn settled(&self, admin: &str, order: &str) -> Value {
        eventually(&format!("order {order} is settled"), async || {
            let saga = self.get(&format!("/api/v1/admin/sagas/{order}"), admin).await.expect(200);
            assert_eq!(saga["needs_attention"], false, "{saga}");
            let owed = saga["owed"].as_array().unwrap();
            let ended = !["pending", "processing"].contains(&saga["state"].as_str().unwrap());
            let paid_up = owed.iter().all(|debt| ["done", "nothing"].contains(&debt["standing"].as_str().unwrap()));
            (ended && paid_up).then_some(saga)
        })
        .await
    }

    /// What the provider did for an order: `charge` or `refund`, result, amount; oldest first.
    pub(crate) async fn provider(&self, admin: &str, order: &str) -> Vec<(String, String, String)> {
        let mut entries = self.all(&format!("/api/v1/payments/sandbox/log?order_id={order}"), admin).await;
        entries.reverse();
        let line =
            |entry: &Value| (text(&entry["operation"]), text(&entry["result"]), text(&entry["amount"]["amount"]));
        entries.iter().map(line).collect()
    }

    /// How often the provider took money for an order, and how often it gave money back.
    pub(crate) async fn moved(&self, admin: &str, order: &str) -> (usize, usize) {
        let entries = self.provider(admin, order).await;
        let count = |kind| entries.iter().filter(|(op, result, _)| op == kind && result == "succeeded").count();
        (count("charge"), count("refund"))
    }

    /// The final notices about an order, as soon as there is one and it is sent.
    pub(crate) async fn final_notices(&self, customer: &Customer, order: &str) -> Vec<String> {
        eventually(&format!("a notice about {order}"), async || {
            let notices = self.all(&format!("/api/v1/notifications?order_id={order}"), &customer.token).await;
            let finals: Vec<&Value> = notices
                .iter()
                .filter(|notice| {
                    let template = notice["template"].as_str().unwrap();
                    ["order_completed", "order_failed", "order_cancelled"].contains(&template)
                })
                .collect();
            let sent = !finals.is_empty() && finals.iter().all(|notice| notice["status"] == "sent");
            sent.then(|| finals.iter().map(|notice| text(&notice["template"])).collect())
        })
        .await
    }

    /// `on_hand`, `reserved`, `available`, `committed`.
    pub(crate) async fn stock(&self, admin: &str, product: &str) -> [u64; 4] {
        let stock = self.get(&format!("/api/v1/products/{product}/stock"), admin).await.expect(200);
        ["on_hand", "reserved", "available", "committed"].map(|name| stock[name].as_u64().unwrap())
    }
}

/// The text of a JSON string.
#[track_caller]
pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

/// An order of one product.
pub(crate) fn of(product: &str, quantity: u64, method: Option<&str>) -> Value {
    json!({ "items": [{ "product_id": product, "quantity": quantity }], "payment_method_id": method })
}

/// How often each value occurs.
pub(crate) fn tally(values: impl IntoIterator<Item = String>) -> BTreeMap<String, usize> {
    let mut tally = BTreeMap::new();
    for value in values {
        *tally.entry(value).or_default() += 1;
    }
    tally
}

/// Asks again and again until there is an answer.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(start.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
