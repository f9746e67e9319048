//! The API's own description: a table of operations beside each service's routes, and the document (OpenAPI 3.1) that
//! is made from it. What many operations have in common follows from few marks, so that a row says only what is special.

mod document;
mod operation;
pub mod schema;

use serde_json::Value;
use warp::http::StatusCode;

use super::response::json_text;
use super::router::{Mount, Router};

pub use document::{Document, Schemas};
pub use operation::{Content, Key, Operation, Parameter, Who, delete, get, patch, post, put};

/// `/openapi.json`.
pub fn routes(document: &Value) -> Router {
    Mount::new(document.to_string())
        .get("/openapi.json", |text, _| async { Ok(json_text(StatusCode::OK, text)) })
        .done()
}

/// The operations that every process answers.
pub fn operations() -> Vec<Operation> {
    let plain = |path, summary| get(path, summary).tag("Process");
    vec![
        plain("/livez", "Whether the process runs").answers(200, "Health"),
        plain("/readyz", "Whether the process can do its work").answers(200, "Health").or(503, "Health"),
        plain("/health", "The same as /readyz").answers(200, "Health").or(503, "Health"),
        plain("/metrics", "Metrics for Prometheus").text(200, "text/plain; version=0.0.4; charset=utf-8"),
        plain("/openapi.json", "This document").answers(200, "Document"),
    ]
}

/// The schemas that every document has.
pub fn schemas() -> Schemas {
    use schema::{any, array, closed, integer, map, object, one_of, text, uuid};
    let condition = || one_of(&["ok", "degraded", "unavailable"]);
    let field = object([("pointer", text()), ("code", text()), ("detail", text())]);
    vec![
        ("Health", object([("status", condition()), ("checks", map(condition()))])),
        ("Document", any()),
        ("Id", uuid()),
        (
            "Money",
            closed([
                ("amount", schema::pattern("^-?(0|[1-9][0-9]*)(\\.[0-9]+)?$")),
                ("currency", schema::pattern("^[A-Z]{3}$")),
            ]),
        ),
        ("Republished", object([("count", schema::count()), ("next_cursor", schema::nullable(&text()))])),
        ("Reason", closed([("reason", schema::length(text(), 1, 500))])),
        (
            "Problem",
            object([
                ("type", text()),
                ("title", text()),
                ("status", integer()),
                ("detail", text()),
                ("instance", text()),
                ("code", text()),
                ("errors", array(field)),
                ("trace_id", text()),
            ]),
        ),
    ]
}
