//! Sessions: sign in, exchange the refresh token, sign out.

use ecom_core::id::SessionId;
use ecom_core::port::{Claims, PresentedToken};
use ecom_core::secret::{PasswordHash, Secret};
use ecom_core::user::{ACCESS_TOKEN_LIFE, Input, OpenSession, Rejection, Reply, Role, RotateToken, SignedIn, User};

use super::body::{Login, RefreshToken};
use super::{Deps, hasher_busy, refuse};
use crate::http::body::json;
use crate::http::problem::Problem;
use crate::http::request::Request;
use crate::http::response::{Answer, ok};

/// As much of an address as tells accounts apart: what is longer is no address.
const ACCOUNT_KEY_CHARS_MAX: usize = 254;

/// `POST /users/login`
pub(super) async fn login(deps: Deps, request: Request) -> Answer {
    let body: Login = json(&request)?;
    deps.count(&deps.limits.logins, &request)?;
    let user = verified(&deps, &body.email, &body.password).await?;
    let session_id = deps.door.gate.fresh();
    let renewed = if deps.hasher.is_outdated(user.password_hash.as_str()) {
        Some(PasswordHash::new(deps.hasher.hash(&body.password).await.map_err(hasher_busy)?))
    } else {
        None
    };
    let (refresh_token, token) = deps.mint.first(session_id);
    let command = OpenSession { session_id, user_id: user.id, verified: user.password_hash, renewed, token };
    match deps.door.reply(&request, Input::OpenSession(command)).await? {
        Reply::SignedIn { user, session } => signed_in(&deps, &user, session.id, &refresh_token),
        Reply::Registered(_) | Reply::Current(_) | Reply::TokenReused { .. } | Reply::Done { .. } => {
            Err(Problem::internal())
        }
    }
}

/// The active user whose address and password these are. Whatever is wrong, the answer and its time are the same.
///
/// # Errors
/// 401 `invalid_credentials`; 429 when the account, whether it exists or not, has failed too often.
pub(super) async fn verified(deps: &Deps, email: &str, password: &str) -> Result<User, Problem> {
    let account: String = email.trim().to_lowercase().chars().take(ACCOUNT_KEY_CHARS_MAX).collect();
    deps.limits.failed_logins.check(&account, deps.door.gate.clock.now())?;
    let user = deps.by_email(email).await?;
    let hash = user.as_ref().map(|user| user.password_hash.as_str());
    let fits = deps.hasher.verify(password, hash).await.map_err(hasher_busy)?;
    if let Some(user) = user.filter(|user| fits && user.is_active) {
        return Ok(user);
    }
    deps.limits.failed_logins.take(&account, deps.door.gate.clock.now())?;
    Err(refuse(&Rejection::InvalidCredentials))
}

/// `POST /users/token`
pub(super) async fn rotate(deps: Deps, request: Request) -> Answer {
    let PresentedToken { session_id, hash, successor, successor_hash } = presented(&deps, &request)?;
    let command = RotateToken { session_id, presented: hash, successor: successor_hash };
    match deps.door.reply(&request, Input::RotateToken(command)).await? {
        Reply::SignedIn { user, session } => signed_in(&deps, &user, session.id, &successor),
        Reply::TokenReused { .. } => Err(refuse(&Rejection::InvalidRefreshToken)),
        Reply::Registered(_) | Reply::Current(_) | Reply::Done { .. } => Err(Problem::internal()),
    }
}

/// `POST /users/logout`
pub(super) async fn logout(deps: Deps, request: Request) -> Answer {
    let session_id = presented(&deps, &request)?.session_id;
    deps.door.execute(&request, None, Input::Logout { session_id }).await
}

/// The refresh token of the body; 401 unless it is genuine.
fn presented(deps: &Deps, request: &Request) -> Result<PresentedToken, Problem> {
    let body: RefreshToken = json(request)?;
    deps.mint.read(&body.refresh_token).ok_or_else(|| refuse(&Rejection::InvalidRefreshToken))
}

fn signed_in(deps: &Deps, user: &User, session_id: SessionId, refresh_token: &Secret) -> Answer {
    let now = deps.door.gate.clock.now();
    let claims = Claims {
        user_id: user.id,
        is_admin: user.role == Role::Admin,
        session_id,
        issued_at: now,
        expires_at: now.after(ACCESS_TOKEN_LIFE),
    };
    let access_token = deps.door.gate.signer.sign(&claims);
    let access_token = access_token.map_err(|error| Problem::unavailable("keys_unavailable", error.to_string()))?;
    ok(&SignedIn::new(access_token, refresh_token, user))
}
