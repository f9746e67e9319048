//! The tables of the payment context.

mod load;
mod read;
mod save;
#[cfg(test)]
mod tests;

use async_trait::async_trait;
use ecom_core::payment::{Change, PaymentContext, PaymentScope, PaymentSnapshot};
use sqlx::PgConnection;

pub use read::PgPaymentReader;

use super::tables::Tables;

/// Payments, refunds, payment methods, transactions and the ledger.
#[derive(Clone, Copy, Debug)]
pub struct PaymentTables;

#[async_trait]
impl Tables<PaymentContext> for PaymentTables {
    const MIGRATIONS: &'static [(&'static str, &'static str)] =
        &[("payment/0001_init", include_str!("../../../../migrations/payment/0001_init.sql"))];

    async fn load(connection: &mut PgConnection, scope: &PaymentScope) -> Result<PaymentSnapshot, sqlx::Error> {
        load::snapshot(connection, scope).await
    }

    async fn save(connection: &mut PgConnection, changes: &[Change]) -> Result<(), sqlx::Error> {
        save::changes(connection, changes).await
    }
}

/// All statements, for the test that prepares them.
#[cfg(test)]
pub(super) const STATEMENTS: &[&[(&str, &str)]] = &[load::STATEMENTS, read::STATEMENTS, save::STATEMENTS];
