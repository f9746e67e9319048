//! The services in the gateway's own process: their routes are called as functions.

use std::collections::BTreeMap;

use async_trait::async_trait;
use ecom_core::event::Service;

use super::{Call, Services};
use crate::http::problem::Problem;
use crate::http::response::Answer;
use crate::http::router::Router;

/// Each service's routes.
pub struct InProcess(BTreeMap<Service, Router>);

impl InProcess {
    /// With the routes of all services.
    pub const fn new(routes: BTreeMap<Service, Router>) -> Self {
        Self(routes)
    }

    /// The routes of a service.
    pub fn routes_of(&self, service: Service) -> Option<&Router> {
        self.0.get(&service)
    }
}

#[async_trait]
impl Services for InProcess {
    async fn send(&self, service: Service, call: Call) -> Answer {
        let routes = self.0.get(&service).ok_or_else(Problem::not_found)?;
        let Call { method, target, headers, body, arrival } = call;
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        Ok(routes.answer(method, path, query, headers, body, arrival).await)
    }
}

#[cfg(test)]
impl InProcess {
    /// The services' tables of routes.
    pub(crate) const fn routers(&self) -> &BTreeMap<Service, Router> {
        &self.0
    }

    /// Routes that belong to another service than the table says; those that every service has belong to none.
    pub(crate) fn misplaced(&self) -> Vec<(Service, &'static str)> {
        let routes = self.0.iter().flat_map(|(service, router)| {
            router.routes().into_iter().map(|(_, pattern)| (*service, pattern)).collect::<Vec<_>>()
        });
        let own = routes.filter(|(_, pattern)| !pattern.starts_with("/api/v1/admin/dead-letters"));
        own.filter(|(service, pattern)| super::table::owner(pattern) != Some(*service)).collect()
    }
}
