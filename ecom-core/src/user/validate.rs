//! From what a client sends to values that cannot be wrong; what is wrong is told for every field at once.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::model::Name;
use crate::email::Email;

/// Passwords that anybody tries first, of the length that we take; one on each line, compared without case.
const COMMON_PASSWORDS: &str = include_str!("common_passwords.txt");

/// The longest name, in characters.
pub const NAME_CHARS_MAX: usize = 100;

/// The shortest password, in characters.
pub const PASSWORD_CHARS_MIN: usize = 8;

/// The longest password, in characters: room for any sentence, and a bound on the work of hashing.
pub const PASSWORD_CHARS_MAX: usize = 128;

/// What is wrong with one field of a request.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct FieldError {
    /// The field, as a JSON pointer.
    pub pointer: String,
    /// Stable word for programs.
    pub code: &'static str,
    /// For people.
    pub detail: String,
}

impl FieldError {
    /// An error of a field of the body.
    fn new(field: &str, code: &'static str, problem: &impl fmt::Display) -> Self {
        Self { pointer: format!("/{field}"), code, detail: problem.to_string() }
    }
}

/// What is wrong with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum NameProblem {
    /// Nothing in it can be seen.
    #[error("must not be blank")]
    Blank,
    /// More than [`NAME_CHARS_MAX`] characters.
    #[error("must have at most {NAME_CHARS_MAX} characters")]
    TooLong,
    /// Control characters, line ends, or marks that turn the direction of the text around them.
    #[error("must not contain control characters")]
    ControlCharacter,
}

impl NameProblem {
    /// Stable word for programs.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Blank => "blank",
            Self::TooLong => "too_long",
            Self::ControlCharacter => "control_character",
        }
    }
}

/// Trims and checks a name.
pub(super) fn name(text: &str) -> Result<&str, NameProblem> {
    let text = text.trim();
    // Directional overrides would let a name rewrite what stands beside it, line separators a header or a log line.
    let controls = |c: char| c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let invisible = |c: char| c.is_whitespace() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}');
    if text.chars().any(controls) {
        Err(NameProblem::ControlCharacter)
    } else if text.chars().all(invisible) {
        Err(NameProblem::Blank)
    } else if text.chars().nth(NAME_CHARS_MAX).is_some() {
        Err(NameProblem::TooLong)
    } else {
        Ok(text)
    }
}

/// A password that is good enough, on its way to the hasher. Taken as typed: never trimmed, never shortened.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl fmt::Debug for Password {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Password(…)")
    }
}

/// What is wrong with a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum PasswordProblem {
    /// Fewer than [`PASSWORD_CHARS_MIN`] characters.
    #[error("must have at least {PASSWORD_CHARS_MIN} characters")]
    TooShort,
    /// More than [`PASSWORD_CHARS_MAX`] characters.
    #[error("must have at most {PASSWORD_CHARS_MAX} characters")]
    TooLong,
    /// Among the first that anybody tries.
    #[error("is one of the most common passwords")]
    TooCommon,
}

impl PasswordProblem {
    /// Stable word for programs.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooShort => "too_short",
            Self::TooLong => "too_long",
            Self::TooCommon => "too_common",
        }
    }
}

impl Password {
    /// Checks a new password. There are no rules about digits or capitals: they make passwords worse, not better.
    pub fn parse(text: &str) -> Result<Self, PasswordProblem> {
        let mut chars = text.chars();
        if chars.clone().nth(PASSWORD_CHARS_MIN - 1).is_none() {
            return Err(PasswordProblem::TooShort);
        }
        if chars.clone().nth(PASSWORD_CHARS_MAX).is_some() {
            return Err(PasswordProblem::TooLong);
        }
        let first = chars.next();
        let one_key = chars.all(|c| Some(c) == first);
        if one_key || COMMON_PASSWORDS.lines().any(|common| common.eq_ignore_ascii_case(text)) {
            return Err(PasswordProblem::TooCommon);
        }
        Ok(Self(text.to_owned()))
    }

    /// Checks a new password that came in the field `field` of a body.
    pub fn parse_field(field: &str, text: &str) -> Result<Self, FieldError> {
        Self::parse(text).map_err(|problem| FieldError::new(field, problem.code(), &problem))
    }

    /// The text, for the hasher.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl Name {
    /// Checks a name that came in the field `field` of a body.
    pub fn parse_field(field: &str, text: &str) -> Result<Self, FieldError> {
        Self::parse(text).map_err(|problem| FieldError::new(field, problem.code(), &problem))
    }
}

/// The body of a registration, as sent. There is no role in it.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistrationBody {
    /// E-mail address.
    pub email: String,
    /// Password.
    pub password: String,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
}

/// A registration that can be carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// E-mail address.
    pub email: Email,
    /// Password.
    pub password: Password,
    /// First name.
    pub first_name: Name,
    /// Last name.
    pub last_name: Name,
}

impl Registration {
    /// Checks every field; the error names each that is wrong.
    pub fn parse(body: &RegistrationBody) -> Result<Self, Vec<FieldError>> {
        let email = Email::parse(&body.email).map_err(|error| FieldError::new("email", "invalid_email", &error));
        let password = Password::parse_field("password", &body.password);
        let first_name = Name::parse_field("first_name", &body.first_name);
        let last_name = Name::parse_field("last_name", &body.last_name);
        match (email, password, first_name, last_name) {
            (Ok(email), Ok(password), Ok(first_name), Ok(last_name)) => {
                Ok(Self { email, password, first_name, last_name })
            }
            (email, password, first_name, last_name) => {
                Err([email.err(), password.err(), first_name.err(), last_name.err()].into_iter().flatten().collect())
            }
        }
    }
}
