//! Stock, its log, and what orders hold of it.

use ecom_core::inventory::{AdjustStock, Input, MovementView, ReservationView, StockView};

use super::Deps;
use super::body::Adjustment;
use crate::http::body::{free_text, json};
use crate::http::door::fault_problem;
use crate::http::idempotency;
use crate::http::page;
use crate::http::problem::Problem;
use crate::http::request::Request;
use crate::http::response::{Answer, ok};

pub(super) async fn get(deps: Deps, request: Request) -> Answer {
    deps.door.gate.admin(&request)?;
    let stock = deps.reader.stock(request.id(0)?).await.map_err(fault_problem)?;
    ok(&StockView::from(&stock.ok_or_else(Problem::not_found)?))
}

pub(super) async fn adjust(deps: Deps, request: Request) -> Answer {
    let caller = deps.door.gate.admin(&request)?;
    let key = idempotency::optional(&request, &caller)?;
    let Adjustment { delta, reason } = json(&request)?;
    free_text("/reason", &reason)?;
    let command = AdjustStock { product_id: request.id(0)?, delta, reason, actor: caller.user_id };
    deps.door.execute(&request, key, Input::AdjustStock(command)).await
}

pub(super) async fn movements(deps: Deps, request: Request) -> Answer {
    deps.door.gate.admin(&request)?;
    let id = request.id(0)?;
    let known = deps.reader.stock(id).await.map_err(fault_problem)?;
    known.ok_or_else(Problem::not_found)?;
    let movements = deps.reader.movements(id, page::page(&request.query)?).await.map_err(fault_problem)?;
    page::list(movements.map(|movement| MovementView::from(&movement)))
}

pub(super) async fn reservation(deps: Deps, request: Request) -> Answer {
    let caller = deps.door.gate.caller(&request)?;
    let reservation = deps.reader.reservation(request.id(0)?).await.map_err(fault_problem)?;
    let reservation = reservation.ok_or_else(Problem::not_found)?;
    match reservation.state.user_id() {
        Some(owner) => caller.sees(owner)?,
        None => drop(caller.admin().map_err(|_| Problem::not_found())?),
    }
    ok(&ReservationView::of(&reservation).ok_or_else(Problem::not_found)?)
}
