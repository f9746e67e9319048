//! Responses that are not problems.

use serde::Serialize;
use warp::http::StatusCode;
use warp::http::header::{CONTENT_TYPE, HeaderValue};
use warp::reply::Response;

use super::problem::Problem;

/// How a handler ends.
pub type Answer = Result<Response, Problem>;

/// A JSON response.
pub fn json<T: Serialize>(status: StatusCode, body: &T) -> Answer {
    match serde_json::to_string(body) {
        Ok(text) => Ok(json_text(status, text)),
        Err(error) => {
            tracing::error!(%error, "a view does not serialise");
            Err(Problem::internal())
        }
    }
}

/// A 200 JSON response.
pub fn ok<T: Serialize>(body: &T) -> Answer {
    json(StatusCode::OK, body)
}

/// A response whose body is JSON already.
pub fn json_text(status: StatusCode, body: String) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A response without a body.
pub fn empty(status: StatusCode) -> Response {
    let mut response = Response::default();
    *response.status_mut() = status;
    response
}

/// A 200 response with text of that media type.
pub fn text(media_type: &'static str, body: String) -> Response {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}
