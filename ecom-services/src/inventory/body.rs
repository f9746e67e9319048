//! Request bodies.

use ecom_core::money::Money;
use serde::Deserialize;

/// `POST /products`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewProduct {
    pub(super) sku: String,
    pub(super) name: String,
    #[serde(default)]
    pub(super) description: Option<String>,
    pub(super) price: Money,
    #[serde(default)]
    pub(super) initial_stock: Option<u64>,
}

/// `PATCH /products/{id}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProductChange {
    pub(super) name: Option<String>,
    pub(super) description: Option<String>,
    pub(super) price: Option<Money>,
    pub(super) is_active: Option<bool>,
}

/// `POST /products/{id}/stock`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Adjustment {
    pub(super) delta: i64,
    pub(super) reason: String,
}
