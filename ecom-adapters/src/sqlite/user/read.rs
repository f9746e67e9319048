//! The queries of the user context.

use async_trait::async_trait;
use ecom_core::email::Email;
use ecom_core::engine::Fault;
use ecom_core::id::{SessionId, UserId};
use ecom_core::port::{Page, PageRequest};
use ecom_core::secret::TokenHash;
use ecom_core::user::{PasswordReset, Role, Session, User, UserFilter, UserReader};
use sqlx::SqlitePool;

use crate::sql::user as load;
use crate::sql::user::{cursor, fits};
use crate::sqlite::store::fault;

/// Reads users from the readers' pool of their database.
#[derive(Clone, Debug)]
pub struct SqliteUserReader {
    pool: SqlitePool,
}

impl SqliteUserReader {
    /// On the pool of the user database.
    pub const fn new(pool: SqlitePool) -> Self {
        Self { pool }
    }

    async fn find_user(&self, id: UserId) -> Result<Option<User>, sqlx::Error> {
        let row =
            sqlx::query("SELECT * FROM users WHERE id = ?1").bind(id.to_string()).fetch_optional(&self.pool).await?;
        row.as_ref().map(load::user).transpose()
    }

    async fn find_by_email(&self, email: &Email) -> Result<Option<User>, sqlx::Error> {
        let row =
            sqlx::query("SELECT * FROM users WHERE email = ?1").bind(email.as_str()).fetch_optional(&self.pool).await?;
        row.as_ref().map(load::user).transpose()
    }

    async fn find_session(&self, id: SessionId) -> Result<Option<(Session, User)>, sqlx::Error> {
        let row =
            sqlx::query("SELECT * FROM sessions WHERE id = ?1").bind(id.to_string()).fetch_optional(&self.pool).await?;
        let Some(session) = row.as_ref().map(load::session).transpose()? else { return Ok(None) };
        // The user is read after the session, so a session is never taken for live by an older state of its user.
        Ok(self.find_user(session.user_id).await?.map(|user| (session, user)))
    }

    async fn find_reset(&self, token: &TokenHash) -> Result<Option<(PasswordReset, User)>, sqlx::Error> {
        let row = sqlx::query("SELECT * FROM password_resets WHERE token_hash = ?1")
            .bind(token.to_string())
            .fetch_optional(&self.pool)
            .await?;
        let Some(reset) = row.as_ref().map(load::reset).transpose()? else { return Ok(None) };
        Ok(self.find_user(reset.user_id).await?.map(|user| (reset, user)))
    }

    async fn find_page(&self, filter: &UserFilter, page: PageRequest) -> Result<Vec<User>, sqlx::Error> {
        let after = page.after();
        let rows = sqlx::query(
            "SELECT * FROM users
            WHERE (created_at, id) < (?1, ?2) AND (?3 IS NULL OR role = ?3) AND (?4 IS NULL OR is_active = ?4)
            ORDER BY created_at DESC, id DESC LIMIT ?5",
        )
        .bind(after.created_at.as_micros())
        .bind(after.id.to_string())
        .bind(filter.role.map(Role::as_str))
        .bind(filter.is_active)
        .bind(page.probe())
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(load::user).collect()
    }

    /// An address has one owner at most: no list to walk, only the other conditions to check.
    async fn find_page_of(
        &self,
        email: &Email,
        filter: &UserFilter,
        page: PageRequest,
    ) -> Result<Vec<User>, sqlx::Error> {
        Ok(self.find_by_email(email).await?.into_iter().filter(|user| fits(user, filter, page)).collect())
    }
}

#[async_trait]
impl UserReader for SqliteUserReader {
    async fn user(&self, id: UserId) -> Result<Option<User>, Fault> {
        self.find_user(id).await.map_err(|error| fault(&error))
    }

    async fn by_email(&self, email: &Email) -> Result<Option<User>, Fault> {
        self.find_by_email(email).await.map_err(|error| fault(&error))
    }

    async fn session(&self, id: SessionId) -> Result<Option<(Session, User)>, Fault> {
        self.find_session(id).await.map_err(|error| fault(&error))
    }

    async fn reset(&self, token: &TokenHash) -> Result<Option<(PasswordReset, User)>, Fault> {
        self.find_reset(token).await.map_err(|error| fault(&error))
    }

    async fn list(&self, filter: &UserFilter, page: PageRequest) -> Result<Page<User>, Fault> {
        let rows = match &filter.email {
            Some(email) => self.find_page_of(email, filter, page).await,
            None => self.find_page(filter, page).await,
        };
        rows.map(|rows| Page::of(rows, page, cursor)).map_err(|error| fault(&error))
    }
}
