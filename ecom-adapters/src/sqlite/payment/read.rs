//! The queries that HTTP asks.

use async_trait::async_trait;
use ecom_core::engine::Fault;
use ecom_core::id::{PaymentId, PaymentMethodId, UserId};
use ecom_core::payment::{Payment, PaymentDetail, PaymentFilter, PaymentMethod, PaymentReader, Refund, payment_id};
use ecom_core::port::{Cursor, Page, PageRequest};
use sqlx::SqlitePool;

use crate::sql::payment as row;
use crate::sqlite::rows::text_list;
use crate::sqlite::store::fault;

/// Reads payments from the file, beside the writer.
#[derive(Clone, Debug)]
pub struct SqlitePaymentReader {
    pool: SqlitePool,
}

impl SqlitePaymentReader {
    /// A reader over the pool of the payment service's database.
    pub const fn new(pool: SqlitePool) -> Self {
        Self { pool }
    }

    async fn one(&self, id: PaymentId, user: Option<UserId>) -> Result<Option<Payment>, sqlx::Error> {
        let row = sqlx::query("SELECT * FROM payments WHERE id = ?1 AND status <> 'barred'")
            .bind(id.to_string())
            .fetch_optional(&self.pool)
            .await?;
        let payment = row.as_ref().map(row::payment).transpose()?;
        Ok(payment.filter(|payment| user.is_none_or(|user| payment.user_id == user)))
    }

    /// In the order of ids, which begin with the time of their orders.
    async fn many(&self, user: Option<UserId>, page: PageRequest) -> Result<Vec<Payment>, sqlx::Error> {
        let query = match user {
            Some(user) => {
                sqlx::query("SELECT * FROM payments WHERE user_id = ?3 AND id < ?1 ORDER BY id DESC LIMIT ?2")
                    .bind(page.after().id.to_string())
                    .bind(page.probe())
                    .bind(user.to_string())
            }
            None => {
                sqlx::query("SELECT * FROM payments WHERE id < ?1 AND status <> 'barred' ORDER BY id DESC LIMIT ?2")
                    .bind(page.after().id.to_string())
                    .bind(page.probe())
            }
        };
        query.fetch_all(&self.pool).await?.iter().map(row::payment).collect()
    }

    async fn with_transactions(&self, payments: Vec<Payment>) -> Result<Vec<PaymentDetail>, sqlx::Error> {
        // What ends and what begins in one commit bears one time: the end comes first.
        let rows = sqlx::query(
            "SELECT * FROM transactions WHERE payment_id IN (SELECT value FROM json_each(?1))
             ORDER BY at, status = 'pending'",
        )
        .bind(text_list(payments.iter().map(|payment| payment.id)))
        .fetch_all(&self.pool)
        .await?;
        row::details(payments, &rows)
    }

    async fn page(&self, filter: PaymentFilter, page: PageRequest) -> Result<Page<PaymentDetail>, sqlx::Error> {
        let payments = match filter.order_id {
            // The id follows from the order: at most one row.
            Some(order) => {
                let payment = self.one(payment_id(order), filter.user_id).await?;
                payment.into_iter().filter(|payment| payment.id.0 < page.after().id).collect()
            }
            None => self.many(filter.user_id, page).await?,
        };
        let cursor = |payment: &Payment| Cursor { created_at: payment.created_at, id: payment.id.0 };
        let Page { items, next } = Page::of(payments, page, cursor);
        Ok(Page { items: self.with_transactions(items).await?, next })
    }

    async fn refunds_of(&self, payment: PaymentId) -> Result<Vec<Refund>, sqlx::Error> {
        sqlx::query("SELECT * FROM refunds WHERE payment_id = ?1 ORDER BY created_at, id")
            .bind(payment.to_string())
            .fetch_all(&self.pool)
            .await?
            .iter()
            .map(row::refund)
            .collect()
    }

    async fn wallet(&self, user: UserId, page: PageRequest) -> Result<Page<PaymentMethod>, sqlx::Error> {
        let rows = sqlx::query(
            "SELECT * FROM payment_methods
             WHERE user_id = ?1 AND deleted = 0 AND (created_at, id) < (?2, ?3)
             ORDER BY created_at DESC, id DESC LIMIT ?4",
        )
        .bind(user.to_string())
        .bind(page.after().created_at.as_micros())
        .bind(page.after().id.to_string())
        .bind(page.probe())
        .fetch_all(&self.pool)
        .await?;
        let methods = rows.iter().map(row::method).collect::<Result<Vec<_>, _>>()?;
        let cursor = |method: &PaymentMethod| Cursor { created_at: method.created_at, id: method.id.0 };
        Ok(Page::of(methods, page, cursor))
    }
}

#[async_trait]
impl PaymentReader for SqlitePaymentReader {
    async fn payment(&self, id: PaymentId) -> Result<Option<PaymentDetail>, Fault> {
        let payment = self.one(id, None).await.map_err(|error| fault(&error))?;
        let details = self.with_transactions(payment.into_iter().collect()).await.map_err(|error| fault(&error))?;
        Ok(details.into_iter().next())
    }

    async fn payments(&self, filter: PaymentFilter, page: PageRequest) -> Result<Page<PaymentDetail>, Fault> {
        self.page(filter, page).await.map_err(|error| fault(&error))
    }

    async fn refunds(&self, payment: PaymentId) -> Result<Vec<Refund>, Fault> {
        self.refunds_of(payment).await.map_err(|error| fault(&error))
    }

    async fn method(&self, id: PaymentMethodId) -> Result<Option<PaymentMethod>, Fault> {
        let row = sqlx::query("SELECT * FROM payment_methods WHERE id = ?1 AND deleted = 0")
            .bind(id.to_string())
            .fetch_optional(&self.pool)
            .await
            .map_err(|error| fault(&error))?;
        row.as_ref().map(row::method).transpose().map_err(|error| fault(&error))
    }

    async fn methods(&self, user: UserId, page: PageRequest) -> Result<Page<PaymentMethod>, Fault> {
        self.wallet(user, page).await.map_err(|error| fault(&error))
    }
}
