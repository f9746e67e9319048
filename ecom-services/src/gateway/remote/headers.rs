//! Which headers pass the gateway.

use warp::http::HeaderMap;
use warp::http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, FORWARDED, HOST, HeaderName, HeaderValue, PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};

use super::Call;
use crate::http::server::CORRELATION_ID;
use crate::http::trust::FORWARDED_FOR;

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// What concerns one connection alone.
const HOP_BY_HOP: [HeaderName; 9] = [
    CONNECTION,
    KEEP_ALIVE,
    PROXY_CONNECTION,
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// What the gateway says itself; a client's word on it does not pass.
const OURS: [HeaderName; 4] = [HOST, CONTENT_LENGTH, EXPECT, FORWARDED];

/// Whole families of which nothing passes.
const OURS_BY_PREFIX: [&str; 2] = ["x-forwarded-", "x-user-"];

/// The headers of a message without those of its connection.
pub(super) fn end_to_end(headers: &HeaderMap) -> HeaderMap {
    let named: Vec<String> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    let passes = |name: &HeaderName| !HOP_BY_HOP.contains(name) && !named.iter().any(|named| named == name.as_str());
    let passing = headers.iter().filter(|(name, _)| passes(name));
    passing.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The headers of a call to a service: the client's, and what the gateway knows.
pub(super) fn outgoing(call: &Call) -> HeaderMap {
    let ours = |name: &HeaderName| {
        OURS.contains(name) || OURS_BY_PREFIX.iter().any(|prefix| name.as_str().starts_with(prefix))
    };
    let passing = end_to_end(&call.headers);
    let passing = passing.iter().filter(|(name, _)| !ours(name));
    let mut headers: HeaderMap = passing.map(|(name, value)| (name.clone(), value.clone())).collect();
    let arrival = &call.arrival;
    for (name, value) in [
        (CORRELATION_ID, arrival.correlation_id.clone()),
        (TRACEPARENT, arrival.traceparent.clone()),
        (FORWARDED_FOR, arrival.remote.to_string()),
    ] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    headers
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use warp::http::Method;

    use super::*;
    use crate::http::request::Arrival;

    #[test]
    fn only_what_is_the_clients_to_say_passes() {
        let given = [
            ("authorization", "Bearer x"),
            ("idempotency-key", "k"),
            ("cookie", "a=1"),
            ("cookie", "b=2"),
            ("connection", "close, X-Secret"),
            ("x-secret", "1"),
            ("keep-alive", "timeout=5"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "websocket"),
            ("proxy-authorization", "Basic x"),
            ("host", "shop.example"),
            ("content-length", "5"),
            ("expect", "100-continue"),
            ("forwarded", "for=6.6.6.6"),
            ("x-forwarded-for", "6.6.6.6"),
            ("x-forwarded-proto", "https"),
            ("x-user-id", "root"),
            ("x-correlation-id", "theirs"),
            ("traceparent", "theirs"),
        ];
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            headers.append(name, HeaderValue::from_static(value));
        }
        let arrival = Arrival {
            correlation_id: "ours".to_owned(),
            trace_id: "t".to_owned(),
            traceparent: "00-t-s-01".to_owned(),
            remote: [1, 2, 3, 4].into(),
        };
        let call = Call {
            method: Method::GET,
            target: "/".to_owned(),
            headers,
            body: Bytes::new(),
            arrival: Arc::new(arrival),
        };
        let mut sent: Vec<(String, String)> = outgoing(&call)
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        sent.sort();
        let expected = [
            ("authorization", "Bearer x"),
            ("cookie", "a=1"),
            ("cookie", "b=2"),
            ("idempotency-key", "k"),
            ("traceparent", "00-t-s-01"),
            ("x-correlation-id", "ours"),
            ("x-forwarded-for", "1.2.3.4"),
        ];
        assert_eq!(sent, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
}
