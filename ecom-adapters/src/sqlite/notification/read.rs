//! The queries that HTTP asks.

use async_trait::async_trait;
use ecom_core::engine::Fault;
use ecom_core::id::UserId;
use ecom_core::notification::{Notice, NoticeFilter, NotificationReader, Preferences};
use ecom_core::port::{Cursor, Page, PageRequest};
use sqlx::SqlitePool;

use crate::sql::notification as load;
use crate::sqlite::store::fault;

/// Reads what is committed, beside the writer.
#[derive(Clone, Debug)]
pub struct SqliteNotificationReader {
    pool: SqlitePool,
}

impl SqliteNotificationReader {
    /// Over the readers of a store.
    pub const fn new(pool: SqlitePool) -> Self {
        Self { pool }
    }

    /// One statement for each index that can serve the filter: with conditions like `?1 IS NULL OR …` none could.
    async fn list_notices(&self, filter: &NoticeFilter, page: PageRequest) -> Result<Page<Notice>, sqlx::Error> {
        let query = match (filter.order_id.is_some(), filter.user_id.is_some()) {
            (true, _) => sqlx::query(
                "SELECT * FROM notices WHERE order_id = ?4 AND (?5 IS NULL OR user_id = ?5)
                 AND (created_at, id) < (?1, ?2) ORDER BY created_at DESC, id DESC LIMIT ?3",
            ),
            (false, true) => sqlx::query(
                "SELECT * FROM notices WHERE user_id = ?5 AND ?4 IS NULL AND (created_at, id) < (?1, ?2)
                 ORDER BY created_at DESC, id DESC LIMIT ?3",
            ),
            (false, false) => sqlx::query(
                "SELECT * FROM notices WHERE (created_at, id) < (?1, ?2) AND ?4 IS NULL AND ?5 IS NULL
                 ORDER BY created_at DESC, id DESC LIMIT ?3",
            ),
        };
        let after = page.after();
        let rows = query
            .bind(after.created_at.as_micros())
            .bind(after.id.to_string())
            .bind(page.probe())
            .bind(filter.order_id.map(|id| id.to_string()))
            .bind(filter.user_id.map(|id| id.to_string()))
            .fetch_all(&self.pool)
            .await?;
        let notices = rows.iter().map(load::notice).collect::<Result<_, _>>()?;
        Ok(Page::of(notices, page, |notice: &Notice| Cursor { created_at: notice.created_at, id: notice.id.0 }))
    }

    async fn find_preferences(&self, user_id: UserId) -> Result<Preferences, sqlx::Error> {
        let row = sqlx::query("SELECT * FROM preferences WHERE user_id = ?1")
            .bind(user_id.to_string())
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map_or_else(|| Ok(Preferences::untouched(user_id)), load::preferences)
    }
}

#[async_trait]
impl NotificationReader for SqliteNotificationReader {
    async fn list(&self, filter: &NoticeFilter, page: PageRequest) -> Result<Page<Notice>, Fault> {
        self.list_notices(filter, page).await.map_err(|error| fault(&error))
    }

    async fn preferences(&self, user_id: UserId) -> Result<Preferences, Fault> {
        self.find_preferences(user_id).await.map_err(|error| fault(&error))
    }
}
