//! The HTTP server: our own accept loop over hyper, with warp inside.
//!
//! warp's own server has no timeout for headers and no answer after a panic. This one closes slow connections, caps
//! their number, drains what it refuses, answers panics with a problem, and stops gracefully.

mod intake;
mod stop;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ecom_core::event;
use ecom_core::port::Ids;
use futures_util::future::{BoxFuture, FutureExt};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use warp::http::Method;
use warp::http::header::{CACHE_CONTROL, CONNECTION, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use warp::http::request::Parts;
use warp::reply::Response;

use intake::Refused;

pub use intake::CORRELATION_ID;
pub(crate) use intake::arrival;
pub use stop::Stop;

use super::auth::Keys;
use super::metrics::Metrics;
use super::problem::Problem;
use super::request::Arrival;
use super::router::{Matched, Router};
use super::trust::TrustedProxies;
use crate::telemetry::trace::{Kind, Traces};

/// How long the server waits after it could not accept a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What a server allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long the head of a request may take, and how long a connection may idle between two.
    pub header_timeout: Duration,
    /// How long a body may take.
    pub body_timeout: Duration,
    /// How long the answer to a complete request may take; above the longest `wait`.
    pub answer_timeout: Duration,
    /// The most bytes of a body.
    pub body_max: usize,
    /// How many bytes of a refused body are read, so that the client sees the refusal and not a reset.
    pub drain_max: usize,
    /// The most connections at a time; more wait in the kernel's queue.
    pub connections_max: usize,
    /// How long requests may take to end once the server stops.
    pub shutdown_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            answer_timeout: Duration::from_secs(45),
            body_max: 1 << 20,
            drain_max: 8 << 20,
            connections_max: 4_096,
            shutdown_timeout: Duration::from_secs(4),
        }
    }
}

/// What answers the requests.
pub struct App {
    /// Which handler answers what.
    pub router: Router,
    /// What is allowed.
    pub limits: Limits,
    /// Counts the requests.
    pub metrics: Arc<Metrics>,
    /// Mints correlation and trace ids.
    pub ids: Arc<dyn Ids>,
    /// Whose word on the client's address is taken.
    pub trusted: TrustedProxies,
    /// The keys that tokens are checked with, where another process has them.
    pub keys: Option<Arc<dyn Keys>>,
    /// Whose requests these are.
    pub service: event::Service,
    /// Where their traces go.
    pub traces: Traces,
}

/// warp, as a function.
type Call = Box<dyn Fn(warp::http::Request<Full<Bytes>>) -> BoxFuture<'static, Response> + Send + Sync>;

struct Shared {
    call: Call,
    limits: Limits,
    metrics: Arc<Metrics>,
    ids: Arc<dyn Ids>,
    trusted: TrustedProxies,
    keys: Option<Arc<dyn Keys>>,
    stop: Stop,
    service: event::Service,
    traces: Traces,
}

/// Serves until `stop` is triggered and the open requests have ended, or the shutdown timeout is over.
pub async fn serve(listener: TcpListener, app: App, stop: Stop) {
    let App { router, limits, metrics, ids, trusted, keys, service, traces } = app;
    let (call, signal) = (warp_call(router), stop.clone());
    let shared = Arc::new(Shared { call, limits, metrics, ids, trusted, keys, stop: signal, service, traces });
    let places = Arc::new(Semaphore::new(limits.connections_max));
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.triggered() => break,
            accepted = accept(&listener, &places) => accepted,
        };
        let Some((stream, remote, place)) = accepted else { continue };
        let shared = Arc::clone(&shared);
        let service = service_fn(move |request| {
            let shared = Arc::clone(&shared);
            async move { Ok::<_, Infallible>(shared.answer(request, remote).await) }
        });
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.header_timeout)
            .serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        connections.spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(place);
        });
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    if timeout(limits.shutdown_timeout, graceful.shutdown()).await.is_err() {
        tracing::warn!(connections = connections.len(), "requests were cut off: they did not end in time");
    }
    connections.shutdown().await;
}

