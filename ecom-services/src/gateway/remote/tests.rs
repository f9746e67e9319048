//! Calls of stand-ins that behave well and badly.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use ecom_core::event::Service;
use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use warp::http::{HeaderMap, HeaderValue, Method, StatusCode};

use super::*;
use crate::gateway::{Call, Services};
use crate::http::client;
use crate::http::request::Arrival;

/// What a stand-in does with a request.
#[derive(Clone, Copy)]
enum Manner {
    /// Answers with what it got.
    Echoes,
    /// Reads it and hangs up.
    HangsUp,
    /// Reads it and says nothing.
    Hangs,
    /// Says that it comes later.
    NotNow,
    /// Breaks its answer off.
    BreaksOff,
    /// Says one thing, and the next a while later.
    Streams,
    /// Says one thing of an event stream, and nothing more.
    Events,
}

/// A stand-in for one copy of a service.
struct Copy {
    address: SocketAddr,
    /// How many requests it has read.
    seen: Arc<AtomicUsize>,
}

impl Copy {
    async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, seen) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
        let counter = Arc::clone(&seen);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(behave(stream, manner, Arc::clone(&counter)));
            }
        });
        Self { address, seen }
    }

    /// One that is not there: its port is free.
    async fn absent() -> Self {
        let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        Self { address, seen: Arc::default() }
    }

    fn seen(&self) -> usize {
        self.seen.load(Ordering::SeqCst)
    }
}

async fn behave(mut stream: TcpStream, manner: Manner, seen: Arc<AtomicUsize>) {
    let (mut request, mut part) = (vec![], [0; 4_096]);
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        let read = stream.read(&mut part).await.unwrap_or(0);
        if read == 0 {
            return;
        }
        request.extend_from_slice(&part[..read]);
    }
    seen.fetch_add(1, Ordering::SeqCst);
    let answer = |head: &str, body: &[u8]| {
        let head = format!("HTTP/1.1 {head}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
        [head.as_bytes(), body].concat()
    };
    let said = match manner {
        Manner::Echoes => answer("200 OK\r\nX-Own: 1\r\nKeep-Alive: timeout=5", &request),
        Manner::NotNow => answer("503 Service Unavailable\r\nRetry-After: 7", b"{}"),
        Manner::HangsUp => return,
        Manner::BreaksOff => b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf".to_vec(),
        Manner::Streams => b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n".to_vec(),
        Manner::Events => {
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n"
                .to_vec()
        }
        Manner::Hangs => std::future::pending().await,
    };
    let _ = stream.write_all(&said).await;
    if matches!(manner, Manner::Events) {
        std::future::pending::<()>().await;
    }
    if matches!(manner, Manner::Streams) {
        tokio::time::sleep(Duration::from_millis(600)).await;
        let _ = stream.write_all(b"6\r\nsecond\r\n0\r\n\r\n").await;
    }
}

fn remote(copies: &[&Copy]) -> Remote {
    // It lives on: the end of the sender is the signal, too.
    static NEVER: std::sync::LazyLock<watch::Sender<bool>> = std::sync::LazyLock::new(|| watch::Sender::new(false));
    remote_until(copies, NEVER.subscribe())
}

fn remote_until(copies: &[&Copy], stop: watch::Receiver<bool>) -> Remote {
    let urls = copies.iter().map(|copy| format!("http://{}", copy.address)).collect();
    let timeouts = Timeouts {
        head: Duration::from_millis(500),
        check: Duration::from_millis(20),
        recheck: Duration::from_millis(20),
        ..Timeouts::default()
    };
    Remote::new(client::new().unwrap(), &BTreeMap::from([(Service::Order, urls)]), timeouts, stop.into())
}

fn call(method: Method, target: &str, key: Option<&'static str>) -> Call {
    let headers: HeaderMap = key.map(|key| (IDEMPOTENCY_KEY, HeaderValue::from_static(key))).into_iter().collect();
    let arrival = Arrival {
        correlation_id: "c".to_owned(),
        trace_id: "t".to_owned(),
        traceparent: "00-t-s-01".to_owned(),
        remote: [1, 2, 3, 4].into(),
    };
    Call { method, target: target.to_owned(), headers, body: Bytes::new(), arrival: Arc::new(arrival) }
}

async fn text(response: Response) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

#[tokio::test]
async fn a_call_arrives_as_it_came_with_what_the_gateway_knows() {
    let copy = Copy::start(Manner::Echoes).await;
    let call = call(Method::GET, "/api/v1/orders/a%2Fb?limit=1&q=x%20y", None);
    let response = remote(&[&copy]).send(Service::Order, call).await.unwrap();
    assert_eq!(response.headers().get("x-own").unwrap(), "1");
    assert_eq!(response.headers().get("keep-alive"), None);
    let request = text(response).await.to_ascii_lowercase();
    assert!(request.starts_with("get /api/v1/orders/a%2fb?limit=1&q=x%20y http/1.1\r\n"), "{request}");
    for line in ["x-forwarded-for: 1.2.3.4", "x-correlation-id: c", "traceparent: 00-t-s-01"] {
        assert!(request.contains(line), "{line} in {request}");
    }
}

