//! Refresh tokens that can be recognised and continued without being stored.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ecom_core::id::SessionId;
use ecom_core::port::{PresentedToken, TokenMint};
use ecom_core::secret::{Secret, TokenHash};
use hmac::Mac;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::ids::random;
use super::keys::Ed25519Key;
use super::mac::{HmacSha256, hmac_sha256};

/// Keeps these tokens apart from everything else that is made with the same key.
const PURPOSE: &[u8] = b"ecom refresh token v1";

/// Session, nonce of the session's tokens, generation, seal.
const TOKEN_BYTES: usize = 16 + 16 + 4 + 32;

/// Where the seal begins.
const SEALED_BYTES: usize = TOKEN_BYTES - 32;

/// Mints refresh tokens.
///
/// A token is the session's id, a random nonce, the generation and an HMAC over them; its successor is the same with
/// the next generation. So the successor of a token can be given again, without being kept anywhere, when the first
/// answer was lost. The database has SHA-256 digests alone: neither it nor the key is enough to make a token, since
/// the nonce is in neither.
///
/// A session keeps the key that its first token was sealed with: a key that is retired ends its sessions.
pub struct RefreshTokens {
    newest: HmacSha256,
    older: Vec<HmacSha256>,
}

impl RefreshTokens {
    /// With keys derived from those that sign access tokens, so that copies of the service that share the one share
    /// the other. New sessions use the first.
    pub fn new(key: &Ed25519Key, older: &[Ed25519Key]) -> Self {
        let derive = |key: &Ed25519Key| {
            let derived = hmac_sha256(key.secret()).chain_update(PURPOSE).finalize().into_bytes();
            hmac_sha256(&derived)
        };
        Self { newest: derive(key), older: older.iter().map(derive).collect() }
    }
}

impl TokenMint for RefreshTokens {
    fn first(&self, session_id: SessionId) -> (Secret, TokenHash) {
        let content = Content { session: *session_id.0.as_bytes(), nonce: random(), generation: 0 };
        present(&content.sealed(&self.newest))
    }

    fn read(&self, token: &str) -> Option<PresentedToken> {
        let bytes: [u8; TOKEN_BYTES] = URL_SAFE_NO_PAD.decode(token).ok()?.try_into().ok()?;
        let (content, seal) = bytes.split_at(SEALED_BYTES);
        // In constant time, or the seal could be guessed byte by byte.
        let fits = |key: &&HmacSha256| (*key).clone().chain_update(content).verify_slice(seal).is_ok();
        let key = std::iter::once(&self.newest).chain(&self.older).find(fits)?;
        let content = Content::parse(content)?;
        let next = Content { generation: content.generation.checked_add(1)?, ..content };
        let (successor, successor_hash) = present(&next.sealed(key));
        let session_id = SessionId(Uuid::from_bytes(content.session));
        Some(PresentedToken { session_id, hash: TokenHash(Sha256::digest(bytes).into()), successor, successor_hash })
    }

    fn digest(&self, token: &str) -> TokenHash {
        TokenHash(Sha256::digest(token.as_bytes()).into())
    }
}

/// What is sealed.
#[derive(Clone, Copy)]
struct Content {
    session: [u8; 16],
    nonce: [u8; 16],
    generation: u32,
}

impl Content {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let (session, rest) = bytes.split_first_chunk()?;
        let (nonce, rest) = rest.split_first_chunk()?;
        let generation = u32::from_be_bytes(rest.try_into().ok()?);
        Some(Self { session: *session, nonce: *nonce, generation })
    }

    fn sealed(&self, key: &HmacSha256) -> [u8; TOKEN_BYTES] {
        let mut bytes = [0; TOKEN_BYTES];
        bytes[..16].copy_from_slice(&self.session);
        bytes[16..32].copy_from_slice(&self.nonce);
        bytes[32..SEALED_BYTES].copy_from_slice(&self.generation.to_be_bytes());
        let seal = key.clone().chain_update(&bytes[..SEALED_BYTES]).finalize().into_bytes();
        bytes[SEALED_BYTES..].copy_from_slice(&seal);
        bytes
    }
}

/// As it travels, and as it is kept.
fn present(bytes: &[u8; TOKEN_BYTES]) -> (Secret, TokenHash) {
    (Secret::new(URL_SAFE_NO_PAD.encode(bytes)), TokenHash(Sha256::digest(bytes).into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Ed25519Key {
        Ed25519Key::from_pkcs8(&Ed25519Key::generate()).unwrap()
    }

    #[test]
    fn a_token_names_its_session_and_always_the_same_successor() {
        let mint = RefreshTokens::new(&key(), &[]);
        let session_id = SessionId(Uuid::from_u128(7));
        let (token, hash) = mint.first(session_id);
        let read = mint.read(token.reveal()).unwrap();
        assert_eq!((read.session_id, read.hash), (session_id, hash));
        assert_eq!(mint.read(token.reveal()), Some(read.clone()));
        let next = mint.read(read.successor.reveal()).unwrap();
        assert_eq!((next.session_id, next.hash), (session_id, read.successor_hash));
        assert_ne!(next.successor_hash, read.successor_hash);
        assert_ne!(mint.first(session_id).1, hash, "two first tokens of one session differ");
    }

    #[test]
    fn a_token_of_another_key_or_with_one_changed_bit_is_not_genuine() {
        let mint = RefreshTokens::new(&key(), &[]);
        let (token, _) = mint.first(SessionId(Uuid::from_u128(7)));
        assert_eq!(RefreshTokens::new(&key(), &[key()]).read(token.reveal()), None);
        let bytes = URL_SAFE_NO_PAD.decode(token.reveal()).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(mint.read(&URL_SAFE_NO_PAD.encode(changed)), None, "bit {bit}");
        }
        for text in ["", "x", &token.reveal()[1..], &format!("{}A", token.reveal()), &"A".repeat(100_000)] {
            assert_eq!(mint.read(text), None);
        }
    }

    #[test]
    fn a_session_keeps_its_key_when_a_new_one_comes() {
        let (old, new) = (key(), key());
        let (token, _) = RefreshTokens::new(&old, &[]).first(SessionId(Uuid::from_u128(7)));
        let before = RefreshTokens::new(&old, &[]).read(token.reveal());
        assert!(before.is_some());
        assert_eq!(RefreshTokens::new(&new, &[old]).read(token.reveal()), before);
    }
}
