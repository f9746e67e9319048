//! What is and what is not a good access token.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ecom_core::id::{SessionId, UserId};
use serde_json::{Value, json};

use super::*;

const NOW: i64 = 1_700_000_000;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000 + 999_999)
}

fn key() -> Ed25519Key {
    Ed25519Key::from_pkcs8(&Ed25519Key::generate()).unwrap()
}

fn signer() -> JwtSigner {
    JwtSigner::new("ecom", "ecom", key(), vec![])
}

fn claims() -> Claims {
    Claims {
        user_id: UserId(Uuid::from_u128(1)),
        is_admin: true,
        session_id: SessionId(Uuid::from_u128(2)),
        issued_at: from_seconds(NOW),
        expires_at: from_seconds(NOW + 300),
    }
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn read(part: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// A token signed with the signer's own key, whatever it says.
fn forge(signer: &JwtSigner, header: &Value, claims: &Value) -> String {
    let message = format!("{}.{}", part(header), part(claims));
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &signer.key.signing, Algorithm::EdDSA).unwrap();
    format!("{message}.{signature}")
}

#[test]
fn a_token_gives_back_what_was_signed_until_it_ends() {
    let signer = signer();
    let token = signer.sign(&claims()).unwrap();
    for now in [NOW, NOW + 299, NOW + 300 + LEEWAY_SECONDS - 1, NOW - LEEWAY_SECONDS] {
        assert_eq!(signer.verify(&token, at(now)), Ok(claims()), "{}", now - NOW);
    }
    for now in [NOW + 300 + LEEWAY_SECONDS, NOW + 10_000] {
        assert_eq!(signer.verify(&token, at(now)), Err(TokenError::Expired));
    }
    assert_eq!(signer.verify(&token, at(NOW - LEEWAY_SECONDS - 1)), Err(TokenError::Invalid));
    let customer = Claims { is_admin: false, ..claims() };
    assert_eq!(signer.verify(&signer.sign(&customer).unwrap(), at(NOW)), Ok(customer));
}

#[test]
fn all_claims_of_the_contract_are_there() {
    let token = signer().sign(&claims()).unwrap();
    let claims = read(token.split('.').nth(1).unwrap());
    for name in ["iss", "aud", "sub", "role", "exp", "iat", "nbf", "jti", "sid"] {
        assert!(claims.get(name).is_some(), "{name}");
    }
    assert_eq!(claims["role"], "admin");
    assert_eq!(read(token.split('.').next().unwrap())["typ"], "at+jwt");
}

#[test]
fn each_claim_and_header_that_is_wrong_or_missing_makes_it_invalid() {
    let signer = signer();
    let token = signer.sign(&claims()).unwrap();
    let mut parts = token.split('.').map(read_or_null);
    let (header, claims) = (parts.next().unwrap(), parts.next().unwrap());
    assert!(signer.verify(&forge(&signer, &header, &claims), at(NOW)).is_ok(), "the forgery itself works");
    let wrong_claims = [
        ("iss", json!("other")),
        ("aud", json!("other")),
        ("aud", json!(["other"])),
        ("sub", json!("nobody")),
        ("role", json!("root")),
        ("exp", json!("soon")),
        ("nbf", json!(NOW + 1_000)),
        ("sid", json!(7)),
    ];
    for (name, value) in wrong_claims {
        let mut changed = claims.clone();
        changed[name] = value;
        assert_eq!(signer.verify(&forge(&signer, &header, &changed), at(NOW)), Err(TokenError::Invalid), "{name}");
    }
    for name in ["iss", "aud", "sub", "role", "exp", "iat", "nbf", "jti", "sid"] {
        let mut changed = claims.clone();
        changed.as_object_mut().unwrap().remove(name);
        assert_eq!(signer.verify(&forge(&signer, &header, &changed), at(NOW)), Err(TokenError::Invalid), "no {name}");
    }
    let wrong_headers = [
        ("typ", json!("JWT")),
        ("typ", Value::Null),
        ("alg", json!("HS256")),
        ("kid", Value::Null),
        ("crit", json!([])),
    ];
    for (name, value) in wrong_headers {
        let mut changed = header.clone();
        changed[name] = value;
        assert_eq!(signer.verify(&forge(&signer, &changed, &claims), at(NOW)), Err(TokenError::Invalid), "{name}");
    }
}

fn read_or_null(part: &str) -> Value {
    URL_SAFE_NO_PAD.decode(part).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}

#[test]
fn no_signature_another_key_and_a_changed_text_are_invalid() {
    let (signer, stranger) = (signer(), signer());
    let token = signer.sign(&claims()).unwrap();
    let parts: Vec<&str> = token.split('.').collect();
    let mut header = read(parts[0]);
    assert_eq!(stranger.verify(&token, at(NOW)), Err(TokenError::Invalid));
    let same_name = forge(&stranger, &header, &read(parts[1]));
    assert_eq!(signer.verify(&same_name, at(NOW)), Err(TokenError::Invalid), "another key under our key's name");
    header["alg"] = json!("none");
    for unsigned in [format!("{}.{}.", part(&header), parts[1]), format!("{}.{}.", parts[0], parts[1])] {
        assert_eq!(signer.verify(&unsigned, at(NOW)), Err(TokenError::Invalid));
    }
    let mut promoted = read(parts[1]);
    promoted["sub"] = json!(Uuid::from_u128(9));
    let tampered = format!("{}.{}.{}", parts[0], part(&promoted), parts[2]);
    assert_eq!(signer.verify(&tampered, at(NOW)), Err(TokenError::Invalid));
    for text in ["", ".", "..", "a.b.c", &token[1..], &format!("{token}.x"), &"a".repeat(TOKEN_BYTES_MAX + 1)] {
        assert_eq!(signer.verify(text, at(NOW)), Err(TokenError::Invalid), "{text}");
    }
}

#[test]
fn others_check_with_the_published_keys_also_after_the_key_has_changed() {
    let (old, new) = (key(), key());
    let before = JwtSigner::new("ecom", "ecom", old.clone(), vec![]);
    let after = JwtSigner::new("ecom", "ecom", new, vec![old.clone(), old]);
    let [token, newer] = [&before, &after].map(|signer| signer.sign(&claims()).unwrap());
    let cached = JwtVerifier::from_jwks("ecom", "ecom", &before.jwks()).unwrap();
    assert_eq!(cached.verify(&token, at(NOW)), Ok(claims()));
    assert_eq!(cached.verify(&newer, at(NOW)), Err(TokenError::NoKey), "to be fetched");
    let fetched = JwtVerifier::from_jwks("ecom", "ecom", &after.jwks()).unwrap();
    assert_eq!(fetched.verify(&token, at(NOW)), Ok(claims()));
    assert_eq!(fetched.verify(&newer, at(NOW)), Ok(claims()));
    assert_eq!(after.verify(&token, at(NOW)), Ok(claims()));
    assert_eq!(fetched.sign(&claims()), Err(TokenError::NoKey));
}

#[test]
fn the_published_keys_are_public_keys_alone() {
    let jwks: Value = serde_json::from_str(&signer().jwks()).unwrap();
    let key = jwks["keys"][0].as_object().unwrap();
    assert!(!key.contains_key("d"));
    let names = ["kty", "crv", "use", "alg"].map(|name| key[name].as_str().unwrap_or_default());
    assert_eq!(names, ["OKP", "Ed25519", "sig", "EdDSA"]);
}

#[test]
fn keys_of_other_kinds_are_left_out_and_rubbish_is_refused() {
    let mixed = r#"{"keys":[{"kty":"oct","kid":"a","k":"c2VjcmV0"},{"kty":"OKP","crv":"Ed25519","x":"AA"}]}"#;
    assert!(!JwtVerifier::from_jwks("ecom", "ecom", mixed).unwrap().has_keys());
    for rubbish in ["", "[]", "{}", "<html>"] {
        assert!(JwtVerifier::from_jwks("ecom", "ecom", rubbish).is_err(), "{rubbish}");
    }
    assert!(!JwtVerifier::without_keys("ecom", "ecom").has_keys());
}
