//! What operators do: an administrator, and a reason that is kept.

use ecom_core::id::UserId;
use serde::Deserialize;

use super::body::{free_text, json};
use super::door::Gate;
use super::problem::Problem;
use super::request::Request;

/// The most characters of an operator's reason.
const REASON_CHARS_MAX: usize = 500;

/// What an operator does, and why.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Operation {
    reason: String,
}

/// Who does it, and why.
///
/// # Errors
/// 401 and 403 for whoever is no administrator; 422 for a reason that is empty, too long, or holds a card number.
pub fn operation(gate: &Gate, request: &Request) -> Result<(UserId, String), Problem> {
    let actor = gate.admin(request)?.user_id;
    let Operation { reason } = json(request)?;
    let fits = !reason.trim().is_empty() && reason.chars().count() <= REASON_CHARS_MAX;
    if !fits {
        let detail = format!("a reason has 1 to {REASON_CHARS_MAX} characters");
        return Err(Problem::invalid_field("/reason", "reason_length", detail));
    }
    free_text("/reason", &reason)?;
    Ok((actor, reason))
}
