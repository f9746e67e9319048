//! A user's payment methods.

use ecom_core::payment::{AddMethod, Input, PaymentMethodView};

use super::body::{MethodKind, NewMethod};
use super::{Deps, refuse};
use crate::http::body::json;
use crate::http::door::fault_problem;
use crate::http::idempotency;
use crate::http::page;
use crate::http::request::Request;
use crate::http::response::Answer;

pub(super) async fn add(deps: Deps, request: Request) -> Answer {
    let caller = deps.door.gate.caller(&request)?;
    let key = idempotency::optional(&request, &caller)?;
    let NewMethod { token, kind: MethodKind::Card } = json(&request)?;
    let id = deps.door.gate.fresh();
    let command =
        AddMethod::new(deps.catalogue.as_ref(), id, caller.user_id, &token).map_err(|error| refuse(&error))?;
    deps.door.execute(&request, key, Input::AddMethod(command)).await
}

pub(super) async fn list(deps: Deps, request: Request) -> Answer {
    let caller = deps.door.gate.caller(&request)?;
    let methods = deps.reader.methods(caller.user_id, page::page(&request.query)?).await.map_err(fault_problem)?;
    page::list(methods.map(|method| PaymentMethodView::from(&method)))
}

pub(super) async fn remove(deps: Deps, request: Request) -> Answer {
    let caller = deps.door.gate.caller(&request)?;
    let input = Input::RemoveMethod { id: request.id(0)?, user_id: caller.user_id };
    deps.door.execute(&request, None, input).await
}

pub(super) async fn set_default(deps: Deps, request: Request) -> Answer {
    let caller = deps.door.gate.caller(&request)?;
    let input = Input::SetDefaultMethod { id: request.id(0)?, user_id: caller.user_id };
    deps.door.execute(&request, None, input).await
}
