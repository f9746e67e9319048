//! The dead letters of all services as one list. Each service keeps its own, and the same message may be given up in
//! several: an action goes to all of them, unless `?queue=` names one.

use std::sync::Arc;

use bytes::Bytes;
use ecom_core::event::Service;
use ecom_core::port::{Cursor, Page};
use ecom_core::time::Timestamp;
use futures_util::future::join_all;
use http_body_util::{BodyExt, Limited};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;
use warp::http::StatusCode;
use warp::reply::Response;

use super::{Call, Deps};
use crate::http::page::{list as list_of, page, whole};
use crate::http::problem::Problem;
use crate::http::request::Request;
use crate::http::response::Answer;

/// The services that keep dead letters.
const KEEPERS: [Service; 5] =
    [Service::User, Service::Order, Service::Inventory, Service::Payment, Service::Notification];

/// The most bytes of one service's answer.
const ANSWER_BYTES_MAX: usize = 128 << 20;

/// What a service answers.
#[derive(Deserialize)]
struct List {
    items: Vec<Value>,
    next_cursor: Option<String>,
}

/// `GET /admin/dead-letters`
pub(super) async fn list(deps: Deps, request: Request) -> Answer {
    deps.gate.admin(&request)?;
    let wanted = page(&request.query)?;
    let (mut rows, mut more) = (vec![], false);
    for answered in join_all(KEEPERS.map(|service| ask(&deps, service, &request))).await {
        let List { items, next_cursor } = match read(answered?).await? {
            Ok(list) => list,
            Err(refusal) => return Ok(refusal),
        };
        more |= next_cursor.is_some();
        rows.extend(items.into_iter().map(|item| (place(&item), item)));
    }
    rows.sort_by_key(|(place, _)| std::cmp::Reverse(*place));
    more |= rows.len() > wanted.limit();
    rows.truncate(wanted.limit());
    let next = rows.last().filter(|_| more).map(|(place, _)| *place);
    list_of(Page { items: rows.into_iter().map(|(_, item)| item).collect(), next })
}

/// `POST /admin/dead-letters/{id}/{action}`: to every service in turn; the first refusal is the answer. What was done
/// before it stays done, and the action may be repeated.
pub(super) async fn act(deps: Deps, request: Request) -> Answer {
    deps.gate.admin(&request)?;
    let mut closed = vec![];
    for service in KEEPERS {
        match read(ask(&deps, service, &request).await?).await? {
            Ok(list) => closed.extend(list.items),
            Err(refusal) if refusal.status() == StatusCode::NOT_FOUND => {}
            Err(refusal) => return Ok(refusal),
        }
    }
    if closed.is_empty() { Err(Problem::not_found()) } else { whole(closed) }
}

async fn ask(deps: &Deps, service: Service, request: &Request) -> Answer {
    let Request { method, target, headers, body, arrival, .. } = request;
    let (method, target, headers) = (method.clone(), target.clone(), headers.clone());
    let call = Call { method, target, headers, body: Bytes::clone(body), arrival: Arc::clone(arrival) };
    deps.services.send(service, call).await
}

/// The list that a service answers, or whatever else it says.
async fn read(response: Response) -> Result<Result<List, Response>, Problem> {
    if response.status() != StatusCode::OK {
        return Ok(Err(response));
    }
    let broken = || Problem::unavailable("service_unavailable", "a service's answer broke off");
    let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await.map_err(|_| broken())?;
    serde_json::from_slice(&body.to_bytes()).map(Ok).map_err(|_| broken())
}

/// Where a letter stands in the list.
fn place(item: &Value) -> Cursor {
    let created_at = item["buried_at"].as_str().and_then(Timestamp::parse).unwrap_or(Timestamp::EPOCH);
    let id = item["id"].as_str().and_then(|id| Uuid::parse_str(id).ok()).unwrap_or_default();
    Cursor { created_at, id }
}
