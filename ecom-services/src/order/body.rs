//! The bodies of requests.

use ecom_core::id::{PaymentMethodId, ProductId};
use ecom_core::money::Money;
use ecom_core::quantity::Quantity;
use serde::Deserialize;
use serde_json::value::RawValue;

/// Places an order.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewOrder {
    pub(super) items: Vec<NewItem>,
    pub(super) payment_method_id: Option<PaymentMethodId>,
    /// Kept as given, to the byte.
    pub(super) metadata: Option<Box<RawValue>>,
}

/// One line of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewItem {
    pub(super) product_id: ProductId,
    pub(super) quantity: Quantity,
    pub(super) unit_price: Option<Money>,
}

/// Cancels an order.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cancellation {
    pub(super) reason: Option<String>,
}
