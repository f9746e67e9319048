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
    let given = headers.get(TRACEPARENT).and_then(|value| value.to_str().ok()).and_then(parse_traceparent);
    let (trace_id, flags) = given.unwrap_or_else(|| (ids.fresh().simple().to_string(), "01".to_owned()));
    // The last 64 bits of a UUID of version 7 are random and never all zero.
    let (_, span_id) = ids.fresh().as_u64_pair();
    let traceparent = format!("00-{trace_id}-{span_id:016x}-{flags}");
    Arrival { correlation_id, trace_id, traceparent, remote }
}

/// Trace id and flags of a W3C `traceparent`; `None` when it is not well-formed.
fn parse_traceparent(text: &str) -> Option<(String, String)> {
    let mut parts = text.split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let hexadecimal = |part: &str, length: usize| {
        part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    };
    let zero = |part: &str| part.bytes().all(|byte| byte == b'0');
    let well_formed =
        hexadecimal(version, 2) && hexadecimal(trace, 32) && hexadecimal(span, 16) && hexadecimal(flags, 2);
    // A later version may add parts; version ff is none.
    let known = version != "ff" && (version != "00" || parts.next().is_none());
    (well_formed && known && !zero(trace) && !zero(span)).then(|| (trace.to_owned(), flags.to_owned()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceparent_is_taken_only_when_well_formed() {
        let (trace, span) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
        assert_eq!(parse_traceparent(&format!("00-{trace}-{span}-00")), Some((trace.to_owned(), "00".to_owned())));
        assert!(parse_traceparent(&format!("01-{trace}-{span}-01-more")).is_some());
        for text in [
            String::new(),
            format!("00-{trace}-{span}"),
            format!("00-{trace}-{span}-01-more"),
            format!("ff-{trace}-{span}-01"),
            format!("00-{}-{span}-01", "0".repeat(32)),
            format!("00-{trace}-{}-01", "0".repeat(16)),
            format!("00-{}-{span}-01", trace.to_uppercase()),
            format!("00-{trace}-{span}-1"),
        ] {
            assert_eq!(parse_traceparent(&text), None, "{text}");
        }
    }
}
