//! The tables of the payment context.

mod load;
mod read;
mod save;
#[cfg(test)]
mod tests;

use async_trait::async_trait;
use ecom_core::payment::{Change, PaymentContext, PaymentScope, PaymentSnapshot};
use sqlx::SqliteConnection;

pub use read::SqlitePaymentReader;

use super::script::Script;
use super::tables::Tables;

/// Payments, refunds, payment methods, transactions and the ledger.
#[derive(Clone, Copy, Debug)]
pub struct PaymentTables;

#[async_trait]
impl Tables<PaymentContext> for PaymentTables {
    const MIGRATIONS: &'static [(&'static str, &'static str)] =
        &[("payment/0001_payment", include_str!("../../../../migrations/sqlite/payment/0001_payment.sql"))];

    async fn load(connection: &mut SqliteConnection, scope: &PaymentScope) -> Result<PaymentSnapshot, sqlx::Error> {
        load::load(connection, scope).await
    }

    fn write(script: &mut Script, changes: &[Change]) -> Result<(), sqlx::Error> {
        save::save(script, changes)
    }
}
