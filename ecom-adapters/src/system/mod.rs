//! Clock, ids, password hashing, tokens: the doors to the machine.
//!
//! - [`SystemClock`]: the machine's clock, read here and nowhere else.
//! - [`SystemIds`]: ids of version 7 that rise within a process, and secrets from the kernel.
//! - [`BcryptHasher`]: passwords, without truncation, in a bounded queue beside the runtime.
//! - [`Ed25519Key`], [`JwtSigner`], [`JwtVerifier`]: access tokens; [`RefreshTokens`]: what renews them.
//! - [`BodySigner`]: signed bodies, as webhooks have them.
//! - [`LogChannel`]: where notices go when no other channel is configured.

mod clock;
mod ids;
mod keys;
mod log_channel;
mod mac;
mod password;
mod refresh;
mod signature;
mod token;

pub use clock::SystemClock;
pub use ids::{NoRandomness, SystemIds};
pub use keys::{Ed25519Key, InvalidKey};
pub use log_channel::LogChannel;
pub use password::{BCRYPT_COST_DEFAULT, BCRYPT_COST_MAX, BCRYPT_COST_MIN, BcryptHasher, InvalidCost};
pub use refresh::RefreshTokens;
pub use signature::{BadSignature, BodySigner, TOLERANCE};
pub use token::{InvalidJwks, JwtSigner, JwtVerifier};
