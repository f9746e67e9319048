//! The server over real sockets.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use ecom_core::event::Service;
use ecom_core::port::Ids;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;
use warp::http::StatusCode;

use super::health::{self, Condition, Probe};
use super::metrics::Metrics;
use super::response::{json_text, ok};
use super::router::Mount;
use super::server::{App, Limits, serve};
use super::trust::TrustedProxies;
use crate::telemetry::Traces;

#[derive(Default)]
struct Counting(AtomicU64);

impl Ids for Counting {
    fn fresh(&self) -> Uuid {
        Uuid::from_u128(u128::from(self.0.fetch_add(1, Ordering::Relaxed)) + 1)
    }

    fn secret(&self) -> String {
        String::new()
    }
}

struct Broken;

#[async_trait]
impl Probe for Broken {
    async fn check(&self) -> BTreeMap<&'static str, Condition> {
        BTreeMap::from([("database", Condition::Unavailable), ("broker", Condition::Degraded)])
    }
}

struct Running {
    address: std::net::SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

async fn start(limits: Limits) -> Running {
    let metrics = Arc::new(Metrics::default());
    let router = Mount::new(())
        .get("/things/{id}", |(), request| async move { ok(&request.parameters) })
        .get("/things/first", |(), _| async { ok(&"first") })
        .post(
            "/things",
            |(), request| async move { Ok(json_text(StatusCode::CREATED, request.body.len().to_string())) },
        )
        .get("/panic", |(), _| async { panic!("on purpose") })
        .get("/slow", |(), _| async {
            sleep(Duration::from_millis(300)).await;
            ok(&"done")
        })
        .done()
        .merge(health::routes(Arc::new(Broken), Arc::clone(&metrics)));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, signal) = watch::channel(false);
    let (ids, trusted) = (Arc::new(Counting::default()), TrustedProxies::default());
    let (service, traces) = (Service::Order, Traces::default());
    let app = App { router, limits, metrics, ids, trusted, keys: None, service, traces };
    let task = tokio::spawn(serve(listener, app, signal.into()));
    Running { address, stop, task }
}

/// Sends raw bytes and reads until the server closes or goes silent.
async fn raw(address: std::net::SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = vec![];
    let _ = timeout(Duration::from_millis(500), stream.read_to_end(&mut answer)).await;
    String::from_utf8(answer).unwrap()
}

async fn get(address: std::net::SocketAddr, path: &str) -> String {
    raw(address, format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes()).await
}

fn assert_problem(answer: &str, status: u16, code: &str) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    assert!(answer.contains("content-type: application/problem+json"), "{answer}");
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!((&body["status"], &body["code"]), (&status.into(), &code.into()), "{body}");
    for field in ["type", "title", "detail", "instance", "trace_id"] {
        assert!(body[field].is_string(), "{field} in {body}");
    }
}

#[tokio::test]
async fn paths_and_methods_are_matched_exactly() {
    let server = start(Limits::default()).await;
    for (path, body) in [("/things/7", "[\"7\"]"), ("/things/first", "\"first\""), ("/things/a%2Fb%20c", "[\"a/b c\"]")]
    {
        let answer = get(server.address, path).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with(body), "{path}: {answer}");
    }
    for (path, status, code) in [
        ("/", 404, "not_found"),
        ("/things/", 404, "not_found"),
        ("/things//", 404, "not_found"),
        ("//things/7", 404, "not_found"),
        ("/things/7/", 404, "not_found"),
        ("/things/7/8", 404, "not_found"),
        ("/Things/7", 404, "not_found"),
        ("/things", 405, "method_not_allowed"),
        ("/things/%zz", 400, "malformed_path"),
        ("/things/%ff", 400, "malformed_path"),
        ("/things/7?a=1&a=2", 400, "duplicate_parameter"),
    ] {
        assert_problem(&get(server.address, path).await, status, code);
    }
}

