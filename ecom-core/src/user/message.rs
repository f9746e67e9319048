//! What can happen to users, and what a waiting caller is told.

use super::model::{Name, Role, Session, User};
use crate::email::Email;
use crate::id::{SessionId, UserId};
use crate::secret::{PasswordHash, Secret, TokenHash};

/// Everything that can happen. There are commands alone: this context consumes no events, sets no timers and calls
/// nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Somebody registers himself: as a customer, whatever he sends.
    Register(NewUser),
    /// An operator with access to the database adds an administrator.
    CreateAdmin(NewUser),
    /// A process starts with the credentials of a first administrator; nothing happens when there is one.
    BootstrapAdmin(NewUser),
    /// Somebody signed in: his password was checked outside.
    OpenSession(OpenSession),
    /// A refresh token is exchanged for its successor.
    RotateToken(RotateToken),
    /// A session is ended by who holds one of its tokens.
    Logout {
        /// The session, as read from a genuine token.
        session_id: SessionId,
    },
    /// Names, role or activity change.
    ChangeProfile(ChangeProfile),
    /// The owner sets a new password, knowing the old one.
    ChangePassword(ChangePassword),
    /// A user is deactivated: by himself or by an administrator.
    Deactivate {
        /// Who asks.
        actor: UserId,
        /// Who is to go.
        user_id: UserId,
    },
    /// Somebody says that he forgot his password.
    RequestReset(RequestReset),
    /// The token of a reset comes back with a new password.
    ConfirmReset(ConfirmReset),
    /// Publish the current version of these users again, so that a lost copy can be rebuilt.
    Resync(Vec<UserId>),
}

/// Who is to be added. There is no role in it, so no request can bring one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NewUser {
    /// Minted by the caller: a retry with the same id finds its first attempt.
    pub user_id: UserId,
    /// E-mail address.
    pub email: Email,
    /// Of his password.
    pub password_hash: PasswordHash,
    /// First name.
    pub first_name: Name,
    /// Last name.
    pub last_name: Name,
}

/// A sign-in whose password fits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OpenSession {
    /// Minted by the caller.
    pub session_id: SessionId,
    /// Whose.
    pub user_id: UserId,
    /// The hash that the password was checked against: refused if the password was changed meanwhile.
    pub verified: PasswordHash,
    /// The same password hashed anew, when `verified` is of an old scheme or cost.
    pub renewed: Option<PasswordHash>,
    /// The first refresh token.
    pub token: TokenHash,
}

/// A refresh token that is genuine, though perhaps spent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RotateToken {
    /// Its session.
    pub session_id: SessionId,
    /// The token.
    pub presented: TokenHash,
    /// The token that replaces it; always the same one for the same `presented`.
    pub successor: TokenHash,
}

/// A change of a profile. What is `None` stays.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ChangeProfile {
    /// Who asks. What he may do is read from his account and not from his token, which may be minutes old.
    pub actor: UserId,
    /// Whose profile.
    pub user_id: UserId,
    /// First name.
    pub first_name: Option<Name>,
    /// Last name.
    pub last_name: Option<Name>,
    /// Role; by an administrator only.
    pub role: Option<Role>,
    /// Activity; by an administrator only.
    pub is_active: Option<bool>,
}

/// A new password in place of a known one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ChangePassword {
    /// Whose.
    pub user_id: UserId,
    /// The session that asks: the only one that goes on.
    pub session_id: SessionId,
    /// The hash that the current password was checked against.
    pub verified: PasswordHash,
    /// Of the new password.
    pub password_hash: PasswordHash,
}

/// A request for a reset.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RequestReset {
    /// As typed by whoever asks; perhaps nobody's.
    pub email: Email,
    /// Minted by the caller; goes into the event and nowhere else.
    pub token: Secret,
    /// Its hash.
    pub token_hash: TokenHash,
}

/// A reset that is carried out.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ConfirmReset {
    /// Of the token that came back.
    pub token_hash: TokenHash,
    /// Of the new password.
    pub password_hash: PasswordHash,
}

/// What a waiting caller is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// He is added.
    Registered(User),
    /// He now is as given.
    Current(User),
    /// The session is open; the caller holds the token whose hash he sent.
    SignedIn {
        /// Whose.
        user: User,
        /// The session.
        session: Session,
    },
    /// A spent refresh token was used again: its session has just been ended. To be answered like
    /// [`super::Rejection::InvalidRefreshToken`]; it is no rejection only because those leave no trace.
    TokenReused {
        /// The session that was ended.
        session_id: SessionId,
    },
    /// It is so now, and there is nothing to show.
    Done {
        /// Whom it was about, when that may be told.
        user_id: Option<UserId>,
    },
}
