//! The HTTP server of a process.

use std::sync::Arc;

use ecom_core::event::Service;
use ecom_core::port::Ids;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::config::Config;
use crate::http::auth::Keys;
use crate::http::metrics::Metrics;
use crate::http::router::Router;
use crate::http::server::{self, App, Limits, Stop};
use crate::telemetry::Traces;

/// What a process answers HTTP with, and the signal that ends it.
pub(super) struct Front {
    pub(super) ids: Arc<dyn Ids>,
    service: Service,
    traces: Traces,
    stop: watch::Sender<bool>,
}

impl Front {
    /// Answers as that service.
    pub(super) fn new(service: Service, ids: Arc<dyn Ids>, traces: Traces) -> Self {
        Self { ids, service, traces, stop: watch::Sender::new(false) }
    }

    /// Hears the signal.
    pub(super) fn stopping(&self) -> Stop {
        Stop::from(self.stop.subscribe())
    }

    /// Answers HTTP until it is stopped.
    pub(super) fn serve(
        &self,
        listener: TcpListener,
        router: Router,
        metrics: Arc<Metrics>,
        config: &Config,
        keys: Option<Arc<dyn Keys>>,
    ) -> Server {
        let app = App {
            router,
            limits: Limits::default(),
            metrics,
            ids: Arc::clone(&self.ids),
            trusted: config.trusted_proxies.clone(),
            keys,
            service: self.service,
            traces: self.traces.clone(),
        };
        Server { stop: self.stop.clone(), task: tokio::spawn(server::serve(listener, app, self.stopping())) }
    }
}

/// A running HTTP server.
pub struct Server {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Server {
    /// Takes no more connections and waits for the open requests.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the HTTP server failed");
        }
    }
}
