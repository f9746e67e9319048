//! The inventory service over HTTP: products, stock, reservations.

mod body;
pub mod openapi;
mod products;
mod stock;

use std::sync::Arc;

use ecom_core::inventory::{InventoryContext, InventoryReader, Rejection};
use warp::http::StatusCode;

use crate::http::door::Door;
use crate::http::problem::Problem;
use crate::http::router::{Mount, Router};

/// What the routes need.
#[derive(Clone)]
pub struct Deps {
    /// The use cases.
    pub door: Door<InventoryContext>,
    /// The queries.
    pub reader: Arc<dyn InventoryReader>,
}

/// The routes.
pub fn routes(deps: Deps) -> Router {
    Mount::new(deps)
        .post("/api/v1/products", products::create)
        .get("/api/v1/products", products::list)
        .get("/api/v1/products/{id}", products::get)
        .patch("/api/v1/products/{id}", products::change)
        .get("/api/v1/products/{id}/stock", stock::get)
        .post("/api/v1/products/{id}/stock", stock::adjust)
        .get("/api/v1/products/{id}/movements", stock::movements)
        .post("/api/v1/admin/resync/products", products::resync)
        .get("/api/v1/reservations/{order_id}", stock::reservation)
        .done()
}

/// What a broken rule is over HTTP.
pub fn refuse(rejection: &Rejection) -> Problem {
    let (code, detail) = (rejection.code(), rejection.to_string());
    let status = match rejection {
        Rejection::ProductNotFound(_) => StatusCode::NOT_FOUND,
        Rejection::ProductExists(_)
        | Rejection::SkuTaken { .. }
        | Rejection::InsufficientStock { .. }
        | Rejection::StockLimitExceeded
        | Rejection::Contradiction { .. } => StatusCode::CONFLICT,
        Rejection::SkuInvalid
        | Rejection::NameInvalid
        | Rejection::DescriptionInvalid
        | Rejection::PriceNegative
        | Rejection::DeltaZero
        | Rejection::ReasonInvalid => StatusCode::UNPROCESSABLE_ENTITY,
        Rejection::StockInconsistent { .. } => {
            tracing::error!(%rejection, "stock is inconsistent");
            return Problem::internal();
        }
    };
    let problem = Problem::new(status, code, detail.clone());
    match rejection.pointer() {
        Some(pointer) => problem.field(pointer, code, detail),
        None => problem,
    }
}
