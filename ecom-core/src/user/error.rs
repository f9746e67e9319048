//! Why something is refused.

use crate::id::{SessionId, UserId};

/// One variant per broken rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Rejection {
    /// 409: the address belongs to an account, perhaps a deactivated one.
    #[error("an account with this e-mail address exists")]
    EmailTaken,
    /// 409: the minted id is in use by another user or session; mint another.
    #[error("the id is in use")]
    IdTaken,
    /// 401: the password was changed while it was checked, or the user is inactive.
    #[error("e-mail address or password is wrong")]
    InvalidCredentials,
    /// 401: unknown, ended or expired session, or one that a new password or role has ended.
    #[error("the refresh token is not valid")]
    InvalidRefreshToken,
    /// 422: unknown, used or expired, or void because of a newer password.
    #[error("the reset token is not valid")]
    InvalidResetToken,
    /// 401: who asks does not exist or is deactivated, whatever his access token says.
    #[error("the account {0} is not active")]
    AccountInactive(UserId),
    /// 404: there is no such user, or none that the caller may see.
    #[error("there is no user {0}")]
    NotFound(UserId),
    /// 403: only an administrator may change role and activity.
    #[error("only an administrator may change role or activity")]
    Forbidden,
    /// 409: without this user nobody could run the shop.
    #[error("the last active administrator cannot be demoted or deactivated")]
    LastAdmin,
    /// 401: the session that asks has ended.
    #[error("the session {0} has ended")]
    SessionEnded(SessionId),
}

impl Rejection {
    /// The stable word for clients.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::EmailTaken => "email_taken",
            Self::IdTaken => "id_taken",
            Self::InvalidCredentials => "invalid_credentials",
            Self::InvalidRefreshToken => "invalid_refresh_token",
            Self::InvalidResetToken => "invalid_reset_token",
            Self::AccountInactive(_) => "account_inactive",
            Self::NotFound(_) => "not_found",
            Self::Forbidden => "forbidden",
            Self::LastAdmin => "last_admin",
            Self::SessionEnded(_) => "session_ended",
        }
    }
}
