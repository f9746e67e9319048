//! The way in: what the head of a request says, and its body up to a limit.

use std::net::IpAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use ecom_core::port::Ids;
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use tokio::time::{sleep, timeout};
use warp::http::header::{CONTENT_LENGTH, EXPECT, HOST, HeaderName};
use warp::http::request::Parts;
use warp::http::{HeaderMap, StatusCode, Version};

use super::{Limits, Stop};
use crate::http::problem::Problem;
use crate::http::request::{Arrival, printable};
use crate::telemetry::trace::Context;

/// The header that carries a client's correlation id, both ways.
pub const CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");

/// W3C trace context.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// How long bodies that are on their way may take once the server stops.
const STOP_GRACE: Duration = Duration::from_secs(1);

/// The longest correlation id.
const CORRELATION_LENGTH_MAX: usize = 128;

/// A request that ends here.
pub(super) struct Refused {
    /// Why.
    pub(super) problem: Problem,
    /// Whether the connection cannot be used again, because part of the body is still on its way.
    pub(super) close: bool,
}

/// What the head says about the request's place in the world.
pub(crate) fn arrival(headers: &HeaderMap, remote: IpAddr, ids: &dyn Ids) -> Arrival {
    let correlation = headers.get(CORRELATION_ID).and_then(|value| printable(value.as_bytes(), CORRELATION_LENGTH_MAX));
    let correlation_id = correlation.unwrap_or_else(|| ids.fresh().to_string());
    let fresh = || Context { trace: ids.fresh().simple().to_string(), span: String::new(), flags: "01".to_owned() };
    // The last 64 bits of a UUID of version 7 are random and never all zero.
    let (_, span) = ids.fresh().as_u64_pair();
    let own = given(headers).unwrap_or_else(fresh).child(span);
    Arrival { correlation_id, traceparent: own.to_string(), trace_id: own.trace, remote }
}

/// The place in a trace that a client names.
pub(super) fn given(headers: &HeaderMap) -> Option<Context> {
    headers.get(TRACEPARENT).and_then(|value| Context::parse(value.to_str().ok()?))
}

/// Checks what HTTP itself asks of a head.
pub(super) fn check_head(head: &Parts) -> Result<(), Problem> {
    let hosts = head.headers.get_all(HOST).iter().count();
    if hosts > 1 || (hosts == 0 && head.version == Version::HTTP_11) {
        return Err(Problem::bad_request("host_required", "an HTTP/1.1 request has exactly one Host header"));
    }
    Ok(())
}

/// Reads the whole body.
///
/// A body above the limit is read on up to `drain_max` bytes, so that the client is done sending when the refusal
/// comes and reads it instead of a reset.
pub(super) async fn body(head: &Parts, body: Incoming, limits: &Limits) -> Result<Bytes, Refused> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let declared = head.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let over = |limit: usize| declared.is_some_and(|length| length > limit as u64);
    // Whoever asks before he sends is told at once.
    if over(limits.body_max) && head.headers.contains_key(EXPECT) {
        return Err(Refused { problem: Problem::body_too_large(limits.body_max), close: true });
    }
    timeout(limits.body_timeout, collect(body, limits))
        .await
        .unwrap_or_else(|_| Err(Refused { problem: too_slow(limits.body_timeout), close: true }))
}

/// Completes when the server stops and bodies that are on their way have had their time.
pub(super) async fn too_late(stop: &Stop) {
    stop.triggered().await;
    sleep(STOP_GRACE).await;
}

/// A body that did not come before the server stopped.
pub(super) fn stopping() -> Refused {
    Refused { problem: Problem::unavailable("stopping", "the server is stopping; nothing was done"), close: true }
}

fn too_slow(limit: Duration) -> Problem {
    let detail = format!("the body did not arrive within {} seconds", limit.as_secs());
    Problem::new(StatusCode::REQUEST_TIMEOUT, "request_timeout", detail)
}

async fn collect(mut body: Incoming, limits: &Limits) -> Result<Bytes, Refused> {
    let (mut kept, mut seen) = (BytesMut::new(), 0_usize);
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            let problem = Problem::bad_request("malformed_body", "the body broke off or was not framed correctly");
            return Err(Refused { problem, close: true });
        };
        // Trailers are of no use to us.
        let Ok(data) = frame.into_data() else { continue };
        seen = seen.saturating_add(data.len());
        if seen <= limits.body_max {
            kept.extend_from_slice(&data);
        } else if seen > limits.drain_max {
            return Err(Refused { problem: Problem::body_too_large(limits.body_max), close: true });
        } else {
            kept = BytesMut::new();
        }
    }
    if seen > limits.body_max {
        return Err(Refused { problem: Problem::body_too_large(limits.body_max), close: false });
    }
    Ok(kept.freeze())
}
