//! The whole shop in one process: databases, services, routes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ecom_adapters::system::{NoRandomness, SystemClock, SystemIds};
use ecom_core::decide::BoundedContext;
use ecom_core::engine::{Fault, Outcome, consumer};
use ecom_core::id::{CorrelationId, MessageId, ProductId, UserId};
use ecom_core::inventory::{CreateProduct, Input, ProductFilter, Rejection};
use ecom_core::money::{Currency, Money};
use ecom_core::port::{Ids, PageRequest, Store};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::data_dir::DataDir;
use super::identity::{GeneratedPassword, Identity, IdentityError, first_administrator};
use super::shop::{Shop, StartError};
use crate::config::{BusUrl, Channels, Config, DatabaseUrl, Provider};
use crate::host::{Command, Handle, Settings};
use crate::http::door::{Door, Gate};
use crate::http::health::{self, Condition, Probe};
use crate::http::idempotency::InFlight;
use crate::http::metrics::Metrics;
use crate::http::problem::Problem;
use crate::http::router::Router;
use crate::http::server::{self, App, Limits, Stop};
use crate::http::token_cache::TokenCache;
use crate::{gateway, inventory, notification, order, payment, user};

/// Why a shop did not start. Each is one clear line.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// A part did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// Nobody could sign in.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The machine gives no random numbers.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    /// The configuration asks for what one process over SQLite does not have.
    #[error("this process keeps everything in its data directory and notices in its log: unset {0}")]
    NotEmbedded(&'static str),
    /// The catalogue of the demo could not be added.
    #[error("the demo catalogue could not be added: {0}")]
    Catalogue(String),
}

/// A running shop.
pub struct Embedded {
    shop: Shop,
    identity: Identity,
    ids: Arc<dyn Ids>,
    generated: Option<GeneratedPassword>,
    config: Config,
    stop: watch::Sender<bool>,
    _data: DataDir,
}

impl Embedded {
    /// Opens everything in the data directory and starts all services.
    pub async fn start(data: DataDir, config: &Config) -> Result<Self, EmbeddedError> {
        if config.bus != BusUrl::Local {
            return Err(EmbeddedError::NotEmbedded("EVENT_BUS_URL"));
        }
        if config.databases.values().any(|url| matches!(url, DatabaseUrl::Postgres(_))) {
            return Err(EmbeddedError::NotEmbedded("the *_DATABASE_URL of PostgreSQL"));
        }
        if config.provider != Provider::Sandbox {
            return Err(EmbeddedError::NotEmbedded("PAYMENT_PROVIDER"));
        }
        // A notice that went to the log would count as sent for ever: rather refuse than pretend.
        if config.channels != Channels::default() {
            return Err(EmbeddedError::NotEmbedded("SMTP_URL, SMS_WEBHOOK_URL and PUSH_WEBHOOK_URL"));
        }
        for (service, url) in &config.databases {
            let own = data.file(&format!("{}.sqlite", service.short_name()));
            if matches!(url, DatabaseUrl::Sqlite(path) if *path != own) {
                return Err(EmbeddedError::NotEmbedded("the *_DATABASE_URL, and use --data"));
            }
        }
        let ids: Arc<dyn Ids> = Arc::new(SystemIds::new(Arc::new(SystemClock))?);
        let settings = Settings {
            lease: config.lease,
            call_max: config.policy.provider_timeout,
            ladder: consumer::Limits { ladder: config.ladder, ..Default::default() },
            outbox_max: config.outbox_max,
        };
        let shop = Shop::start(data.path(), config.policy, settings).await?;
        let identity = Identity::new(&shop.signing_keys, config)?;
        let generated = first_administrator(&data, config, &identity, ids.as_ref(), &shop.user).await?;
        Ok(Self {
            shop,
            identity,
            ids,
            generated,
            config: config.clone(),
            stop: watch::Sender::new(false),
            _data: data,
        })
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
        let app = App { router: self.routes(&metrics), limits: Limits::default(), metrics, ids: Arc::clone(&self.ids) };
        Server { stop: self.stop.clone(), task: tokio::spawn(server::serve(listener, app, self.stopping())) }
    }

    /// Stops all services; what is not finished by then goes on after the next start.
    pub async fn stop(self, patience: Duration) {
        self.shop.stop(patience).await;
    }

    fn stopping(&self) -> Stop {
        Stop::from(self.stop.subscribe())
    }

