//! The public keys of the user service, fetched over HTTP and kept.
//!
//! A process starts without them and fetches them in the background. A token under a key that is not known makes it
//! fetch again, at most every [`FETCH_PAUSE`]. What it has it keeps while the user service is away.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use ecom_adapters::system::JwtVerifier;
use ecom_core::port::{Claims, TokenError, TokenSigner};
use ecom_core::time::Timestamp;
use tokio::sync::{Mutex, watch};
use tokio::time::Instant;
use warp::http::HeaderMap;

use crate::config::Tokens;
use crate::host::stopped;
use crate::http::auth::{Keys, bearer};
use crate::http::health::Condition;

/// The shortest time between two fetches.
const FETCH_PAUSE: Duration = Duration::from_secs(5);

/// How long one fetch may take.
const FETCH_TIMEOUT: Duration = Duration::from_secs(2);

/// The shortest and the longest pause before the first keys are there.
const FIRST_PAUSES: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(5)];

/// How often keys are fetched without being asked for, so that a withdrawn one is forgotten.
const RENEWAL: Duration = Duration::from_secs(600);

/// The largest answer that is read.
const ANSWER_BYTES_MAX: usize = 256 * 1_024;

/// Checks tokens with keys that another process publishes.
pub(super) struct RemoteKeys {
    http: reqwest::Client,
    tokens: Tokens,
    state: RwLock<State>,
    /// When the last fetch ended; held during one, so that there is one at a time.
    fetched: Mutex<Option<Instant>>,
}

struct State {
    verifier: Arc<JwtVerifier>,
    /// When the last fetch that succeeded ended; `None` also after one that failed.
    fresh_since: Option<Instant>,
}

impl RemoteKeys {
    /// Knows no keys yet.
    pub(super) fn new(http: reqwest::Client, tokens: &Tokens) -> Self {
        let verifier = Arc::new(JwtVerifier::without_keys(&tokens.issuer, &tokens.audience));
        let state = RwLock::new(State { verifier, fresh_since: None });
        Self { http, tokens: tokens.clone(), state, fetched: Mutex::new(None) }
    }

    /// Fetches until there are keys, then now and then.
    pub(super) async fn keep(self: Arc<Self>, stop: watch::Receiver<bool>) {
        let mut pause = FIRST_PAUSES[0];
        loop {
            let mut fetched = self.fetched.lock().await;
            self.fetch(&mut fetched).await;
            drop(fetched);
            if self.verifier().has_keys() {
                pause = RENEWAL;
            } else {
                pause = (pause * 2).min(FIRST_PAUSES[1]);
            }
            tokio::select! {
                () = stopped(stop.clone()) => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Degraded as long as no key is known.
    pub(super) fn condition(&self) -> Condition {
        if self.verifier().has_keys() { Condition::Ok } else { Condition::Degraded }
    }

    fn verifier(&self) -> Arc<JwtVerifier> {
        Arc::clone(&self.state.read().unwrap_or_else(PoisonError::into_inner).verifier)
    }

    /// Fetches once. On failure the known keys stay.
    async fn fetch(&self, fetched: &mut Option<Instant>) {
        let verifier = self.get().await.and_then(|jwks| {
            JwtVerifier::from_jwks(&self.tokens.issuer, &self.tokens.audience, &jwks).map_err(|error| error.to_string())
        });
        let now = Instant::now();
        *fetched = Some(now);
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        match verifier {
            Ok(verifier) if verifier.has_keys() => {
                *state = State { verifier: Arc::new(verifier), fresh_since: Some(now) };
            }
            Ok(_) => {
                tracing::warn!(url = self.tokens.jwks_url, "the user service publishes no key");
                state.fresh_since = None;
            }
            Err(error) => {
                tracing::warn!(url = self.tokens.jwks_url, error, "the keys that tokens are checked with did not come");
                state.fresh_since = None;
            }
        }
    }

    async fn get(&self) -> Result<String, String> {
        let request = self.http.get(&self.tokens.jwks_url).timeout(FETCH_TIMEOUT);
        let mut response = request.send().await.map_err(|error| error.to_string())?;
        if response.status() != reqwest::StatusCode::OK {
            return Err(format!("answered with {}", response.status().as_u16()));
        }
        let mut body = vec![];
        while let Some(chunk) = response.chunk().await.map_err(|error| error.to_string())? {
            body.extend_from_slice(&chunk);
            if body.len() > ANSWER_BYTES_MAX {
                return Err("the answer is too long".to_owned());
            }
        }
        String::from_utf8(body).map_err(|error| error.to_string())
    }
}

impl TokenSigner for RemoteKeys {
    fn sign(&self, _: &Claims) -> Result<String, TokenError> {
        Err(TokenError::NoKey)
    }

    fn verify(&self, token: &str, now: Timestamp) -> Result<Claims, TokenError> {
        let (verifier, fresh_since) = {
            let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
            (Arc::clone(&state.verifier), state.fresh_since)
        };
        verifier.verify(token, now).map_err(|error| match error {
            // The user service was just asked and does not know the key either.
            TokenError::NoKey if fresh_since.is_some_and(|since| since.elapsed() < FETCH_PAUSE) => TokenError::Invalid,
            error => error,
        })
    }
}

#[async_trait]
impl Keys for RemoteKeys {
    async fn prepare(&self, headers: &HeaderMap) {
        let Some(token) = bearer(headers) else { return };
        if self.verifier().knows_key_of(token) {
            return;
        }
        let mut fetched = self.fetched.lock().await;
        // Another request may have brought it while this one waited.
        if !self.verifier().knows_key_of(token) && fetched.is_none_or(|fetched| fetched.elapsed() >= FETCH_PAUSE) {
            self.fetch(&mut fetched).await;
        }
    }
}
