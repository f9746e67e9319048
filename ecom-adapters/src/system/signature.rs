//! Signed bodies: HMAC-SHA-256 with a shared secret over the time and the raw body, as payment providers sign webhooks.
//!
//! The header says `t=<seconds since 1970>,v1=<hexadecimal>`; what is signed is `<seconds>.<body>`. There may be several
//! `v1`, while a secret is being replaced: one that fits is enough. Other fields are not looked at.

use std::fmt;
use std::time::Duration;

use ecom_core::secret::Secret;
use ecom_core::time::Timestamp;
use hmac::Mac;

use super::mac::{HmacSha256, hmac_sha256};

/// How far the time of a signature may be from now: a body that somebody kept cannot be sent again later.
pub const TOLERANCE: Duration = Duration::from_secs(300);

/// How many signatures of one header are looked at.
const SIGNATURES_MAX: usize = 8;

/// Microseconds in a second.
const SECOND: i64 = 1_000_000;

/// Why a signature is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSignature {
    /// The header is not of this scheme.
    #[error("the signature is not of the form t=…,v1=…")]
    Malformed,
    /// Its time is too far from now.
    #[error("the signature is too old, or from the future")]
    Untimely,
    /// It was not made with the secret, for this body and time.
    #[error("the signature does not fit the body")]
    Wrong,
}

/// Signs and checks bodies with one secret.
#[derive(Clone)]
pub struct BodySigner {
    secret: Secret,
}

impl fmt::Debug for BodySigner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("BodySigner")
    }
}

impl BodySigner {
    /// With this secret.
    pub const fn new(secret: Secret) -> Self {
        Self { secret }
    }

    /// The header for a body that is sent now.
    pub fn sign(&self, body: &[u8], now: Timestamp) -> String {
        let seconds = now.as_micros().div_euclid(SECOND);
        let tag = self.mac(&seconds.to_string(), body).finalize().into_bytes();
        let mut header = format!("t={seconds},v1=");
        for digit in tag.iter().flat_map(|byte| [byte >> 4, byte & 15]) {
            header.extend(char::from_digit(digit.into(), 16));
        }
        header
    }

    /// Checks a header against a body. The comparison takes the same time wherever a wrong signature differs.
    ///
    /// # Errors
    /// Why it is not accepted.
    pub fn check(&self, header: &str, body: &[u8], now: Timestamp) -> Result<(), BadSignature> {
        let (mut time, mut tags) = (None, vec![]);
        for (name, value) in header.split(',').filter_map(|field| field.trim().split_once('=')) {
            match name {
                "t" if time.is_none() => time = Some(value),
                "t" => return Err(BadSignature::Malformed),
                "v1" if tags.len() < SIGNATURES_MAX => tags.push(unhex(value).ok_or(BadSignature::Malformed)?),
                _ => {}
            }
        }
        let time = time.filter(|_| !tags.is_empty()).ok_or(BadSignature::Malformed)?;
        let seconds: i64 = time.parse().map_err(|_| BadSignature::Malformed)?;
        let mac = self.mac(time, body);
        if !tags.iter().any(|tag| mac.clone().verify_slice(tag).is_ok()) {
            return Err(BadSignature::Wrong);
        }
        let apart = now.as_micros().div_euclid(SECOND).abs_diff(seconds);
        if apart > TOLERANCE.as_secs() { Err(BadSignature::Untimely) } else { Ok(()) }
    }

    fn mac(&self, time: &str, body: &[u8]) -> HmacSha256 {
        hmac_sha256(self.secret.reveal().as_bytes()).chain_update(time).chain_update(".").chain_update(body)
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    digits.chunks(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_700_000_000 * SECOND);

    fn signer(secret: &str) -> BodySigner {
        BodySigner::new(Secret::new(secret.to_owned()))
    }

    /// As any program would make it: `printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac whsec`.
    const KNOWN: &str = "8ad37ba156048ae0e0a5533c75cdf26fee88b07f93cb57ee4c80adb053012032";

    #[test]
    fn a_signature_is_that_of_the_scheme_and_fits_its_body_alone() {
        let body = br#"{"a":1}"#;
        let header = signer("whsec").sign(body, NOW);
        assert_eq!(header, format!("t=1700000000,v1={KNOWN}"));
        assert_eq!(signer("whsec").check(&header, body, NOW), Ok(()));
        let rotated = format!("t=1700000000, v0=zz, v1={}, v1={KNOWN}", "0".repeat(64));
        assert_eq!(signer("whsec").check(&rotated, body, NOW), Ok(()));
        for (secret, header, body) in [
            ("other", header.as_str(), body.as_slice()),
            ("whsec", &header, br#"{"a":2}"#),
            ("whsec", &header.replace("1700000000", "1700000001"), body),
            ("whsec", &header[..header.len() - 2], body),
            ("whsec", "t=1700000000,v1=", body),
        ] {
            assert_eq!(signer(secret).check(header, body, NOW), Err(BadSignature::Wrong), "{header}");
        }
    }

    #[test]
    fn what_is_not_of_the_scheme_or_not_of_now_is_refused() {
        let signer = signer("whsec");
        let good = signer.sign(b"body", NOW);
        for header in
            ["", "v1=00", "t=1", "t=,v1=00", "t=x,v1=00", "t=1,v1=0", "t=1,v1=xy", "t=1,t=1,v1=00", "Bearer x"]
        {
            assert_eq!(signer.check(header, b"body", NOW), Err(BadSignature::Malformed), "{header}");
        }
        for (seconds, expected) in
            [(-301, Err(BadSignature::Untimely)), (-300, Ok(())), (300, Ok(())), (301, Err(BadSignature::Untimely))]
        {
            let then = Timestamp::from_micros(NOW.as_micros() + seconds * SECOND);
            assert_eq!(signer.check(&good, b"body", then), expected, "{seconds}");
        }
        let far = format!("t={},v1=00", i64::MAX);
        assert_eq!(signer.check(&far, b"body", NOW), Err(BadSignature::Wrong));
    }
}
