//! What clients see of a user: never a hash.

use serde::{Deserialize, Serialize};

use super::model::{ACCESS_TOKEN_LIFE, Role, User};
use crate::email::Email;
use crate::id::UserId;
use crate::secret::Secret;
use crate::time::Timestamp;

/// A user.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct UserView {
    /// Id.
    pub id: UserId,
    /// E-mail address.
    pub email: Email,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// `customer` or `admin`.
    pub role: Role,
    /// False once deactivated.
    pub is_active: bool,
    /// When he registered.
    pub created_at: Timestamp,
    /// When he was last changed.
    pub updated_at: Timestamp,
}

impl From<&User> for UserView {
    fn from(user: &User) -> Self {
        Self {
            id: user.id,
            email: user.email.clone(),
            first_name: user.first_name.as_str().to_owned(),
            last_name: user.last_name.as_str().to_owned(),
            role: user.role,
            is_active: user.is_active,
            created_at: user.created_at,
            updated_at: user.updated_at,
        }
    }
}

/// The answer of a sign-in and of an exchanged refresh token. Has no `Debug`: it is full of secrets.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct SignedIn {
    access_token: String,
    token_type: &'static str,
    expires_in: u64,
    refresh_token: String,
    user: UserView,
}

impl SignedIn {
    /// From the two tokens and their owner; the access token was just issued for [`ACCESS_TOKEN_LIFE`].
    pub fn new(access_token: String, refresh_token: &Secret, user: &User) -> Self {
        Self {
            access_token,
            token_type: "Bearer",
            expires_in: ACCESS_TOKEN_LIFE.as_secs(),
            refresh_token: refresh_token.reveal().to_owned(),
            user: user.into(),
        }
    }
}
