//! From rows to users, sessions and resets.

use ecom_core::email::Email;
use ecom_core::id::{SessionId, UserId};
use ecom_core::secret::PasswordHash;
use ecom_core::time::Timestamp;
use ecom_core::user::{
    EndCause, PasswordReset, RESETS_MAX, Rotation, Session, SessionState, User, UserScope, UserSnapshot,
};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use crate::sql::Inconsistent;
use crate::sqlite::rows::{column, parse, text_list};

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

pub(super) fn user(row: &SqliteRow) -> Result<User, sqlx::Error> {
    let email: &str = row.try_get("email")?;
    Ok(User {
        id: parse(row, "id")?,
        email: Email::parse(email).map_err(|_| Inconsistent { column: "email", value: email.to_owned() })?,
        first_name: parse(row, "first_name")?,
        last_name: parse(row, "last_name")?,
        role: parse(row, "role")?,
        is_active: column(row, "is_active")?,
        password_hash: PasswordHash::new(column(row, "password_hash")?),
        epoch: number(row, "epoch")?,
        created_at: time(row, "created_at")?,
        updated_at: time(row, "updated_at")?,
        version: number(row, "version")?,
    })
}

pub(super) fn session(row: &SqliteRow) -> Result<Session, sqlx::Error> {
    Ok(Session {
        id: parse::<SessionId>(row, "id")?,
        user_id: parse::<UserId>(row, "user_id")?,
        epoch: number(row, "epoch")?,
        state: session_state(row)?,
        created_at: time(row, "created_at")?,
        expires_at: time(row, "expires_at")?,
        version: number(row, "version")?,
    })
}

fn session_state(row: &SqliteRow) -> Result<SessionState, sqlx::Error> {
    let state: &str = row.try_get("state")?;
    match state {
        "open" => {
            let rotation = match optional_time(row, "rotated_at")? {
                Some(at) => Some(Rotation { previous: parse(row, "previous_hash")?, at }),
                None => None,
            };
            Ok(SessionState::Open { current: parse(row, "current_hash")?, rotation })
        }
        "ended" => {
            let cause: &str = row.try_get("ended_because")?;
            let cause =
                EndCause::parse(cause).ok_or(Inconsistent { column: "ended_because", value: cause.to_owned() })?;
            Ok(SessionState::Ended { at: time(row, "ended_at")?, cause })
        }
        other => Err(Inconsistent { column: "state", value: other.to_owned() }.into()),
    }
}

pub(super) fn reset(row: &SqliteRow) -> Result<PasswordReset, sqlx::Error> {
    Ok(PasswordReset {
        token_hash: parse(row, "token_hash")?,
        user_id: parse::<UserId>(row, "user_id")?,
        epoch: number(row, "epoch")?,
        requested_at: time(row, "requested_at")?,
        expires_at: time(row, "expires_at")?,
        used_at: optional_time(row, "used_at")?,
        version: number(row, "version")?,
    })
}

fn number(row: &SqliteRow, name: &'static str) -> Result<u64, sqlx::Error> {
    let number: i64 = column(row, name)?;
    u64::try_from(number).map_err(|_| Inconsistent { column: name, value: number.to_string() }.into())
}

fn time(row: &SqliteRow, name: &'static str) -> Result<Timestamp, sqlx::Error> {
    column(row, name).map(Timestamp::from_micros)
}

fn optional_time(row: &SqliteRow, name: &'static str) -> Result<Option<Timestamp>, sqlx::Error> {
    column::<Option<i64>>(row, name).map(|micros| micros.map(Timestamp::from_micros))
}
