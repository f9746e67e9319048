//! Request bodies.

use ecom_core::money::Money;
use serde::Deserialize;

/// `POST /payment-methods`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewMethod {
    pub(super) token: String,
    #[serde(rename = "type")]
    pub(super) kind: MethodKind,
}

/// The kinds of payment methods.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum MethodKind {
    Card,
}

/// `POST /payments/{id}/refunds`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewRefund {
    pub(super) amount: Option<Money>,
    pub(super) reason: String,
}
