//! An HTTP client of a shop that expects the worst: lost connections, restarts, "come back later".

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use thiserror::Error;

use super::wire::{Page, Problem};

/// How long to wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long one try may take; more than the longest `?wait=`.
const TRY_TIMEOUT: Duration = Duration::from_secs(45);
/// How long a call is tried again before it counts as unanswered.
const PATIENCE: Duration = Duration::from_secs(60);
/// The longest pause between two tries.
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// How many items a page has: the most the API gives.
const PAGE: usize = 100;

/// One request, which may be sent several times: it is a reading one, or it carries a key, or repeating it is harmless.
#[derive(Clone, Debug)]
pub struct Call {
    method: Method,
    path: String,
    token: Option<String>,
    key: Option<String>,
    body: Option<Value>,
}

impl Call {
    /// Reads.
    pub fn get(path: impl Into<String>) -> Self {
        Self { method: Method::GET, path: path.into(), token: None, key: None, body: None }
    }

    /// Writes.
    pub fn post(path: impl Into<String>, body: Value) -> Self {
        Self { method: Method::POST, body: Some(body), ..Self::get(path) }
    }

    /// As whom.
    pub fn token(self, token: impl Into<String>) -> Self {
        Self { token: Some(token.into()), ..self }
    }

    /// With an Idempotency-Key.
    pub fn key(self, key: impl Into<String>) -> Self {
        Self { key: Some(key.into()), ..self }
    }
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Whether an idempotency key replayed the first answer.
    pub replayed: bool,
    /// Byte for byte.
    pub body: Vec<u8>,
}

impl Answer {
    /// Whether it is a 2xx.
    pub const fn is_success(&self) -> bool {
        matches!(self.status, 200..=299)
    }

    /// The body as data.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, ShopError> {
        serde_json::from_slice(&self.body).map_err(|error| ShopError::Malformed(error.to_string()))
    }

    /// The code of a problem, empty when there is none.
    pub fn code(&self) -> String {
        self.json::<Problem>().map(|problem| problem.code).unwrap_or_default()
    }
}

/// Why a call gave nothing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ShopError {
    /// No answer, for as long as it was tried. Whether the request was carried out is not known.
    #[error("no answer: {0}")]
    Unanswered(String),
    /// An answer that is not the expected one.
    #[error("{call} was answered with {status} {detail}")]
    Refused {
        /// What was asked.
        call: String,
        /// The HTTP status.
        status: u16,
        /// What the problem says.
        detail: String,
    },
    /// A body that is not what the API promises.
    #[error("the body is not what the API promises: {0}")]
    Malformed(String),
}

/// A shop at a base URL.
#[derive(Debug)]
pub struct Shop {
    http: reqwest::Client,
    base: String,
    retries: AtomicU64,
}

