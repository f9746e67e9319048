//! One order's trace, as a collector gets it from six processes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use ecom_core::event::Service;
use ecom_services::demo::client::Call;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::fleet::{Fleet, PATIENCE};

/// The trace and the step of a client that follows its own requests.
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

/// A step as the collector got it, and whose it is.
#[derive(Clone, Debug)]
struct Step {
    service: String,
    span: Value,
}

/// Takes what is sent to `/v1/traces`.
#[derive(Clone, Default)]
struct Collector {
    steps: Arc<Mutex<Vec<Step>>>,
}

impl Collector {
    /// Starts one and returns it with its base URL.
    async fn start() -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let collector = Self::default();
        let accepting = collector.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let collector = accepting.clone();
                tokio::spawn(async move { collector.serve(stream).await });
            }
        });
        (collector, url)
    }

    /// Answers requests until the connection ends.
    async fn serve(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        loop {
            let (mut head, mut line) = (vec![], String::new());
            while stream.read_line(&mut line).await? > 2 {
                head.push(std::mem::take(&mut line).to_ascii_lowercase());
            }
            let Some(first) = head.first() else { return Ok(()) };
            assert!(first.starts_with("post /v1/traces "), "{first}");
            assert!(head.iter().any(|line| line.trim_end() == "content-type: application/json"), "{head:?}");
            let length = head.iter().find_map(|line| line.strip_prefix("content-length: "));
            let mut body = vec![0; length.unwrap().trim().parse().unwrap()];
            stream.read_exact(&mut body).await?;
            self.take(&serde_json::from_slice(&body).unwrap());
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await?;
        }
    }

    fn take(&self, request: &Value) {
        let mut steps = self.steps.lock().unwrap();
        for resource in request["resourceSpans"].as_array().unwrap() {
            let attribute = &resource["resource"]["attributes"][0];
            assert_eq!(attribute["key"], "service.name");
            let service = attribute["value"]["stringValue"].as_str().unwrap();
            for span in resource["scopeSpans"][0]["spans"].as_array().unwrap() {
                steps.push(Step { service: service.to_owned(), span: span.clone() });
            }
        }
    }

    /// The steps of that trace by their ids.
    fn of(&self, trace: &str) -> BTreeMap<String, Step> {
        let steps = self.steps.lock().unwrap();
        let own = steps.iter().filter(|step| step.span["traceId"] == trace);
        own.map(|step| (step.span["spanId"].as_str().unwrap().to_owned(), step.clone())).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_trace_goes_on_through_all_services_an_order_passes() {
    let (collector, url) = Collector::start().await;
    let mut fleet = Fleet::new();
    fleet.set("OTEL_EXPORTER_OTLP_ENDPOINT", &url);
    fleet.start_all(Service::ALL);
    fleet.all_well().await;
    let (shop, admin) = (fleet.client(Service::Gateway), fleet.admin().await);
    let price = json!({ "amount": "12.50", "currency": "EUR" });
    let body = json!({ "sku": "MUG", "name": "Mug", "price": price, "initial_stock": 5 });
    let product: Value = shop.expect(&Call::post("/api/v1/products", body).token(&admin), 201).await.unwrap();
    let order = json!({ "items": [{ "product_id": product["id"], "quantity": 1 }] });
    let begun = Instant::now();
    loop {
        let answer = reqwest::Client::new()
            .post(format!("{}/api/v1/orders?wait=10s", fleet.url(Service::Gateway)))
            .bearer_auth(&admin)
            .header("idempotency-key", "traced")
            .header("traceparent", format!("00-{TRACE}-{SPAN}-01"))
            .json(&order)
            .send()
            .await
            .unwrap();
        // The order service may not know the product yet.
        if answer.status() == 201 {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "{answer:?}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let ways = [
        ("gateway", "POST proxied"),
        ("order-service", "POST /api/v1/orders"),
        ("inventory-service", "order.created"),
        ("payment-service", "inventory.reserved"),
        ("payment-service", "call of the outside"),
        ("order-service", "payment.processed"),
        ("inventory-service", "order.completed"),
        ("notification-service", "order.completed"),
        ("notification-service", "call of the outside"),
        ("order-service", "inventory.committed"),
        ("order-service", "notification.sent"),
    ];
    let steps = loop {
        let steps = collector.of(TRACE);
        let names: BTreeSet<(&str, &str)> =
            steps.values().map(|step| (step.service.as_str(), step.span["name"].as_str().unwrap())).collect();
        // From every step it is known what caused it, up to the client's.
        let parent = |step: &Step| step.span["parentSpanId"].as_str().unwrap().to_owned();
        let orphans: Vec<&Step> =
            steps.values().filter(|step| parent(step) != SPAN && !steps.contains_key(&parent(step))).collect();
        if ways.iter().all(|way| names.contains(way)) && orphans.is_empty() {
            break steps;
        }
        assert!(begun.elapsed() < PATIENCE, "{names:?} {orphans:?}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    for step in steps.values() {
        let nanoseconds = |name: &str| step.span[name].as_str().unwrap().parse::<u64>().unwrap();
        assert!(nanoseconds("startTimeUnixNano") <= nanoseconds("endTimeUnixNano"), "{step:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_hangs_or_is_away_holds_nobody_up() {
    // It takes connections and never says a word.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut fleet = Fleet::new();
    fleet.set("OTEL_EXPORTER_OTLP_ENDPOINT", &format!("http://{}", silent.local_addr().unwrap()));
    fleet.start_all(Service::ALL);
    fleet.all_well().await;
    let report = fleet.demo(100, 8).await.unwrap();
    assert!(report.passed, "{report}");
    let (code, took) = fleet.terminate(Service::Order).await;
    assert_eq!(code, Some(0));
    assert!(took < crate::fleet::STOP_MAX, "{took:?}");
}
