//! One service alone in its process.

use std::sync::Arc;
use std::time::Duration;

use ecom_adapters::system::{SystemClock, SystemIds};
use ecom_core::event::Service;
use ecom_core::port::{Ids, TokenSigner};
use tokio::net::TcpListener;

use super::StartError;
use super::assembly::{Assembly, Materials};
use super::front::{Front, Server};
use super::identity::{Identity, configured_administrator};
use super::keys::RemoteKeys;
use super::probe::Parts;
use super::{reference, routes, webhook};
use crate::config::{Channels, Config, Provider};
use crate::http::auth::Keys;
use crate::http::client;
use crate::http::door::Gate;
use crate::http::health;
use crate::http::idempotency::InFlight;
use crate::http::metrics::Metrics;
use crate::http::router::Router;
use crate::http::token_cache::TokenCache;

/// A running service.
pub struct ServiceProcess {
    assembly: Assembly,
    front: Front,
    config: Config,
    routes: Router,
    metrics: Arc<Metrics>,
    keys: Option<Arc<RemoteKeys>>,
    sandbox: Option<webhook::Told>,
}

impl ServiceProcess {
    /// Opens the service's database and starts its loops. It waits neither for the broker nor for another service.
    pub async fn start(service: Service, config: &Config) -> Result<Self, StartError> {
        is_supported(service, config)?;
        let ids: Arc<dyn Ids> = Arc::new(SystemIds::new(Arc::new(SystemClock))?);
        let mut assembly = Assembly::new(Materials::of(config), service.name())?;
        let front = Front::new(service, Arc::clone(&ids), assembly.traces.clone());
        let probe = Parts::default().broker(&assembly.bus);
        let (mut sandbox, mut keys) = (None, None);
        let (routes, probe) = if service == Service::User {
            let users = assembly.users().await?;
            let identity = Identity::new(&users.signing_keys, config)?;
            configured_administrator(config, &identity, ids.as_ref(), &users.service).await?;
            let gate = gate(&assembly, &ids, identity.signer.clone());
            (routes::users(&users, &identity, config, &gate), probe.database("user", &users.service.store))
        } else {
            let http = client::new().map_err(|error| StartError::Client(error.to_string()))?;
            let known = Arc::new(RemoteKeys::new(http.clone(), &config.tokens));
            let stop = assembly.tasks.stop_signal();
            assembly.tasks.spawn("keys", Arc::clone(&known).keep(stop));
            let gate = gate(&assembly, &ids, known.clone());
            keys = Some(Arc::clone(&known));
            let probe = probe.aside("keys", move || known.condition());
            if service == Service::Payment {
                let told = webhook::Told::new(assembly.sandbox().await?, config, ids.as_ref(), http);
                let payments = assembly.payments(Arc::clone(&told.sandbox)).await?;
                let probe = probe.database("payment", &payments.service.store);
                let routes = routes::payments(&payments, &told.webhook, &gate);
                sandbox = Some(told);
                (routes, probe)
            } else {
                other(service, &mut assembly, &front, &gate, probe).await?
            }
        };
        let metrics = Arc::new(Metrics::default());
        let routes =
            routes.merge(health::routes(Arc::new(probe), Arc::clone(&metrics))).merge(reference::routes(service));
        Ok(Self { assembly, front, config: config.clone(), routes, metrics, keys, sandbox })
    }

    /// Waits until the service cannot go on and must be restarted.
    pub async fn failed(&mut self) -> String {
        self.assembly.tasks.failed().await
    }

    /// Answers HTTP until it is stopped.
    pub fn serve(&self, listener: TcpListener) -> Server {
        if let (Some(told), Ok(address)) = (&self.sandbox, listener.local_addr()) {
            told.begin(&self.config, address);
        }
        let keys = self.keys.clone().map(|keys| keys as Arc<dyn Keys>);
        self.front.serve(listener, self.routes.clone(), Arc::clone(&self.metrics), &self.config, keys)
    }

    /// Stops the service; what is not finished by then goes on after the next start, or in another copy.
    pub async fn stop(self, patience: Duration) {
        let Self { assembly, routes, .. } = self;
        // The last senders of jobs: without them the committer ends.
        drop(routes);
        assembly.stop(patience).await;
    }
}

/// Rather refuse than pretend.
fn is_supported(service: Service, config: &Config) -> Result<(), StartError> {
    if service == Service::Payment && config.provider != Provider::Sandbox {
        return Err(StartError::Unsupported("PAYMENT_PROVIDER=stripe"));
    }
    // A notice that went to the log would count as sent for ever.
    if service == Service::Notification && config.channels != Channels::default() {
        return Err(StartError::Unsupported("SMTP_URL, SMS_WEBHOOK_URL and PUSH_WEBHOOK_URL"));
    }
    Ok(())
}

fn gate(assembly: &Assembly, ids: &Arc<dyn Ids>, signer: Arc<dyn TokenSigner>) -> Gate {
    Gate {
        signer: Arc::new(TokenCache::new(signer)),
        clock: Arc::clone(&assembly.clock),
        ids: Arc::clone(ids),
        in_flight: InFlight::default(),
    }
}

/// Starts a service that neither signs tokens nor has a provider.
async fn other(
    service: Service,
    assembly: &mut Assembly,
    front: &Front,
    gate: &Gate,
    probe: Parts,
) -> Result<(Router, Parts), StartError> {
    match service {
        Service::Order => {
            let orders = assembly.orders().await?;
            let probe = probe.database("order", &orders.store);
            Ok((routes::orders(&orders, &assembly.changes, front.stopping(), gate), probe))
        }
        Service::Inventory => {
            let inventory = assembly.inventory().await?;
            let probe = probe.database("inventory", &inventory.store);
            Ok((routes::inventory(&inventory, gate), probe))
        }
        Service::Notification => {
            let notifications = assembly.notifications().await?;
            let probe = probe.database("notification", &notifications.store);
            Ok((routes::notifications(&notifications, gate), probe))
        }
        Service::User | Service::Payment | Service::Gateway => Err(StartError::Unsupported("this service here")),
    }
}
