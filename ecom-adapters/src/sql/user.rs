//! Users, sessions and password resets as rows.

use ecom_core::email::Email;
use ecom_core::id::{SessionId, UserId};
use ecom_core::port::{Cursor, PageRequest};
use ecom_core::secret::PasswordHash;
use ecom_core::time::Timestamp;
use ecom_core::user::{EndCause, PasswordReset, Rotation, Session, SessionState, User, UserFilter};
use serde::Serialize;

use super::Inconsistent;
use super::fields::Fields;

/// How many dead rows one transaction clears away at most: more than it can add.
pub(crate) const SWEEP_MAX: i64 = 500;

/// A user from his row.
pub(crate) fn user<F: Fields>(row: &F) -> Result<User, sqlx::Error> {
    Ok(User {
        id: row.id("id")?,
        email: row.known("email", |text| Email::parse(text).ok())?,
        first_name: row.parse("first_name")?,
        last_name: row.parse("last_name")?,
        role: row.parse("role")?,
        is_active: row.is("is_active")?,
        password_hash: PasswordHash::new(row.string("password_hash")?),
        epoch: row.count("epoch")?,
        created_at: row.moment("created_at")?,
        updated_at: row.moment("updated_at")?,
        version: row.count("version")?,
    })
}

/// A session from its row.
pub(crate) fn session<F: Fields>(row: &F) -> Result<Session, sqlx::Error> {
    Ok(Session {
        id: row.id("id")?,
        user_id: row.id("user_id")?,
        epoch: row.count("epoch")?,
        state: session_state(row)?,
        created_at: row.moment("created_at")?,
        expires_at: row.moment("expires_at")?,
        version: row.count("version")?,
    })
}

fn session_state<F: Fields>(row: &F) -> Result<SessionState, sqlx::Error> {
    match row.word("state")? {
        "open" => {
            let rotation = match row.time("rotated_at")? {
                Some(at) => Some(Rotation { previous: row.parse("previous_hash")?, at }),
                None => None,
            };
            Ok(SessionState::Open { current: row.parse("current_hash")?, rotation })
        }
        "ended" => {
            let cause = row.known("ended_because", EndCause::parse)?;
            Ok(SessionState::Ended { at: row.moment("ended_at")?, cause })
        }
        other => Err(Inconsistent::new("state", other).into()),
    }
}

/// A password reset from its row.
pub(crate) fn reset<F: Fields>(row: &F) -> Result<PasswordReset, sqlx::Error> {
    Ok(PasswordReset {
        token_hash: row.parse("token_hash")?,
        user_id: row.id("user_id")?,
        epoch: row.count("epoch")?,
        requested_at: row.moment("requested_at")?,
        expires_at: row.moment("expires_at")?,
        used_at: row.time("used_at")?,
        version: row.count("version")?,
    })
}

/// Where a user stands in a list.
pub(crate) fn cursor(user: &User) -> Cursor {
    Cursor { created_at: user.created_at, id: user.id.0 }
}

/// Whether a user who was found by his address belongs to the list in every other respect.
pub(crate) fn fits(user: &User, filter: &UserFilter, page: PageRequest) -> bool {
    filter.role.is_none_or(|role| user.role == role)
        && filter.is_active.is_none_or(|is_active| user.is_active == is_active)
        && cursor(user) < page.after()
}

/// The row of a session.
#[derive(Serialize)]
pub(crate) struct SessionRow {
    pub(crate) id: SessionId,
    pub(crate) user_id: UserId,
    pub(crate) epoch: u64,
    pub(crate) state: &'static str,
    pub(crate) current_hash: Option<String>,
    pub(crate) previous_hash: Option<String>,
    #[serde(serialize_with = "super::number::micros_if_any")]
    pub(crate) rotated_at: Option<Timestamp>,
    #[serde(serialize_with = "super::number::micros_if_any")]
    pub(crate) ended_at: Option<Timestamp>,
    pub(crate) ended_because: Option<&'static str>,
    #[serde(serialize_with = "super::number::micros")]
    pub(crate) created_at: Timestamp,
    #[serde(serialize_with = "super::number::micros")]
    pub(crate) expires_at: Timestamp,
    pub(crate) version: u64,
}

impl From<&Session> for SessionRow {
    fn from(session: &Session) -> Self {
        let row = Self {
            id: session.id,
            user_id: session.user_id,
            epoch: session.epoch,
            state: "",
            current_hash: None,
            previous_hash: None,
            rotated_at: None,
            ended_at: None,
            ended_because: None,
            created_at: session.created_at,
            expires_at: session.expires_at,
            version: session.version,
        };
        match &session.state {
            SessionState::Open { current, rotation } => Self {
                state: "open",
                current_hash: Some(current.to_string()),
                previous_hash: rotation.as_ref().map(|rotation| rotation.previous.to_string()),
                rotated_at: rotation.as_ref().map(|rotation| rotation.at),
                ..row
            },
            SessionState::Ended { at, cause } => {
                Self { state: "ended", ended_at: Some(*at), ended_because: Some(cause.as_str()), ..row }
            }
        }
    }
}
