//! E-mail addresses in one canonical form.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A valid e-mail address (RFC 5321), trimmed and in lower case.
///
/// The whole address is compared without case: the local part may be case-sensitive by RFC 5321 §2.4, but no provider
/// of note is, and two accounts that differ by case alone are an impersonation. Only ASCII is taken, so that look-alikes
/// of other scripts and full-width letters cannot pose as somebody; an internationalised domain is given as punycode.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email(String);

/// The text is not an e-mail address that we take.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a valid e-mail address")]
pub struct InvalidEmail;

impl Email {
    /// Parses and canonicalises.
    pub fn parse(text: &str) -> Result<Self, InvalidEmail> {
        let text = text.trim();
        let plain =
            text.is_ascii() && !text.bytes().any(|byte| byte.is_ascii_control() || b" \"(),:;<>[\\]".contains(&byte));
        let options = email_address::Options::default().without_display_text().with_required_tld();
        if !plain || email_address::EmailAddress::parse_with_options(text, options).is_err() {
            return Err(InvalidEmail);
        }
        Ok(Self(text.to_ascii_lowercase()))
    }

    /// The canonical text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Email {
    type Error = InvalidEmail;
    fn try_from(text: String) -> Result<Self, InvalidEmail> {
        Self::parse(&text)
    }
}

impl From<Email> for String {
    fn from(email: Email) -> Self {
        email.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_surrounding_space_do_not_matter() {
        assert_eq!(
            Email::parse(" Ada.Lovelace+x@Example.COM ").map(String::from),
            Ok("ada.lovelace+x@example.com".to_owned())
        );
    }

    #[test]
    fn what_is_not_an_address_is_refused() {
        for text in [
            "",
            "a",
            "a@",
            "@b.c",
            "a@b",
            "a b@c.de",
            "a@b..de",
            "a@b.de.",
            "a\r\nBcc: x@y.de",
            "\u{ff21}dmin@example.com",
            "a@ex\u{e4}mple.com",
            "Ada <ada@example.com>",
            "\"a b\"@c.de",
            "a@[127.0.0.1]",
            "a@b.de\0",
        ] {
            assert_eq!(Email::parse(text), Err(InvalidEmail), "{text:?}");
        }
    }
}
