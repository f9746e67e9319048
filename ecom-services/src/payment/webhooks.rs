//! What providers tell of their own accord.

use ecom_core::engine::Outcome;
use ecom_core::payment::{Input, NotOpened};
use warp::http::StatusCode;
use warp::http::header::HeaderName;

use super::{Deps, refuse};
use crate::http::problem::Problem;
use crate::http::request::Request;
use crate::http::response::{Answer, empty};

/// The longest header with a signature.
const SIGNATURE_LENGTH_MAX: usize = 1_000;

/// Nobody shows a token here: the signature of the raw body says who it is, and is checked before anything is read.
/// Whatever is not 2xx is told again by the provider, so that is answered only when it is durable.
pub(super) async fn receive(deps: Deps, request: Request) -> Answer {
    let provider = request.parameters.first().map(String::as_str).unwrap_or_default();
    let webhook = deps.webhooks.iter().find(|it| it.provider() == provider).ok_or_else(Problem::not_found)?;
    let header = HeaderName::from_static(webhook.header());
    let signature = request
        .printable_header(&header, SIGNATURE_LENGTH_MAX, "invalid_signature")?
        .ok_or_else(|| Problem::bad_request("invalid_signature", format!("the header {header} is missing")))?;
    let opened = webhook.open(&signature, &request.body, deps.door.gate.clock.now());
    let (id, notice) = opened.map_err(|error| not_opened(&error))?;
    let about = notice.payment_id;
    match deps.door.hear(&request, id, Input::Noticed(notice)).await? {
        Outcome::Applied(_) | Outcome::Stayed(..) | Outcome::Duplicate => Ok(empty(StatusCode::NO_CONTENT)),
        Outcome::Rejected(rejection) => {
            tracing::warn!(provider, payment.id = %about, %rejection, "a webhook is not taken");
            Err(refuse(&rejection))
        }
        Outcome::Replayed(_) | Outcome::KeyReused => {
            tracing::error!(provider, "a webhook was taken for a command");
            Err(Problem::internal())
        }
    }
}

fn not_opened(error: &NotOpened) -> Problem {
    match error {
        NotOpened::Signature(detail) => Problem::bad_request("invalid_signature", detail.as_str()),
        NotOpened::Content(detail) => {
            // It is signed, so it is no stranger's: the provider speaks another language than this version.
            tracing::error!(detail, "a webhook is not understood");
            Problem::invalid("invalid_body", "the notice is not of a form that is known here")
        }
    }
}
