//! From changes to rows: one statement for each kind.

use std::collections::BTreeMap;

use ecom_core::time::Timestamp;
use ecom_core::user::{Change, PasswordReset, User};
use serde::Serialize;

use crate::sql::user::{SWEEP_MAX, SessionRow};
use crate::sqlite::script::Script;

pub(super) fn changes(script: &mut Script, changes: &[Change]) -> Result<(), sqlx::Error> {
    let mut users = BTreeMap::new();
    let mut sessions = BTreeMap::new();
    let mut resets = BTreeMap::new();
    for change in changes {
        // Each change carries the whole row, so the last one of a row is what it becomes.
        match change {
            Change::PutUser(user) => drop(users.insert(user.id, user)),
            Change::PutSession(session) => drop(sessions.insert(session.id, session)),
            Change::PutReset(reset) => drop(resets.insert(reset.token_hash, reset)),
        }
    }
    put_users(script, &users.into_values().map(UserRow::from).collect::<Vec<_>>())?;
    let opened = sessions.values().filter(|session| session.version == 1).map(|session| session.created_at).max();
    put_sessions(script, &sessions.into_values().map(SessionRow::from).collect::<Vec<_>>())?;
    let requested = resets.values().filter(|reset| reset.version == 1).map(|reset| reset.requested_at).max();
    put_resets(script, &resets.into_values().map(ResetRow::from).collect::<Vec<_>>())?;
    sweep(script, opened, requested)
}

#[derive(Serialize)]
struct UserRow {
    id: String,
    email: String,
    first_name: String,
    last_name: String,
    role: &'static str,
    is_active: bool,
    password_hash: String,
    epoch: u64,
    created_at: i64,
    updated_at: i64,
    version: u64,
}

impl From<&User> for UserRow {
    fn from(user: &User) -> Self {
        Self {
            id: user.id.to_string(),
            email: user.email.as_str().to_owned(),
            first_name: user.first_name.as_str().to_owned(),
            last_name: user.last_name.as_str().to_owned(),
            role: user.role.as_str(),
            is_active: user.is_active,
            password_hash: user.password_hash.as_str().to_owned(),
            epoch: user.epoch,
            created_at: user.created_at.as_micros(),
            updated_at: user.updated_at.as_micros(),
            version: user.version,
        }
    }
}

fn put_users(script: &mut Script, rows: &[UserRow]) -> Result<(), sqlx::Error> {
    script.put(
        "users",
        "INSERT INTO users (id, email, first_name, last_name, role, is_active, password_hash, epoch, created_at,
            updated_at, version)
        SELECT value->>'id', value->>'email', value->>'first_name', value->>'last_name', value->>'role',
            value->>'is_active', value->>'password_hash', value->>'epoch', value->>'created_at',
            value->>'updated_at', value->>'version'
        FROM jsonb_each(?) WHERE true
        ON CONFLICT (id) DO UPDATE SET first_name = excluded.first_name, last_name = excluded.last_name,
            role = excluded.role, is_active = excluded.is_active, password_hash = excluded.password_hash,
            epoch = excluded.epoch, updated_at = excluded.updated_at, version = excluded.version
        WHERE users.version < excluded.version",
        rows,
    )
}

fn put_sessions(script: &mut Script, rows: &[SessionRow]) -> Result<(), sqlx::Error> {
    script.put(
        "sessions",
        "INSERT INTO sessions (id, user_id, epoch, state, current_hash, previous_hash, rotated_at, ended_at,
            ended_because, created_at, expires_at, version)
        SELECT value->>'id', value->>'user_id', value->>'epoch', value->>'state', value->>'current_hash',
            value->>'previous_hash', value->>'rotated_at', value->>'ended_at', value->>'ended_because',
            value->>'created_at', value->>'expires_at', value->>'version'
        FROM jsonb_each(?) WHERE true
        ON CONFLICT (id) DO UPDATE SET epoch = excluded.epoch, state = excluded.state,
            current_hash = excluded.current_hash, previous_hash = excluded.previous_hash,
            rotated_at = excluded.rotated_at, ended_at = excluded.ended_at, ended_because = excluded.ended_because,
            version = excluded.version
        WHERE sessions.version < excluded.version",
        rows,
    )
}

#[derive(Serialize)]
struct ResetRow {
    token_hash: String,
    user_id: String,
    epoch: u64,
    requested_at: i64,
    expires_at: i64,
    used_at: Option<i64>,
    version: u64,
}

impl From<&PasswordReset> for ResetRow {
    fn from(reset: &PasswordReset) -> Self {
        Self {
            token_hash: reset.token_hash.to_string(),
            user_id: reset.user_id.to_string(),
            epoch: reset.epoch,
            requested_at: reset.requested_at.as_micros(),
            expires_at: reset.expires_at.as_micros(),
            used_at: reset.used_at.map(Timestamp::as_micros),
            version: reset.version,
        }
    }
}

fn put_resets(script: &mut Script, rows: &[ResetRow]) -> Result<(), sqlx::Error> {
    script.put(
        "password_resets",
        "INSERT INTO password_resets (token_hash, user_id, epoch, requested_at, expires_at, used_at, version)
        SELECT value->>'token_hash', value->>'user_id', value->>'epoch', value->>'requested_at',
            value->>'expires_at', value->>'used_at', value->>'version'
        FROM jsonb_each(?) WHERE true
        ON CONFLICT (token_hash) DO UPDATE SET used_at = excluded.used_at, version = excluded.version
        WHERE password_resets.version < excluded.version",
        rows,
    )
}

/// Clears away what nobody can use any more, when rows of its kind come in: no rule tells an expired session or reset
/// from one that never was.
fn sweep(script: &mut Script, opened: Option<Timestamp>, requested: Option<Timestamp>) -> Result<(), sqlx::Error> {
    if let Some(now) = opened {
        script
            .push("DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_at <= ? LIMIT ?)")
            .bind(now.as_micros())?
            .bind(SWEEP_MAX)?;
    }
    if let Some(now) = requested {
        script
            .push(
                "DELETE FROM password_resets
                WHERE token_hash IN (SELECT token_hash FROM password_resets WHERE expires_at <= ? LIMIT ?)",
            )
            .bind(now.as_micros())?
            .bind(SWEEP_MAX)?;
    }
    Ok(())
}
