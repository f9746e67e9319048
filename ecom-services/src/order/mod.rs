//! The order service over HTTP: place an order, follow it, cancel it; and its saga, for operators.

mod body;
mod follow;
pub mod openapi;
mod orders;
mod sagas;

use std::sync::Arc;

use ecom_core::id::OrderId;
use ecom_core::order::{Order, OrderContext, OrderReader, Rejection};

use crate::host::Changes;
use crate::http::auth::Caller;
use crate::http::door::{Door, fault_problem};
use crate::http::problem::Problem;
use crate::http::router::{Mount, Router};
use crate::http::server::Stop;
use crate::http::stream::Streams;

/// What the routes need.
#[derive(Clone)]
pub struct Deps {
    /// The use cases.
    pub door: Door<OrderContext>,
    /// The queries.
    pub reader: Arc<dyn OrderReader>,
    /// Tells which orders changed.
    pub changes: Changes,
    /// Ends waiting.
    pub stop: Stop,
    /// The streams that are open.
    pub streams: Streams,
}

/// The routes.
pub fn routes(deps: Deps) -> Router {
    Mount::new(deps)
        .post("/api/v1/orders", orders::place)
        .get("/api/v1/orders", orders::list)
        .get("/api/v1/orders/{id}", orders::show)
        .post("/api/v1/orders/{id}/cancel", orders::cancel)
        .get("/api/v1/orders/{id}/timeline", orders::timeline)
        .get("/api/v1/orders/{id}/events", follow::events)
        .get("/api/v1/admin/sagas", sagas::list)
        .get("/api/v1/admin/sagas/{order_id}", sagas::show)
        .post("/api/v1/admin/sagas/{order_id}/retry", sagas::retry)
        .post("/api/v1/admin/sagas/{order_id}/resolve", sagas::resolve)
        .done()
}

impl Deps {
    /// An order as it now is.
    async fn order(&self, id: OrderId) -> Result<Order, Problem> {
        let order = self.reader.order(id).await.map_err(fault_problem)?;
        order.ok_or_else(Problem::not_found)
    }

    /// An order that the caller may see.
    async fn visible(&self, caller: Caller, id: OrderId) -> Result<Order, Problem> {
        let order = self.order(id).await?;
        caller.sees(order.user_id)?;
        Ok(order)
    }
}

/// What each broken rule is over HTTP.
pub fn refuse(rejection: &Rejection) -> Problem {
    let (code, detail) = (rejection.code(), rejection.to_string());
    let problem = match rejection {
        Rejection::OrderNotFound(_) | Rejection::UnknownOrder(_) => return Problem::not_found(),
        Rejection::PriceChanged { .. }
        | Rejection::OrderExists(_)
        | Rejection::NotCancellable { .. }
        | Rejection::AmountMismatch { .. }
        | Rejection::NothingToRetry
        | Rejection::NothingToResolve => Problem::conflict(code, detail.clone()),
        Rejection::NoItems
        | Rejection::TooManyItems { .. }
        | Rejection::QuantityTooLarge { .. }
        | Rejection::UnknownProduct { .. }
        | Rejection::ProductUnavailable { .. }
        | Rejection::MixedCurrencies { .. }
        | Rejection::TotalOverflow
        | Rejection::Metadata(_)
        | Rejection::ReasonTooLong => Problem::invalid(code, detail.clone()),
    };
    match rejection.pointer() {
        Some(pointer) => problem.field(pointer, code, detail),
        None => problem,
    }
}
