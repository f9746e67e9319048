//! Accounts: register, see, change, deactivate.

use ecom_core::email::Email;
use ecom_core::id::UserId;
use ecom_core::secret::PasswordHash;
use ecom_core::user::{
    ChangeProfile, Input, Name, NewUser, Registration, RegistrationBody, Rejection, User, UserFilter, UserView,
};

use super::body::Profile;
use super::{Deps, hasher_busy, invalid, refuse};
use crate::http::auth::Caller;
use crate::http::body::json;
use crate::http::door::fault_problem;
use crate::http::page::{list as list_of, page, republished};
use crate::http::problem::Problem;
use crate::http::request::{Request, invalid_parameter};
use crate::http::response::{Answer, ok};

/// `POST /users/register`
pub(super) async fn register(deps: Deps, request: Request) -> Answer {
    let body: RegistrationBody = json(&request)?;
    let registration = Registration::parse(&body).map_err(invalid)?;
    deps.count(&deps.limits.registrations, &request)?;
    // The rule decides; to look first spares the hash, and says nothing that the answer would not say.
    if deps.by_email(registration.email.as_str()).await?.is_some() {
        return Err(refuse(&Rejection::EmailTaken));
    }
    let hash = deps.hasher.hash(registration.password.reveal()).await.map_err(hasher_busy)?;
    let new = NewUser {
        user_id: deps.door.gate.fresh(),
        email: registration.email,
        password_hash: PasswordHash::new(hash),
        first_name: registration.first_name,
        last_name: registration.last_name,
    };
    deps.door.execute(&request, None, Input::Register(new)).await
}

/// `GET /users/me`
pub(super) async fn show_me(deps: Deps, request: Request) -> Answer {
    let caller = deps.door.gate.caller(&request)?;
    ok(&UserView::from(&myself(&deps, caller).await?))
}

/// The caller's account; 401 when it was deactivated after his token was issued.
pub(super) async fn myself(deps: &Deps, caller: Caller) -> Result<User, Problem> {
    let user = deps.reader.user(caller.user_id).await.map_err(fault_problem)?;
    user.filter(|user| user.is_active).ok_or_else(|| refuse(&Rejection::AccountInactive(caller.user_id)))
}

/// `PATCH /users/me`
pub(super) async fn change_me(deps: Deps, request: Request) -> Answer {
    let caller = deps.door.gate.caller(&request)?;
    change_profile(&deps, &request, caller, caller.user_id).await
}

/// `DELETE /users/me`
pub(super) async fn deactivate_me(deps: Deps, request: Request) -> Answer {
    let actor = deps.door.gate.caller(&request)?.user_id;
    deps.door.execute(&request, None, Input::Deactivate { actor, user_id: actor }).await
}

/// `GET /users/{id}`
pub(super) async fn show(deps: Deps, request: Request) -> Answer {
    let caller = deps.door.gate.caller(&request)?;
    let id = request.id(0)?;
    caller.sees(id)?;
    let user = deps.reader.user(id).await.map_err(fault_problem)?;
    ok(&UserView::from(&user.ok_or_else(Problem::not_found)?))
}

/// `PATCH /users/{id}`
pub(super) async fn change(deps: Deps, request: Request) -> Answer {
    let caller = deps.door.gate.caller(&request)?;
    let id = request.id(0)?;
    caller.sees(id)?;
    change_profile(&deps, &request, caller, id).await
}

async fn change_profile(deps: &Deps, request: &Request, caller: Caller, user_id: UserId) -> Answer {
    let body: Profile = json(request)?;
    let name = |field: &str, text: Option<String>| text.map(|text| Name::parse_field(field, &text)).transpose();
    let (first_name, last_name) = match (name("first_name", body.first_name), name("last_name", body.last_name)) {
        (Ok(first_name), Ok(last_name)) => (first_name, last_name),
        (first_name, last_name) => {
            return Err(invalid([first_name.err(), last_name.err()].into_iter().flatten().collect()));
        }
    };
    let command = ChangeProfile {
        actor: caller.user_id,
        user_id,
        first_name,
        last_name,
        role: body.role,
        is_active: body.is_active,
    };
    deps.door.execute(request, None, Input::ChangeProfile(command)).await
}

/// `DELETE /users/{id}`
pub(super) async fn deactivate(deps: Deps, request: Request) -> Answer {
    let caller = deps.door.gate.caller(&request)?;
    let user_id = request.id(0)?;
    caller.sees(user_id)?;
    deps.door.execute(&request, None, Input::Deactivate { actor: caller.user_id, user_id }).await
}

/// `GET /users`
pub(super) async fn list(deps: Deps, request: Request) -> Answer {
    deps.door.gate.admin(&request)?;
    let email = request.query.get("email").map(Email::parse).transpose();
    let filter = UserFilter {
        email: email.map_err(|_| invalid_parameter("email"))?,
        role: request.query.parsed("role")?,
        is_active: request.query.parsed("is_active")?,
    };
    let users = deps.reader.list(&filter, page(&request.query)?).await.map_err(fault_problem)?;
    list_of(users.map(|user| UserView::from(&user)))
}

/// `POST /admin/resync/users`: a page of them, the newest first.
pub(super) async fn resync(deps: Deps, request: Request) -> Answer {
    let actor = deps.door.gate.admin(&request)?.user_id;
    let users = deps.reader.list(&UserFilter::default(), page(&request.query)?).await.map_err(fault_problem)?;
    if !users.items.is_empty() {
        let ids = users.items.iter().map(|user| user.id).collect();
        deps.door.reply(&request, Input::Resync(ids)).await?;
        tracing::info!(%actor, count = users.items.len(), "users are published again");
    }
    republished(&users)
}
