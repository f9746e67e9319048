//! The queries that HTTP asks.

use async_trait::async_trait;
use ecom_core::engine::{Fault, HistoryRow};
use ecom_core::id::{OrderId, ProductId};
use ecom_core::order::{CatalogueEntry, Order, OrderFilter, OrderReader, SagaFilter, Status};
use ecom_core::port::{Cursor, Page, PageRequest};
use sqlx::PgPool;
use uuid::Uuid;

use super::row;
use crate::postgres::fault::fault;
use crate::postgres::rows::{Moment, statements, uuids};
use crate::sql::order as row_of;
use crate::sql::paging::before;

statements! {
    ORDERS = row::orders!("WHERE o.id = ANY ($1)");
    /// One index for each list: of a user, of all, of those under way, of those that an operator must look at.
    OF_USER = row::orders!(
        "WHERE o.user_id = $5 AND (o.created_at, o.id) < ($1, $2) AND ($4::TEXT IS NULL OR o.status = $4)
         ORDER BY o.created_at DESC, o.id DESC LIMIT $3"
    );
    OF_ALL = row::orders!(
        "WHERE (o.created_at, o.id) < ($1, $2) AND ($4::TEXT IS NULL OR o.status = $4)
         ORDER BY o.created_at DESC, o.id DESC LIMIT $3"
    );
    UNSETTLED = row::orders!(
        "WHERE NOT o.settled AND (o.created_at, o.id) < ($1, $2) AND ($4::TEXT IS NULL OR o.status = $4)
         ORDER BY o.created_at DESC, o.id DESC LIMIT $3"
    );
    NEEDING_ATTENTION = row::orders!(
        "WHERE o.attention IS NOT NULL AND (o.created_at, o.id) < ($1, $2) AND ($4::TEXT IS NULL OR o.status = $4)
         ORDER BY o.created_at DESC, o.id DESC LIMIT $3"
    );
    NEEDING_ATTENTION_UNSETTLED = row::orders!(
        "WHERE o.attention IS NOT NULL AND NOT o.settled AND (o.created_at, o.id) < ($1, $2)
           AND ($4::TEXT IS NULL OR o.status = $4)
         ORDER BY o.created_at DESC, o.id DESC LIMIT $3"
    );
    TIMELINE = "SELECT subject, at, message_id, causation_id, event, from_state, to_state, detail
        FROM history WHERE subject = $1 ORDER BY seq";
    CATALOGUE_ENTRY = row::catalogue!("WHERE product_id = $1");
}

/// Reads orders beside the writers.
#[derive(Clone, Debug)]
pub struct PgOrderReader {
    pool: PgPool,
}

impl PgOrderReader {
    /// Over the readers of the order service's database.
    pub const fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    /// Whole orders of a query whose parameters are cursor time, cursor id, limit, state and, if it has one, a user.
    async fn list(
        &self,
        query: &'static str,
        page: PageRequest,
        status: Option<Status>,
        user: Option<Uuid>,
    ) -> Result<Page<Order>, sqlx::Error> {
        let after = page.after();
        let query = sqlx::query(query)
            .bind(Moment(after.created_at))
            .bind(after.id)
            .bind(page.probe())
            .bind(status.map(Status::as_str));
        let query = match user {
            Some(user) => query.bind(user),
            None => query,
        };
        let rows = query.fetch_all(&self.pool).await?;
        let orders: Vec<Order> = rows.iter().map(row_of::order).collect::<Result<_, _>>()?;
        Ok(Page::of(orders, page, |order| Cursor { created_at: order.created_at, id: order.id.0 }))
    }

    async fn find_orders(&self, ids: &[OrderId]) -> Result<Vec<Order>, sqlx::Error> {
        let rows = sqlx::query(ORDERS).bind(uuids(ids.iter().map(|id| id.0))).fetch_all(&self.pool).await?;
        rows.iter().map(row_of::order).collect()
    }

    async fn find_timeline(&self, id: OrderId) -> Result<Vec<HistoryRow>, sqlx::Error> {
        let rows = sqlx::query(TIMELINE).bind(id.0).fetch_all(&self.pool).await?;
        rows.iter().map(row_of::history).collect()
    }

    async fn find_entry(&self, id: ProductId) -> Result<Option<CatalogueEntry>, sqlx::Error> {
        let row = sqlx::query(CATALOGUE_ENTRY).bind(id.0).fetch_optional(&self.pool).await?;
        row.as_ref().map(row_of::catalogue_entry).transpose()
    }
}

#[async_trait]
impl OrderReader for PgOrderReader {
    async fn orders_by_id(&self, ids: &[OrderId]) -> Result<Vec<Order>, Fault> {
        self.find_orders(ids).await.map_err(|error| fault(&error))
    }

    async fn orders(&self, filter: OrderFilter, page: PageRequest) -> Result<Page<Order>, Fault> {
        let query = match (filter.user_id, filter.status) {
            (Some(_), _) => OF_USER,
            // Orders under way are few among many, and they have an index of their own.
            (None, Some(status)) if !status.is_terminal() => UNSETTLED,
            (None, _) => OF_ALL,
        };
        let user = filter.user_id.map(|id| id.0);
        self.list(query, page, filter.status, user).await.map_err(|error| fault(&error))
    }

    async fn timeline(&self, id: OrderId) -> Result<Vec<HistoryRow>, Fault> {
        self.find_timeline(id).await.map_err(|error| fault(&error))
    }

    async fn catalogue_entry(&self, id: ProductId) -> Result<Option<CatalogueEntry>, Fault> {
        self.find_entry(id).await.map_err(|error| fault(&error))
    }

    async fn sagas(&self, filter: SagaFilter, page: PageRequest) -> Result<Page<Order>, Fault> {
        let running = filter.status.is_some_and(|status| !status.is_terminal());
        let query = match (filter.needs_attention, filter.unsettled || running) {
            (true, _) if filter.unsettled => NEEDING_ATTENTION_UNSETTLED,
            (true, _) => NEEDING_ATTENTION,
            (false, true) => UNSETTLED,
            (false, false) => OF_ALL,
        };
        let page = before(page, filter.placed_before);
        self.list(query, page, filter.status, None).await.map_err(|error| fault(&error))
    }
}
