//! An order with everything that belongs to it. A service that does not answer is shown as such, and no other part
//! waits for it.

use std::sync::Arc;
use std::time::Duration;

use ecom_core::id::OrderId;
use http_body_util::{BodyExt, Limited};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::time::timeout;
use warp::http::{Method, StatusCode};

use super::{Call, Deps, table};
use crate::http::problem::Problem;
use crate::http::request::Request;
use crate::http::response::{Answer, ok};

/// How long one part may take.
const PART_TIMEOUT: Duration = Duration::from_secs(2);

/// The most bytes of one part.
const PART_BYTES_MAX: usize = 4 << 20;

#[derive(Serialize)]
struct Summary {
    order: Part,
    payment: Part,
    reservation: Part,
    notifications: Part,
}

#[derive(Serialize)]
struct Part {
    status: &'static str,
    data: Option<Box<RawValue>>,
}

/// The items of a list, as they came.
#[derive(Deserialize)]
struct Items {
    items: Vec<Box<RawValue>>,
}

/// What a service said.
enum Said {
    /// Its body.
    Body(Box<RawValue>),
    /// There is no such thing.
    Nothing,
    /// Something else, or nothing in time.
    Unavailable,
}

/// `GET /orders/{id}/summary`
pub(super) async fn show(deps: Deps, request: Request) -> Answer {
    // Asked here already, so that nobody learns from the parts whether an order exists.
    deps.gate.caller(&request)?;
    let id: OrderId = request.id(0)?;
    let query = format!("order_id={id}");
    let paths = [format!("/api/v1/orders/{id}"), format!("/api/v1/reservations/{id}")];
    let (order, payment, reservation, notifications) = tokio::join!(
        ask(&deps, &request, &paths[0], ""),
        ask(&deps, &request, "/api/v1/payments", &query),
        ask(&deps, &request, &paths[1], ""),
        ask(&deps, &request, "/api/v1/notifications", &query),
    );
    if matches!(order, Said::Nothing) {
        return Err(Problem::not_found());
    }
    ok(&Summary {
        order: part(order, Some),
        payment: part(payment, |list| items(&list).and_then(|items| items.into_iter().next())),
        reservation: part(reservation, Some),
        notifications: part(notifications, |list| serde_json::value::to_raw_value(&items(&list)?).ok()),
    })
}

/// Asks a service on the caller's behalf: with his token, so that it decides what he may see.
async fn ask(deps: &Deps, request: &Request, path: &str, query: &str) -> Said {
    let Some(service) = table::owner(path) else { return Said::Unavailable };
    let call = Call {
        method: Method::GET,
        target: if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") },
        headers: request.headers.clone(),
        body: bytes::Bytes::new(),
        arrival: Arc::clone(&request.arrival),
    };
    let asked = async {
        let response = deps.services.send(service, call).await.ok()?;
        let status = response.status();
        let body = Limited::new(response.into_body(), PART_BYTES_MAX).collect().await;
        Some((status, body.map(http_body_util::Collected::to_bytes).ok()))
    };
    match timeout(PART_TIMEOUT, asked).await {
        Ok(Some((StatusCode::OK, Some(body)))) => serde_json::from_slice(&body).map_or(Said::Unavailable, Said::Body),
        Ok(Some((StatusCode::NOT_FOUND, _))) => Said::Nothing,
        Ok(_) | Err(_) => Said::Unavailable,
    }
}

fn part(said: Said, data: impl FnOnce(Box<RawValue>) -> Option<Box<RawValue>>) -> Part {
    match said {
        Said::Body(body) => Part { status: "ok", data: data(body) },
        Said::Nothing => Part { status: "ok", data: None },
        Said::Unavailable => Part { status: "unavailable", data: None },
    }
}

fn items(list: &RawValue) -> Option<Vec<Box<RawValue>>> {
    serde_json::from_str::<Items>(list.get()).ok().map(|list| list.items)
}
