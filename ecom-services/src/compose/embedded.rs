//! The whole shop in one process: services, gateway, data directory.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ecom_adapters::sandbox::SandboxWebhook;
use ecom_adapters::system::SystemIds;
use ecom_core::engine::Outcome;
use ecom_core::event::Service;
use ecom_core::id::{CorrelationId, MessageId, ProductId, UserId};
use ecom_core::inventory::{CreateProduct, Input, ProductFilter, Rejection};
use ecom_core::money::{Currency, Money};
use ecom_core::port::{Ids, PageRequest};
use tokio::net::TcpListener;

use super::StartError;
use super::assembly::Materials;
use super::data_dir::DataDir;
use super::front::{Front, Server};
use super::identity::{GeneratedPassword, Identity, IdentityError, first_administrator};
use super::probe::Parts;
use super::shop::Shop;
use super::{reference, routes, webhook};
use crate::config::{Channels, Config, DatabaseUrl, Provider};
use crate::gateway::{self, InProcess};
use crate::host::Command;
use crate::http::door::Gate;
use crate::http::health;
use crate::http::idempotency::InFlight;
use crate::http::metrics::Metrics;
use crate::http::router::Router;
use crate::http::token_cache::TokenCache;

/// A running shop.
pub struct Embedded {
    shop: Shop,
    identity: Identity,
    generated: Option<GeneratedPassword>,
    webhook: SandboxWebhook,
    config: Config,
    front: Front,
    _data: DataDir,
}

impl Embedded {
    /// Opens all databases and starts all services. What a configuration leaves open lies in the data directory.
    pub async fn start(data: DataDir, config: &Config) -> Result<Self, StartError> {
        if config.provider != Provider::Sandbox {
            return Err(StartError::Unsupported("PAYMENT_PROVIDER=stripe"));
        }
        // A notice that went to the log would count as sent for ever: rather refuse than pretend.
        if config.channels != Channels::default() {
            return Err(StartError::Unsupported("SMTP_URL, SMS_WEBHOOK_URL and PUSH_WEBHOOK_URL"));
        }
        for (service, url) in &config.databases {
            let own = data.file(&format!("{}.sqlite", service.short_name()));
            if matches!(url, DatabaseUrl::Sqlite(path) if *path != own) {
                return Err(StartError::Unsupported("SQLite files outside of the data directory: use --data"));
            }
        }
        let ids: Arc<dyn Ids> = Arc::new(SystemIds::new(Arc::new(ecom_adapters::system::SystemClock))?);
        // A large future: it opens everything.
        let shop = Box::pin(Shop::start(Materials::of(config))).await?;
        let identity = Identity::new(&shop.users.signing_keys, config)?;
        let generated = first_administrator(&data, config, &identity, ids.as_ref(), &shop.users.service).await?;
        let webhook = webhook::kept(&data, config, ids.as_ref()).map_err(IdentityError::from)?;
        let front = Front::new(Service::Gateway, ids, shop.assembly.traces.clone());
        Ok(Self { shop, identity, generated, webhook, config: config.clone(), front, _data: data })
    }

    /// The password of the first administrator, when it was made at this start.
    pub fn generated_password(&self) -> Option<&GeneratedPassword> {
        self.generated.as_ref()
    }

    /// Waits until the shop cannot go on and must be restarted.
    pub async fn failed(&mut self) -> String {
        self.shop.failed().await
    }

    /// Answers HTTP until it is stopped.
    pub fn serve(&self, listener: TcpListener) -> Server {
        let metrics = Arc::new(Metrics::default());
        self.front.serve(listener, self.routes(&metrics), metrics, &self.config, None)
    }

    /// Stops all services; what is not finished by then goes on after the next start.
    pub async fn stop(self, patience: Duration) {
        self.shop.stop(patience).await;
    }

    fn routes(&self, metrics: &Arc<Metrics>) -> Router {
        let gate = Gate {
            signer: Arc::new(TokenCache::new(self.identity.signer.clone())),
            clock: Arc::clone(&self.shop.assembly.clock),
            ids: Arc::clone(&self.front.ids),
            in_flight: InFlight::default(),
        };
        let services = self.services(&gate);
        self.hear_webhooks(&services);
        let services = Arc::new(services);
        // Health is for orchestrators: no rate limit shall hide it.
        gateway::routes(gateway::Deps { gate, services }, self.config.rates.user)
            .merge(health::routes(Arc::new(self.probe()), Arc::clone(metrics)))
            .merge(reference::routes(Service::Gateway))
    }

    /// The sandbox's webhooks come the way of any request, past the gateway.
    fn hear_webhooks(&self, services: &InProcess) {
        let Some(routes) = services.routes_of(Service::Payment) else { return };
        let (routes, webhook, ids) = (routes.clone(), self.webhook.clone(), Arc::clone(&self.front.ids));
        let listener = webhook::InProcess { routes, webhook: webhook.clone(), ids };
        self.shop.payments.sandbox.tell(Arc::new(listener), webhook);
    }

    fn services(&self, gate: &Gate) -> InProcess {
        let Shop { users, orders, inventory, payments, notifications, assembly } = &self.shop;
        InProcess::new(BTreeMap::from([
            (Service::User, routes::users(users, &self.identity, &self.config, gate)),
            (Service::Order, routes::orders(orders, &assembly.changes, self.front.stopping(), gate)),
            (Service::Inventory, routes::inventory(inventory, gate)),
            (Service::Payment, routes::payments(payments, &self.webhook, gate)),
            (Service::Notification, routes::notifications(notifications, gate)),
        ]))
    }

