//! From changes to rows: one statement for each kind and whether it is new.

use ecom_core::time::Timestamp;
use ecom_core::user::{Change, PasswordReset, User};
use sqlx::PgConnection;

use crate::postgres::fault::expect_rows;
use crate::postgres::rows::{Moment, column, statements};
use crate::sql::latest::{Latest, Written};
use crate::sql::user::{SWEEP_MAX, SessionRow};

statements! {
    INSERT_USERS = "
        INSERT INTO users (id, first_name, last_name, role, is_active, password_hash, epoch, updated_at, version, email,
                           created_at)
        SELECT id, first_name, last_name, role, is_active, password_hash, epoch, updated_at, version, email, created_at
        FROM unnest($1::UUID[], $2::TEXT[], $3::TEXT[], $4::TEXT[], $5::BOOLEAN[], $6::TEXT[], $7::BIGINT[],
                    $8::TIMESTAMPTZ[], $9::BIGINT[], $10::TEXT[], $11::TIMESTAMPTZ[])
            AS new (id, first_name, last_name, role, is_active, password_hash, epoch, updated_at, version, email,
                    created_at)";
    UPDATE_USERS = "
        UPDATE users SET first_name = new.first_name, last_name = new.last_name, role = new.role,
               is_active = new.is_active, password_hash = new.password_hash, epoch = new.epoch,
               updated_at = new.updated_at, version = new.version
        FROM unnest($1::UUID[], $2::TEXT[], $3::TEXT[], $4::TEXT[], $5::BOOLEAN[], $6::TEXT[], $7::BIGINT[],
                    $8::TIMESTAMPTZ[], $9::BIGINT[], $10::BIGINT[])
            AS new (id, first_name, last_name, role, is_active, password_hash, epoch, updated_at, version, base)
        WHERE users.id = new.id AND users.version = new.base";
    INSERT_SESSIONS = "
        INSERT INTO sessions (id, epoch, state, current_hash, previous_hash, rotated_at, ended_at, ended_because, version,
                              user_id, created_at, expires_at)
        SELECT id, epoch, state, current_hash, previous_hash, rotated_at, ended_at, ended_because, version, user_id,
               created_at, expires_at
        FROM unnest($1::UUID[], $2::BIGINT[], $3::TEXT[], $4::TEXT[], $5::TEXT[], $6::TIMESTAMPTZ[],
                    $7::TIMESTAMPTZ[], $8::TEXT[], $9::BIGINT[], $10::UUID[], $11::TIMESTAMPTZ[], $12::TIMESTAMPTZ[])
            AS new (id, epoch, state, current_hash, previous_hash, rotated_at, ended_at, ended_because, version,
                    user_id, created_at, expires_at)";
    UPDATE_SESSIONS = "
        UPDATE sessions SET epoch = new.epoch, state = new.state, current_hash = new.current_hash,
               previous_hash = new.previous_hash, rotated_at = new.rotated_at, ended_at = new.ended_at,
               ended_because = new.ended_because, version = new.version
        FROM unnest($1::UUID[], $2::BIGINT[], $3::TEXT[], $4::TEXT[], $5::TEXT[], $6::TIMESTAMPTZ[],
                    $7::TIMESTAMPTZ[], $8::TEXT[], $9::BIGINT[], $10::BIGINT[])
            AS new (id, epoch, state, current_hash, previous_hash, rotated_at, ended_at, ended_because, version, base)
        WHERE sessions.id = new.id AND sessions.version = new.base";
    INSERT_RESETS = "
        INSERT INTO password_resets (token_hash, used_at, version, user_id, epoch, requested_at, expires_at)
        SELECT token_hash, used_at, version, user_id, epoch, requested_at, expires_at
        FROM unnest($1::TEXT[], $2::TIMESTAMPTZ[], $3::BIGINT[], $4::UUID[], $5::BIGINT[], $6::TIMESTAMPTZ[],
                    $7::TIMESTAMPTZ[])
            AS new (token_hash, used_at, version, user_id, epoch, requested_at, expires_at)";
    UPDATE_RESETS = "
        UPDATE password_resets SET used_at = new.used_at, version = new.version
        FROM unnest($1::TEXT[], $2::TIMESTAMPTZ[], $3::BIGINT[], $4::BIGINT[]) AS new (token_hash, used_at, version, base)
        WHERE password_resets.token_hash = new.token_hash AND password_resets.version = new.base";
    /// What another copy is clearing away is left to it.
    SWEEP_SESSIONS = "DELETE FROM sessions WHERE id = ANY (ARRAY(
        SELECT id FROM sessions WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED))";
    SWEEP_RESETS = "DELETE FROM password_resets WHERE token_hash = ANY (ARRAY(
        SELECT token_hash FROM password_resets WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2
        FOR UPDATE SKIP LOCKED))";
}

