//! Problem details (RFC 9457): what every refusal looks like, whoever refuses.

use std::time::Duration;

use serde::Serialize;
use warp::http::header::{ALLOW, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use warp::http::{Method, StatusCode};
use warp::reply::Response;

/// The media type of a problem.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// How long a client is asked to wait when nobody knows better.
pub const RETRY_AFTER_DEFAULT: Duration = Duration::from_secs(1);

/// What is wrong with one field of a body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// Where: a JSON pointer (RFC 6901) into the request's body.
    pub pointer: String,
    /// Which rule is broken; stable.
    pub code: &'static str,
    /// For people.
    pub detail: String,
}

/// A refusal, before it is known to which request it belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The HTTP status.
    pub status: StatusCode,
    /// The stable name of the problem, in snake_case.
    pub code: &'static str,
    /// For people. Never an internal error's text.
    pub detail: String,
    /// What is wrong with which field.
    pub errors: Vec<FieldError>,
    /// Headers that the status calls for.
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    /// A problem with this status, code and text.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), errors: vec![], headers: vec![] }
    }

    /// 400: the request cannot be understood.
    pub fn bad_request(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// 401: nobody, or somebody who cannot prove it.
    pub fn unauthorized(code: &'static str, detail: impl Into<String>) -> Self {
        let challenge = HeaderValue::from_static("Bearer realm=\"ecom\"");
        Self::new(StatusCode::UNAUTHORIZED, code, detail).header(WWW_AUTHENTICATE, challenge)
    }

    /// 403 `forbidden`: known, but the role does not allow it.
    pub fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "your role does not allow this")
    }

    /// 404 `not_found`: unknown, or another user's.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "there is nothing here that you may see")
    }

    /// 405 `method_not_allowed`, with the methods that are.
    pub fn method_not_allowed(allow: &[Method]) -> Self {
        let methods = allow.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
        let detail = format!("this resource answers {methods}");
        let problem = Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail);
        match HeaderValue::from_str(&methods) {
            Ok(value) => problem.header(ALLOW, value),
            Err(_) => problem,
        }
    }

    /// 409: the request conflicts with the state.
    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    /// 413 `body_too_large`.
    pub fn body_too_large(limit: usize) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", format!("a body may have {limit} bytes at most"))
    }

    /// 415 `unsupported_media_type`.
    pub fn unsupported_media_type() -> Self {
        let detail = "send the body as application/json in UTF-8";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail)
    }

    /// 422: understood, but not valid.
    pub fn invalid(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail)
    }

    /// 422 about one field, whose error repeats code and text.
    pub fn invalid_field(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self::invalid(code, detail.clone()).field(pointer, code, detail)
    }

    /// 429 `rate_limited`.
    pub fn rate_limited(retry_after: Duration) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", "too many requests; try again later")
            .retry_after(retry_after)
    }

    /// 500 `internal`: our fault, and no more is said about it.
    pub fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "something went wrong on our side")
    }

    /// 503: not now.
    pub fn unavailable(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail).retry_after(RETRY_AFTER_DEFAULT)
    }

    /// Adds what is wrong with one field.
    pub fn field(mut self, pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        self.errors.push(FieldError { pointer: pointer.into(), code, detail: detail.into() });
        self
    }

    /// Adds a header.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Adds `Retry-After`, in whole seconds rounded up, at least 1.
    pub fn retry_after(self, delay: Duration) -> Self {
        let seconds = delay.as_secs() + u64::from(delay.subsec_nanos() > 0);
        self.header(RETRY_AFTER, HeaderValue::from(seconds.max(1)))
    }

    /// The response for the request with that path and trace.
    pub fn render(&self, instance: &str, trace_id: &str) -> Response {
        let wire = Wire {
            kind: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: &self.detail,
            instance,
            code: self.code,
            errors: &self.errors,
            trace_id,
        };
        // The struct holds strings and numbers alone, which serialise always.
        let body = serde_json::to_string(&wire).unwrap_or_default();
        let mut response = Response::new(body.into());
        *response.status_mut() = self.status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        for (name, value) in &self.headers {
            response.headers_mut().insert(name, value.clone());
        }
        response
    }
}

#[derive(Serialize)]
struct Wire<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    detail: &'a str,
    instance: &'a str,
    code: &'static str,
    errors: &'a [FieldError],
    trace_id: &'a str,
}