/// The next connection with its place. A failure to accept, such as too many open files, is waited out.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, remote)) => {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "a connection was gone before it was served");
                return None;
            }
            Some((stream, remote, place))
        }
        Err(error) => {
            tracing::warn!(%error, "a connection could not be accepted");
            sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

fn warp_call(router: Router) -> Call {
    let service = TowerToHyperService::new(warp::service(router.filter()));
    Box::new(move |request| {
        let answered = service.call(request);
        async move {
            match answered.await {
                Ok(response) => response,
                Err(never) => match never {},
            }
        }
        .boxed()
    })
}

impl Shared {
    /// Answers one request, whatever happens inside.
    async fn answer(&self, request: hyper::Request<Incoming>, remote: SocketAddr) -> Response {
        let began = Instant::now();
        let (mut head, body) = request.into_parts();
        let client = self.trusted.client(remote.ip(), &head.headers);
        let arrival = Arc::new(intake::arrival(&head.headers, client, self.ids.as_ref()));
        head.extensions.insert(Arc::clone(&arrival));
        let step = self.traces.begin_at(&arrival.traceparent, intake::given(&head.headers));
        let (method, path) = (head.method.clone(), head.uri.path().to_owned());
        let mut response = match self.admit(&head, body).await {
            Ok(body) => self.run(warp::http::Request::from_parts(head, Full::new(body)), &path, &arrival).await,
            Err(refused) => {
                let mut response = refused.problem.render(&path, &arrival.trace_id);
                if refused.close {
                    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                }
                response
            }
        };
        finish(&mut response, &arrival);
        let (status, duration) = (response.status().as_u16(), began.elapsed());
        let route = response.extensions().get::<Matched>().map_or("none", |matched| matched.0);
        self.metrics.observe(known(&method), route, status, duration);
        if let Some(step) = step.filter(|_| is_traced(&path)) {
            let name = format!("{} {route}", known(&method));
            let known = vec![("url.path", path.clone()), ("http.response.status_code", status.to_string())];
            self.traces.end(step, (self.service, Kind::Server, name), status >= 500, known);
        }
        tracing::info!(
            target: "access",
            {
                http.method = method.as_str(),
                http.path = path,
                http.route = route,
                http.status = status,
                http.duration_us = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX),
                client.address = %arrival.remote,
                correlation_id = arrival.correlation_id,
                trace_id = arrival.trace_id,
            },
            "{method} {path} {status}"
        );
        response
    }

    /// The body, when the request may come in.
    async fn admit(&self, head: &Parts, body: Incoming) -> Result<Bytes, Refused> {
        // The body is read before the head is judged: a refusal then leaves the connection in order.
        let body = tokio::select! {
            body = intake::body(head, body, &self.limits) => body?,
            () = intake::too_late(&self.stop) => return Err(intake::stopping()),
        };
        intake::check_head(head).map_err(|problem| Refused { problem, close: false })?;
        if let Some(keys) = &self.keys {
            keys.prepare(&head.headers).await;
        }
        Ok(body)
    }

    async fn run(&self, request: warp::http::Request<Full<Bytes>>, path: &str, arrival: &Arrival) -> Response {
        let answered = AssertUnwindSafe(async { (self.call)(request).await }).catch_unwind();
        let problem = match timeout(self.limits.answer_timeout, answered).await {
            Ok(Ok(response)) => return response,
            Ok(Err(_)) => {
                tracing::error!(http.path = path, trace_id = arrival.trace_id, "a handler panicked");
                Problem::internal()
            }
            Err(_) => Problem::unavailable("timeout", "the answer took too long; it may still happen"),
        };
        problem.render(path, &arrival.trace_id)
    }
}

/// What only asks how a process is belongs to no trace.
fn is_traced(path: &str) -> bool {
    path.starts_with("/api/")
}

/// Adds what every response carries.
fn finish(response: &mut Response, arrival: &Arrival) {
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&arrival.correlation_id) {
        headers.insert(CORRELATION_ID, value);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

/// The method as a label: whatever a client makes up is one value.
fn known(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}
