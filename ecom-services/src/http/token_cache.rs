//! Remembers access tokens that were good, so that a signature is checked once and not for every request.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use ecom_core::port::{Claims, TokenError, TokenSigner};
use ecom_core::time::Timestamp;
use sha2::{Digest, Sha256};

/// Tokens that are remembered at most.
const TOKENS_MAX: usize = 20_000;

/// A signer that remembers what it has checked. A token is good until it expires, remembered or not.
pub struct TokenCache {
    signer: Arc<dyn TokenSigner>,
    good: Mutex<BTreeMap<[u8; 32], Claims>>,
}

impl TokenCache {
    /// Around a signer.
    pub fn new(signer: Arc<dyn TokenSigner>) -> Self {
        Self { signer, good: Mutex::default() }
    }
}

impl TokenSigner for TokenCache {
    fn sign(&self, claims: &Claims) -> Result<String, TokenError> {
        self.signer.sign(claims)
    }

    fn verify(&self, token: &str, now: Timestamp) -> Result<Claims, TokenError> {
        // The digest, and not the token, is compared and kept: neither time nor memory gives tokens away.
        let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let known = self.good.lock().unwrap_or_else(PoisonError::into_inner).get(&digest).cloned();
        if let Some(claims) = known.filter(|claims| now < claims.expires_at) {
            return Ok(claims);
        }
        let claims = self.signer.verify(token, now)?;
        let mut good = self.good.lock().unwrap_or_else(PoisonError::into_inner);
        if good.len() >= TOKENS_MAX {
            good.retain(|_, claims| now < claims.expires_at);
        }
        if good.len() < TOKENS_MAX {
            good.insert(digest, claims.clone());
        }
        Ok(claims)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use ecom_core::id::{SessionId, UserId};
    use uuid::Uuid;

    use super::*;

    const LIFE: Duration = Duration::from_secs(300);

    #[derive(Default)]
    struct Counting(AtomicU32);

    impl TokenSigner for Counting {
        fn sign(&self, _: &Claims) -> Result<String, TokenError> {
            Err(TokenError::NoKey)
        }

        fn verify(&self, token: &str, now: Timestamp) -> Result<Claims, TokenError> {
            self.0.fetch_add(1, Ordering::Relaxed);
            let expires_at = Timestamp::EPOCH.after(LIFE);
            match token {
                "good" if now < expires_at => {}
                "good" => return Err(TokenError::Expired),
                _ => return Err(TokenError::Invalid),
            }
            let (user_id, session_id) = (UserId(Uuid::nil()), SessionId(Uuid::nil()));
            Ok(Claims { user_id, is_admin: false, session_id, issued_at: Timestamp::EPOCH, expires_at })
        }
    }

    #[test]
    fn a_good_token_is_checked_once_and_never_outlives_itself() {
        let signer = Arc::new(Counting::default());
        let cache = TokenCache::new(signer.clone());
        for second in [0, 1, 299] {
            assert!(cache.verify("good", Timestamp::EPOCH.after(Duration::from_secs(second))).is_ok());
        }
        assert_eq!(signer.0.load(Ordering::Relaxed), 1);
        assert_eq!(cache.verify("good", Timestamp::EPOCH.after(LIFE)), Err(TokenError::Expired));
        for _ in 0..2 {
            assert_eq!(cache.verify("bad", Timestamp::EPOCH), Err(TokenError::Invalid));
        }
        assert_eq!(signer.0.load(Ordering::Relaxed), 4, "what is not good is not remembered");
    }
}
