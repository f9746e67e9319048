//! The queries that HTTP asks.

use async_trait::async_trait;
use ecom_core::engine::Fault;
use ecom_core::id::UserId;
use ecom_core::notification::{Notice, NoticeFilter, NotificationReader, Preferences};
use ecom_core::port::{Cursor, Page, PageRequest};
use sqlx::PgPool;

use crate::postgres::fault::fault;
use crate::postgres::rows::{Moment, statements};
use crate::sql::notification as load;

statements! {
    /// One statement for each index that can serve the filter.
    OF_ORDER = "SELECT * FROM notices WHERE order_id = $4 AND ($5::UUID IS NULL OR user_id = $5)
        AND (created_at, id) < ($1, $2) ORDER BY created_at DESC, id DESC LIMIT $3";
    OF_USER = "SELECT * FROM notices WHERE user_id = $4 AND (created_at, id) < ($1, $2)
        ORDER BY created_at DESC, id DESC LIMIT $3";
    ALL = "SELECT * FROM notices WHERE (created_at, id) < ($1, $2) ORDER BY created_at DESC, id DESC LIMIT $3";
    PREFERENCES = "SELECT * FROM preferences WHERE user_id = $1";
}

/// Reads what is committed, beside the writers.
#[derive(Clone, Debug)]
pub struct PgNotificationReader {
    pool: PgPool,
}

impl PgNotificationReader {
    /// Over the readers of a store.
    pub const fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    async fn list_notices(&self, filter: &NoticeFilter, page: PageRequest) -> Result<Page<Notice>, sqlx::Error> {
        let (order, user) = (filter.order_id.map(|id| id.0), filter.user_id.map(|id| id.0));
        let after = page.after();
        let begin = |statement: &'static str| {
            sqlx::query(statement).bind(Moment(after.created_at)).bind(after.id).bind(page.probe())
        };
        let query = match (order, user) {
            (Some(order), user) => begin(OF_ORDER).bind(order).bind(user),
            (None, Some(user)) => begin(OF_USER).bind(user),
            (None, None) => begin(ALL),
        };
        let rows = query.fetch_all(&self.pool).await?;
        let notices = rows.iter().map(load::notice).collect::<Result<_, _>>()?;
        Ok(Page::of(notices, page, |notice: &Notice| Cursor { created_at: notice.created_at, id: notice.id.0 }))
    }

    async fn find_preferences(&self, user_id: UserId) -> Result<Preferences, sqlx::Error> {
        let row = sqlx::query(PREFERENCES).bind(user_id.0).fetch_optional(&self.pool).await?;
        row.as_ref().map_or_else(|| Ok(Preferences::untouched(user_id)), load::preferences)
    }
}

#[async_trait]
impl NotificationReader for PgNotificationReader {
    async fn list(&self, filter: &NoticeFilter, page: PageRequest) -> Result<Page<Notice>, Fault> {
        self.list_notices(filter, page).await.map_err(|error| fault(&error))
    }

    async fn preferences(&self, user_id: UserId) -> Result<Preferences, Fault> {
        self.find_preferences(user_id).await.map_err(|error| fault(&error))
    }
}
