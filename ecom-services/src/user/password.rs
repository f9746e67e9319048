//! Passwords: set a new one, with the old one or with the token of a reset.

use std::time::Duration;

use ecom_core::email::Email;
use ecom_core::secret::{PasswordHash, Secret};
use ecom_core::user::{ChangePassword, ConfirmReset, Input, Password, Rejection, RequestReset};
use tokio::time::{Instant, sleep_until};
use warp::http::StatusCode;

use super::account::myself;
use super::body::{PasswordChange, ResetConfirmation, ResetRequest};
use super::session::verified;
use super::{Deps, hasher_busy, invalid, refuse};
use crate::http::body::json;
use crate::http::door::fault_problem;
use crate::http::problem::Problem;
use crate::http::request::Request;
use crate::http::response::{Answer, empty};

/// `POST /users/me/password`
pub(super) async fn change(deps: Deps, request: Request) -> Answer {
    let caller = deps.door.gate.caller(&request)?;
    let body: PasswordChange = json(&request)?;
    let password = new_password(&body.new_password)?;
    let user = myself(&deps, caller).await?;
    // A guess at the current password counts like one at a login.
    let user = verified(&deps, user.email.as_str(), &body.current_password).await?;
    let command = ChangePassword {
        user_id: user.id,
        session_id: caller.session_id,
        verified: user.password_hash,
        password_hash: hashed(&deps, &password).await?,
    };
    deps.door.execute(&request, None, Input::ChangePassword(command)).await
}

/// The answers to requests for a reset come after a multiple of this: much longer than a commit takes.
const RESET_STEP: Duration = Duration::from_millis(250);

/// `POST /users/password-reset`: neither the answer nor its time tells whether there is such an account.
pub(super) async fn request_reset(deps: Deps, request: Request) -> Answer {
    let body: ResetRequest = json(&request)?;
    deps.count(&deps.limits.logins, &request)?;
    let began = Instant::now();
    let answer = reset(&deps, &request, &body).await;
    let steps = began.elapsed().as_millis() / RESET_STEP.as_millis() + 1;
    sleep_until(began + RESET_STEP.saturating_mul(u32::try_from(steps).unwrap_or(u32::MAX))).await;
    answer
}

async fn reset(deps: &Deps, request: &Request, body: &ResetRequest) -> Answer {
    if let Ok(email) = Email::parse(&body.email) {
        let token = Secret::new(deps.door.gate.ids.secret());
        let token_hash = deps.mint.digest(token.reveal());
        deps.door.reply(request, Input::RequestReset(RequestReset { email, token, token_hash })).await?;
    }
    Ok(empty(StatusCode::ACCEPTED))
}

/// `POST /users/password-reset/confirm`
pub(super) async fn confirm_reset(deps: Deps, request: Request) -> Answer {
    let body: ResetConfirmation = json(&request)?;
    let password = new_password(&body.new_password)?;
    deps.count(&deps.limits.logins, &request)?;
    let token_hash = deps.mint.digest(&body.token);
    // The rule decides; to look first spares the hash for a token that is made up.
    let known = deps.reader.reset(&token_hash).await.map_err(fault_problem)?;
    if known.is_none() {
        return Err(refuse(&Rejection::InvalidResetToken));
    }
    let password_hash = hashed(&deps, &password).await?;
    deps.door.execute(&request, None, Input::ConfirmReset(ConfirmReset { token_hash, password_hash })).await
}

fn new_password(text: &str) -> Result<Password, Problem> {
    Password::parse_field("new_password", text).map_err(|error| invalid(vec![error]))
}

async fn hashed(deps: &Deps, password: &Password) -> Result<PasswordHash, Problem> {
    deps.hasher.hash(password.reveal()).await.map(PasswordHash::new).map_err(hasher_busy)
}