#[tokio::test]
async fn another_method_is_told_which_are_allowed() {
    let server = start(Limits::default()).await;
    let close = "HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let answer = raw(server.address, format!("DELETE /things/7 {close}").as_bytes()).await;
    assert_problem(&answer, 405, "method_not_allowed");
    assert!(answer.contains("allow: GET, HEAD, OPTIONS\r\n"), "{answer}");
    let answer = raw(server.address, format!("OPTIONS /things {close}").as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 204") && answer.contains("allow: OPTIONS, POST\r\n"), "{answer}");
    let answer = raw(server.address, format!("HEAD /things/7 {close}").as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("\r\n\r\n"), "{answer}");
    let answer = raw(server.address, format!("OPTIONS * {close}").as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
}

#[tokio::test]
async fn every_answer_carries_the_correlation_id_and_safe_headers() {
    let server = start(Limits::default()).await;
    let long = "x".repeat(129);
    for (given, echoed) in [("abc 1~", true), (long.as_str(), false), ("caf\u{e9}", false), ("", false)] {
        let request =
            format!("GET /things/7 HTTP/1.1\r\nHost: x\r\nX-Correlation-Id: {given}\r\nConnection: close\r\n\r\n");
        let answer = raw(server.address, request.as_bytes()).await;
        assert_eq!(answer.contains(&format!("x-correlation-id: {given}\r\n")), echoed, "{answer}");
        assert!(answer.contains("x-correlation-id: ") && answer.contains("cache-control: no-store\r\n"), "{answer}");
        assert!(answer.contains("x-content-type-options: nosniff\r\n"), "{answer}");
    }
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let request = format!(
        "GET /nothing HTTP/1.1\r\nHost: x\r\ntraceparent: 00-{trace}-00f067aa0ba902b7-01\r\nConnection: close\r\n\r\n"
    );
    let answer = raw(server.address, request.as_bytes()).await;
    assert!(answer.contains(&format!("\"trace_id\":\"{trace}\"")), "{answer}");
}

#[tokio::test]
async fn a_panic_is_answered_and_the_server_lives() {
    let server = start(Limits::default()).await;
    assert_problem(&get(server.address, "/panic").await, 500, "internal");
    assert!(get(server.address, "/things/7").await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_request_names_its_host_once() {
    let server = start(Limits::default()).await;
    let answer = raw(server.address, b"GET /things/7 HTTP/1.1\r\nConnection: close\r\n\r\n").await;
    assert_problem(&answer, 400, "host_required");
    let answer =
        raw(server.address, b"GET /things/7 HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n").await;
    assert_problem(&answer, 400, "host_required");
    let answer = raw(server.address, b"GET /things/7 HTTP/1.0\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.0 200"), "{answer}");
}

/// A POST with a body of `length` bytes, framed by its length or in chunks.
fn post(length: usize, chunked: bool) -> Vec<u8> {
    let framing = if chunked { "Transfer-Encoding: chunked".to_owned() } else { format!("Content-Length: {length}") };
    let mut bytes = format!("POST /things HTTP/1.1\r\nHost: x\r\n{framing}\r\n\r\n").into_bytes();
    if chunked {
        for _ in 0..length / 65_536 {
            bytes.extend(b"10000\r\n");
            bytes.extend(std::iter::repeat_n(b'x', 65_536));
            bytes.extend(b"\r\n");
        }
        bytes.extend(b"0\r\n\r\n");
    } else {
        bytes.extend(std::iter::repeat_n(b'x', length));
    }
    bytes
}

#[tokio::test]
async fn a_body_above_the_limit_is_refused_and_not_reset() {
    let server = start(Limits::default()).await;
    for chunked in [false, true] {
        let answer = raw(server.address, &post(1 << 20, chunked)).await;
        assert!(answer.starts_with("HTTP/1.1 201") && answer.ends_with("1048576"), "{answer}");
        for megabytes in [2, 8] {
            let mut two = post(megabytes << 20, chunked);
            two.extend(b"GET /things/7 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
            let answer = raw(server.address, &two).await;
            let (refusal, next) = answer.split_once("HTTP/1.1 200").unwrap_or_else(|| panic!("{answer}"));
            assert_problem(refusal, 413, "body_too_large");
            assert!(next.ends_with("[\"7\"]"), "the connection goes on: {answer}");
        }
    }
}

#[tokio::test]
async fn a_client_that_asks_first_is_refused_before_it_sends() {
    let server = start(Limits::default()).await;
    let head = "POST /things HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: ";
    let answer = raw(server.address, format!("{head}2000000\r\n\r\n").as_bytes()).await;
    assert_problem(&answer, 413, "body_too_large");
    assert!(answer.contains("connection: close"), "{answer}");
    let answer = raw(server.address, format!("{head}2\r\n\r\n").as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 100"), "{answer}");
}

#[tokio::test]
async fn broken_framing_is_refused() {
    let server = start(Limits::default()).await;
    for head in [
        "Content-Length: 1\r\nContent-Length: 2",
        "Content-Length: +1",
        "Content-Length: -1",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: chunked, identity",
    ] {
        let answer =
            raw(server.address, format!("POST /things HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\nx").as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{head}: {answer}");
    }
    let answer =
        raw(server.address, b"POST /things HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n").await;
    assert_problem(&answer, 400, "malformed_body");
    // Both framings at once: the chunked one counts, and nothing behind it is taken for a request.
    let both = b"POST /things HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\nGET /things/7 HTTP/1.1\r\nHost: x\r\n\r\n";
    let answer = raw(server.address, both).await;
    assert!(answer.starts_with("HTTP/1.1 201") && !answer.contains("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn slow_heads_and_bodies_are_cut_off() {
    let limits = Limits {
        header_timeout: Duration::from_millis(200),
        body_timeout: Duration::from_millis(200),
        ..Limits::default()
    };
    let server = start(limits).await;
    let began = Instant::now();
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"GET /things/7 HTTP/1.1\r\nHost: x\r\nX-Slow: ").await.unwrap();
    let mut answer = vec![];
    timeout(Duration::from_secs(5), stream.read_to_end(&mut answer)).await.expect("closed").unwrap();
    assert!(began.elapsed() < Duration::from_secs(5));
    let answer = raw(server.address, b"POST /things HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab").await;
    assert_problem(&answer, 408, "request_timeout");
    let slow = Limits { answer_timeout: Duration::from_millis(50), ..Limits::default() };
    let answer = get(start(slow).await.address, "/slow").await;
    assert_problem(&answer, 503, "timeout");
    assert!(answer.contains("retry-after: 1\r\n"), "{answer}");
}

#[tokio::test]
async fn connections_above_the_cap_wait_for_a_place() {
    let server = start(Limits { connections_max: 1, ..Limits::default() }).await;
    let first = TcpStream::connect(server.address).await.unwrap();
    sleep(Duration::from_millis(50)).await;
    let waiting = tokio::spawn(async move { get(server.address, "/things/7").await });
    sleep(Duration::from_millis(100)).await;
    assert!(!waiting.is_finished());
    drop(first);
    assert!(waiting.await.unwrap().starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_stop_lets_running_requests_end() {
    let server = start(Limits::default()).await;
    let address = server.address;
    let idle = TcpStream::connect(address).await.unwrap();
    let running = tokio::spawn(async move { get(address, "/slow").await });
    sleep(Duration::from_millis(100)).await;
    server.stop.send_replace(true);
    assert!(running.await.unwrap().ends_with("\"done\""));
    timeout(Duration::from_secs(3), server.task).await.expect("the server ends").unwrap();
    assert!(TcpStream::connect(address).await.is_err());
    drop(idle);
}

#[tokio::test]
async fn a_slow_upload_does_not_hold_up_a_stop() {
    let server = start(Limits::default()).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"POST /things HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab").await.unwrap();
    sleep(Duration::from_millis(100)).await;
    server.stop.send_replace(true);
    let mut answer = vec![];
    timeout(Duration::from_secs(3), stream.read_to_end(&mut answer)).await.expect("answered").unwrap();
    assert_problem(std::str::from_utf8(&answer).unwrap(), 503, "stopping");
    timeout(Duration::from_secs(3), server.task).await.expect("the server ends").unwrap();
}

#[tokio::test]
async fn health_says_what_is_missing() {
    let server = start(Limits::default()).await;
    let answer = get(server.address, "/livez").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    for path in ["/readyz", "/health"] {
        let answer = get(server.address, path).await;
        assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
        let body = r#"{"status":"unavailable","checks":{"broker":"degraded","database":"unavailable"}}"#;
        assert!(answer.ends_with(body), "{answer}");
    }
    let answer = get(server.address, "/metrics").await;
    assert!(answer.contains("http_request_duration_seconds_count{method=\"GET\",route=\"/livez\",status=\"200\"} 1"));
}
