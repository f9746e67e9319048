//! The doors to the machine: clock, fresh ids, password hashing, token signing.

use async_trait::async_trait;
use uuid::Uuid;

use crate::id::{SessionId, UserId};
use crate::secret::{Secret, TokenHash};
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

/// So many passwords wait to be hashed that one more would wait too long: answer 503, the caller tries again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many passwords wait to be hashed")]
pub struct HasherBusy;

/// Hashes passwords, slowly on purpose.
#[async_trait]
pub trait PasswordHasher: Send + Sync + 'static {
    /// Hashes a password of any length; *must not* truncate it.
    async fn hash(&self, password: &str) -> Result<String, HasherBusy>;

    /// Whether the password fits the hash. With `None` it *must* take as long as with a hash and return false, so
    /// that the time does not tell whether an account exists.
    async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, HasherBusy>;

    /// Whether the hash is of an older scheme or cost, so that the next login should replace it.
    fn is_outdated(&self, hash: &str) -> bool;
}

/// A refresh token as it was presented: it is genuine, though perhaps spent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PresentedToken {
    /// The session it belongs to.
    pub session_id: SessionId,
    /// What the session keeps of it.
    pub hash: TokenHash,
    /// The token that replaces it; always the same one, so a lost answer can be repeated.
    pub successor: Secret,
    /// What the session is to keep of that.
    pub successor_hash: TokenHash,
}

/// Makes and reads refresh tokens, and digests single-use tokens.
///
/// A successor is computed from its predecessor and a key of the server. So it need not be stored to be given a second
/// time, and a token that is not ours is refused without a look at the database.
pub trait TokenMint: Send + Sync + 'static {
    /// The first refresh token of a session, and its hash.
    fn first(&self, session_id: SessionId) -> (Secret, TokenHash);

    /// Reads a refresh token; `None` unless it is genuine.
    fn read(&self, token: &str) -> Option<PresentedToken>;

    /// The hash under which a single-use token is kept.
    fn digest(&self, token: &str) -> TokenHash;
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
    /// Signs; [`TokenError::NoKey`] where only keys for checking are known.
    fn sign(&self, claims: &Claims) -> Result<String, TokenError>;

    /// Checks signature, issuer, audience, type and expiry.
    fn verify(&self, token: &str, now: Timestamp) -> Result<Claims, TokenError>;
}
