//! Sends steps to a collector, by OTLP over HTTP in its JSON form: in batches, from a bounded queue. A collector that is
//! away loses them; the shop does not notice.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ecom_core::event::Service;
use ecom_core::port::Clock;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::trace::{Span, Spans, Traces};
use crate::host::stopped;

/// Steps of one request to the collector.
const BATCH_MAX: usize = 512;

/// How long steps wait for others.
const DELAY: Duration = Duration::from_secs(1);

/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// The same at the end of the process, which waits for nobody.
const LAST_PATIENCE: Duration = Duration::from_secs(1);

/// Carries steps to a collector.
pub struct Exporter {
    url: String,
    http: reqwest::Client,
    spans: Spans,
    /// Whether the last request failed: only a change is told.
    away: bool,
}

impl Exporter {
    /// For the collector at that base URL, and where the steps enter.
    pub fn new(endpoint: &str, http: reqwest::Client, clock: Arc<dyn Clock>) -> (Self, Traces) {
        let (traces, spans) = Traces::wanted(clock);
        let url = format!("{}/v1/traces", endpoint.trim_end_matches('/'));
        (Self { url, http, spans, away: false }, traces)
    }

    /// Runs until it is told to stop; what waits by then is sent, if that is quick.
    pub async fn run(mut self, stop: watch::Receiver<bool>) {
        let mut batch = Vec::with_capacity(BATCH_MAX);
        loop {
            tokio::select! {
                biased;
                () = stopped(stop.clone()) => break,
                count = self.spans.spans.recv_many(&mut batch, BATCH_MAX) => {
                    if count == 0 {
                        break;
                    }
                    self.gather(&mut batch).await;
                    self.send(std::mem::take(&mut batch), PATIENCE).await;
                }
            }
        }
        while let Ok(span) = self.spans.spans.try_recv() {
            batch.push(span);
        }
        batch.truncate(BATCH_MAX);
        self.send(batch, LAST_PATIENCE).await;
    }

    async fn gather(&mut self, batch: &mut Vec<Span>) {
        let end = Instant::now() + DELAY;
        while batch.len() < BATCH_MAX {
            let room = BATCH_MAX - batch.len();
            tokio::select! {
                count = self.spans.spans.recv_many(batch, room) => if count == 0 { return },
                () = sleep_until(end) => return,
            }
        }
    }

    async fn send(&mut self, batch: Vec<Span>, patience: Duration) {
        if batch.is_empty() {
            return;
        }
        let sent = self.http.post(&self.url).timeout(patience).json(&request(&batch)).send().await;
        let failed = match sent {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(format!("it answered {}", answer.status())),
            Err(error) => Some(error.to_string()),
        };
        let lost = self.spans.lost.swap(0, Ordering::Relaxed) + failed.as_ref().map_or(0, |_| batch.len() as u64);
        match &failed {
            Some(error) if !self.away => tracing::warn!(error, lost, "the collector of traces takes none"),
            None if self.away => tracing::info!(lost, "the collector of traces takes them again"),
            Some(_) | None if lost > 0 => tracing::debug!(lost, "traces were lost"),
            Some(_) | None => {}
        }
        self.away = failed.is_some();
    }
}

/// `ExportTraceServiceRequest` of OTLP, with one resource for each service.
fn request(batch: &[Span]) -> Value {
    let of = |service: Service| {
        let spans: Vec<Value> = batch.iter().filter(|span| span.service == service).map(span_of).collect();
        let name = attribute("service.name", service.name());
        (!spans.is_empty()).then(|| {
            json!({
                "resource": { "attributes": [name] },
                "scopeSpans": [{ "scope": { "name": "ecom", "version": env!("CARGO_PKG_VERSION") }, "spans": spans }],
            })
        })
    };
    json!({ "resourceSpans": Service::ALL.into_iter().filter_map(of).collect::<Vec<_>>() })
}

fn span_of(span: &Span) -> Value {
    let nanoseconds = |micros: i64| (i128::from(micros) * 1_000).to_string();
    // 1 is "ok", 2 is "error".
    let status = if span.failed { 2 } else { 1 };
    json!({
        "traceId": span.context.trace,
        "spanId": span.context.span,
        "parentSpanId": span.parent.as_deref().unwrap_or_default(),
        "name": span.name,
        "kind": span.kind as u8,
        "startTimeUnixNano": nanoseconds(span.begun.as_micros()),
        "endTimeUnixNano": nanoseconds(span.ended.as_micros()),
        "attributes": span.attributes.iter().map(|(name, value)| attribute(name, value)).collect::<Vec<_>>(),
        "status": { "code": status },
    })
}

fn attribute(name: &str, value: &str) -> Value {
    json!({ "key": name, "value": { "stringValue": value } })
}

#[cfg(test)]
mod tests {
    use ecom_core::time::Timestamp;

    use super::*;
    use crate::telemetry::trace::{Context, Kind};

    #[test]
    fn steps_are_written_as_otlp_has_them() {
        let context = Context::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").unwrap();
        let span = Span {
            service: Service::Order,
            parent: Some("00f067aa0ba902b7".to_owned()),
            context: context.child(7),
            name: "POST /api/v1/orders".to_owned(),
            kind: Kind::Server,
            begun: Timestamp::from_micros(1_700_000_000_000_001),
            ended: Timestamp::from_micros(1_700_000_000_000_004),
            failed: true,
            attributes: vec![("http.route", "/api/v1/orders".to_owned())],
        };
        let other = Span { service: Service::Payment, parent: None, failed: false, ..span.clone() };
        let request = request(&[span, other]);
        let resources = request["resourceSpans"].as_array().unwrap();
        let names: Vec<&Value> =
            resources.iter().map(|one| &one["resource"]["attributes"][0]["value"]["stringValue"]).collect();
        assert_eq!(names, ["order-service", "payment-service"]);
        let written = &resources[0]["scopeSpans"][0]["spans"][0];
        assert_eq!(
            *written,
            json!({
                "traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "spanId": "0000000000000007",
                "parentSpanId": "00f067aa0ba902b7", "name": "POST /api/v1/orders", "kind": 2,
                "startTimeUnixNano": "1700000000000001000", "endTimeUnixNano": "1700000000000004000",
                "attributes": [{ "key": "http.route", "value": { "stringValue": "/api/v1/orders" } }],
                "status": { "code": 2 },
            })
        );
    }
}
