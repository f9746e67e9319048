//! `Idempotency-Key`: one effect, however often a client repeats its request.
//!
//! The answer is kept by the store, in the transaction of the effect. Here the header is read, the request gets its
//! fingerprint, and a key whose first request is still running is refused.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ecom_core::engine::Idempotency;
use sha2::{Digest, Sha256};
use warp::http::header::{HeaderName, HeaderValue};
use warp::reply::Response;

use super::auth::Caller;
use super::problem::Problem;
use super::request::Request;

/// The header that a client sends.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The header that marks an answer as a repetition.
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// The longest key.
const LENGTH_MAX: usize = 255;

/// The key of a request, when it has one.
///
/// # Errors
/// 400 `invalid_idempotency_key`.
pub fn optional(request: &Request, caller: &Caller) -> Result<Option<Idempotency>, Problem> {
    let key = request.printable_header(&IDEMPOTENCY_KEY, LENGTH_MAX, "invalid_idempotency_key")?;
    Ok(key.map(|key| Idempotency {
        // `wait` and every other query parameter are no part of it.
        scope: format!("{} {} {}", caller.user_id, request.method, request.path),
        key,
        fingerprint: URL_SAFE_NO_PAD.encode(Sha256::digest(&request.body)),
    }))
}

/// The key of a request that must have one.
///
/// # Errors
/// 400 `idempotency_key_required` or `invalid_idempotency_key`.
pub fn required(request: &Request, caller: &Caller) -> Result<Idempotency, Problem> {
    optional(request, caller)?.ok_or_else(|| {
        let detail = "send an Idempotency-Key header, so that a repeated request creates nothing twice";
        Problem::bad_request("idempotency_key_required", detail)
    })
}

/// Marks a response as a repetition.
pub fn mark_replayed(mut response: Response) -> Response {
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
}

/// The keys whose requests are running in this process.
///
/// Across processes the store's unique key decides, so nothing is done twice there either; a rival just waits longer.
#[derive(Clone, Debug, Default)]
pub struct InFlight(Arc<Mutex<BTreeSet<(String, String)>>>);

/// One running request; the key is free again when it is dropped.
#[derive(Debug)]
pub struct Running {
    keys: InFlight,
    key: (String, String),
}

impl InFlight {
    /// Enters a key.
    ///
    /// # Errors
    /// 409 `idempotency_in_flight` when the first request with it is still running.
    pub fn enter(&self, key: &Idempotency) -> Result<Running, Problem> {
        let key = (key.scope.clone(), key.key.clone());
        let entered = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone());
        if entered {
            Ok(Running { keys: self.clone(), key })
        } else {
            let detail = "the first request with this Idempotency-Key is still running";
            Err(Problem::conflict("idempotency_in_flight", detail))
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.keys.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

/// 422 `idempotency_key_reused`.
pub fn reused() -> Problem {
    Problem::invalid("idempotency_key_reused", "this Idempotency-Key was used for a request with another body")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_in_flight_until_its_request_ends() {
        let keys = InFlight::default();
        let key = |key: &str| Idempotency { scope: "s".to_owned(), key: key.to_owned(), fingerprint: String::new() };
        let running = keys.enter(&key("a")).unwrap();
        assert_eq!(keys.enter(&key("a")).unwrap_err().code, "idempotency_in_flight");
        assert!(keys.enter(&key("b")).is_ok());
        drop(running);
        assert!(keys.enter(&key("a")).is_ok());
    }
}
