//! The key pair that access tokens are signed with.

use std::fmt;

use jsonwebtoken::jwk::{Jwk, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};

use super::ids::random;

/// What stands before the 32 bytes of an Ed25519 key in PKCS#8 (RFC 8410 §7): version, algorithm, lengths.
const PKCS8_HEAD: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];

/// The length of such a key.
const PKCS8_LEN: usize = 48;

/// The bytes are not an Ed25519 key that we take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an Ed25519 private key in PKCS#8 without a public part, as `openssl genpkey -algorithm ed25519` makes it")]
pub struct InvalidKey;

/// An Ed25519 key pair with its name.
#[derive(Clone)]
pub struct Ed25519Key {
    pub(super) kid: String,
    pub(super) signing: EncodingKey,
    pub(super) checking: DecodingKey,
    pub(super) public: Jwk,
}

impl fmt::Debug for Ed25519Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Ed25519Key({})", self.kid)
    }
}

impl Ed25519Key {
    /// The bytes of a new key, in PKCS#8 (DER). The caller keeps them: tokens of a lost key cannot be checked.
    pub fn generate() -> Vec<u8> {
        [&PKCS8_HEAD[..], &random::<32>()].concat()
    }

    /// From PKCS#8 (DER).
    pub fn from_pkcs8(bytes: &[u8]) -> Result<Self, InvalidKey> {
        if bytes.len() != PKCS8_LEN || !bytes.starts_with(&PKCS8_HEAD) {
            return Err(InvalidKey);
        }
        Self::named(EncodingKey::from_ed_der(bytes))
    }

    /// From PKCS#8 as a PEM text (`-----BEGIN PRIVATE KEY-----`), as in a key file.
    pub fn from_pem(text: &[u8]) -> Result<Self, InvalidKey> {
        let key = EncodingKey::from_ed_pem(text).map_err(|_| InvalidKey)?;
        Self::from_pkcs8(key.as_bytes())
    }

    /// Its name: the thumbprint of the public part (RFC 7638), the same wherever the key is loaded.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The private part in PKCS#8, to derive other keys from.
    pub(super) fn secret(&self) -> &[u8] {
        self.signing.as_bytes()
    }

    fn named(signing: EncodingKey) -> Result<Self, InvalidKey> {
        let mut public = Jwk::from_encoding_key(&signing, Algorithm::EdDSA).map_err(|_| InvalidKey)?;
        let kid = public.thumbprint(ThumbprintHash::SHA256).map_err(|_| InvalidKey)?;
        public.common.key_id = Some(kid.clone());
        public.common.public_key_use = Some(PublicKeyUse::Signature);
        let checking = DecodingKey::from_jwk(&public).map_err(|_| InvalidKey)?;
        Ok(Self { kid, signing, checking, public })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_keeps_its_name_wherever_it_is_loaded() {
        let bytes = Ed25519Key::generate();
        let key = Ed25519Key::from_pkcs8(&bytes).unwrap();
        assert_eq!(Ed25519Key::from_pkcs8(&bytes).unwrap().kid(), key.kid());
        assert_ne!(Ed25519Key::from_pkcs8(&Ed25519Key::generate()).unwrap().kid(), key.kid());
        assert!(!format!("{key:?}").contains("signing"));
    }

    #[test]
    fn the_thumbprint_is_that_of_the_standard() {
        // The key of RFC 8037, appendix A.
        let seed = [
            0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44, 0x49,
            0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60,
        ];
        let key = Ed25519Key::from_pkcs8(&[&PKCS8_HEAD[..], &seed].concat()).unwrap();
        assert_eq!(key.kid(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn a_pem_file_is_taken_and_anything_else_refused() {
        use base64::Engine;
        let bytes = Ed25519Key::generate();
        let text = base64::engine::general_purpose::STANDARD.encode(&bytes);
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n");
        let kid = Ed25519Key::from_pem(pem.as_bytes()).unwrap().kid;
        assert_eq!(kid, Ed25519Key::from_pkcs8(&bytes).unwrap().kid);
        for wrong in [&b""[..], b"x", &bytes[..47], &[0; 48], &[bytes.clone(), vec![0]].concat()] {
            assert_eq!(Ed25519Key::from_pkcs8(wrong).err(), Some(InvalidKey));
            assert_eq!(Ed25519Key::from_pem(wrong).err(), Some(InvalidKey));
        }
    }
}
