//! The services as processes of their own, reached over HTTP.
//!
//! Each service may have several copies. A call goes to the one with the fewest calls under way among those that are
//! ready. A copy that fails again and again is left alone for a while (circuit breaker), and its readiness is asked in the
//! background. What certainly reached nobody is sent to another copy; what may have been carried out is sent again only
//! when that has no second effect, and once at most.

mod breaker;
mod headers;
mod health;
mod pool;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ecom_core::event::Service;
use http_body_util::BodyExt;
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, sleep, timeout};
use warp::http::StatusCode;
use warp::http::header::CONTENT_TYPE;
use warp::reply::Response;

use super::table::may_repeat;
use super::{Call, Services};
use crate::http::idempotency::IDEMPOTENCY_KEY;
use crate::http::problem::Problem;
use crate::http::request::{Query, percent_decode};
use crate::http::response::Answer;
use crate::http::router::Matched;
use crate::http::server::Stop;
use crate::http::stream;
use crate::http::wait::wait;

use pool::{Attempt, Pool, Verdict};

/// How long a service may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Until the head of an answer, beside what the client asked to wait.
    pub head: Duration,
    /// Between two parts of an answer's body; event streams say something every 15 seconds.
    pub silence: Duration,
    /// How often a copy that is well is asked whether it is ready.
    pub check: Duration,
    /// How often one that is not is asked.
    pub recheck: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(7),
            silence: Duration::from_secs(40),
            check: Duration::from_secs(2),
            recheck: Duration::from_millis(250),
        }
    }
}

/// How long calls may go on once the gateway is told to stop; less than its server gives them.
const STOP_GRACE: Duration = Duration::from_secs(3);

/// Calls of one service at a time: a service that hangs must not take every place of the gateway.
const CALLS_MAX: usize = 1_024;

/// All services by their base URLs.
pub struct Remote {
    http: reqwest::Client,
    services: BTreeMap<Service, Upstream>,
    timeouts: Timeouts,
    stop: Stop,
}

struct Upstream {
    pool: Arc<Pool>,
    places: Semaphore,
}

/// How one try failed.
enum Failed {
    /// Nobody got the request.
    Unreached,
    /// Somebody may have carried it out.
    Unknown,
}

impl Remote {
    /// With the base URLs of each service. Once it is told to stop, event streams end, and calls end soon.
    pub fn new(http: reqwest::Client, urls: &BTreeMap<Service, Vec<String>>, timeouts: Timeouts, stop: Stop) -> Self {
        let upstream = |urls: &Vec<String>| Upstream {
            pool: Arc::new(Pool::new(urls.iter().cloned())),
            places: Semaphore::new(CALLS_MAX),
        };
        let services = urls.iter().map(|(service, urls)| (*service, upstream(urls))).collect();
        Self { http, services, timeouts, stop }
    }

    /// Asks all copies for their readiness, again and again.
    pub async fn watch(&self, stop: watch::Receiver<bool>) {
        let pools = self.services.values().map(|upstream| Arc::clone(&upstream.pool)).collect();
        health::watch(self.http.clone(), pools, self.timeouts, stop).await;
    }

    /// Whether a service has a copy that is ready.
    pub fn is_ready(&self, service: Service) -> bool {
        self.services.get(&service).is_some_and(|upstream| upstream.pool.is_ready())
    }

    /// Waits until calls must come to their end, because the gateway stops.
    async fn stopping(&self) {
        self.stop.triggered().await;
        sleep(STOP_GRACE).await;
    }

    /// One try with one copy. `Ok` is the head of an answer.
    async fn attempt(&self, attempt: Attempt, call: &Call, patience: Duration) -> Result<Response, Failed> {
        let request = self.http.request(call.method.clone(), format!("{}{}", attempt.base(), call.target));
        let request = request.headers(headers::outgoing(call)).body(call.body.clone());
        let sent = tokio::select! {
            biased;
            sent = timeout(patience, request.send()) => sent,
            () = self.stopping() => {
                // The copy has done nothing wrong, and the client is told before the server cuts him off.
                drop(attempt);
                return Err(Failed::Unknown);
            }
        };
        match sent {
            Ok(Ok(response)) => {
                // "Not now" is an answer of a process that lives.
                attempt.end(Verdict::Answered);
                Ok(incoming(response, self.timeouts.silence, self.stop.clone()))
            }
            Ok(Err(error)) => {
                let reached = !error.is_connect();
                tracing::warn!(url = attempt.base(), error = %Causes(&error), reached, "a service did not answer");
                attempt.end(Verdict::Failed);
                Err(if reached { Failed::Unknown } else { Failed::Unreached })
            }
            Err(_) => {
                tracing::warn!(url = attempt.base(), "a service did not answer in time");
                attempt.end(Verdict::Failed);
                Err(Failed::Unknown)
            }
        }
    }
}

