//! The notification service's rows of the API's description.

use crate::http::openapi::schema::{boolean, closed, count, named, nullable, object, one_of, page, text, time};
use crate::http::openapi::{Operation, Schemas, get, put};

/// Beside [`super::routes`].
pub fn operations() -> Vec<Operation> {
    let rows = vec![
        get("/api/v1/notifications", "Notices, the newest first: the caller's own, or all for administrators")
            .user()
            .query("user_id", named("Id"))
            .query("order_id", named("Id"))
            .lists("NoticePage")
            .problem(404, "not_found"),
        get("/api/v1/notifications/preferences", "The caller's channels").user().answers(200, "Preferences"),
        put("/api/v1/notifications/preferences", "Chooses the caller's channels")
            .user()
            .takes("Preferences")
            .answers(200, "Preferences")
            .problems_of(422, &["address_invalid", "number_required", "number_invalid"])
            .problems_of(422, &["endpoint_required", "endpoint_invalid"]),
    ];
    rows.into_iter().map(|row| row.tag("Notifications")).collect()
}

/// The schemas that the rows name.
pub fn schemas() -> Schemas {
    let choice = |place: &str| closed([("enabled", boolean()), (place, nullable(&text()))]);
    let templates = [
        "order_completed",
        "order_failed",
        "order_cancelled",
        "payment_refunded",
        "user_registered",
        "password_reset",
        "stock_low",
    ];
    vec![
        (
            "Notice",
            object([
                ("id", named("Id")),
                ("user_id", named("Id")),
                ("channel", one_of(&["email", "sms", "push", "log"])),
                ("template", one_of(&templates)),
                ("subject", text()),
                ("status", one_of(&["queued", "sent", "failed", "suppressed"])),
                ("attempts", count()),
                ("order_id", nullable(&named("Id"))),
                ("created_at", time()),
                ("sent_at", nullable(&time())),
            ]),
        ),
        ("NoticePage", page("Notice")),
        (
            "Preferences",
            closed([("email", choice("address?")), ("sms", choice("number?")), ("push", choice("endpoint?"))]),
        ),
    ]
}
