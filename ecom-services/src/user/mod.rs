//! The user service over HTTP: accounts, sessions, passwords.

mod account;
mod body;
pub mod openapi;
mod password;
mod session;

use std::sync::Arc;
use std::time::Duration;

use ecom_core::email::Email;
use ecom_core::port::{HasherBusy, PasswordHasher, TokenMint};
use ecom_core::user::{FieldError, Rejection, User, UserContext, UserReader};
use warp::http::StatusCode;

use crate::config::{Rate, RateLimits};
use crate::http::door::{Door, fault_problem};
use crate::http::limit::{Limiter, address_key};
use crate::http::problem::Problem;
use crate::http::request::Request;
use crate::http::response::text;
use crate::http::router::{Mount, Router};

/// Logins from one address for each failed one that an account is allowed: a whole office may sign in.
const LOGINS_PER_ADDRESS: u32 = 10;

/// What the routes need.
#[derive(Clone)]
pub struct Deps {
    /// The use cases.
    pub door: Door<UserContext>,
    /// The queries.
    pub reader: Arc<dyn UserReader>,
    /// Hashes passwords.
    pub hasher: Arc<dyn PasswordHasher>,
    /// Makes refresh tokens.
    pub mint: Arc<dyn TokenMint>,
    /// The public keys, as a JSON Web Key Set.
    pub jwks: Arc<dyn Fn() -> String + Send + Sync>,
    /// What is counted against rate limits.
    pub limits: Arc<Limits>,
}

/// What is counted against rate limits.
pub struct Limits {
    failed_logins: Limiter,
    logins: Limiter,
    registrations: Limiter,
}

impl Limits {
    /// Nothing counted yet.
    pub fn new(rates: &RateLimits) -> Self {
        let Rate { count, per } = rates.login;
        Self {
            failed_logins: Limiter::new(rates.login),
            logins: Limiter::new(Rate { count: count.saturating_mul(LOGINS_PER_ADDRESS), per }),
            registrations: Limiter::new(rates.register),
        }
    }
}

/// The routes.
pub fn routes(deps: Deps) -> Router {
    Mount::new(deps)
        .post("/api/v1/users/register", account::register)
        .post("/api/v1/users/login", session::login)
        .post("/api/v1/users/token", session::rotate)
        .post("/api/v1/users/logout", session::logout)
        .get("/api/v1/users/me", account::show_me)
        .patch("/api/v1/users/me", account::change_me)
        .delete("/api/v1/users/me", account::deactivate_me)
        .post("/api/v1/users/me/password", password::change)
        .get("/api/v1/users/{id}", account::show)
        .patch("/api/v1/users/{id}", account::change)
        .delete("/api/v1/users/{id}", account::deactivate)
        .get("/api/v1/users", account::list)
        .post("/api/v1/users/password-reset", password::request_reset)
        .post("/api/v1/users/password-reset/confirm", password::confirm_reset)
        .post("/api/v1/admin/resync/users", account::resync)
        .get("/.well-known/jwks.json", |deps: Deps, _| async move { Ok(text("application/json", (deps.jwks)())) })
        .done()
}

impl Deps {
    /// Counts a request against the limit of its address.
    fn count(&self, limiter: &Limiter, request: &Request) -> Result<(), Problem> {
        limiter.take(&address_key(request.arrival.remote), self.door.gate.clock.now()).map(drop)
    }

    /// The user with that address; nobody has one that is no address.
    async fn by_email(&self, email: &str) -> Result<Option<User>, Problem> {
        let Ok(email) = Email::parse(email) else { return Ok(None) };
        self.reader.by_email(&email).await.map_err(fault_problem)
    }
}

/// What each broken rule is over HTTP.
pub fn refuse(rejection: &Rejection) -> Problem {
    let (code, detail) = (rejection.code(), rejection.to_string());
    match rejection {
        Rejection::EmailTaken | Rejection::IdTaken | Rejection::LastAdmin => Problem::conflict(code, detail),
        Rejection::InvalidCredentials
        | Rejection::InvalidRefreshToken
        | Rejection::AccountInactive(_)
        | Rejection::SessionEnded(_) => Problem::unauthorized(code, detail),
        Rejection::InvalidResetToken => Problem::invalid_field("/token", code, detail),
        Rejection::NotFound(_) => Problem::not_found(),
        Rejection::Forbidden => Problem::new(StatusCode::FORBIDDEN, code, detail),
    }
}

/// 422 with every field that is wrong.
fn invalid(errors: Vec<FieldError>) -> Problem {
    let problem = Problem::invalid("invalid_body", "some fields are not valid");
    errors.into_iter().fold(problem, |problem, error| problem.field(error.pointer, error.code, error.detail))
}

/// 503: passwords are hashed slowly on purpose, and too many wait.
fn hasher_busy(busy: HasherBusy) -> Problem {
    Problem::unavailable("overloaded", busy.to_string()).retry_after(Duration::from_secs(2))
}
