//! Loads the rows that a batch needs.

use ecom_core::user::{PasswordReset, RESETS_MAX, Session, User, UserScope, UserSnapshot};
use sqlx::SqliteConnection;

use crate::sql::user::{reset, session, user};
use crate::sqlite::rows::text_list;

pub(super) async fn snapshot(
    connection: &mut SqliteConnection,
    scope: &UserScope,
) -> Result<UserSnapshot, sqlx::Error> {
    let users = users(connection, scope).await?;
    let sessions = sessions(connection, scope).await?;
    let resets = resets(connection, scope).await?;
    let active_admins = if scope.active_admins { active_admins(connection).await? } else { 0 };
    Ok(UserSnapshot::new(users, sessions, resets, active_admins))
}

/// Users by id, by address, and those of the sessions and resets in scope.
async fn users(connection: &mut SqliteConnection, scope: &UserScope) -> Result<Vec<User>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT * FROM users WHERE id IN (
            SELECT value FROM json_each(?1)
            UNION SELECT id FROM users WHERE email IN (SELECT value FROM json_each(?2))
            UNION SELECT user_id FROM sessions WHERE id IN (SELECT value FROM json_each(?3))
            UNION SELECT user_id FROM password_resets WHERE token_hash IN (SELECT value FROM json_each(?4)))",
    )
    .bind(text_list(&scope.users))
    .bind(text_list(&scope.emails))
    .bind(text_list(&scope.sessions))
    .bind(text_list(&scope.resets))
    .fetch_all(&mut *connection)
    .await?;
    rows.iter().map(user).collect()
}

async fn sessions(connection: &mut SqliteConnection, scope: &UserScope) -> Result<Vec<Session>, sqlx::Error> {
    if scope.sessions.is_empty() {
        return Ok(vec![]);
    }
    let rows = sqlx::query("SELECT * FROM sessions WHERE id IN (SELECT value FROM json_each(?1))")
        .bind(text_list(&scope.sessions))
        .fetch_all(&mut *connection)
        .await?;
    rows.iter().map(session).collect()
}

/// Resets by token, and the newest of the users in question.
async fn resets(connection: &mut SqliteConnection, scope: &UserScope) -> Result<Vec<PasswordReset>, sqlx::Error> {
    if scope.resets.is_empty() && scope.resets_of.is_empty() {
        return Ok(vec![]);
    }
    let rows = sqlx::query(
        "SELECT * FROM password_resets WHERE token_hash IN (
            SELECT value FROM json_each(?1)
            UNION SELECT token_hash FROM (
                SELECT token_hash, row_number() OVER (PARTITION BY user_id ORDER BY requested_at DESC) AS age
                FROM password_resets
                WHERE user_id IN (SELECT id FROM users WHERE email IN (SELECT value FROM json_each(?2)))
            ) WHERE age <= ?3)",
    )
    .bind(text_list(&scope.resets))
    .bind(text_list(&scope.resets_of))
    .bind(RESETS_MAX as i64)
    .fetch_all(&mut *connection)
    .await?;
    rows.iter().map(reset).collect()
}

async fn active_admins(connection: &mut SqliteConnection) -> Result<u64, sqlx::Error> {
    sqlx::query_scalar::<_, i64>("SELECT count(*) FROM users WHERE role = 'admin' AND is_active = 1")
        .fetch_one(&mut *connection)
        .await
        .map(i64::cast_unsigned)
}
