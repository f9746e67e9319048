//! Sessions: sign in, exchange the refresh token, sign out.

use ecom_core::id::SessionId;
use ecom_core::port::{Claims, PresentedToken};
use ecom_core::secret::{PasswordHash, Secret};
use ecom_core::user::{ACCESS_TOKEN_LIFE, Input, OpenSession, Rejection, Reply, Role, RotateToken, SignedIn, User};

use warp::http::StatusCode;

use super::body::{Login, RefreshToken};
use super::{Deps, hasher_busy, refuse};
use crate::http::body::json;
use crate::http::problem::Problem;
use crate::http::request::Request;
use crate::http::response::{Answer, empty, ok};

/// As much of an address as tells accounts apart: what is longer is no address.
const ACCOUNT_KEY_CHARS_MAX: usize = 254;

/// How often a sign-in begins anew because another one has renewed the hash meanwhile.
const RENEWALS_MAX: u32 = 2;

/// `POST /users/login`
pub(super) async fn login(deps: Deps, request: Request) -> Answer {
    let body: Login = json(&request)?;
    deps.count(&deps.limits.logins, &request)?;
    for _ in 0..RENEWALS_MAX {
        let user = verified(&deps, &body.email, &body.password).await?;
        match open(&deps, &request, &body, user).await {
            // The hash is not the verified one any more. Whether the password still fits, a look at the new one tells.
            Err(problem) if problem.code == Rejection::InvalidCredentials.code() => {}
            answer => return answer,
        }
    }
    let user = verified(&deps, &body.email, &body.password).await?;
    open(&deps, &request, &body, user).await
}

/// Opens a session for a user whose password was verified.
async fn open(deps: &Deps, request: &Request, body: &Login, user: User) -> Answer {
    let session_id = deps.door.gate.fresh();
    let renewed = if deps.hasher.is_outdated(user.password_hash.as_str()) {
        Some(PasswordHash::new(deps.hasher.hash(&body.password).await.map_err(hasher_busy)?))
    } else {
        None
    };
    let (refresh_token, token) = deps.mint.first(session_id);
    let command = OpenSession { session_id, user_id: user.id, verified: user.password_hash, renewed, token };
    match deps.door.reply(request, Input::OpenSession(command)).await? {
        Reply::SignedIn { user, session } => signed_in(deps, &user, session.id, &refresh_token),
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
    // Counted before the hash, which takes long: guesses that run beside each other must not all be let in.
    deps.limits.failed_logins.take(&account, deps.door.gate.clock.now())?;
    let user = fitting(deps, email, password).await;
    // Only a wrong guess counts.
    if !matches!(user, Ok(None)) {
        deps.limits.failed_logins.give_back(&account);
    }
    user?.ok_or_else(|| refuse(&Rejection::InvalidCredentials))
}

/// The active user whose address and password these are.
async fn fitting(deps: &Deps, email: &str, password: &str) -> Result<Option<User>, Problem> {
    let user = deps.by_email(email).await?;
    let hash = user.as_ref().map(|user| user.password_hash.as_str());
    let fits = deps.hasher.verify(password, hash).await.map_err(hasher_busy)?;
    Ok(user.filter(|user| fits && user.is_active))
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

/// `POST /users/logout`: a token that is not ours has no session, so nothing is left to end.
pub(super) async fn logout(deps: Deps, request: Request) -> Answer {
    let body: RefreshToken = json(&request)?;
    let Some(PresentedToken { session_id, .. }) = deps.mint.read(&body.refresh_token) else {
        return Ok(empty(StatusCode::NO_CONTENT));
    };
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