pub(super) async fn changes(connection: &mut PgConnection, changes: &[Change]) -> Result<(), sqlx::Error> {
    let (mut users, mut sessions, mut resets) = (Latest::new(), Latest::new(), Latest::new());
    for change in changes {
        match change {
            Change::PutUser(user) => users.put(user.id, user.version, user),
            Change::PutSession(session) => sessions.put(session.id, session.version, session),
            Change::PutReset(reset) => resets.put(reset.token_hash, reset.version, reset),
        }
    }
    put_users(connection, users.split()).await?;
    let (new, changed) = sessions.split();
    let opened = new.iter().map(|new| new.row.created_at).max();
    let rows = |written: &[Written<'_, _>]| column(written, |written| (written.base, SessionRow::from(written.row)));
    put_sessions(connection, INSERT_SESSIONS, rows(&new)).await?;
    put_sessions(connection, UPDATE_SESSIONS, rows(&changed)).await?;
    let (new, changed) = resets.split();
    let requested = new.iter().map(|new| new.row.requested_at).max();
    put_resets(connection, INSERT_RESETS, new).await?;
    put_resets(connection, UPDATE_RESETS, changed).await?;
    sweep(connection, opened, requested).await
}

async fn put_users(
    connection: &mut PgConnection,
    (new, changed): (Vec<Written<'_, User>>, Vec<Written<'_, User>>),
) -> Result<(), sqlx::Error> {
    for (statement, rows) in [(INSERT_USERS, new), (UPDATE_USERS, changed)] {
        if rows.is_empty() {
            continue;
        }
        let query = sqlx::query(statement)
            .bind(column(&rows, |new| new.row.id.0))
            .bind(column(&rows, |new| new.row.first_name.as_str()))
            .bind(column(&rows, |new| new.row.last_name.as_str()))
            .bind(column(&rows, |new| new.row.role.as_str()))
            .bind(column(&rows, |new| new.row.is_active))
            .bind(column(&rows, |new| new.row.password_hash.as_str()))
            .bind(column(&rows, |new| new.row.epoch.cast_signed()))
            .bind(column(&rows, |new| Moment(new.row.updated_at)))
            .bind(column(&rows, |new| new.row.version.cast_signed()));
        let query = if statement == INSERT_USERS {
            query
                .bind(column(&rows, |new| new.row.email.as_str()))
                .bind(column(&rows, |new| Moment(new.row.created_at)))
        } else {
            query.bind(column(&rows, |new| new.base.cast_signed()))
        };
        expect_rows(&query.execute(&mut *connection).await?, rows.len(), "users")?;
    }
    Ok(())
}

async fn put_sessions(
    connection: &mut PgConnection,
    statement: &'static str,
    rows: Vec<(u64, SessionRow)>,
) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let query = sqlx::query(statement)
        .bind(column(&rows, |(_, row)| row.id.0))
        .bind(column(&rows, |(_, row)| row.epoch.cast_signed()))
        .bind(column(&rows, |(_, row)| row.state))
        .bind(column(&rows, |(_, row)| row.current_hash.as_deref()))
        .bind(column(&rows, |(_, row)| row.previous_hash.as_deref()))
        .bind(column(&rows, |(_, row)| row.rotated_at.map(Moment)))
        .bind(column(&rows, |(_, row)| row.ended_at.map(Moment)))
        .bind(column(&rows, |(_, row)| row.ended_because))
        .bind(column(&rows, |(_, row)| row.version.cast_signed()));
    let query = if statement == INSERT_SESSIONS {
        query
            .bind(column(&rows, |(_, row)| row.user_id.0))
            .bind(column(&rows, |(_, row)| Moment(row.created_at)))
            .bind(column(&rows, |(_, row)| Moment(row.expires_at)))
    } else {
        query.bind(column(&rows, |(base, _)| base.cast_signed()))
    };
    expect_rows(&query.execute(connection).await?, rows.len(), "sessions")
}

async fn put_resets(
    connection: &mut PgConnection,
    statement: &'static str,
    rows: Vec<Written<'_, PasswordReset>>,
) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let query = sqlx::query(statement)
        .bind(column(&rows, |new| new.row.token_hash.to_string()))
        .bind(column(&rows, |new| new.row.used_at.map(Moment)))
        .bind(column(&rows, |new| new.row.version.cast_signed()));
    let query = if statement == INSERT_RESETS {
        query
            .bind(column(&rows, |new| new.row.user_id.0))
            .bind(column(&rows, |new| new.row.epoch.cast_signed()))
            .bind(column(&rows, |new| Moment(new.row.requested_at)))
            .bind(column(&rows, |new| Moment(new.row.expires_at)))
    } else {
        query.bind(column(&rows, |new| new.base.cast_signed()))
    };
    expect_rows(&query.execute(connection).await?, rows.len(), "password_resets")
}

/// Clears away what nobody can use any more, when rows of its kind come in: no rule tells an expired session or reset
/// from one that never was.
async fn sweep(
    connection: &mut PgConnection,
    opened: Option<Timestamp>,
    requested: Option<Timestamp>,
) -> Result<(), sqlx::Error> {
    for (statement, now) in [(SWEEP_SESSIONS, opened), (SWEEP_RESETS, requested)] {
        if let Some(now) = now {
            sqlx::query(statement).bind(Moment(now)).bind(SWEEP_MAX).execute(&mut *connection).await?;
        }
    }
    Ok(())
}
