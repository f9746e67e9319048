//! The gateway alone in its process. It keeps nothing: rate limits and circuit breakers are each copy's own.

use std::sync::Arc;
use std::time::Duration;

use ecom_adapters::system::{SystemClock, SystemIds};
use ecom_core::event::Service;
use ecom_core::port::{Clock, Ids};
use tokio::net::TcpListener;

use super::StartError;
use super::assembly::traces;
use super::front::{Front, Server};
use super::keys::RemoteKeys;
use super::probe::Parts;
use super::reference;
use crate::config::Config;
use crate::gateway::{self, Remote, Timeouts};
use crate::host::Tasks;
use crate::http::client;
use crate::http::door::Gate;
use crate::http::health::{self, Condition};
use crate::http::idempotency::InFlight;
use crate::http::metrics::Metrics;
use crate::http::router::Router;
use crate::http::token_cache::TokenCache;

/// A running gateway.
pub struct GatewayProcess {
    front: Front,
    config: Config,
    routes: Router,
    metrics: Arc<Metrics>,
    keys: Arc<RemoteKeys>,
    tasks: Tasks,
}

impl GatewayProcess {
    /// Starts to look after the services; waits for none.
    pub fn start(config: &Config) -> Result<Self, StartError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let ids: Arc<dyn Ids> = Arc::new(SystemIds::new(Arc::clone(&clock))?);
        let http = client::new().map_err(|error| StartError::Client(error.to_string()))?;
        let mut tasks = Tasks::default();
        let traces = traces(config.telemetry.otlp_endpoint.as_deref(), &clock, &mut tasks)?;
        let front = Front::new(Service::Gateway, Arc::clone(&ids), traces);
        let keys = Arc::new(RemoteKeys::new(http.clone(), &config.tokens));
        tasks.spawn("keys", Arc::clone(&keys).keep(tasks.stop_signal()));
        let remote = Arc::new(Remote::new(http, &config.upstreams, Timeouts::default(), front.stopping()));
        let (watched, stop) = (Arc::clone(&remote), tasks.stop_signal());
        tasks.spawn("upstreams", async move { watched.watch(stop).await });
        let gate = Gate { signer: Arc::new(TokenCache::new(keys.clone())), clock, ids, in_flight: InFlight::default() };
        let metrics = Arc::new(Metrics::default());
        let probe = Arc::new(probe(&remote, &keys));
        let deps = gateway::Deps { gate, services: remote };
        let routes = gateway::routes(deps, config.rates.user)
            .merge(health::routes(probe, Arc::clone(&metrics)))
            .merge(reference::routes(Service::Gateway));
        Ok(Self { front, config: config.clone(), routes, metrics, keys, tasks })
    }

    /// Waits until the gateway cannot go on and must be restarted.
    pub async fn failed(&mut self) -> String {
        self.tasks.failed().await
    }

    /// Answers HTTP until it is stopped.
    pub fn serve(&self, listener: TcpListener) -> Server {
        let (routes, metrics) = (self.routes.clone(), Arc::clone(&self.metrics));
        self.front.serve(listener, routes, metrics, &self.config, Some(self.keys.clone()))
    }

    /// Stops it.
    pub async fn stop(self, patience: Duration) {
        self.tasks.stop(patience).await;
    }
}

/// A service that is away degrades the gateway, and no more: the others are still to be reached.
fn probe(remote: &Arc<Remote>, keys: &Arc<RemoteKeys>) -> Parts {
    let known = Arc::clone(keys);
    let services = Service::ALL.into_iter().filter(|service| *service != Service::Gateway);
    services.fold(Parts::default().aside("keys", move || known.condition()), |parts, service| {
        let remote = Arc::clone(remote);
        let check = move || if remote.is_ready(service) { Condition::Ok } else { Condition::Degraded };
        parts.aside(service.name(), check)
    })
}
