//! From the outcome of a command to its response, the same for all services.

use ecom_core::decide::{Answer as Kept, BoundedContext};
use ecom_core::engine::Outcome;
use warp::http::StatusCode;
use warp::reply::Response;

use super::idempotency::{mark_replayed, reused};
use super::problem::Problem;
use super::response::{Answer, empty, json_text};

/// The response to an outcome. `refuse` says what each broken rule of the context is over HTTP.
pub fn answer<C: BoundedContext>(outcome: Outcome<C>, refuse: fn(&C::Rejection) -> Problem) -> Answer {
    match outcome {
        Outcome::Applied(Some(reply)) | Outcome::Stayed(_, Some(reply)) => Ok(kept(C::answer(&reply))),
        // A command without a reply has nothing to say.
        Outcome::Applied(None) | Outcome::Stayed(_, None) | Outcome::Duplicate => Ok(empty(StatusCode::NO_CONTENT)),
        Outcome::Replayed(answer) => Ok(mark_replayed(kept(answer))),
        Outcome::KeyReused => Err(reused()),
        Outcome::Rejected(rejection) => Err(refuse(&rejection)),
    }
}

/// The response that a kept answer is.
pub fn kept(answer: Kept) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    if answer.body.is_empty() { empty(status) } else { json_text(status, answer.body.into()) }
}
