//! The queries that HTTP asks.

use async_trait::async_trait;
use ecom_core::engine::{Fault, HistoryRow};
use ecom_core::id::{OrderId, ProductId};
use ecom_core::order::{CatalogueEntry, Order, OrderFilter, OrderReader, SagaFilter, Status};
use ecom_core::port::{Cursor, Page, PageRequest};
use sqlx::SqlitePool;

use super::row;
use crate::sql::order as row_of;
use crate::sql::paging::before;
use crate::sqlite::rows::text_list;
use crate::sqlite::store::fault;

/// Reads orders beside the writer.
#[derive(Clone, Debug)]
pub struct SqliteOrderReader {
    pool: SqlitePool,
}

impl SqliteOrderReader {
    /// Over the readers of the order service's database.
    pub const fn new(pool: SqlitePool) -> Self {
        Self { pool }
    }

    /// Whole orders of a query whose parameters are cursor time, cursor id, limit, state and one of its own.
    async fn list(
        &self,
        query: &'static str,
        page: PageRequest,
        status: Option<Status>,
        extra: Option<String>,
    ) -> Result<Page<Order>, Fault> {
        let after = page.after();
        let rows = sqlx::query(query)
            .bind(after.created_at.as_micros())
            .bind(after.id.to_string())
            .bind(page.probe())
            .bind(status.map(Status::as_str))
            .bind(extra)
            .fetch_all(&self.pool)
            .await
            .map_err(|error| fault(&error))?;
        let orders: Vec<Order> =
            rows.iter().map(row_of::order).collect::<Result<_, _>>().map_err(|error| fault(&error))?;
        Ok(Page::of(orders, page, |order| Cursor { created_at: order.created_at, id: order.id.0 }))
    }
}

/// One index for each: of a user, of all, of those under way.
const OF_USER: &str = row::orders!(
    "WHERE o.user_id = ?5 AND (o.created_at, o.id) < (?1, ?2) AND (?4 IS NULL OR o.status = ?4)
     ORDER BY o.created_at DESC, o.id DESC LIMIT ?3"
);
const OF_ALL: &str = row::orders!(
    "WHERE (o.created_at, o.id) < (?1, ?2) AND (?4 IS NULL OR o.status = ?4) AND ?5 IS NULL
     ORDER BY o.created_at DESC, o.id DESC LIMIT ?3"
);
const UNSETTLED: &str = row::orders!(
    "WHERE o.settled = 0 AND (o.created_at, o.id) < (?1, ?2) AND (?4 IS NULL OR o.status = ?4) AND ?5 IS NULL
     ORDER BY o.created_at DESC, o.id DESC LIMIT ?3"
);
const NEEDING_ATTENTION: &str = row::orders!(
    "WHERE o.attention IS NOT NULL AND (o.created_at, o.id) < (?1, ?2) AND (?4 IS NULL OR o.status = ?4)
       AND (?5 IS NULL OR o.settled = 0)
     ORDER BY o.created_at DESC, o.id DESC LIMIT ?3"
);

/// Each list with the index that it must use.
#[cfg(test)]
pub(super) const QUERIES: &[(&str, &str)] = &[
    (OF_USER, "orders_of_user"),
    (OF_ALL, "orders_by_age"),
    (UNSETTLED, "orders_unsettled"),
    (NEEDING_ATTENTION, "orders_attention"),
];

#[async_trait]
impl OrderReader for SqliteOrderReader {
    async fn orders_by_id(&self, ids: &[OrderId]) -> Result<Vec<Order>, Fault> {
        let rows = sqlx::query(row::orders!("WHERE o.id IN (SELECT value FROM json_each(?1))"))
            .bind(text_list(ids))
            .fetch_all(&self.pool)
            .await
            .map_err(|error| fault(&error))?;
        rows.iter().map(row_of::order).collect::<Result<_, _>>().map_err(|error| fault(&error))
    }

    async fn orders(&self, filter: OrderFilter, page: PageRequest) -> Result<Page<Order>, Fault> {
        let query = match (filter.user_id, filter.status) {
            (Some(_), _) => OF_USER,
            // Orders under way are few among many, and they have an index of their own.
            (None, Some(status)) if !status.is_terminal() => UNSETTLED,
            (None, _) => OF_ALL,
        };
        self.list(query, page, filter.status, filter.user_id.map(|id| id.to_string())).await
    }

    async fn timeline(&self, id: OrderId) -> Result<Vec<HistoryRow>, Fault> {
        let rows = sqlx::query(
            "SELECT subject, at, message_id, causation_id, event, from_state, to_state, detail
             FROM history WHERE subject = ?1 ORDER BY seq",
        )
        .bind(id.to_string())
        .fetch_all(&self.pool)
        .await
        .map_err(|error| fault(&error))?;
        rows.iter().map(row_of::history).collect::<Result<_, _>>().map_err(|error| fault(&error))
    }

    async fn catalogue_entry(&self, id: ProductId) -> Result<Option<CatalogueEntry>, Fault> {
        let row = sqlx::query(row::catalogue!("WHERE product_id = ?1"))
            .bind(id.to_string())
            .fetch_optional(&self.pool)
            .await
            .map_err(|error| fault(&error))?;
        row.as_ref().map(row_of::catalogue_entry).transpose().map_err(|error| fault(&error))
    }

    async fn sagas(&self, filter: SagaFilter, page: PageRequest) -> Result<Page<Order>, Fault> {
        let running = filter.status.is_some_and(|status| !status.is_terminal());
        let (query, extra) = if filter.needs_attention {
            (NEEDING_ATTENTION, filter.unsettled.then(|| "unsettled".to_owned()))
        } else if filter.unsettled || running {
            (UNSETTLED, None)
        } else {
            (OF_ALL, None)
        };
        self.list(query, before(page, filter.placed_before), filter.status, extra).await
    }
}
