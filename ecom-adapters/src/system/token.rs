//! Access tokens: JWTs signed with Ed25519, in the profile of RFC 9068.

use std::collections::BTreeMap;

use ecom_core::id::{SessionId, UserId, derive};
use ecom_core::port::{Claims, TokenError, TokenSigner};
use ecom_core::time::Timestamp;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::keys::Ed25519Key;

/// The type in the header: another kind of JWT signed with the same key is not an access token.
const TYP: &str = "at+jwt";

/// How far the clocks of two machines may be apart.
const LEEWAY_SECONDS: i64 = 5;

/// The longest text that is looked at; ours have about 500 bytes.
const TOKEN_BYTES_MAX: usize = 4_096;

/// The keys of a service cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a JSON Web Key Set: {0}")]
pub struct InvalidJwks(String);

/// The claims as they travel.
#[derive(Serialize, Deserialize)]
struct Wire {
    iss: String,
    aud: String,
    sub: UserId,
    role: WireRole,
    exp: i64,
    iat: i64,
    nbf: i64,
    jti: Uuid,
    sid: SessionId,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WireRole {
    Customer,
    Admin,
}

/// Checks access tokens with public keys: what every service but the user service has.
///
/// Signature, `alg`, `typ`, `iss`, `aud`, `exp` and `nbf` are all required and all checked, the times against the
/// caller's `now` with [`LEEWAY_SECONDS`] for clocks that are apart. A key is looked up by `kid` among the known ones
/// and never taken from the token.
#[derive(Clone, Debug)]
pub struct JwtVerifier {
    keys: BTreeMap<String, DecodingKey>,
    validation: Validation,
}

impl JwtVerifier {
    /// With the keys of a JWKS document; keys of other kinds in it are left out.
    pub fn from_jwks(issuer: &str, audience: &str, jwks: &str) -> Result<Self, InvalidJwks> {
        let set: JwkSet = serde_json::from_str(jwks).map_err(|error| InvalidJwks(error.to_string()))?;
        let keys = set.keys.iter().filter(|jwk| is_ed25519(jwk)).filter_map(|jwk| {
            let key = DecodingKey::from_jwk(jwk).ok()?;
            Some((jwk.common.key_id.clone()?, key))
        });
        Ok(Self::new(issuer, audience, keys.collect()))
    }

    /// Without any key: every token gives [`TokenError::NoKey`] until keys are known.
    pub fn without_keys(issuer: &str, audience: &str) -> Self {
        Self::new(issuer, audience, BTreeMap::new())
    }

    fn new(issuer: &str, audience: &str, keys: BTreeMap<String, DecodingKey>) -> Self {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[audience]);
        validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        // The library would read the clock of the machine; the times are compared below.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        Self { keys, validation }
    }

    /// Whether any key is known.
    pub fn has_keys(&self) -> bool {
        !self.keys.is_empty()
    }

    /// Whether the key that a token names is known here. What is no token names none: there is nothing to fetch.
    pub fn knows_key_of(&self, token: &str) -> bool {
        if token.len() > TOKEN_BYTES_MAX {
            return true;
        }
        let kid = jsonwebtoken::decode_header(token).ok().and_then(|header| header.kid);
        kid.is_none_or(|kid| self.keys.contains_key(&kid))
    }

