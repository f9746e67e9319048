//! The queries that HTTP asks.

use async_trait::async_trait;
use ecom_core::engine::Fault;
use ecom_core::id::{PaymentId, PaymentMethodId, UserId};
use ecom_core::payment::{Payment, PaymentDetail, PaymentFilter, PaymentMethod, PaymentReader, Refund, payment_id};
use ecom_core::port::{Cursor, Page, PageRequest};
use sqlx::PgPool;

use crate::postgres::fault::fault;
use crate::postgres::rows::{Moment, statements, uuids};
use crate::sql::payment as row;

statements! {
    PAYMENT = "SELECT * FROM payments WHERE id = $1 AND status <> 'barred'";
    /// In the order of ids, which begin with the time of their orders.
    OF_USER = "SELECT * FROM payments WHERE user_id = $3 AND id < $1 ORDER BY id DESC LIMIT $2";
    ALL = "SELECT * FROM payments WHERE id < $1 AND status <> 'barred' ORDER BY id DESC LIMIT $2";
    /// What ends and what begins in one commit bears one time: the end comes first.
    TRANSACTIONS = "SELECT * FROM transactions WHERE payment_id = ANY ($1) ORDER BY at, status = 'pending'";
    REFUNDS = "SELECT * FROM refunds WHERE payment_id = $1 ORDER BY created_at, id";
    WALLET = "SELECT * FROM payment_methods WHERE user_id = $1 AND NOT deleted AND (created_at, id) < ($2, $3)
        ORDER BY created_at DESC, id DESC LIMIT $4";
    METHOD = "SELECT * FROM payment_methods WHERE id = $1 AND NOT deleted";
}

/// Reads payments beside the writers.
#[derive(Clone, Debug)]
pub struct PgPaymentReader {
    pool: PgPool,
}

impl PgPaymentReader {
    /// A reader over the pool of the payment service's database.
    pub const fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    async fn one(&self, id: PaymentId, user: Option<UserId>) -> Result<Option<Payment>, sqlx::Error> {
        let row = sqlx::query(PAYMENT).bind(id.0).fetch_optional(&self.pool).await?;
        let payment = row.as_ref().map(row::payment).transpose()?;
        Ok(payment.filter(|payment| user.is_none_or(|user| payment.user_id == user)))
    }

    async fn many(&self, user: Option<UserId>, page: PageRequest) -> Result<Vec<Payment>, sqlx::Error> {
        let query = match user {
            Some(user) => sqlx::query(OF_USER).bind(page.after().id).bind(page.probe()).bind(user.0),
            None => sqlx::query(ALL).bind(page.after().id).bind(page.probe()),
        };
        query.fetch_all(&self.pool).await?.iter().map(row::payment).collect()
    }

    async fn with_transactions(&self, payments: Vec<Payment>) -> Result<Vec<PaymentDetail>, sqlx::Error> {
        if payments.is_empty() {
            return Ok(vec![]);
        }
        let ids = uuids(payments.iter().map(|payment| payment.id.0));
        let rows = sqlx::query(TRANSACTIONS).bind(ids).fetch_all(&self.pool).await?;
        row::details(payments, &rows)
    }

    async fn find(&self, id: PaymentId) -> Result<Option<PaymentDetail>, sqlx::Error> {
        let payment = self.one(id, None).await?;
        Ok(self.with_transactions(payment.into_iter().collect()).await?.into_iter().next())
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
        sqlx::query(REFUNDS).bind(payment.0).fetch_all(&self.pool).await?.iter().map(row::refund).collect()
    }

    async fn find_method(&self, id: PaymentMethodId) -> Result<Option<PaymentMethod>, sqlx::Error> {
        let row = sqlx::query(METHOD).bind(id.0).fetch_optional(&self.pool).await?;
        row.as_ref().map(row::method).transpose()
    }

    async fn wallet(&self, user: UserId, page: PageRequest) -> Result<Page<PaymentMethod>, sqlx::Error> {
        let rows = sqlx::query(WALLET)
            .bind(user.0)
            .bind(Moment(page.after().created_at))
            .bind(page.after().id)
            .bind(page.probe())
            .fetch_all(&self.pool)
            .await?;
        let methods = rows.iter().map(row::method).collect::<Result<Vec<_>, _>>()?;
        let cursor = |method: &PaymentMethod| Cursor { created_at: method.created_at, id: method.id.0 };
        Ok(Page::of(methods, page, cursor))
    }
}

#[async_trait]
impl PaymentReader for PgPaymentReader {
    async fn payment(&self, id: PaymentId) -> Result<Option<PaymentDetail>, Fault> {
        self.find(id).await.map_err(|error| fault(&error))
    }

    async fn payments(&self, filter: PaymentFilter, page: PageRequest) -> Result<Page<PaymentDetail>, Fault> {
        self.page(filter, page).await.map_err(|error| fault(&error))
    }

    async fn refunds(&self, payment: PaymentId) -> Result<Vec<Refund>, Fault> {
        self.refunds_of(payment).await.map_err(|error| fault(&error))
    }

    async fn method(&self, id: PaymentMethodId) -> Result<Option<PaymentMethod>, Fault> {
        self.find_method(id).await.map_err(|error| fault(&error))
    }

    async fn methods(&self, user: UserId, page: PageRequest) -> Result<Page<PaymentMethod>, Fault> {
        self.wallet(user, page).await.map_err(|error| fault(&error))
    }
}
