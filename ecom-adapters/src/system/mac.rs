//! HMAC with a key of any length.

use hmac::digest::Key;
use hmac::{Hmac, KeyInit};
use sha2::{Digest, Sha256, Sha384};

/// HMAC-SHA-256.
pub(super) type HmacSha256 = Hmac<Sha256>;

/// HMAC-SHA-384.
pub(super) type HmacSha384 = Hmac<Sha384>;

/// Keyed HMAC-SHA-256.
pub(super) fn hmac_sha256(key: &[u8]) -> HmacSha256 {
    let mut block = Key::<HmacSha256>::default();
    fit::<Sha256>(key, &mut block);
    HmacSha256::new(&block)
}

/// Keyed HMAC-SHA-384.
pub(super) fn hmac_sha384(key: &[u8]) -> HmacSha384 {
    let mut block = Key::<HmacSha384>::default();
    fit::<Sha384>(key, &mut block);
    HmacSha384::new(&block)
}

/// A key of up to a block is padded with zeros, a longer one digested first (RFC 2104 §2). Done here because the
/// library's own way returns an error that cannot happen.
fn fit<D: Digest>(key: &[u8], block: &mut [u8]) {
    if key.len() <= block.len() {
        block[..key.len()].copy_from_slice(key);
    } else {
        let digest = D::digest(key);
        block[..digest.len()].copy_from_slice(&digest);
    }
}

#[cfg(test)]
mod tests {
    use hmac::Mac;

    use super::*;

    #[test]
    fn it_is_the_hmac_of_the_standard_for_short_and_long_keys() {
        for key in [&b"k"[..], &[7; 64], &[7; 65], &[7; 128], &[7; 300]] {
            let standard = HmacSha256::new_from_slice(key).unwrap().chain_update(b"text").finalize().into_bytes();
            assert_eq!(hmac_sha256(key).chain_update(b"text").finalize().into_bytes(), standard);
            let standard = HmacSha384::new_from_slice(key).unwrap().chain_update(b"text").finalize().into_bytes();
            assert_eq!(hmac_sha384(key).chain_update(b"text").finalize().into_bytes(), standard);
        }
    }
}