    fn probe(&self) -> Parts {
        let Shop { users, orders, inventory, payments, notifications, assembly } = &self.shop;
        Parts::default()
            .database("user", &users.service.store)
            .database("order", &orders.store)
            .database("inventory", &inventory.store)
            .database("payment", &payments.service.store)
            .database("notification", &notifications.store)
            .broker(&assembly.bus)
    }

    /// Adds a small catalogue, once: what is there already stays as it is.
    pub async fn add_catalogue(&self) -> Result<(), StartError> {
        let failed = |detail: &dyn std::fmt::Display| StartError::Catalogue(detail.to_string());
        for (sku, name, minor, stock) in CATALOGUE {
            let filter = ProductFilter { sku: Some((*sku).to_owned()), q: None };
            let page = self.shop.inventory.reader.products(&filter, PageRequest::default()).await;
            if !page.map_err(|fault| failed(&fault))?.items.is_empty() {
                continue;
            }
            let product = CreateProduct {
                id: ProductId(self.front.ids.fresh()),
                sku: (*sku).to_owned(),
                name: (*name).to_owned(),
                description: String::new(),
                price: Money::new(*minor, Currency::EUR),
                initial_stock: *stock,
                actor: UserId(uuid::Uuid::nil()),
            };
            let command = Command {
                id: MessageId(self.front.ids.fresh()),
                correlation: CorrelationId(self.front.ids.fresh()),
                key: None,
                traceparent: None,
                input: Input::CreateProduct(product),
            };
            if let Outcome::Rejected(rejection) =
                self.shop.inventory.handle.execute(command).await.map_err(|busy| failed(&busy))?
                && !matches!(rejection, Rejection::SkuTaken { .. })
            {
                return Err(failed(&rejection));
            }
        }
        Ok(())
    }
}

/// Stock keeping unit, name, price in cents, pieces.
const CATALOGUE: &[(&str, &str, i64, u64)] = &[
    ("MUG-01", "Mug", 1_250, 1_000),
    ("TSHIRT-M", "T-shirt, medium", 2_490, 500),
    ("POSTER-A2", "Poster, A2", 990, 250),
    ("BOOK-SAGA", "The Book of Sagas", 3_900, 100),
    ("LAMP-LIMITED", "Lamp, limited edition", 12_900, 10),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::config::Process;

    async fn shop() -> (tempfile::TempDir, Embedded, Gate) {
        let directory = tempfile::tempdir().unwrap();
        let process = Process::AllInOne { data: directory.path().to_owned(), port: 0 };
        let variables = [("BCRYPT_COST".to_owned(), "10".to_owned())].into();
        let config = Config::read(&process, &variables, &|path| std::fs::read_to_string(path)).unwrap();
        let shop = Embedded::start(DataDir::open(directory.path()).unwrap(), &config).await.unwrap();
        let gate = Gate {
            signer: shop.identity.signer.clone(),
            clock: Arc::clone(&shop.shop.assembly.clock),
            ids: Arc::clone(&shop.front.ids),
            in_flight: InFlight::default(),
        };
        (directory, shop, gate)
    }

    #[tokio::test]
    async fn every_route_lies_where_the_gateway_looks_for_it() {
        let (_directory, shop, gate) = shop().await;
        assert_eq!(shop.services(&gate).misplaced(), vec![]);
        drop(gate);
        shop.stop(Duration::from_secs(5)).await;
    }

    /// Method and path of each route.
    type Routes = BTreeSet<(String, &'static str)>;

    fn routes_of(router: &Router) -> Routes {
        router.routes().into_iter().map(|(method, path)| (method.to_string(), path)).collect()
    }

    fn described(process: Service) -> Routes {
        let operations = reference::document(process).operations;
        let rows: Vec<_> = operations.iter().map(|row| (row.method.to_owned(), row.path)).collect();
        let routes: Routes = rows.iter().cloned().collect();
        assert_eq!(rows.len(), routes.len(), "{process}: a route is described twice");
        routes
    }

    #[tokio::test]
    async fn every_route_is_described_and_nothing_else() {
        let (_directory, shop, gate) = shop().await;
        let services = shop.services(&gate);
        // What every process has is among the gateway's own routes, too.
        let every: Routes =
            crate::http::openapi::operations().iter().map(|row| (row.method.to_owned(), row.path)).collect();
        let mut all = routes_of(&shop.routes(&Arc::default()));
        for (service, router) in services.routers() {
            let own = routes_of(router);
            assert_eq!(described(*service), &own | &every, "{service}");
            all.extend(own);
        }
        assert_eq!(described(Service::Gateway), all);
        drop((services, gate));
        shop.stop(Duration::from_secs(5)).await;
    }

    #[test]
    fn every_schema_that_is_named_is_there_and_every_one_that_is_there_is_named() {
        for process in Service::ALL {
            let document = reference::document(process).to_json();
            let text = document.to_string();
            let schemas = document["components"]["schemas"].as_object().unwrap();
            assert_eq!(schemas.len(), reference::document(process).schemas.len(), "{process}: a name is used twice");
            let common = crate::http::openapi::schemas();
            let is_own = |name: &&String| common.iter().all(|(known, _)| known != name);
            for name in schemas.keys().filter(is_own) {
                assert!(text.contains(&format!("#/components/schemas/{name}\"")), "{process}: nothing names {name}");
            }
            for name in text.split("#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next()) {
                assert!(schemas.contains_key(name), "{process}: there is no {name}");
            }
        }
    }
}
