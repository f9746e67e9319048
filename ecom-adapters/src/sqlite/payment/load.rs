//! Loads the rows that a batch needs.

use ecom_core::payment::{PaymentScope, PaymentSnapshot, Record};
use sqlx::SqliteConnection;

use crate::sql::payment as row;
use crate::sqlite::rows::text_list;

pub(super) async fn load(
    connection: &mut SqliteConnection,
    scope: &PaymentScope,
) -> Result<PaymentSnapshot, sqlx::Error> {
    let mut snapshot = PaymentSnapshot::default();
    if !scope.payments.is_empty() {
        let rows = sqlx::query(
            "SELECT id, order_id, correlation_id, user_id, provider, currency, amount_minor, captured_minor,
                    refunded_minor, pending_minor, status, state, created_at, updated_at, version
             FROM payments WHERE id IN (SELECT value FROM json_each(?1))",
        )
        .bind(text_list(&scope.payments))
        .fetch_all(&mut *connection)
        .await?;
        for row in &rows {
            let record = row::record(row)?;
            let id = match &record {
                Record::Barrier(barrier) => barrier.payment_id,
                Record::Payment(payment) => payment.id,
            };
            snapshot.records.insert(id, record);
        }
    }
    if !scope.refunds.is_empty() {
        let rows = sqlx::query(
            "SELECT id, payment_id, amount_minor, currency, status, outcome, actor, reason, created_at, version
             FROM refunds WHERE id IN (SELECT value FROM json_each(?1))",
        )
        .bind(text_list(&scope.refunds))
        .fetch_all(&mut *connection)
        .await?;
        for row in &rows {
            let refund = row::refund(row)?;
            snapshot.refunds.insert(refund.id, refund);
        }
    }
    load_methods(connection, scope, &mut snapshot).await?;
    Ok(snapshot)
}

/// Methods by id, defaults and whole wallets: three ways to the same rows, each by its own index.
async fn load_methods(
    connection: &mut SqliteConnection,
    scope: &PaymentScope,
    snapshot: &mut PaymentSnapshot,
) -> Result<(), sqlx::Error> {
    let mut rows = vec![];
    if !scope.methods.is_empty() {
        let query = sqlx::query("SELECT * FROM payment_methods WHERE id IN (SELECT value FROM json_each(?1))");
        rows.extend(query.bind(text_list(&scope.methods)).fetch_all(&mut *connection).await?);
    }
    if !scope.defaults.is_empty() {
        let query = sqlx::query(
            "SELECT * FROM payment_methods WHERE is_default = 1 AND user_id IN (SELECT value FROM json_each(?1))",
        );
        rows.extend(query.bind(text_list(&scope.defaults)).fetch_all(&mut *connection).await?);
    }
    if !scope.wallets.is_empty() {
        let query = sqlx::query(
            "SELECT * FROM payment_methods WHERE deleted = 0 AND user_id IN (SELECT value FROM json_each(?1))",
        );
        rows.extend(query.bind(text_list(&scope.wallets)).fetch_all(&mut *connection).await?);
    }
    for row in &rows {
        snapshot.put_method(row::method(row)?);
    }
    Ok(())
}
