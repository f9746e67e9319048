//! Sagas, for operators: what hangs, why, and what to do about it. Every action is in the order's timeline.

use ecom_core::order::{Input, SagaFilter, SagaView, Status};
use ecom_core::time::Timestamp;

use super::Deps;
use crate::http::door::fault_problem;
use crate::http::operation::operation;
use crate::http::page::{list as list_of, page};
use crate::http::problem::Problem;
use crate::http::request::{Request, invalid_parameter};
use crate::http::response::{Answer, ok};

/// `GET /admin/sagas`
pub(super) async fn list(deps: Deps, request: Request) -> Answer {
    deps.door.gate.admin(&request)?;
    let mut filter = SagaFilter::default();
    match request.query.get("state") {
        None => {}
        Some("needs_attention") => filter.needs_attention = true,
        Some("unsettled") => filter.unsettled = true,
        Some(word) => filter.status = Some(Status::parse(word).ok_or_else(|| invalid_parameter("state"))?),
    }
    filter.placed_before = older_than(&deps, &request)?;
    let orders = deps.reader.sagas(filter, page(&request.query)?).await.map_err(fault_problem)?;
    list_of(orders.map(|order| SagaView::from(&order)))
}

/// The time before which, from `?older_than=10m` or a point in time.
fn older_than(deps: &Deps, request: &Request) -> Result<Option<Timestamp>, Problem> {
    let Some(text) = request.query.get("older_than") else { return Ok(None) };
    let ago = crate::config::duration(text).and_then(|age| {
        let micros = i64::try_from(age.as_micros()).ok()?;
        deps.door.gate.clock.now().as_micros().checked_sub(micros).map(Timestamp::from_micros)
    });
    ago.or_else(|| Timestamp::parse(text)).map(Some).ok_or_else(|| invalid_parameter("older_than"))
}

/// `GET /admin/sagas/{order_id}`
pub(super) async fn show(deps: Deps, request: Request) -> Answer {
    deps.door.gate.admin(&request)?;
    ok(&SagaView::from(&deps.order(request.id(0)?).await?))
}

/// `POST /admin/sagas/{order_id}/retry`
pub(super) async fn retry(deps: Deps, request: Request) -> Answer {
    let (actor, reason) = operation(&deps.door.gate, &request)?;
    deps.door.execute(&request, None, Input::retry(request.id(0)?, actor, &reason)).await
}

/// `POST /admin/sagas/{order_id}/resolve`
pub(super) async fn resolve(deps: Deps, request: Request) -> Answer {
    let (actor, reason) = operation(&deps.door.gate, &request)?;
    deps.door.execute(&request, None, Input::resolve(request.id(0)?, actor, &reason)).await
}
