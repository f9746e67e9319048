//! The user context: accounts, their sessions, their password resets.
//!
//! What it promises:
//! - An e-mail address belongs to one account for ever, also after the account was deactivated.
//! - Nobody becomes an administrator by registering, and there is always an active one once there was one.
//! - A refresh token works once. Used again within [`SESSION_GRACE`] it gives the same successor, because the first
//!   answer may have been lost; used again later it ends the whole session, because somebody else has it.
//! - A new password, a new role and a deactivation end all sessions at once: a session lives only as long as the
//!   [`epoch`](User::epoch) of its user is the one it was opened in. So no list of sessions is ever walked.
//! - A password reset works once and for [`RESET_LIFE`]; asking for one never tells whether the account exists.
//! - Every version of a user is announced by exactly one event, so whoever keeps a copy sees gaps and old news.
//!
//! The core sees hashes alone: passwords and tokens are hashed before they come here. The one exception is the token of
//! a reset, which is on its way to the user's mailbox in an event.

mod error;
mod message;
mod model;
mod rules;
mod store;
#[cfg(test)]
mod tests;
mod validate;
mod view;

pub use error::Rejection;
pub use message::{
    ChangePassword, ChangeProfile, ConfirmReset, Input, NewUser, OpenSession, Reply, RequestReset, RotateToken,
};
pub use model::{
    ACCESS_TOKEN_LIFE, EndCause, InvalidRole, Name, PasswordReset, RESET_LIFE, RESETS_MAX, Role, Rotation,
    SESSION_GRACE, SESSION_LIFE, Session, SessionState, User,
};
pub use store::{Change, UserContext, UserFilter, UserReader, UserScope, UserSnapshot};
pub use validate::{
    FieldError, NAME_CHARS_MAX, NameProblem, PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN, Password, PasswordProblem,
    Registration, RegistrationBody,
};
pub use view::{SignedIn, UserView};