impl Shop {
    /// A client with connections that are kept open.
    pub fn new(url: &str) -> Result<Self, ShopError> {
        let http = reqwest::Client::builder()
            .no_proxy()
            .tcp_nodelay(true)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TRY_TIMEOUT)
            .build()
            .map_err(|error| ShopError::Unanswered(Chain(&error).to_string()))?;
        Ok(Self { http, base: url.trim_end_matches('/').to_owned(), retries: AtomicU64::new(0) })
    }

    /// How many tries had to be repeated so far.
    pub fn retries(&self) -> u64 {
        self.retries.load(Ordering::Relaxed)
    }

    /// Sends it once. An error says nothing about whether it was carried out.
    pub async fn attempt(&self, call: &Call) -> Result<Answer, ShopError> {
        self.exchange(call).await.map(|(answer, _)| answer)
    }

    /// Sends it, again and again under the same key, until it is answered: a lost connection, 429, 503 and "the first
    /// one is still running" are no answers.
    pub async fn send(&self, call: &Call) -> Result<Answer, ShopError> {
        let end = Instant::now() + PATIENCE;
        let mut pause = Duration::from_millis(20);
        loop {
            let tried = self.exchange(call).await;
            let wait = match &tried {
                Ok((answer, after)) if is_transient(answer) => after.unwrap_or(pause),
                Ok(_) => return tried.map(|(answer, _)| answer),
                Err(_) => pause,
            };
            if Instant::now() + wait >= end {
                return tried.and_then(|(answer, _)| Err(refusal(call, &answer)));
            }
            self.retries.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(wait.min(PAUSE_MAX)).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// Like [`Shop::send`], for answers of that status alone.
    pub async fn expect<T: DeserializeOwned>(&self, call: &Call, status: u16) -> Result<T, ShopError> {
        let answer = self.send(call).await?;
        if answer.status == status { answer.json() } else { Err(refusal(call, &answer)) }
    }

    /// Reads a list page by page, newest first, and hands each item to `take` until that says `false` or the list ends.
    pub async fn pages<T: DeserializeOwned>(
        &self,
        path: &str,
        token: &str,
        mut take: impl FnMut(T) -> bool + Send,
    ) -> Result<(), ShopError> {
        let mark = if path.contains('?') { '&' } else { '?' };
        let mut cursor = String::new();
        loop {
            let call = Call::get(format!("{path}{mark}limit={PAGE}{cursor}")).token(token);
            let page: Page<T> = self.expect(&call, 200).await?;
            for item in page.items {
                if !take(item) {
                    return Ok(());
                }
            }
            match page.next_cursor {
                Some(next) => cursor = format!("&cursor={}", escape(&next)),
                None => return Ok(()),
            }
        }
    }

    async fn exchange(&self, call: &Call) -> Result<(Answer, Option<Duration>), ShopError> {
        let mut request = self.http.request(call.method.clone(), format!("{}{}", self.base, call.path));
        if let Some(token) = &call.token {
            request = request.bearer_auth(token);
        }
        if let Some(key) = &call.key {
            request = request.header("idempotency-key", key);
        }
        if let Some(body) = &call.body {
            request = request.json(body);
        }
        let unanswered = |error: reqwest::Error| ShopError::Unanswered(Chain(&error).to_string());
        let response = request.send().await.map_err(unanswered)?;
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        let after = header("retry-after").and_then(|text| text.parse().ok()).map(Duration::from_secs);
        let replayed = header("idempotent-replayed").is_some_and(|text| text == "true");
        let status = response.status().as_u16();
        let body = response.bytes().await.map_err(unanswered)?.to_vec();
        Ok((Answer { status, replayed, body }, after))
    }
}

/// Whether the answer only says "not now".
fn is_transient(answer: &Answer) -> bool {
    match StatusCode::from_u16(answer.status) {
        Ok(StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE | StatusCode::BAD_GATEWAY) => true,
        Ok(StatusCode::CONFLICT) => answer.code() == "idempotency_in_flight",
        Ok(_) | Err(_) => false,
    }
}

/// The error that an unexpected answer is.
pub fn refusal(call: &Call, answer: &Answer) -> ShopError {
    let problem: Problem = answer.json().unwrap_or_default();
    ShopError::Refused {
        call: format!("{} {}", call.method, call.path),
        status: answer.status,
        detail: format!("{} {}", problem.code, problem.detail.unwrap_or_default()).trim().to_owned(),
    }
}

/// Percent-encodes what a query must not carry as it is.
pub(crate) fn escape(text: &str) -> String {
    use std::fmt::Write as _;
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

/// An error with everything under it: reqwest tells the cause in the sources alone.
struct Chain<'a>(&'a dyn std::error::Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(formatter, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer { status, replayed: false, body: body.as_bytes().to_vec() }
    }

    #[test]
    fn only_answers_that_say_not_now_are_tried_again() {
        for (status, body, again) in [
            (503, "{}", true),
            (429, "{}", true),
            (409, r#"{"code":"idempotency_in_flight"}"#, true),
            (409, r#"{"code":"not_cancellable"}"#, false),
            (201, "{}", false),
            (500, "{}", false),
            (422, "{}", false),
        ] {
            assert_eq!(is_transient(&answer(status, body)), again, "{status} {body}");
        }
    }

    #[test]
    fn a_cursor_survives_the_query() {
        assert_eq!(escape("a-b_c.1~"), "a-b_c.1~");
        assert_eq!(escape("1+2/3=&"), "1%2B2%2F3%3D%26");
    }
}