    /// Checks a token; [`TokenError::NoKey`] when it names a key that is not known here, which may be a newer one:
    /// fetch the keys again, and if it is unknown then too, the token is invalid.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Claims, TokenError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenError::Invalid);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| TokenError::Invalid)?;
        let typ_fits = header.typ.as_deref().is_some_and(|typ| typ.eq_ignore_ascii_case(TYP));
        // `crit` names extensions that must be understood; we understand none.
        if !typ_fits || header.alg != Algorithm::EdDSA || header.crit.is_some() {
            return Err(TokenError::Invalid);
        }
        let kid = header.kid.ok_or(TokenError::Invalid)?;
        let key = self.keys.get(&kid).ok_or(TokenError::NoKey)?;
        let wire = jsonwebtoken::decode::<Wire>(token, key, &self.validation).map_err(|_| TokenError::Invalid)?.claims;
        let seconds = now.as_micros().div_euclid(1_000_000);
        if seconds >= wire.exp.saturating_add(LEEWAY_SECONDS) {
            return Err(TokenError::Expired);
        }
        if wire.nbf > seconds.saturating_add(LEEWAY_SECONDS) {
            return Err(TokenError::Invalid);
        }
        Ok(Claims {
            user_id: wire.sub,
            is_admin: wire.role == WireRole::Admin,
            session_id: wire.sid,
            issued_at: from_seconds(wire.iat),
            expires_at: from_seconds(wire.exp),
        })
    }
}

/// Signs access tokens with its first key and checks them with all of them: what the user service has.
///
/// To change the key, put a new one first and keep the old one behind it until its last token has expired.
#[derive(Clone, Debug)]
pub struct JwtSigner {
    issuer: String,
    audience: String,
    key: Ed25519Key,
    published: JwkSet,
    verifier: JwtVerifier,
}

impl JwtSigner {
    /// With the key to sign with and older ones that are still good for checking.
    pub fn new(issuer: &str, audience: &str, key: Ed25519Key, older: Vec<Ed25519Key>) -> Self {
        let mut all: BTreeMap<_, _> = older.into_iter().map(|key| (key.kid.clone(), key)).collect();
        all.insert(key.kid.clone(), key.clone());
        let checking = all.values().map(|key| (key.kid.clone(), key.checking.clone())).collect();
        let published = JwkSet { keys: all.into_values().map(|key| key.public).collect() };
        let verifier = JwtVerifier::new(issuer, audience, checking);
        Self { issuer: issuer.to_owned(), audience: audience.to_owned(), key, published, verifier }
    }

    /// The public keys as a JSON Web Key Set, for `/.well-known/jwks.json`.
    pub fn jwks(&self) -> String {
        serde_json::json!(self.published).to_string()
    }

    /// The part that only checks.
    pub fn verifier(&self) -> &JwtVerifier {
        &self.verifier
    }
}

impl TokenSigner for JwtSigner {
    fn sign(&self, claims: &Claims) -> Result<String, TokenError> {
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(TYP.to_owned());
        header.kid = Some(self.key.kid.clone());
        let issued = claims.issued_at.as_micros();
        let wire = Wire {
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            sub: claims.user_id,
            role: if claims.is_admin { WireRole::Admin } else { WireRole::Customer },
            exp: claims.expires_at.as_micros().div_euclid(1_000_000),
            iat: issued.div_euclid(1_000_000),
            nbf: issued.div_euclid(1_000_000),
            jti: derive(&self.key.kid, claims.session_id.0, &issued.to_string(), claims.user_id.0, 0),
            sid: claims.session_id,
        };
        jsonwebtoken::encode(&header, &wire, &self.key.signing).map_err(|_| TokenError::NoKey)
    }

    fn verify(&self, token: &str, now: Timestamp) -> Result<Claims, TokenError> {
        // There is nowhere to look for further keys: the key is not ours.
        self.verifier.verify(token, now).map_err(|error| match error {
            TokenError::NoKey | TokenError::Invalid => TokenError::Invalid,
            TokenError::Expired => TokenError::Expired,
        })
    }
}

/// For processes that only check: they cannot sign.
impl TokenSigner for JwtVerifier {
    fn sign(&self, _: &Claims) -> Result<String, TokenError> {
        Err(TokenError::NoKey)
    }

    fn verify(&self, token: &str, now: Timestamp) -> Result<Claims, TokenError> {
        Self::verify(self, token, now)
    }
}

fn is_ed25519(jwk: &Jwk) -> bool {
    matches!(&jwk.algorithm, AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519)
}

const fn from_seconds(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds.saturating_mul(1_000_000))
}

#[cfg(test)]
#[path = "token_tests.rs"]
mod tests;
