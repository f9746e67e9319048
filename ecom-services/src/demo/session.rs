//! Staying signed in: access tokens live for minutes, hashing a password is slow, so tokens are reused and refreshed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::sync::Mutex;

use super::client::{Call, Shop, ShopError};
use super::wire::SignedIn;

/// How much life a token must have left to be used.
const MARGIN: Duration = Duration::from_secs(60);

/// How to sign in.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// E-mail and password.
    Password {
        /// Whose.
        email: String,
        /// Secret.
        password: String,
    },
    /// An access token that is used as it is, for as long as it lives.
    Token(String),
}

/// Somebody who is signed in.
#[derive(Debug)]
pub struct Session {
    shop: Arc<Shop>,
    credentials: Credentials,
    held: Mutex<Option<Held>>,
}

#[derive(Debug)]
struct Held {
    access: String,
    refresh: String,
    until: Instant,
}

impl Session {
    /// Signs in when a token is first needed.
    pub fn new(shop: Arc<Shop>, credentials: Credentials) -> Self {
        Self { shop, credentials, held: Mutex::new(None) }
    }

    /// An access token with some life left: the one at hand, a refreshed one, or, where refreshing is refused, one for
    /// the password.
    pub async fn token(&self) -> Result<String, ShopError> {
        let (email, password) = match &self.credentials {
            Credentials::Token(token) => return Ok(token.clone()),
            Credentials::Password { email, password } => (email, password),
        };
        // The lock is held over the request on purpose: the others wait for the same token instead of asking too.
        let mut held = self.held.lock().await;
        if let Some(held) = held.as_ref().filter(|held| Instant::now() + MARGIN < held.until) {
            return Ok(held.access.clone());
        }
        let refreshed = match held.as_ref() {
            Some(old) => {
                let call = Call::post("/api/v1/users/token", json!({ "refresh_token": old.refresh }));
                self.shop.expect::<SignedIn>(&call, 200).await.ok()
            }
            None => None,
        };
        let signed_in = if let Some(signed_in) = refreshed {
            signed_in
        } else {
            let call = Call::post("/api/v1/users/login", json!({ "email": email, "password": password }));
            self.shop.expect(&call, 200).await?
        };
        let until = Instant::now() + Duration::from_secs(signed_in.expires_in);
        *held = Some(Held { access: signed_in.access_token.clone(), refresh: signed_in.refresh_token, until });
        Ok(signed_in.access_token)
    }
}