#[async_trait]
impl Services for Remote {
    async fn send(&self, service: Service, call: Call) -> Answer {
        let upstream = self.services.get(&service).ok_or_else(Problem::not_found)?;
        let (path, query) = call.target.split_once('?').unwrap_or((&call.target, ""));
        if !is_plain(path) {
            return Err(Problem::not_found());
        }
        let Ok(_place) = upstream.places.try_acquire() else { return Err(away(service, "takes too many calls")) };
        let asked = Query::parse(query).and_then(|query| wait(&query)).unwrap_or_default();
        let patience = self.timeouts.head.saturating_add(asked);
        // A second try must not take the client beyond what the server allows.
        let deadline = Instant::now() + patience + self.timeouts.head;
        let repeatable = may_repeat(&call.method, path, call.headers.contains_key(&IDEMPOTENCY_KEY));
        let (mut tried, mut repeats_left) = (vec![], u32::from(repeatable));
        loop {
            let Some(attempt) = upstream.pool.pick(&tried) else {
                return Err(away(service, "is not available at the moment"));
            };
            tried.push(attempt.index());
            let left = deadline.saturating_duration_since(Instant::now());
            match self.attempt(attempt, &call, patience.min(left)).await {
                Ok(response) => return Ok(response),
                // The next copy may be there.
                Err(Failed::Unreached) => {}
                Err(Failed::Unknown) if repeats_left > 0 && !self.stop.is_triggered() => {
                    repeats_left -= 1;
                    // The copy may have come back at once, and may be the only one.
                    tried.clear();
                }
                Err(Failed::Unknown) => {
                    let detail = format!("the {service} did not answer; what was asked may have been done");
                    return Err(Problem::unavailable("outcome_unknown", detail));
                }
            }
        }
    }
}

/// 503 for a service that has not got the call.
fn away(service: Service, why: &str) -> Problem {
    Problem::unavailable("service_unavailable", format!("the {service} {why}"))
}

/// Whether a path means the same to everybody who reads it: no dots that a URL would resolve.
fn is_plain(path: &str) -> bool {
    path.split('/')
        .all(|segment| percent_decode(segment, false).is_some_and(|segment| segment != "." && segment != ".."))
}

/// The media type of event streams.
const EVENT_STREAM: &[u8] = b"text/event-stream";

/// The answer as it is handed on: its body flows through as it comes.
fn incoming(response: reqwest::Response, silence: Duration, stop: Stop) -> Response {
    let (head, body) = warp::http::Response::<reqwest::Body>::from(response).into_parts();
    let is_stream = head.headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(EVENT_STREAM));
    let parts = futures_util::stream::unfold(Some((body, stop)), move |state| async move {
        let (mut body, stop) = state?;
        loop {
            let frame = tokio::select! {
                biased;
                frame = timeout(silence, body.frame()) => frame,
                // It has no end of its own; whoever follows it comes again.
                () = stop.triggered(), if is_stream => return None,
            };
            let part = match frame {
                Ok(None) => return None,
                Ok(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => Ok(data),
                    // Trailers end here.
                    Err(_) => continue,
                },
                Ok(Some(Err(error))) => Err(error.to_string()),
                Err(_) => Err("silent for too long".to_owned()),
            };
            // After an error the connection is broken off: the client must not take the rest for the whole.
            return Some(match part {
                Ok(data) => (Ok(data), Some((body, stop))),
                Err(error) => (Err(error), None),
            });
        }
    });
    let mut response = stream::response(parts);
    *response.status_mut() = StatusCode::from_u16(head.status.as_u16()).unwrap_or(StatusCode::BAD_GATEWAY);
    *response.headers_mut() = headers::end_to_end(&head.headers);
    response.extensions_mut().insert(Matched("proxied"));
    response
}

/// An error with everything under it: reqwest tells the cause in the sources alone.
struct Causes<'a>(&'a dyn std::error::Error);

impl std::fmt::Display for Causes<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(formatter, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}
