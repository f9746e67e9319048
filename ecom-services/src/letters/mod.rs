//! A service's dead letters over HTTP, for operators. The gateway joins those of all services.

pub mod openapi;

use std::sync::Arc;

use ecom_core::engine::{Buried, DeadLetter};
use ecom_core::id::MessageId;
use ecom_core::port::Page;
use ecom_core::time::Timestamp;
use serde::Serialize;

use crate::host::{DeadLetters, NotReplayed};
use crate::http::door::{Gate, fault_problem};
use crate::http::operation::operation;
use crate::http::page::{list as list_of, page, whole};
use crate::http::problem::Problem;
use crate::http::request::Request;
use crate::http::response::Answer;
use crate::http::router::{Mount, Router};

/// What the routes need.
#[derive(Clone)]
pub struct Deps {
    /// Tells who calls.
    pub gate: Gate,
    /// The service's letters.
    pub letters: Arc<dyn DeadLetters>,
}

/// The routes.
pub fn routes(deps: Deps) -> Router {
    Mount::new(deps)
        .get("/api/v1/admin/dead-letters", list)
        .post("/api/v1/admin/dead-letters/{id}/replay", replay)
        .post("/api/v1/admin/dead-letters/{id}/discard", discard)
        .done()
}

/// A dead letter on the wire.
#[derive(Serialize)]
struct LetterView {
    id: MessageId,
    queue: String,
    event_type: String,
    /// As it came, to the byte: it may be no JSON at all.
    body: String,
    reason: String,
    attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    buried_at: Option<Timestamp>,
}

impl LetterView {
    fn new(letter: DeadLetter, buried_at: Option<Timestamp>) -> Self {
        let DeadLetter { id, queue, event_type, body, reason, attempts } = letter;
        Self { id, queue, event_type, body, reason, attempts, buried_at }
    }
}

impl Deps {
    /// Whether the request is about this service's queue: `?queue=` may name another one's.
    fn is_asked(&self, request: &Request) -> bool {
        request.query.get("queue").is_none_or(|queue| queue == self.letters.queue())
    }
}

/// `GET /admin/dead-letters`
async fn list(deps: Deps, request: Request) -> Answer {
    deps.gate.admin(&request)?;
    let wanted = page(&request.query)?;
    if !deps.is_asked(&request) {
        return whole(Vec::<LetterView>::new());
    }
    let found: Page<Buried> = deps.letters.list(wanted).await.map_err(fault_problem)?;
    list_of(found.map(|Buried { letter, at }| LetterView::new(letter, Some(at))))
}

/// `POST /admin/dead-letters/{id}/replay`: the message is handled under its own id.
async fn replay(deps: Deps, request: Request) -> Answer {
    let (actor, reason) = operation(&deps.gate, &request)?;
    let id = request.id(0)?;
    if !deps.is_asked(&request) {
        return Err(Problem::not_found());
    }
    closed(deps.letters.replay(id, actor, &reason).await.map_err(refuse)?)
}

/// `POST /admin/dead-letters/{id}/discard`
async fn discard(deps: Deps, request: Request) -> Answer {
    let (actor, reason) = operation(&deps.gate, &request)?;
    let id = request.id(0)?;
    if !deps.is_asked(&request) {
        return Err(Problem::not_found());
    }
    closed(deps.letters.discard(id, actor, &reason).await.map_err(fault_problem)?)
}

/// The letter that was closed, as a list: a gateway joins those of several services. 404 when there was none.
fn closed(letter: Option<DeadLetter>) -> Answer {
    let letter = letter.ok_or_else(Problem::not_found)?;
    whole(vec![LetterView::new(letter, None)])
}

fn refuse(error: NotReplayed) -> Problem {
    match error {
        NotReplayed::Fault(fault) => fault_problem(fault),
        NotReplayed::Unknown => Problem::unavailable("outcome_unknown", error.to_string()),
        NotReplayed::Unreadable(_) => Problem::conflict("dead_letter_unreadable", error.to_string()),
        NotReplayed::Refused(_) => Problem::conflict("dead_letter_refused", error.to_string()),
    }
}
