//! Following an order: wait for its end, or see each change.
//!
//! Another copy of the service may handle the order, and its commits are not announced here; so whoever follows looks
//! again from time to time, too.

use std::time::Duration;

use bytes::Bytes;
use ecom_core::id::OrderId;
use ecom_core::order::{Order, OrderView};
use futures_util::stream::{Stream, unfold};
use tokio::time::{Instant, timeout};

use super::Deps;
use crate::host::Watch;
use crate::http::problem::Problem;
use crate::http::request::Request;
use crate::http::response::Answer;
use crate::http::stream::{self, Place};

/// How long a change of another copy may go unnoticed: at first, while most orders come to their end, and in the long run.
const LOOK_AGAIN: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

/// How long a stream may be silent.
const SILENCE_MAX: Duration = Duration::from_secs(15);

/// The order once it is terminal, or as it is when the patience or the process ends.
pub(super) async fn settled(deps: &Deps, id: OrderId, patience: Duration) -> Result<Order, Problem> {
    let deadline = Instant::now() + patience;
    let (mut watch, mut pause) = (deps.changes.watch(id.0), LOOK_AGAIN.0);
    loop {
        // Read after the watch began, so no change falls between.
        let order = deps.order(id).await?;
        let left = deadline.saturating_duration_since(Instant::now());
        if order.status().is_terminal() || left.is_zero() || deps.stop.is_triggered() {
            return Ok(order);
        }
        changed(deps, &mut watch, left.min(pause)).await;
        pause = (pause * 2).min(LOOK_AGAIN.1);
    }
}

/// Waits for a change, the end of the process, or that long.
async fn changed(deps: &Deps, watch: &mut Watch, patience: Duration) {
    let either = async {
        tokio::select! {
            () = watch.changed() => {}
            () = deps.stop.triggered() => {}
        }
    };
    drop(timeout(patience, either).await);
}

/// `GET /orders/{id}/events`
pub(super) async fn events(deps: Deps, request: Request) -> Answer {
    let caller = deps.door.gate.caller(&request)?;
    let id: OrderId = request.id(0)?;
    let watch = deps.changes.watch(id.0);
    let order = deps.visible(caller, id).await?;
    let place = deps.streams.enter(caller.user_id)?;
    Ok(stream::events(versions(deps, watch, order, place)))
}

/// What a stream has shown, and what it shows next.
struct Following {
    deps: Deps,
    watch: Watch,
    id: OrderId,
    next: Option<Order>,
    shown: u64,
    ended: bool,
    _place: Place,
}

/// The order as it is, then each change, until it is terminal or the process stops.
fn versions(deps: Deps, watch: Watch, order: Order, place: Place) -> impl Stream<Item = Bytes> {
    let start = Following { deps, watch, id: order.id, next: Some(order), shown: 0, ended: false, _place: place };
    unfold(start, |mut following| async move {
        let bytes = following.next().await?;
        Some((bytes, following))
    })
}

impl Following {
    async fn next(&mut self) -> Option<Bytes> {
        let (silent_since, mut pause) = (Instant::now(), LOOK_AGAIN.0);
        while !self.ended {
            let order = match self.next.take() {
                Some(order) => order,
                // The client comes again when the stream breaks off.
                None => self.deps.order(self.id).await.ok()?,
            };
            if order.version() > self.shown {
                self.shown = order.version();
                self.ended = order.status().is_terminal();
                let data = serde_json::to_string(&OrderView::from(&order)).ok()?;
                return Some(stream::event(self.shown, "order", &data));
            }
            if self.deps.stop.is_triggered() {
                return None;
            }
            if silent_since.elapsed() >= SILENCE_MAX {
                return Some(stream::comment());
            }
            changed(&self.deps, &mut self.watch, pause).await;
            pause = (pause * 2).min(LOOK_AGAIN.1);
        }
        None
    }
}
