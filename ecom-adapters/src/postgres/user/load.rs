//! Loads the rows that a batch needs.

use ecom_core::email::Email;
use ecom_core::user::{PasswordReset, RESETS_MAX, Session, User, UserScope, UserSnapshot};
use sqlx::PgConnection;

use crate::postgres::rows::{statements, uuids};
use crate::sql::user::{reset, session, user};

statements! {
    /// By id, by address, those of the sessions and resets in scope, and all active administrators where their number
    /// counts: of two that would remove each other, the second waits and then counts anew.
    USERS = "
        SELECT * FROM users WHERE id IN (
            SELECT unnest($1::UUID[])
            UNION SELECT id FROM users WHERE email = ANY ($2)
            UNION SELECT user_id FROM sessions WHERE id = ANY ($3)
            UNION SELECT user_id FROM password_resets WHERE token_hash = ANY ($4)
            UNION SELECT id FROM users WHERE $5 AND role = 'admin' AND is_active)
        ORDER BY id FOR UPDATE";
    SESSIONS = "SELECT * FROM sessions WHERE id = ANY ($1) ORDER BY id FOR UPDATE";
    /// By token, and the newest of the users in question.
    RESETS = "
        SELECT * FROM password_resets WHERE token_hash IN (
            SELECT unnest($1::TEXT[])
            UNION SELECT newest.token_hash FROM users CROSS JOIN LATERAL (
                SELECT token_hash FROM password_resets AS r WHERE r.user_id = users.id
                ORDER BY r.requested_at DESC LIMIT $3
            ) AS newest WHERE users.email = ANY ($2))
        ORDER BY token_hash FOR UPDATE";
}

pub(super) async fn snapshot(connection: &mut PgConnection, scope: &UserScope) -> Result<UserSnapshot, sqlx::Error> {
    let users = users(connection, scope).await?;
    let sessions = sessions(connection, scope).await?;
    let resets = resets(connection, scope).await?;
    let admins = users.iter().filter(|user| user.is_active_admin()).count();
    let active_admins = if scope.active_admins { admins as u64 } else { 0 };
    Ok(UserSnapshot::new(users, sessions, resets, active_admins))
}

fn texts<T: ToString>(keys: impl IntoIterator<Item = T>) -> Vec<String> {
    keys.into_iter().map(|key| key.to_string()).collect()
}

async fn users(connection: &mut PgConnection, scope: &UserScope) -> Result<Vec<User>, sqlx::Error> {
    let rows = sqlx::query(USERS)
        .bind(uuids(scope.users.iter().map(|id| id.0)))
        .bind(texts(scope.emails.iter().map(Email::as_str)))
        .bind(uuids(scope.sessions.iter().map(|id| id.0)))
        .bind(texts(&scope.resets))
        .bind(scope.active_admins)
        .fetch_all(connection)
        .await?;
    rows.iter().map(user).collect()
}

async fn sessions(connection: &mut PgConnection, scope: &UserScope) -> Result<Vec<Session>, sqlx::Error> {
    if scope.sessions.is_empty() {
        return Ok(vec![]);
    }
    let ids = uuids(scope.sessions.iter().map(|id| id.0));
    let rows = sqlx::query(SESSIONS).bind(ids).fetch_all(connection).await?;
    rows.iter().map(session).collect()
}

async fn resets(connection: &mut PgConnection, scope: &UserScope) -> Result<Vec<PasswordReset>, sqlx::Error> {
    if scope.resets.is_empty() && scope.resets_of.is_empty() {
        return Ok(vec![]);
    }
    let rows = sqlx::query(RESETS)
        .bind(texts(&scope.resets))
        .bind(texts(scope.resets_of.iter().map(Email::as_str)))
        .bind(RESETS_MAX as i64)
        .fetch_all(connection)
        .await?;
    rows.iter().map(reset).collect()
}
