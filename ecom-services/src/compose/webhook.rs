//! The sandbox's webhooks: with which secret they are signed, and how they reach the payment service.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use ecom_adapters::sandbox::{Listener, Sandbox, SandboxWebhook};
use ecom_core::payment::{SANDBOX, Webhook};
use ecom_core::port::Ids;
use ecom_core::secret::Secret;
use warp::http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use warp::http::{HeaderMap, Method};

use super::data_dir::{DataDir, DataDirError};
use crate::config::Config;
use crate::http::request::Arrival;
use crate::http::router::Router;
use crate::http::server;

/// The file with the generated secret.
const SECRET_FILE: &str = "sandbox-webhook-secret";

/// With the configured secret, or with one that is made once and kept in the data directory.
pub(super) fn kept(data: &DataDir, config: &Config, ids: &dyn Ids) -> Result<SandboxWebhook, DataDirError> {
    if let Some(secret) = &config.sandbox.webhook_secret {
        return Ok(SandboxWebhook::new(secret.clone()));
    }
    let kept = data.read(SECRET_FILE)?.map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned());
    let secret = if let Some(secret) = kept.filter(|secret| !secret.is_empty()) {
        secret
    } else {
        let secret = ids.secret();
        data.write_secret(SECRET_FILE, format!("{secret}\n").as_bytes())?;
        secret
    };
    Ok(SandboxWebhook::new(Secret::new(secret)))
}

/// A sandbox that tells over HTTP.
pub(super) struct Told {
    pub(super) sandbox: Arc<Sandbox>,
    pub(super) webhook: SandboxWebhook,
    client: reqwest::Client,
}

impl Told {
    /// With the configured secret, or with one that only this process knows: it tells itself then.
    pub(super) fn new(sandbox: Arc<Sandbox>, config: &Config, ids: &dyn Ids, client: reqwest::Client) -> Self {
        let secret = config.sandbox.webhook_secret.clone();
        let webhook = SandboxWebhook::new(secret.unwrap_or_else(|| Secret::new(ids.secret())));
        Self { sandbox, webhook, client }
    }

    /// Tells whom the configuration says, else this process, which listens there.
    pub(super) fn begin(&self, config: &Config, listens: SocketAddr) {
        let url = config.sandbox.webhook_url.clone().unwrap_or_else(|| own_url(listens));
        let (client, webhook) = (self.client.clone(), self.webhook.clone());
        self.sandbox.tell(Arc::new(OverHttp { client, webhook: webhook.clone(), url }), webhook);
    }
}

fn path() -> String {
    format!("/api/v1/payments/webhooks/{SANDBOX}")
}

/// The address of the webhook in this very process.
fn own_url(listens: SocketAddr) -> String {
    let here = match listens.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    format!("http://{}{}", SocketAddr::new(here, listens.port()), path())
}

/// Calls the payment service's routes as functions, on the same way that a request takes.
pub(super) struct InProcess {
    pub(super) routes: Router,
    pub(super) webhook: SandboxWebhook,
    pub(super) ids: Arc<dyn Ids>,
}

#[async_trait]
impl Listener for InProcess {
    async fn post(&self, signature: String, body: Vec<u8>) -> Result<(), String> {
        let signature = HeaderValue::try_from(signature).map_err(|error| error.to_string())?;
        let mut headers = HeaderMap::new();
        headers.insert(HeaderName::from_static(self.webhook.header()), signature);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let arrival: Arrival = server::arrival(&headers, IpAddr::V4(Ipv4Addr::LOCALHOST), self.ids.as_ref());
        let answer = self.routes.answer(Method::POST, &path(), "", headers, body.into(), Arc::new(arrival)).await;
        taken(answer.status().as_u16())
    }
}

/// Sends them over HTTP.
struct OverHttp {
    client: reqwest::Client,
    webhook: SandboxWebhook,
    url: String,
}

#[async_trait]
impl Listener for OverHttp {
    async fn post(&self, signature: String, body: Vec<u8>) -> Result<(), String> {
        let request = self.client.post(&self.url).header(self.webhook.header(), signature);
        let request = request.header("content-type", "application/json").body(body);
        let answer = request.send().await.map_err(|error| error.without_url().to_string())?;
        taken(answer.status().as_u16())
    }
}

