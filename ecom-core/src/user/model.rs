//! Users, sessions and password resets as they are kept.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::validate;
use crate::email::Email;
use crate::id::{SessionId, UserId};
use crate::secret::{PasswordHash, TokenHash};
use crate::time::Timestamp;

/// How long an access token is good. Long enough to be cheap, short enough that a role taken away is soon gone.
pub const ACCESS_TOKEN_LIFE: Duration = Duration::from_secs(5 * 60);

/// How long a session may last in all, however often its token is rotated.
pub const SESSION_LIFE: Duration = Duration::from_secs(30 * 24 * 3_600);

/// How long a spent refresh token still answers its successor.
pub const SESSION_GRACE: Duration = Duration::from_secs(10);

/// How long a password reset works.
pub const RESET_LIFE: Duration = Duration::from_secs(30 * 60);

/// How many resets one account may be sent within [`RESET_LIFE`]; more would fill somebody's mailbox.
pub const RESETS_MAX: usize = 5;

/// What a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Buys.
    Customer,
    /// Runs the shop.
    Admin,
}

/// The word is no role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a role: customer or admin")]
pub struct InvalidRole;

impl Role {
    /// The word on the wire and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = InvalidRole;
    fn from_str(word: &str) -> Result<Self, InvalidRole> {
        [Self::Customer, Self::Admin].into_iter().find(|role| role.as_str() == word).ok_or(InvalidRole)
    }
}

/// A first or last name: trimmed, 1 to 100 characters, nothing that could break a header or hide in a page.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

impl Name {
    /// Trims and checks; the error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, validate::NameProblem> {
        validate::name(text).map(|text| Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Name {
    type Error = validate::NameProblem;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl FromStr for Name {
    type Err = validate::NameProblem;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, formatter)
    }
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// Where its owner is reached and how he signs in; never changes, never given to another.
    pub email: Email,
    /// First name.
    pub first_name: Name,
    /// Last name.
    pub last_name: Name,
    /// What he may do.
    pub role: Role,
    /// False once deactivated: he cannot sign in.
    pub is_active: bool,
    /// Of his password.
    pub password_hash: PasswordHash,
    /// Rises when everything that was granted before must end: sessions and resets of an older epoch are dead.
    pub epoch: u64,
    /// When he registered.
    pub created_at: Timestamp,
    /// When he was last changed.
    pub updated_at: Timestamp,
    /// Starts at 1; each version is announced by one event.
    pub version: u64,
}

impl User {
    /// Whether he may run the shop now.
    pub fn is_active_admin(&self) -> bool {
        self.is_active && self.role == Role::Admin
    }

    /// Role and activity in words, for the history.
    pub fn standing(&self) -> String {
        format!("{} {}", if self.is_active { "active" } else { "inactive" }, self.role)
    }
}

/// A session: one sign-in and the family of refresh tokens that came from it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Session {
    /// Its id, also inside its tokens.
    pub id: SessionId,
    /// Whose.
    pub user_id: UserId,
    /// The user's epoch in which it was opened, or last confirmed by a new password.
    pub epoch: u64,
    /// Whether it goes on.
    pub state: SessionState,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
    /// Starts at 1.
    pub version: u64,
}

/// Where a session stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SessionState {
    /// Its newest token works.
    Open {
        /// The token that works.
        current: TokenHash,
        /// How it came to be, unless it is the first.
        rotation: Option<Rotation>,
    },
    /// None of its tokens works.
    Ended {
        /// Since when.
        at: Timestamp,
        /// Why.
        cause: EndCause,
    },
}

/// The last exchange of a token for its successor.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rotation {
    /// The token that was given in.
    pub previous: TokenHash,
    /// When.
    pub at: Timestamp,
}

/// Why a session was ended before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EndCause {
    /// Its owner signed out.
    LoggedOut,
    /// A spent token was used again: two parties hold the family.
    TokenReused,
}

impl EndCause {
    /// The word in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LoggedOut => "logged_out",
            Self::TokenReused => "token_reused",
        }
    }

    /// From the word in the database.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::LoggedOut, Self::TokenReused].into_iter().find(|cause| cause.as_str() == word)
    }
}

impl Session {
    /// Whether it goes on at `now`, its user being as given.
    pub fn is_live(&self, user: &User, now: Timestamp) -> bool {
        let open = match self.state {
            SessionState::Open { .. } => true,
            SessionState::Ended { .. } => false,
        };
        open && user.id == self.user_id && user.is_active && user.epoch == self.epoch && now < self.expires_at
    }
}

/// A request to set a new password without the old one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PasswordReset {
    /// Of the token that was sent; its key.
    pub token_hash: TokenHash,
    /// Whose password.
    pub user_id: UserId,
    /// The user's epoch in which it was asked for: a password changed since then makes it void.
    pub epoch: u64,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// Until when it works.
    pub expires_at: Timestamp,
    /// When it was used.
    pub used_at: Option<Timestamp>,
    /// Starts at 1.
    pub version: u64,
}

impl PasswordReset {
    /// Whether it works at `now`, its user being as given.
    pub fn is_open(&self, user: &User, now: Timestamp) -> bool {
        let granted = user.id == self.user_id && user.is_active && user.epoch == self.epoch;
        granted && self.used_at.is_none() && now < self.expires_at
    }
}
