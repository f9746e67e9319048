//! The gateway: every service's paths at one address, rate limits, and answers that join several services.
//!
//! It reaches the services through [`Services`]: inside one process ([`InProcess`]) or over HTTP ([`Remote`]). All else is
//! the same in both forms.

mod in_process;
mod letters;
pub mod openapi;
mod remote;
mod summary;
mod table;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use ecom_core::event::Service;
use warp::http::{HeaderMap, Method};

use crate::config::Rate;
use crate::http::door::Gate;
use crate::http::limit::{Limiter, address_key};
use crate::http::problem::Problem;
use crate::http::request::{Arrival, Request};
use crate::http::response::Answer;
use crate::http::router::{Mount, Router};

pub use in_process::InProcess;
pub use remote::{Remote, Timeouts};

/// A request on its way to the service that owns its path.
#[derive(Clone, Debug)]
pub struct Call {
    /// The method.
    pub method: Method,
    /// Path and query as they came.
    pub target: String,
    /// The headers as they came.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
    /// What the server knows about the request.
    pub arrival: Arc<Arrival>,
}

/// The services, as reached from the gateway.
#[async_trait]
pub trait Services: Send + Sync + 'static {
    /// Hands a call to a service and returns its answer, whatever that is.
    ///
    /// # Errors
    /// 503 with `Retry-After`: `service_unavailable` when the call reached nobody, `outcome_unknown` when it may have
    /// been carried out.
    async fn send(&self, service: Service, call: Call) -> Answer;
}

/// What the routes need.
#[derive(Clone)]
pub struct Deps {
    /// Tells who calls.
    pub gate: Gate,
    /// The services.
    pub services: Arc<dyn Services>,
}

/// The routes: the gateway's own, and beyond them those of the services, all under one rate limit for each user.
pub fn routes(deps: Deps, rate: Rate) -> Router {
    let (gate, services) = (deps.gate.clone(), Arc::clone(&deps.services));
    let limiter = Limiter::new(rate);
    let own = Mount::new(deps)
        .get("/api/v1/orders/{id}/summary", summary::show)
        .get("/api/v1/admin/dead-letters", letters::list)
        .post("/api/v1/admin/dead-letters/{id}/replay", letters::act)
        .post("/api/v1/admin/dead-letters/{id}/discard", letters::act)
        .done();
    let all = own.beyond(move |request| {
        let services = Arc::clone(&services);
        async move { hand_on(services.as_ref(), request).await }
    });
    all.guarded(move |request| {
        // Somebody without a good token counts as his address. Whether he may pass is not decided here.
        let caller = gate.caller(request);
        let key = caller.map_or_else(|_| address_key(request.arrival.remote), |caller| caller.user_id.to_string());
        limiter.take(&key, gate.clock.now())
    })
}

/// Hands a request to the service that owns its path.
async fn hand_on(services: &dyn Services, request: Request) -> Answer {
    let service = table::owner(&request.path).ok_or_else(Problem::not_found)?;
    let Request { method, target, headers, body, arrival, .. } = request;
    services.send(service, Call { method, target, headers, body, arrival }).await
}
