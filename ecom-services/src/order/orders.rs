//! Orders: each user's own; administrators see all.

use std::collections::BTreeSet;
use std::time::Duration;

use ecom_core::decide::BoundedContext;
use ecom_core::engine::{Idempotency, Outcome};
use ecom_core::id::{OrderId, ProductId};
use ecom_core::order::{
    Actor, Input, Metadata, OrderContext, OrderFilter, OrderView, Place, PlacedLine, Rejection, Status, TimelineView,
};
use tokio::time::{Instant, sleep};
use warp::http::StatusCode;

use super::body::{Cancellation, NewItem, NewOrder};
use super::follow::settled;
use super::{Deps, refuse};
use crate::http::answer::kept;
use crate::http::auth::Caller;
use crate::http::body::{free_text, json, json_or_default};
use crate::http::door::fault_problem;
use crate::http::idempotency::{self, mark_replayed, reused};
use crate::http::page::{list as list_of, page};
use crate::http::problem::Problem;
use crate::http::request::{Request, invalid_parameter};
use crate::http::response::{Answer, json as json_response, ok};
use crate::http::wait::wait;

/// How long a product that the catalogue does not have yet may be on its way from inventory.
const CATALOGUE_LAG_MAX: Duration = Duration::from_secs(1);

/// How often the catalogue is looked at meanwhile.
const CATALOGUE_POLL: Duration = Duration::from_millis(50);

/// `POST /orders`
pub(super) async fn place(deps: Deps, request: Request) -> Answer {
    let caller = deps.door.gate.caller(&request)?;
    let key = idempotency::required(&request, &caller)?;
    let patience = wait(&request.query)?;
    let command = command(&deps, &request, caller)?;
    let outcome = place_known(&deps, &request, key, command).await?;
    let (answer, replayed) = match outcome {
        Outcome::Applied(Some(reply)) | Outcome::Stayed(_, Some(reply)) => (OrderContext::answer(&reply), false),
        Outcome::Replayed(answer) => (answer, true),
        Outcome::KeyReused => return Err(reused()),
        Outcome::Rejected(rejection) => return Err(refuse(&rejection)),
        Outcome::Applied(None) | Outcome::Stayed(_, None) | Outcome::Duplicate => return Err(Problem::internal()),
    };
    let response = if patience.is_zero() {
        kept(answer)
    } else {
        // Whoever waits sees the order as it then is, with the first answer's status.
        let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::CREATED);
        let order = settled(&deps, OrderId(answer.resource), patience).await?;
        json_response(status, &OrderView::from(&order))?
    };
    Ok(if replayed { mark_replayed(response) } else { response })
}

fn command(deps: &Deps, request: &Request, caller: Caller) -> Result<Place, Problem> {
    let NewOrder { items, payment_method_id, metadata } = json(request)?;
    let metadata = metadata.map(|metadata| {
        free_text("/metadata", metadata.get())?;
        Metadata::parse(metadata.get()).map_err(|error| refuse(&Rejection::Metadata(error)))
    });
    let line = |NewItem { product_id, quantity, unit_price }| PlacedLine { product_id, quantity, unit_price };
    Ok(Place {
        order_id: deps.door.gate.fresh(),
        user_id: caller.user_id,
        correlation_id: deps.door.gate.fresh(),
        request_correlation_id: Some(request.arrival.correlation_id.clone()),
        items: items.into_iter().map(line).collect(),
        payment_method_id,
        metadata: metadata.transpose()?,
    })
}

/// Places the order; while it is refused for a product that is perhaps still on its way from inventory, waits for that
/// product and tries again. A refusal leaves no trace, so trying again is the first try.
async fn place_known(
    deps: &Deps,
    request: &Request,
    key: Idempotency,
    command: Place,
) -> Result<Outcome<OrderContext>, Problem> {
    let deadline = Instant::now() + CATALOGUE_LAG_MAX;
    let mut products: BTreeSet<ProductId> = command.items.iter().map(|line| line.product_id).collect();
    loop {
        let input = Input::Place(Box::new(command.clone()));
        let outcome = deps.door.outcome_as(command.correlation_id, request, Some(key.clone()), input).await?;
        let unknown = matches!(outcome, Outcome::Rejected(Rejection::UnknownProduct { .. }));
        if !unknown || !arrived(deps, &mut products, deadline).await? {
            return Ok(outcome);
        }
    }
}

/// Whether all these products are in the catalogue before the deadline; those that are, are taken out.
async fn arrived(deps: &Deps, products: &mut BTreeSet<ProductId>, deadline: Instant) -> Result<bool, Problem> {
    let began_empty = products.is_empty();
    while let Some(product_id) = products.first().copied() {
        let entry = deps.reader.catalogue_entry(product_id).await.map_err(fault_problem)?;
        if entry.is_some() {
            products.remove(&product_id);
        } else if Instant::now() >= deadline || deps.stop.is_triggered() {
            return Ok(false);
        } else {
            sleep(CATALOGUE_POLL).await;
        }
    }
    // All were there already the last time, and still the order was refused: no more waiting helps.
    Ok(!began_empty)
}

/// `GET /orders`
pub(super) async fn list(deps: Deps, request: Request) -> Answer {
    let caller = deps.door.gate.caller(&request)?;
    let status = request.query.get("status").map(|word| Status::parse(word).ok_or_else(|| invalid_parameter("status")));
    let filter = OrderFilter { user_id: caller.list_of(&request.query)?, status: status.transpose()? };
    let orders = deps.reader.orders(filter, page(&request.query)?).await.map_err(fault_problem)?;
    list_of(orders.map(|order| OrderView::from(&order)))
}

/// `GET /orders/{id}`
pub(super) async fn show(deps: Deps, request: Request) -> Answer {
    let caller = deps.door.gate.caller(&request)?;
    ok(&OrderView::from(&deps.visible(caller, request.id(0)?).await?))
}

/// `POST /orders/{id}/cancel`
pub(super) async fn cancel(deps: Deps, request: Request) -> Answer {
    let caller = deps.door.gate.caller(&request)?;
    let order_id = request.id(0)?;
    let reason = json_or_default::<Cancellation>(&request)?.reason.unwrap_or_default();
    free_text("/reason", &reason)?;
    let actor = if caller.is_admin { Actor::Admin(caller.user_id) } else { Actor::User(caller.user_id) };
    deps.door.execute(&request, None, Input::cancel(order_id, actor, reason)).await
}

/// `GET /orders/{id}/timeline`
pub(super) async fn timeline(deps: Deps, request: Request) -> Answer {
    let caller = deps.door.gate.caller(&request)?;
    let order = deps.visible(caller, request.id(0)?).await?;
    let rows = deps.reader.timeline(order.id).await.map_err(fault_problem)?;
    ok(&TimelineView::from(rows.as_slice()))
}
