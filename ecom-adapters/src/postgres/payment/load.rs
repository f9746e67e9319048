//! Loads the rows that a batch needs.

use ecom_core::payment::{PaymentScope, PaymentSnapshot, Record};
use sqlx::PgConnection;

use crate::postgres::rows::{statements, uuids};
use crate::sql::payment as row;

statements! {
    PAYMENTS = "SELECT * FROM payments WHERE id = ANY ($1) ORDER BY id FOR UPDATE";
    REFUNDS = "SELECT * FROM refunds WHERE id = ANY ($1) ORDER BY id FOR UPDATE";
    /// Methods by id, defaults and whole wallets: three ways to the same rows, each by its own index.
    METHODS = "SELECT * FROM payment_methods WHERE id IN (
            SELECT unnest($1::UUID[])
            UNION SELECT id FROM payment_methods WHERE is_default AND user_id = ANY ($2)
            UNION SELECT id FROM payment_methods WHERE NOT deleted AND user_id = ANY ($3))
        ORDER BY id FOR UPDATE";
}

/// The rows in scope.
pub(super) async fn snapshot(
    connection: &mut PgConnection,
    scope: &PaymentScope,
) -> Result<PaymentSnapshot, sqlx::Error> {
    let mut snapshot = PaymentSnapshot::default();
    if !scope.payments.is_empty() {
        let ids = uuids(scope.payments.iter().map(|id| id.0));
        for row in &sqlx::query(PAYMENTS).bind(ids).fetch_all(&mut *connection).await? {
            let record = row::record(row)?;
            let id = match &record {
                Record::Barrier(barrier) => barrier.payment_id,
                Record::Payment(payment) => payment.id,
            };
            snapshot.records.insert(id, record);
        }
    }
    if !scope.refunds.is_empty() {
        let ids = uuids(scope.refunds.iter().map(|id| id.0));
        for row in &sqlx::query(REFUNDS).bind(ids).fetch_all(&mut *connection).await? {
            let refund = row::refund(row)?;
            snapshot.refunds.insert(refund.id, refund);
        }
    }
    if !scope.methods.is_empty() || !scope.defaults.is_empty() || !scope.wallets.is_empty() {
        let rows = sqlx::query(METHODS)
            .bind(uuids(scope.methods.iter().map(|id| id.0)))
            .bind(uuids(scope.defaults.iter().map(|id| id.0)))
            .bind(uuids(scope.wallets.iter().map(|id| id.0)))
            .fetch_all(connection)
            .await?;
        for row in &rows {
            snapshot.put_method(row::method(row)?);
        }
    }
    Ok(snapshot)
}
