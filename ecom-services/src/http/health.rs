//! Liveness, readiness and metrics: for orchestrators, without a token and without content worth one.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use serde::Serialize;
use warp::http::StatusCode;

use super::metrics::Metrics;
use super::request::Request;
use super::response::{Answer, json, ok, text};
use super::router::{Mount, Router};

/// How something that a service needs is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// As it should be.
    Ok,
    /// Not working, but the service answers without it.
    Degraded,
    /// Not working, and without it the service cannot answer.
    Unavailable,
}

/// Looks after everything that a service needs.
#[async_trait]
pub trait Probe: Send + Sync + 'static {
    /// The condition of each part, by name: own database and migrations decide, the broker, keys and upstreams are
    /// [`Condition::Degraded`] at worst. It *must* answer within a second or so.
    async fn check(&self) -> BTreeMap<&'static str, Condition>;
}

#[derive(Serialize)]
struct Report {
    status: Condition,
    checks: BTreeMap<&'static str, Condition>,
}

#[derive(Clone)]
struct Deps {
    probe: Arc<dyn Probe>,
    metrics: Arc<Metrics>,
}

/// `/livez`, `/readyz`, its alias `/health`, and `/metrics`.
pub fn routes(probe: Arc<dyn Probe>, metrics: Arc<Metrics>) -> Router {
    Mount::new(Deps { probe, metrics })
        .get("/livez", |_, _| async { ok(&Report { status: Condition::Ok, checks: BTreeMap::new() }) })
        .get("/readyz", ready)
        .get("/health", ready)
        .get("/metrics", |deps, _| async move {
            Ok(text("text/plain; version=0.0.4; charset=utf-8", deps.metrics.render()))
        })
        .done()
}

async fn ready(deps: Deps, _: Request) -> Answer {
    let checks = deps.probe.check().await;
    let status = checks.values().copied().max().unwrap_or(Condition::Ok);
    let code = match status {
        Condition::Ok | Condition::Degraded => StatusCode::OK,
        Condition::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    };
    json(code, &Report { status, checks })
}
