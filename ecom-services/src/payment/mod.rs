//! The payment service over HTTP: payment methods, payments, refunds, providers' webhooks, the sandbox's log.

mod body;
mod methods;
pub mod openapi;
mod payments;
mod webhooks;

use std::sync::Arc;

use ecom_core::payment::{MethodCatalogue, PaymentContext, PaymentReader, Rejection, SandboxLog, Webhook};
use warp::http::StatusCode;

use crate::http::door::Door;
use crate::http::problem::Problem;
use crate::http::router::{Mount, Router};

/// What the routes need.
#[derive(Clone)]
pub struct Deps {
    /// The use cases.
    pub door: Door<PaymentContext>,
    /// The queries.
    pub reader: Arc<dyn PaymentReader>,
    /// What the provider knows of its tokens.
    pub catalogue: Arc<dyn MethodCatalogue>,
    /// The webhooks of the providers that are known.
    pub webhooks: Vec<Arc<dyn Webhook>>,
    /// The sandbox's log; `None` with a real provider.
    pub sandbox: Option<Arc<dyn SandboxLog>>,
}

/// The routes.
pub fn routes(deps: Deps) -> Router {
    Mount::new(deps)
        .post("/api/v1/payment-methods", methods::add)
        .get("/api/v1/payment-methods", methods::list)
        .delete("/api/v1/payment-methods/{id}", methods::remove)
        .post("/api/v1/payment-methods/{id}/default", methods::set_default)
        .get("/api/v1/payments", payments::list)
        .get("/api/v1/payments/{id}", payments::get)
        .get("/api/v1/payments/{id}/refunds", payments::refunds)
        .post("/api/v1/payments/{id}/refunds", payments::refund)
        .get("/api/v1/payments/sandbox/log", payments::sandbox_log)
        .post("/api/v1/payments/webhooks/{provider}", webhooks::receive)
        .done()
}

/// What a broken rule is over HTTP.
pub fn refuse(rejection: &Rejection) -> Problem {
    let status = StatusCode::from_u16(rejection.status()).unwrap_or(StatusCode::UNPROCESSABLE_ENTITY);
    let problem = Problem::new(status, rejection.code(), rejection.to_string());
    match rejection.pointer() {
        Some(pointer) if status == StatusCode::UNPROCESSABLE_ENTITY => {
            problem.field(pointer, rejection.code(), rejection.to_string())
        }
        Some(_) | None => problem,
    }
}
