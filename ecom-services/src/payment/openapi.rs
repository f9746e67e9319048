//! The payment service's rows of the API's description.

use crate::http::openapi::schema::{
    array, between, boolean, closed, length, named, nullable, object, one_of, page, text, time,
};
use crate::http::openapi::{Operation, Schemas, delete, get, post};

/// Beside [`super::routes`].
pub fn operations() -> Vec<Operation> {
    let rows = vec![
        post("/api/v1/payment-methods", "Adds a payment method by the provider's token")
            .user()
            .takes("NewPaymentMethod")
            .keyed()
            .answers(201, "PaymentMethod")
            .problem(409, "too_many_payment_methods")
            .problems_of(422, &["payment_method_invalid", "card_number_refused"]),
        get("/api/v1/payment-methods", "The caller's payment methods").user().lists("PaymentMethodPage"),
        delete("/api/v1/payment-methods/{id}", "Removes a payment method")
            .user()
            .empty(204)
            .problem(404, "payment_method_not_found"),
        post("/api/v1/payment-methods/{id}/default", "Makes it the one that orders without a method are paid with")
            .user()
            .answers(200, "PaymentMethod")
            .problem(404, "payment_method_not_found"),
        get("/api/v1/payments", "Payments, the newest first: the caller's own, or all for administrators")
            .user()
            .query("order_id", named("Id"))
            .query("user_id", named("Id"))
            .lists("PaymentPage")
            .problem(404, "not_found"),
        get("/api/v1/payments/{id}", "A payment with its transactions").user().answers(200, "Payment"),
        get("/api/v1/payments/{id}/refunds", "The refunds of a payment").user().answers(200, "RefundPage"),
        post("/api/v1/payments/{id}/refunds", "Gives money back: so much, or all that is left")
            .admin()
            .takes("NewRefund")
            .keyed()
            .answers(201, "Refund")
            .problem(404, "payment_not_found")
            .problems_of(409, &["payment_not_captured", "refund_exceeds_captured"])
            .problems_of(422, &["refund_not_positive", "currency_mismatch", "reason_length", "card_number_refused"]),
        get("/api/v1/payments/sandbox/log", "What the sandbox was asked and did; only with the sandbox")
            .admin()
            .query("order_id", named("Id"))
            .lists("SandboxPage")
            .problem(404, "not_found"),
        post("/api/v1/payments/webhooks/{provider}", "A provider tells how a charge or a refund ended, signed")
            .takes("SandboxNotice")
            .empty(204)
            .problem(400, "invalid_signature")
            .problem(404, "notice_unknown"),
    ];
    rows.into_iter().map(|row| row.tag("Payments")).collect()
}

/// The schemas that the rows name.
pub fn schemas() -> Schemas {
    [methods(), payments()].concat()
}

fn methods() -> Schemas {
    vec![
        ("NewPaymentMethod", closed([("token", text()), ("type", one_of(&["card"]))])),
        (
            "PaymentMethod",
            object([
                ("id", named("Id")),
                ("type", one_of(&["card"])),
                ("brand", text()),
                ("last4", text()),
                ("exp_month", between(1, 12)),
                ("exp_year", between(0, 9_999)),
                ("is_default", boolean()),
            ]),
        ),
        ("PaymentMethodPage", page("PaymentMethod")),
    ]
}

fn payments() -> Schemas {
    let transaction = object([
        ("id", named("Id")),
        ("type", one_of(&["charge", "refund"])),
        ("status", one_of(&["pending", "unknown", "succeeded", "failed"])),
        ("amount", named("Money")),
        ("at", time()),
    ]);
    vec![
        (
            "Payment",
            object([
                ("id", named("Id")),
                ("order_id", named("Id")),
                ("user_id", named("Id")),
                ("status", one_of(STATUSES)),
                ("amount", named("Money")),
                ("captured", named("Money")),
                ("refunded", named("Money")),
                ("provider", text()),
                ("provider_reference", nullable(&text())),
                ("transactions", array(transaction)),
                ("created_at", time()),
                ("updated_at", time()),
            ]),
        ),
        ("PaymentPage", page("Payment")),
        ("NewRefund", closed([("amount?", nullable(&named("Money"))), ("reason", length(text(), 1, 500))])),
        (
            "Refund",
            object([
                ("id", named("Id")),
                ("payment_id", named("Id")),
                ("amount", named("Money")),
                ("status", one_of(&["pending", "succeeded", "failed"])),
                ("reason", text()),
                ("created_at", time()),
            ]),
        ),
        ("RefundPage", page("Refund")),
        (
            "SandboxEntry",
            object([
                ("at", time()),
                ("key", named("Id")),
                ("operation", one_of(&["charge", "refund"])),
                ("order_id", named("Id")),
                ("payment_id", named("Id")),
                ("amount", named("Money")),
                ("result", text()),
                ("reference", nullable(&text())),
            ]),
        ),
        ("SandboxPage", page("SandboxEntry")),
        (
            "SandboxNotice",
            closed([
                ("id", length(text(), 1, 1_000)),
                ("type", one_of(&["charge.succeeded", "charge.refused", "refund.succeeded", "refund.refused"])),
                ("idempotency_key", named("Id")),
                ("order_id", named("Id")),
                ("payment_id", named("Id")),
                ("refund_id?", nullable(&named("Id"))),
                ("amount", named("Money")),
                ("reference?", nullable(&length(text(), 1, 1_000))),
                ("refusal?", nullable(&one_of(&["declined", "insufficient_funds", "invalid"]))),
            ]),
        ),
    ]
}

const STATUSES: &[&str] =
    &["pending", "authorized", "processed", "failed", "refunded", "partially_refunded", "voided", "unknown"];