    fn routes(&self, metrics: &Arc<Metrics>) -> Router {
        let shop = &self.shop;
        let gate = Gate {
            signer: Arc::new(TokenCache::new(self.identity.signer.clone())),
            clock: Arc::clone(&shop.clock),
            ids: Arc::clone(&self.ids),
            in_flight: InFlight::default(),
        };
        let signer = Arc::clone(&self.identity.signer);
        let users = user::Deps {
            door: door(&shop.user.handle, &gate, user::refuse),
            reader: Arc::clone(&shop.user.reader),
            hasher: Arc::clone(&self.identity.hasher),
            mint: self.identity.mint.clone(),
            jwks: Arc::new(move || signer.jwks()),
            limits: Arc::new(user::Limits::new(&self.config.rates)),
        };
        let orders = order::Deps {
            door: door(&shop.order.handle, &gate, order::refuse),
            reader: Arc::clone(&shop.order.reader),
            changes: shop.changes.clone(),
            stop: self.stopping(),
        };
        let products = inventory::Deps {
            door: door(&shop.inventory.handle, &gate, inventory::refuse),
            reader: Arc::clone(&shop.inventory.reader),
        };
        let payments = payment::Deps {
            door: door(&shop.payment.handle, &gate, payment::refuse),
            reader: Arc::clone(&shop.payment.reader),
            catalogue: shop.sandbox.clone(),
            sandbox: Some(shop.sandbox.clone()),
        };
        let notices = notification::Deps {
            door: door(&shop.notification.handle, &gate, notification::refuse),
            reader: Arc::clone(&shop.notification.reader),
        };
        let services = user::routes(users)
            .merge(order::routes(orders))
            .merge(inventory::routes(products))
            .merge(payment::routes(payments))
            .merge(notification::routes(notices));
        let gateway = gateway::Deps { gate, services: Arc::new(services) };
        // Health is for orchestrators: no rate limit shall hide it.
        gateway::routes(gateway, self.config.rates.user)
            .merge(health::routes(Arc::new(Databases::of(shop)), Arc::clone(metrics)))
    }

    /// Adds a small catalogue, once: what is there already stays as it is.
    pub async fn add_catalogue(&self) -> Result<(), EmbeddedError> {
        let failed = |detail: &dyn std::fmt::Display| EmbeddedError::Catalogue(detail.to_string());
        for (sku, name, minor, stock) in CATALOGUE {
            let filter = ProductFilter { sku: Some((*sku).to_owned()), q: None };
            let page = self.shop.inventory.reader.products(&filter, PageRequest::default()).await;
            if !page.map_err(|fault| failed(&fault))?.items.is_empty() {
                continue;
            }
            let product = CreateProduct {
                id: ProductId(self.ids.fresh()),
                sku: (*sku).to_owned(),
                name: (*name).to_owned(),
                description: String::new(),
                price: Money::new(*minor, Currency::EUR),
                initial_stock: *stock,
                actor: UserId(uuid::Uuid::nil()),
            };
            let command = Command {
                id: MessageId(self.ids.fresh()),
                correlation: CorrelationId(self.ids.fresh()),
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

fn door<C: BoundedContext>(handle: &Handle<C>, gate: &Gate, refuse: fn(&C::Rejection) -> Problem) -> Door<C> {
    Door { handle: handle.clone(), gate: gate.clone(), refuse }
}

/// Ready as long as every database answers.
struct Databases(Vec<(&'static str, Box<dyn Ready>)>);

#[async_trait]
trait Ready: Send + Sync + 'static {
    async fn ready(&self) -> Result<(), Fault>;
}

struct Of<C: BoundedContext>(Arc<dyn Store<C>>);

#[async_trait]
impl<C: BoundedContext> Ready for Of<C> {
    async fn ready(&self) -> Result<(), Fault> {
        self.0.ready().await
    }
}

impl Databases {
    fn of(shop: &Shop) -> Self {
        Self(vec![
            ("user", Box::new(Of(Arc::clone(&shop.user.store)))),
            ("order", Box::new(Of(Arc::clone(&shop.order.store)))),
            ("inventory", Box::new(Of(Arc::clone(&shop.inventory.store)))),
            ("payment", Box::new(Of(Arc::clone(&shop.payment.store)))),
            ("notification", Box::new(Of(Arc::clone(&shop.notification.store)))),
        ])
    }
}

#[async_trait]
impl Probe for Databases {
    async fn check(&self) -> BTreeMap<&'static str, Condition> {
        let mut checks = BTreeMap::new();
        for (name, store) in &self.0 {
            let ready = tokio::time::timeout(Duration::from_secs(1), store.ready()).await;
            checks.insert(*name, if matches!(ready, Ok(Ok(()))) { Condition::Ok } else { Condition::Unavailable });
        }
        checks
    }
}