#[tokio::test]
async fn what_reached_nobody_goes_to_another_copy_whatever_it_is() {
    let (absent, there) = (Copy::absent().await, Copy::start(Manner::Echoes).await);
    let remote = remote(&[&absent, &there]);
    for _ in 0..6 {
        let response = remote.send(Service::Order, call(Method::POST, "/api/v1/orders/1/cancel", None)).await;
        assert_eq!(response.unwrap().status(), StatusCode::OK);
    }
    assert_eq!(there.seen(), 6);
}

#[tokio::test]
async fn what_may_have_been_done_is_repeated_only_where_that_is_harmless_and_once() {
    for (method, path, key, repeated) in [
        (Method::GET, "/api/v1/orders", None, true),
        (Method::POST, "/api/v1/orders", Some("k"), true),
        (Method::POST, "/api/v1/orders", None, false),
        (Method::POST, "/api/v1/orders/1/cancel", Some("k"), false),
        (Method::DELETE, "/api/v1/orders/1", None, false),
    ] {
        let copies = [Copy::start(Manner::HangsUp).await, Copy::start(Manner::HangsUp).await];
        let problem = remote(&[&copies[0], &copies[1]]).send(Service::Order, call(method.clone(), path, key)).await;
        let problem = problem.unwrap_err();
        assert_eq!((problem.status.as_u16(), problem.code), (503, "outcome_unknown"), "{method} {path}");
        assert!(problem.headers.iter().any(|(name, _)| name == "retry-after"));
        let seen = copies[0].seen() + copies[1].seen();
        assert_eq!(seen, if repeated { 2 } else { 1 }, "{method} {path} {key:?}");
    }
}

#[tokio::test]
async fn a_copy_that_hangs_costs_one_timeout() {
    let (hangs, there) = (Copy::start(Manner::Hangs).await, Copy::start(Manner::Echoes).await);
    let remote = remote(&[&hangs, &there]);
    let begun = Instant::now();
    for _ in 0..12 {
        let response = remote.send(Service::Order, call(Method::GET, "/api/v1/orders", None)).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
    }
    // Then the breaker is open.
    assert_eq!(hangs.seen(), 3);
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn nobody_there_is_told_at_once_and_so_is_an_answer_that_says_not_now() {
    let absent = Copy::absent().await;
    let gone = remote(&[&absent]).send(Service::Order, call(Method::GET, "/api/v1/orders", None)).await.unwrap_err();
    assert_eq!((gone.status.as_u16(), gone.code), (503, "service_unavailable"));
    assert!(gone.headers.iter().any(|(name, _)| name == "retry-after"));
    let busy = Copy::start(Manner::NotNow).await;
    let response = remote(&[&busy]).send(Service::Order, call(Method::GET, "/api/v1/orders", None)).await.unwrap();
    assert_eq!(
        (response.status().as_u16(), response.headers().get("retry-after").unwrap()),
        (503, &"7".parse().unwrap())
    );
    assert_eq!(busy.seen(), 1, "it has answered");
}

#[tokio::test]
async fn a_body_flows_as_it_comes_and_a_broken_one_is_broken_for_the_client_too() {
    let copy = Copy::start(Manner::Streams).await;
    let mut body =
        remote(&[&copy]).send(Service::Order, call(Method::GET, "/api/v1/orders", None)).await.unwrap().into_body();
    let begun = Instant::now();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "first");
    assert!(begun.elapsed() < Duration::from_millis(400), "it waited for the second part");
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "second");
    assert!(body.frame().await.is_none());
    let copy = Copy::start(Manner::BreaksOff).await;
    let response = remote(&[&copy]).send(Service::Order, call(Method::GET, "/api/v1/orders", None)).await.unwrap();
    assert!(response.into_body().collect().await.is_err());
}

#[tokio::test]
async fn an_event_stream_ends_with_the_gateway() {
    let copy = Copy::start(Manner::Events).await;
    let (stop, signal) = watch::channel(false);
    let remote = remote_until(&[&copy], signal);
    let call = call(Method::GET, "/api/v1/orders/1/events", None);
    let mut body = remote.send(Service::Order, call).await.unwrap().into_body();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "first");
    stop.send_replace(true);
    assert!(body.frame().await.is_none(), "an end, and no error");
}

#[tokio::test]
async fn a_copy_that_is_not_ready_gets_no_calls_while_another_is() {
    let (not_now, there) = (Copy::start(Manner::NotNow).await, Copy::start(Manner::Echoes).await);
    let remote = Arc::new(remote(&[&not_now, &there]));
    let (stop, signal) = watch::channel(false);
    let watched = Arc::clone(&remote);
    let task = tokio::spawn(async move { watched.watch(signal).await });
    while not_now.seen() == 0 || there.seen() == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    for _ in 0..10 {
        let response = remote.send(Service::Order, call(Method::GET, "/api/v1/orders", None)).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
    }
    assert!(remote.is_ready(Service::Order));
    stop.send_replace(true);
    task.await.unwrap();
}

#[tokio::test]
async fn a_path_that_a_url_would_resolve_to_another_is_none() {
    let copy = Copy::start(Manner::Echoes).await;
    for path in ["/api/v1/orders/../users", "/api/v1/orders/%2e%2E/users", "/api/v1/orders/./1"] {
        let problem = remote(&[&copy]).send(Service::Order, call(Method::GET, path, None)).await.unwrap_err();
        assert_eq!(problem.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(copy.seen(), 0);
}
