//! The notification service over HTTP: notices and preferences.

pub mod openapi;

use std::sync::Arc;

use crate::http::body::json;
use crate::http::door::{Door, fault_problem};
use crate::http::page;
use crate::http::problem::Problem;
use crate::http::request::Request;
use crate::http::response::{Answer, ok};
use crate::http::router::{Mount, Router};
use ecom_core::notification::{
    Choices, Input, NoticeFilter, NoticeView, NotificationContext, NotificationReader, Rejection, SetPreferences,
};

/// What the routes need.
#[derive(Clone)]
pub struct Deps {
    /// The use cases.
    pub door: Door<NotificationContext>,
    /// The queries.
    pub reader: Arc<dyn NotificationReader>,
}

/// The routes.
pub fn routes(deps: Deps) -> Router {
    Mount::new(deps)
        .get("/api/v1/notifications", list)
        .get("/api/v1/notifications/preferences", preferences)
        .put("/api/v1/notifications/preferences", set_preferences)
        .done()
}

/// What a broken rule is over HTTP.
pub fn refuse(rejection: &Rejection) -> Problem {
    Problem::invalid_field(rejection.pointer(), rejection.code(), rejection.to_string())
}

async fn list(deps: Deps, request: Request) -> Answer {
    let caller = deps.door.gate.caller(&request)?;
    let filter = NoticeFilter { user_id: caller.list_of(&request.query)?, order_id: request.query.parsed("order_id")? };
    let notices = deps.reader.list(&filter, page::page(&request.query)?).await.map_err(fault_problem)?;
    page::list(notices.map(|notice| NoticeView::from(&notice)))
}

async fn preferences(deps: Deps, request: Request) -> Answer {
    let caller = deps.door.gate.caller(&request)?;
    let preferences = deps.reader.preferences(caller.user_id).await.map_err(fault_problem)?;
    ok(&preferences.choices)
}

async fn set_preferences(deps: Deps, request: Request) -> Answer {
    let caller = deps.door.gate.caller(&request)?;
    let choices: Choices = json(&request)?;
    let input = Input::SetPreferences(SetPreferences { user_id: caller.user_id, choices });
    deps.door.execute(&request, None, input).await
}