fn taken(status: u16) -> Result<(), String> {
    if (200..300).contains(&status) { Ok(()) } else { Err(format!("answered with {status}")) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ecom_adapters::system::{JwtVerifier, SystemClock, SystemIds};
    use ecom_core::id::OrderId;
    use ecom_core::payment::{NotOpened, charge_key, payment_id};
    use ecom_core::port::Clock;

    use super::*;
    use crate::compose::{Materials, Shop, routes};
    use crate::config::Process;
    use crate::http::door::Gate;
    use crate::http::idempotency::InFlight;

    #[tokio::test]
    async fn a_webhook_is_not_taken_while_nothing_can_be_stored() {
        let directory = tempfile::tempdir().unwrap();
        let process = Process::AllInOne { data: directory.path().to_owned(), port: 0 };
        let variables = [("BCRYPT_COST".to_owned(), "10".to_owned())].into();
        let config = Config::read(&process, &variables, &|path| std::fs::read_to_string(path)).unwrap();
        let ids: Arc<dyn Ids> = Arc::new(SystemIds::new(Arc::new(SystemClock)).unwrap());
        let shop = Shop::start(Materials::of(&config)).await.unwrap();
        let webhook = SandboxWebhook::new(Secret::new("whsec".to_owned()));
        let gate = Gate {
            signer: Arc::new(JwtVerifier::without_keys("ecom", "ecom")),
            clock: Arc::clone(shop.clock()),
            ids: Arc::clone(&ids),
            in_flight: InFlight::default(),
        };
        let routes = routes::payments(&shop.payments, &webhook, &gate);
        // Not stopped cleanly: whoever still holds the routes finds a service that stores nothing.
        shop.stop(Duration::from_millis(100)).await;
        let order = OrderId(ids.fresh());
        let body = serde_json::json!({
            "id": "evt_1", "type": "charge.succeeded", "idempotency_key": charge_key(payment_id(order)),
            "order_id": order, "payment_id": payment_id(order), "amount": { "amount": "5.00", "currency": "EUR" },
            "reference": "ch_1",
        });
        let body = body.to_string();
        let mut headers = HeaderMap::new();
        let signature = webhook.sign(body.as_bytes(), SystemClock.now());
        headers.insert(HeaderName::from_static(webhook.header()), HeaderValue::try_from(signature).unwrap());
        let arrival = server::arrival(&headers, IpAddr::V4(Ipv4Addr::LOCALHOST), ids.as_ref());
        let answer = routes.answer(Method::POST, &path(), "", headers, body.into(), Arc::new(arrival)).await;
        assert_eq!(answer.status().as_u16(), 503);
        assert!(answer.headers().contains_key("retry-after"), "{:?}", answer.headers());
    }

    #[test]
    fn the_secret_is_made_once_and_kept_with_the_data() {
        let directory = tempfile::tempdir().unwrap();
        let data = DataDir::open(directory.path()).unwrap();
        let process = Process::AllInOne { data: directory.path().to_owned(), port: 0 };
        let config = |variables| Config::read(&process, &variables, &|path| std::fs::read_to_string(path)).unwrap();
        let ids = SystemIds::new(Arc::new(SystemClock)).unwrap();
        let sign = |webhook: &SandboxWebhook| webhook.sign(b"body", SystemClock.now());
        let open = |webhook: &SandboxWebhook, signature: &str| webhook.open(signature, b"body", SystemClock.now());
        let first = kept(&data, &config([].into()), &ids).unwrap();
        let again = kept(&data, &config([].into()), &ids).unwrap();
        assert!(matches!(open(&again, &sign(&first)), Err(NotOpened::Content(_))), "signed by the same secret");
        let secret = data.read(SECRET_FILE).unwrap().unwrap();
        assert!(secret.trim_ascii().len() >= 32);
        let given = [("SANDBOX_WEBHOOK_SECRET".to_owned(), "given".to_owned())].into();
        let given = kept(&data, &config(given), &ids).unwrap();
        assert!(matches!(open(&given, &sign(&first)), Err(NotOpened::Signature(_))), "another secret was given");
    }

    #[test]
    fn a_process_reaches_itself_wherever_it_listens() {
        for (listens, expected) in [
            ("0.0.0.0:8084", "http://127.0.0.1:8084/api/v1/payments/webhooks/sandbox"),
            ("[::]:8084", "http://[::1]:8084/api/v1/payments/webhooks/sandbox"),
            ("10.0.0.7:99", "http://10.0.0.7:99/api/v1/payments/webhooks/sandbox"),
        ] {
            assert_eq!(own_url(listens.parse().unwrap()), expected);
        }
    }
}
