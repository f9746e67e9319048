//! A shop of one's own, and a client for it.

use std::collections::BTreeMap;
use std::time::Duration;

use ecom_services::compose::{DataDir, Embedded};
use ecom_services::config::{Config, Process};
use reqwest::header::HeaderMap;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

/// The administrator's address and password.
pub(crate) const ADMIN: (&str, &str) = ("root@example.com", "correct-horse-battery");

/// What every customer of these tests has for a password.
pub(crate) const PASSWORD: &str = "tr0ub4dor-and-3";

/// A running shop in a directory of its own.
pub(crate) struct Shop {
    url: String,
    client: Client,
    // Kept alive, in the order in which they may go.
    embedded: Embedded,
    directory: TempDir,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    /// The body as JSON; null when it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// A string of the body.
    pub(crate) fn string(&self, pointer: &str) -> String {
        self.json().pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// Status and problem code.
    pub(crate) fn problem(&self) -> (u16, String) {
        (self.status, self.string("/code"))
    }

    /// The body of a reply that must have this status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.json()
    }

    /// A header.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// A request that is being put together.
pub(crate) struct Call<'a> {
    shop: &'a Shop,
    builder: reqwest::RequestBuilder,
}

impl Call<'_> {
    /// As whom.
    pub(crate) fn by(self, token: &str) -> Self {
        Self { builder: self.builder.bearer_auth(token), ..self }
    }

    /// With an idempotency key.
    pub(crate) fn key(self, key: &str) -> Self {
        self.header("Idempotency-Key", key)
    }

    /// With a header.
    pub(crate) fn header(self, name: &str, value: &str) -> Self {
        Self { builder: self.builder.header(name, value), ..self }
    }

    /// With a JSON body.
    pub(crate) fn body(self, body: &Value) -> Self {
        self.text(body.to_string())
    }

    /// With a text as JSON body.
    pub(crate) fn text(self, text: impl Into<String>) -> Self {
        let builder = self.builder.header("Content-Type", "application/json").body(text.into());
        Self { builder, ..self }
    }

    /// Sends it.
    pub(crate) async fn send(self) -> Reply {
        let response = self.shop.client.execute(self.builder.build().unwrap()).await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Reply { status, headers, text: response.text().await.unwrap() }
    }
}

impl Shop {
    /// A shop with the default configuration.
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// A shop with these variables.
    pub(crate) async fn start_with(variables: &[(&str, &str)]) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), variables).await
    }

    /// The same shop after a stop and a start with these variables.
    pub(crate) async fn restart(self, variables: &[(&str, &str)]) -> Self {
        Self::start_in(self.stop().await, variables).await
    }

    /// Stops it; its data stay.
    pub(crate) async fn stop(self) -> TempDir {
        self.embedded.stop(Duration::from_secs(5)).await;
        self.directory
    }

    /// A shop over that data.
    pub(crate) async fn start_in(directory: TempDir, variables: &[(&str, &str)]) -> Self {
        let mut all = BTreeMap::from([
            ("ADMIN_EMAIL", ADMIN.0),
            ("ADMIN_PASSWORD", ADMIN.1),
            ("BCRYPT_COST", "10"),
            ("RATE_LIMIT_USER", "10000/s"),
        ]);
        all.extend(variables.iter().copied());
        let all = all.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let process = Process::AllInOne { data: directory.path().to_owned(), port: 0 };
        let config = Config::read(&process, &all, &|path| std::fs::read_to_string(path)).unwrap();
        let embedded = Embedded::start(DataDir::open(directory.path()).unwrap(), &config).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        drop(embedded.serve(listener));
        let client = Client::builder().no_proxy().build().unwrap();
        Self { url, client, embedded, directory }
    }

    /// Where it answers.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// A request to a path under `/api/v1`.
    pub(crate) fn call(&self, method: Method, path: &str) -> Call<'_> {
        self.outside(method, &format!("/api/v1{path}"))
    }

    /// A request to any path.
    pub(crate) fn outside(&self, method: Method, path: &str) -> Call<'_> {
        let builder = self.client.request(method, format!("{}{path}", self.url));
        Call { shop: self, builder }
    }

    pub(crate) fn get(&self, path: &str) -> Call<'_> {
        self.call(Method::GET, path)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Call<'_> {
        self.call(Method::POST, path).body(body)
    }

    /// Signs in; the whole answer.
    pub(crate) async fn login(&self, email: &str, password: &str) -> Reply {
        self.post("/users/login", &json!({ "email": email, "password": password })).send().await
    }

    /// The administrator's token.
    pub(crate) async fn admin(&self) -> String {
        self.login(ADMIN.0, ADMIN.1).await.string("/access_token")
    }

    /// Registers a customer and returns his token.
    pub(crate) async fn customer(&self, name: &str) -> String {
        let email = format!("{name}@example.com");
        let body = json!({ "email": email, "password": PASSWORD, "first_name": name, "last_name": "Customer" });
        self.post("/users/register", &body).send().await.expect(201);
        self.login(&email, PASSWORD).await.string("/access_token")
    }

    /// Adds a product for 12.50 EUR and returns its id.
    pub(crate) async fn product(&self, admin: &str, sku: &str, stock: u64) -> String {
        let price = json!({ "amount": "12.50", "currency": "EUR" });
        let body = json!({ "sku": sku, "name": sku, "price": price, "initial_stock": stock });
        self.post("/products", &body).by(admin).send().await.expect(201)["id"].as_str().unwrap().to_owned()
    }

    /// Places an order for one product and waits for its end.
    pub(crate) async fn order(&self, token: &str, key: &str, product: &str, quantity: u64) -> Reply {
        let body = json!({ "items": [{ "product_id": product, "quantity": quantity }] });
        self.post("/orders?wait=20s", &body).by(token).key(key).send().await
    }
}
