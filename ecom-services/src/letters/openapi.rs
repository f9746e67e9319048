//! The rows about dead letters; every service has them, and the gateway.

use crate::http::openapi::schema::{count, named, object, page, text, time};
use crate::http::openapi::{Operation, Schemas, get, post};

/// Beside [`super::routes`].
pub fn operations() -> Vec<Operation> {
    let act = |path, summary| {
        let row = post(path, summary).admin().query("queue", text()).takes("Reason").answers(200, "DeadLetterPage");
        row.problems_of(422, &["reason_length", "card_number_refused"])
    };
    let rows = vec![
        get("/api/v1/admin/dead-letters", "Messages that were given up, the newest first")
            .admin()
            .query("queue", text())
            .lists("DeadLetterPage"),
        act("/api/v1/admin/dead-letters/{id}/replay", "Handles a message that was given up")
            .problems_of(409, &["dead_letter_unreadable", "dead_letter_refused"]),
        act("/api/v1/admin/dead-letters/{id}/discard", "Closes a dead letter without handling it"),
    ];
    rows.into_iter().map(|row| row.tag("Operations")).collect()
}

/// The schemas that the rows name.
pub fn schemas() -> Schemas {
    let letter = object([
        ("id", named("Id")),
        ("queue", text()),
        ("event_type", text()),
        ("body", text()),
        ("reason", text()),
        ("attempts", count()),
        ("buried_at?", time()),
    ]);
    vec![("DeadLetter", letter), ("DeadLetterPage", page("DeadLetter"))]
}
