//! Reading the records.

use std::collections::BTreeMap;
use std::time::Duration;

use ecom_core::time::Timestamp;
use uuid::Uuid;

use super::super::client::{Call, ShopError};
use super::super::scene::Scene;
use super::super::wire::{Movement, Notice, Order, ProviderEntry, Stock};

/// The provider's log is read back to the beginning of the scene and this much further: it has a clock of its own.
const CLOCKS_APART: Duration = Duration::from_secs(60);

/// Everything that the shop says about a scene.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// All orders of the scene's customers.
    pub orders: BTreeMap<Uuid, Order>,
    /// Stock and movements by product.
    pub stock: BTreeMap<Uuid, (Stock, Vec<Movement>)>,
    /// The provider's log by order.
    pub provider: BTreeMap<Uuid, Vec<ProviderEntry>>,
    /// The notices to the scene's customers by order.
    pub notices: BTreeMap<Uuid, Vec<Notice>>,
}

impl Evidence {
    /// Reads it, page by page, as administrator.
    pub async fn collect(scene: &Scene) -> Result<Self, ShopError> {
        let mut evidence = Self::default();
        for customer in &scene.customers {
            evidence.read_orders(scene, customer.id).await?;
            evidence.read_notices(scene, customer.id).await?;
        }
        for shelf in &scene.shelves {
            let token = scene.admin.token().await?;
            let path = format!("/api/v1/products/{}", shelf.product);
            let stock: Stock = scene.shop.expect(&Call::get(format!("{path}/stock")).token(&token), 200).await?;
            let mut movements = vec![];
            let keep = |movement| {
                movements.push(movement);
                true
            };
            scene.shop.pages(&format!("{path}/movements"), &token, keep).await?;
            evidence.stock.insert(shelf.product, (stock, movements));
        }
        evidence.read_provider(scene).await?;
        Ok(evidence)
    }

    /// Adds the orders of a user.
    pub(super) async fn read_orders(&mut self, scene: &Scene, user: Uuid) -> Result<(), ShopError> {
        let token = scene.admin.token().await?;
        let keep = |order: Order| {
            self.orders.insert(order.id, order);
            true
        };
        scene.shop.pages(&format!("/api/v1/orders?user_id={user}"), &token, keep).await
    }

    async fn read_notices(&mut self, scene: &Scene, user: Uuid) -> Result<(), ShopError> {
        let token = scene.admin.token().await?;
        let keep = |notice: Notice| {
            if let Some(order) = notice.order_id {
                self.notices.entry(order).or_default().push(notice);
            }
            true
        };
        scene.shop.pages(&format!("/api/v1/notifications?user_id={user}"), &token, keep).await
    }

    /// Newest first, back to the scene's beginning: a shop may have a long life before it.
    async fn read_provider(&mut self, scene: &Scene) -> Result<(), ShopError> {
        let token = scene.admin.token().await?;
        let margin = i64::try_from(CLOCKS_APART.as_micros()).unwrap_or(i64::MAX);
        let oldest = Timestamp::from_micros(scene.since.as_micros().saturating_sub(margin));
        let keep = |entry: ProviderEntry| {
            let ours = entry.at >= oldest;
            self.provider.entry(entry.order_id).or_default().push(entry);
            ours
        };
        scene.shop.pages("/api/v1/payments/sandbox/log", &token, keep).await
    }
}
