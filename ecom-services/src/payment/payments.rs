//! Payments, refunds, and the sandbox's own log.

use ecom_core::payment::{Input, PaymentFilter, PaymentView, RefundView, RequestRefund};

use super::Deps;
use super::body::NewRefund;
use crate::http::body::json;
use crate::http::door::fault_problem;
use crate::http::idempotency;
use crate::http::page;
use crate::http::problem::Problem;
use crate::http::request::Request;
use crate::http::response::{Answer, ok};

pub(super) async fn list(deps: Deps, request: Request) -> Answer {
    let caller = deps.door.gate.caller(&request)?;
    let filter =
        PaymentFilter { order_id: request.query.parsed("order_id")?, user_id: caller.list_of(&request.query)? };
    let payments = deps.reader.payments(filter, page::page(&request.query)?).await.map_err(fault_problem)?;
    page::list(payments.map(|detail| PaymentView::new(&detail.payment, &detail.transactions)))
}

pub(super) async fn get(deps: Deps, request: Request) -> Answer {
    let caller = deps.door.gate.caller(&request)?;
    let detail = deps.reader.payment(request.id(0)?).await.map_err(fault_problem)?.ok_or_else(Problem::not_found)?;
    caller.sees(detail.payment.user_id)?;
    ok(&PaymentView::new(&detail.payment, &detail.transactions))
}

pub(super) async fn refunds(deps: Deps, request: Request) -> Answer {
    let caller = deps.door.gate.caller(&request)?;
    let detail = deps.reader.payment(request.id(0)?).await.map_err(fault_problem)?.ok_or_else(Problem::not_found)?;
    caller.sees(detail.payment.user_id)?;
    let refunds = deps.reader.refunds(detail.payment.id).await.map_err(fault_problem)?;
    page::whole(refunds.iter().map(RefundView::from).collect())
}

pub(super) async fn refund(deps: Deps, request: Request) -> Answer {
    let caller = deps.door.gate.admin(&request)?;
    let key = idempotency::optional(&request, &caller)?;
    let NewRefund { amount, reason } = json(&request)?;
    let command =
        RequestRefund { id: deps.door.gate.fresh(), payment_id: request.id(0)?, amount, reason, actor: caller.user_id };
    deps.door.execute(&request, key, Input::Refund(command)).await
}

pub(super) async fn sandbox_log(deps: Deps, request: Request) -> Answer {
    deps.door.gate.admin(&request)?;
    let log = deps.sandbox.as_ref().ok_or_else(Problem::not_found)?;
    let order_id = request.query.parsed("order_id")?;
    let entries = log.entries(order_id, page::page(&request.query)?).await.map_err(fault_problem)?;
    page::list(entries)
}
