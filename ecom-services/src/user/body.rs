//! The bodies of requests. A registration is [`ecom_core::user::RegistrationBody`].

use ecom_core::user::Role;
use serde::Deserialize;

/// Signs in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Login {
    pub(super) email: String,
    pub(super) password: String,
}

/// Exchanges or gives up a refresh token.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RefreshToken {
    pub(super) refresh_token: String,
}

/// Changes a profile; what is absent or null stays.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Profile {
    pub(super) first_name: Option<String>,
    pub(super) last_name: Option<String>,
    pub(super) role: Option<Role>,
    pub(super) is_active: Option<bool>,
}

/// Changes a password.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PasswordChange {
    pub(super) current_password: String,
    pub(super) new_password: String,
}

/// Asks for a reset.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ResetRequest {
    pub(super) email: String,
}

/// Carries a reset out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ResetConfirmation {
    pub(super) token: String,
    pub(super) new_password: String,
}
