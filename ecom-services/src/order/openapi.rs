//! The order service's rows of the API's description.

use crate::http::openapi::schema::{
    any_object, array, between, boolean, closed, count, length, named, nullable, object, one_of, page, pattern, text,
    time,
};
use crate::http::openapi::{Operation, Schemas, get, post};

/// Beside [`super::routes`].
pub fn operations() -> Vec<Operation> {
    let wait = pattern("^[0-9]+(ms|s)$");
    let orders = vec![
        post("/api/v1/orders", "Places an order; with `wait`, answers once it has ended")
            .user()
            .query("wait", wait)
            .takes("NewOrder")
            .key_required()
            .answers(201, "Order")
            .problem(400, "invalid_parameter")
            .problem(409, "price_changed")
            .problems_of(422, &["no_items", "too_many_items", "invalid_quantity", "unknown_product"])
            .problems_of(422, &["product_unavailable", "mixed_currencies", "total_overflow", "invalid_metadata"])
            .problem(422, "card_number_refused"),
        get("/api/v1/orders", "Orders, the newest first: the caller's own, or all for administrators")
            .user()
            .query("status", status())
            .query("user_id", named("Id"))
            .lists("OrderPage")
            .problem(404, "not_found"),
        get("/api/v1/orders/{id}", "An order").user().answers(200, "Order"),
        post("/api/v1/orders/{id}/cancel", "Cancels an order that has not ended; what it holds is given back")
            .user()
            .may_take("Cancellation")
            .answers(202, "Order")
            .problem(409, "not_cancellable")
            .problems_of(422, &["reason_too_long", "card_number_refused"]),
        get("/api/v1/orders/{id}/timeline", "What happened to an order, oldest first").user().answers(200, "Timeline"),
        get("/api/v1/orders/{id}/events", "An order as it is, then each change, until it has ended")
            .user()
            .text(200, "text/event-stream")
            .problem(429, "too_many_streams"),
    ];
    let sagas = vec![
        get("/api/v1/admin/sagas", "The sagas of orders, the newest first")
            .admin()
            .query("state", one_of(&[&["needs_attention", "unsettled"][..], STATUSES].concat()))
            .query("older_than", text())
            .lists("SagaPage"),
        get("/api/v1/admin/sagas/{order_id}", "The saga of an order").admin().answers(200, "Saga"),
        saga("/api/v1/admin/sagas/{order_id}/retry", "Asks again for what an order is owed", "nothing_to_retry"),
        saga("/api/v1/admin/sagas/{order_id}/resolve", "Writes off what an order is owed", "nothing_to_resolve"),
    ];
    let tagged = |rows: Vec<Operation>, tag| rows.into_iter().map(move |row: Operation| row.tag(tag));
    tagged(orders, "Orders").chain(tagged(sagas, "Operations")).collect()
}

fn saga(path: &'static str, summary: &'static str, code: &'static str) -> Operation {
    let row = post(path, summary).admin().takes("Reason").answers(200, "Saga").problem(409, code);
    row.problems_of(422, &["reason_length", "card_number_refused"])
}

const STATUSES: &[&str] = &["pending", "processing", "completed", "failed", "cancelled"];

fn status() -> serde_json::Value {
    one_of(STATUSES)
}

/// The schemas that the rows name.
pub fn schemas() -> Schemas {
    [requests(), orders(), sagas()].concat()
}

fn requests() -> Schemas {
    let quantity = || between(1, 1_000_000);
    let mut items = array(named("NewItem"));
    items["minItems"] = 1.into();
    items["maxItems"] = 100.into();
    vec![
        (
            "NewOrder",
            closed([
                ("items", items),
                ("payment_method_id?", nullable(&named("Id"))),
                ("metadata?", nullable(&any_object())),
            ]),
        ),
        (
            "NewItem",
            closed([("product_id", named("Id")), ("quantity", quantity()), ("unit_price?", nullable(&named("Money")))]),
        ),
        ("Cancellation", closed([("reason?", nullable(&length(text(), 0, 500)))])),
    ]
}

fn orders() -> Schemas {
    let payment = one_of(&["pending", "processed", "failed", "voided", "refunded", "partially_refunded"]);
    vec![
        (
            "Order",
            object([
                ("id", named("Id")),
                ("user_id", named("Id")),
                ("status", status()),
                ("failure", nullable(&named("OrderFailure"))),
                ("total_amount", named("Money")),
                ("items", array(named("OrderItem"))),
                ("payment", object([("status", payment)])),
                ("metadata?", any_object()),
                ("correlation_id", named("Id")),
                ("created_at", time()),
                ("updated_at", time()),
                ("version", count()),
            ]),
        ),
        ("OrderPage", page("Order")),
        ("OrderFailure", object([("code", one_of(FAILURES)), ("detail", text())])),
        (
            "OrderItem",
            object([
                ("id", named("Id")),
                ("product_id", named("Id")),
                ("sku", text()),
                ("name", text()),
                ("quantity", count()),
                ("unit_price", named("Money")),
                ("line_total", named("Money")),
            ]),
        ),
        ("Timeline", object([("items", array(named("TimelineEntry")))])),
        (
            "TimelineEntry",
            object([
                ("at", time()),
                ("event", text()),
                ("from", nullable(&text())),
                ("to", text()),
                ("message_id", named("Id")),
                ("causation_id", nullable(&named("Id"))),
                ("detail", nullable(&text())),
            ]),
        ),
    ]
}

/// Why an order fails.
const FAILURES: &[&str] = &[
    "out_of_stock",
    "product_unavailable",
    "unknown_product",
    "payment_declined",
    "insufficient_funds",
    "payment_method_invalid",
    "no_payment_method",
    "payment_timeout",
    "inventory_timeout",
    "unknown_order",
];

fn sagas() -> Schemas {
    vec![
        (
            "Saga",
            object([
                ("order_id", named("Id")),
                ("definition", text()),
                ("definition_version", count()),
                ("state", status()),
                ("version", count()),
                ("waits_for", nullable(&text())),
                ("owed", array(named("Debt"))),
                ("repeats", count()),
                ("needs_attention", boolean()),
                ("attention", nullable(&text())),
                ("created_at", time()),
                ("updated_at", time()),
            ]),
        ),
        ("SagaPage", page("Saga")),
        (
            "Debt",
            object([
                ("debt", one_of(&["stock_commit", "stock_release", "payment_undo"])),
                ("standing", one_of(&["open", "done", "nothing", "written_off"])),
                ("round", count()),
            ]),
        ),
    ]
}
