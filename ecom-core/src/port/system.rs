//! The doors to the machine: clock, fresh ids, password hashing, token signing.

use async_trait::async_trait;
use uuid::Uuid;

use crate::id::{SessionId, UserId};
use crate::time::Timestamp;

/// Tells the time.
pub trait Clock: Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// Mints what cannot be derived.
pub trait Ids: Send + Sync + 'static {
    /// A fresh UUID of version 7. Not a secret.
    fn fresh(&self) -> Uuid;

    /// 32 random bytes in URL-safe base64: a secret.
    fn secret(&self) -> String;
}

/// Hashes passwords, slowly on purpose.
#[async_trait]
pub trait PasswordHasher: Send + Sync + 'static {
    /// Hashes a password of any length; *must not* truncate it.
    async fn hash(&self, password: &str) -> String;

    /// Whether the password fits the hash. With `None` it *must* take as long as with a hash and return false, so
    /// that the time does not tell whether an account exists.
    async fn verify(&self, password: &str, hash: Option<&str>) -> bool;
}

/// What an access token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// Whose it is.
    pub user_id: UserId,
    /// `customer` or `admin`.
    pub is_admin: bool,
    /// The session it belongs to.
    pub session_id: SessionId,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// A token that is not good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Expired.
    #[error("the access token has expired")]
    Expired,
    /// Anything else: not a token, wrong signature, issuer or audience.
    #[error("the access token is not valid")]
    Invalid,
    /// No key is known to check it with, and none can be fetched.
    #[error("no key to check access tokens with")]
    NoKey,
}

/// Signs and checks access tokens.
pub trait TokenSigner: Send + Sync + 'static {
    /// Signs.
    fn sign(&self, claims: &Claims) -> String;

    /// Checks signature, issuer, audience, type and expiry.
    fn verify(&self, token: &str, now: Timestamp) -> Result<Claims, TokenError>;
}
