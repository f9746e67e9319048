//! The gateway: every service's paths at one address, rate limits, and answers that join several services.

mod summary;

use std::sync::Arc;

use crate::config::Rate;
use crate::http::door::Gate;
use crate::http::limit::{Limiter, address_key};
use crate::http::router::{Mount, Router};

/// What the routes need.
#[derive(Clone)]
pub struct Deps {
    /// Tells who calls.
    pub gate: Gate,
    /// The services' own routes, as reached from here.
    pub services: Arc<Router>,
}

/// The routes: those of the services and the gateway's own, all under one rate limit for each user.
pub fn routes(deps: Deps, rate: Rate) -> Router {
    let services = deps.services.as_ref().clone();
    let gate = deps.gate.clone();
    let limiter = Limiter::new(rate);
    let own = Mount::new(deps).get("/api/v1/orders/{id}/summary", summary::show).done();
    services.merge(own).guarded(move |request| {
        // Somebody without a good token counts as his address. Whether he may pass is not decided here.
        let caller = gate.caller(request);
        let key = caller.map_or_else(|_| address_key(request.arrival.remote), |caller| caller.user_id.to_string());
        limiter.take(&key, gate.clock.now())
    })
}
