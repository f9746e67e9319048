//! All services in one process.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ecom_core::event::Service;
use ecom_core::inventory::{InventoryContext, InventoryReader};
use ecom_core::notification::{NotificationContext, NotificationReader};
use ecom_core::order::{OrderContext, OrderReader};
use ecom_core::port::Clock;

use super::StartError;
use super::assembly::{Assembly, Materials, Payments, Running, Users};
use crate::config::{BusConfig, DatabaseUrl};
use crate::host::Changes;

/// How long closing all databases may take.
const CLOSE_MAX: Duration = Duration::from_secs(10);

/// All services in one process.
pub struct Shop {
    /// Accounts and sessions, and the keys that tokens are signed with.
    pub users: Users,
    /// Orders and their saga.
    pub orders: Running<OrderContext, dyn OrderReader>,
    /// Products, stock and holds.
    pub inventory: Running<InventoryContext, dyn InventoryReader>,
    /// Charges, refunds and the ledger, and the provider.
    pub payments: Payments,
    /// Notices.
    pub notifications: Running<NotificationContext, dyn NotificationReader>,
    pub(super) assembly: Assembly,
}

/// The services in the order in which a first start makes their files; the sandbox's comes before all.
const ORDER: [Service; 5] =
    [Service::User, Service::Order, Service::Inventory, Service::Payment, Service::Notification];

/// Refuses files of which one is lost. A first start that is interrupted leaves only later ones out, so a hole before one
/// that has data means that somebody took a file away, or that a file system lost its content.
fn none_is_lost(materials: &Materials) -> Result<(), StartError> {
    let file = |service: &Service| match materials.databases.get(service) {
        Some(DatabaseUrl::Sqlite(path)) => Some(path.clone()),
        Some(DatabaseUrl::Postgres(_)) | None => None,
    };
    let sandbox = file(&Service::Payment).map(|path| path.with_file_name("sandbox.sqlite"));
    let files: Vec<PathBuf> = sandbox.into_iter().chain(ORDER.iter().filter_map(file)).collect();
    // A write-ahead log beside an empty file does not count: SQLite throws it away.
    let has_data = |path: &PathBuf| std::fs::metadata(path).is_ok_and(|file| file.len() > 0);
    let Some(last) = files.iter().rposition(has_data) else { return Ok(()) };
    match files[..last].iter().find(|path| !has_data(path)) {
        Some(path) => Err(StartError::Lost { path: path.clone(), witness: files[last].clone() }),
        None => Ok(()),
    }
}

impl Shop {
    /// Opens the databases and starts all services. Everything that a former life left half-done is resumed.
    pub async fn start(materials: Materials) -> Result<Self, StartError> {
        none_is_lost(&materials)?;
        let mut assembly = Assembly::new(materials, "ecom")?;
        // Payments come later than their sandbox's file: `none_is_lost` knows the order.
        let sandbox = assembly.sandbox().await?;
        let users = assembly.users().await?;
        let orders = assembly.orders().await?;
        let inventory = assembly.inventory().await?;
        let payments = assembly.payments(sandbox).await?;
        let notifications = assembly.notifications().await?;
        Ok(Self { users, orders, inventory, payments, notifications, assembly })
    }

    /// The process's clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.assembly.clock
    }

    /// Who waits for a change of an order.
    pub fn changes(&self) -> &Changes {
        &self.assembly.changes
    }

    /// Waits until the shop cannot go on and must be restarted.
    pub async fn failed(&mut self) -> String {
        self.assembly.tasks.failed().await
    }

    /// Stops all services: nothing new is taken, what is under way is finished, no longer than `patience`.
    pub async fn stop(self, patience: Duration) {
        let Self { users, orders, inventory, payments, notifications, assembly } = self;
        // Who hears the sandbox's webhooks sends jobs, too.
        payments.sandbox.hush().await;
        // The last senders of jobs: without them the committers end.
        drop((users, orders, inventory, payments, notifications));
        assembly.stop(patience).await;
    }
}

/// Brings the databases of all services up to date, and tells which.
pub async fn migrate(materials: Materials) -> Result<Vec<(Service, DatabaseUrl)>, StartError> {
    none_is_lost(&materials)?;
    let databases = materials.databases.clone();
    // No bus: nothing is to be delivered.
    let mut assembly = Assembly::new(Materials { bus: BusConfig::default(), ..materials }, "ecom migrate")?;
    let mut done = vec![];
    drop(assembly.sandbox().await?);
    for service in ORDER {
        assembly.migrate(service).await?;
        done.extend(databases.get(&service).map(|url| (service, url.clone())));
    }
    assembly.stop(CLOSE_MAX).await;
    Ok(done)
}
