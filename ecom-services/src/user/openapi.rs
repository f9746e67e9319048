//! The user service's rows of the API's description.

use crate::http::openapi::schema::{
    array, boolean, closed, count, length, map, named, object, one_of, page, text, time,
};
use crate::http::openapi::{Operation, Schemas, delete, get, patch, post};

/// Beside [`super::routes`].
pub fn operations() -> Vec<Operation> {
    let rows = vec![
        post("/api/v1/users/register", "Registers a customer")
            .takes("Registration")
            .answers(201, "User")
            .problem(409, "email_taken")
            .problem(429, "rate_limited"),
        post("/api/v1/users/login", "Signs in")
            .takes("Login")
            .answers(200, "SignedIn")
            .problem(401, "invalid_credentials")
            .problem(429, "rate_limited"),
        post("/api/v1/users/token", "Exchanges the refresh token for new tokens")
            .takes("RefreshToken")
            .answers(200, "SignedIn")
            .problem(401, "invalid_refresh_token")
            .problem(401, "account_inactive"),
        post("/api/v1/users/logout", "Ends a session").takes("RefreshToken").empty(204),
        get("/api/v1/users/me", "The caller's account").user().answers(200, "User").problem(401, "account_inactive"),
        patch("/api/v1/users/me", "Changes the caller's account").user().changes_account(),
        delete("/api/v1/users/me", "Deactivates the caller's account").user().deactivates_account(),
        post("/api/v1/users/me/password", "Changes the password and ends all other sessions")
            .user()
            .takes("PasswordChange")
            .empty(204)
            .problems_of(401, &["invalid_credentials", "account_inactive", "session_ended"])
            .problem(429, "rate_limited"),
        get("/api/v1/users/{id}", "An account: the caller's own, or any for administrators")
            .user()
            .answers(200, "User"),
        patch("/api/v1/users/{id}", "Changes an account; role and activity are for administrators")
            .user()
            .changes_account(),
        delete("/api/v1/users/{id}", "Deactivates an account").user().deactivates_account(),
        get("/api/v1/users", "Accounts, the newest first")
            .admin()
            .query("email", text())
            .query("role", role())
            .query("is_active", boolean())
            .lists("UserPage"),
        post("/api/v1/users/password-reset", "Sends a token to set a new password, if there is such an account")
            .takes("ResetRequest")
            .empty(202)
            .problem(429, "rate_limited"),
        post("/api/v1/users/password-reset/confirm", "Sets a new password with that token")
            .takes("ResetConfirmation")
            .empty(204)
            .problem(422, "invalid_reset_token")
            .problem(429, "rate_limited"),
        get("/.well-known/jwks.json", "The public keys of access tokens").answers(200, "KeySet"),
    ];
    let resync = post("/api/v1/admin/resync/users", "Publishes a page of users again").republishes();
    rows.into_iter().map(|row| row.tag("Users")).chain([resync.tag("Operations")]).collect()
}

/// What two paths have in common.
impl Operation {
    fn changes_account(self) -> Self {
        self.takes("Profile")
            .answers(200, "User")
            .problem(401, "account_inactive")
            .problem(403, "forbidden")
            .problem(409, "last_admin")
    }

    fn deactivates_account(self) -> Self {
        self.empty(204).problem(401, "account_inactive").problem(403, "forbidden").problem(409, "last_admin")
    }
}

/// The schemas that the rows name.
pub fn schemas() -> Schemas {
    let name = || length(text(), 1, 100);
    let password = || length(text(), 8, 128);
    vec![
        (
            "User",
            object([
                ("id", named("Id")),
                ("email", text()),
                ("first_name", text()),
                ("last_name", text()),
                ("role", role()),
                ("is_active", boolean()),
                ("created_at", time()),
                ("updated_at", time()),
            ]),
        ),
        ("UserPage", page("User")),
        (
            "SignedIn",
            object([
                ("access_token", text()),
                ("token_type", one_of(&["Bearer"])),
                ("expires_in", count()),
                ("refresh_token", text()),
                ("user", named("User")),
            ]),
        ),
        ("KeySet", object([("keys", array(map(text())))])),
        (
            "Registration",
            closed([("email", text()), ("password", password()), ("first_name", name()), ("last_name", name())]),
        ),
        ("Login", closed([("email", text()), ("password", text())])),
        ("RefreshToken", closed([("refresh_token", text())])),
        (
            "Profile",
            closed([("first_name?", name()), ("last_name?", name()), ("role?", role()), ("is_active?", boolean())]),
        ),
        ("PasswordChange", closed([("current_password", text()), ("new_password", password())])),
        ("ResetRequest", closed([("email", text())])),
        ("ResetConfirmation", closed([("token", text()), ("new_password", password())])),
    ]
}

fn role() -> serde_json::Value {
    one_of(&["customer", "admin"])
}
