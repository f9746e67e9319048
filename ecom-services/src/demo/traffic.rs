//! Placing the orders: a number of clients, each one order at a time, from its acceptance to its end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::audit::Check;
use super::client::{Answer, ShopError, refusal};
use super::scene::{Fate, Plan, Scene};
use super::wire::{Order, Status};

/// How often a client waits for the end of its order: each time up to half a minute.
const WAITS_MAX: u32 = 3;
/// The wait that a request asks for.
const WAIT: &str = "?wait=30s";

/// What the clients saw.
#[derive(Debug, Default)]
pub struct Traffic {
    /// The orders that the shop accepted, each with its plan.
    pub accepted: BTreeMap<Uuid, Plan>,
    /// From the request to its acceptance, in microseconds.
    pub acceptance_us: Vec<u32>,
    /// From the request to the end of an order whose payment gave no trouble, in microseconds.
    pub completion_us: Vec<u32>,
    /// From the first request to the last answer.
    pub took: Duration,
    refused: Vec<String>,
    unlike: Vec<String>,
}

impl Traffic {
    /// What can be judged without asking the shop again.
    pub fn checks(&self) -> Vec<Check> {
        vec![
            Check::of("every request was answered as promised", self.refused.iter().cloned()),
            Check::of("a retry under the same key answers the same order", self.unlike.iter().cloned()),
        ]
    }

    fn absorb(&mut self, other: Self) {
        self.accepted.extend(other.accepted);
        self.acceptance_us.extend(other.acceptance_us);
        self.completion_us.extend(other.completion_us);
        self.refused.extend(other.refused);
        self.unlike.extend(other.unlike);
    }
}

/// Places `orders` orders with `clients` clients and follows each to its end, within a bounded time.
pub async fn place_all(scene: &Arc<Scene>, orders: u32, clients: u32, progress: &ProgressBar) -> Traffic {
    let (start, next) = (Instant::now(), Arc::new(AtomicU32::new(0)));
    let mut running = JoinSet::new();
    for _ in 0..clients.clamp(1, orders.max(1)) {
        let (scene, next, progress) = (Arc::clone(scene), Arc::clone(&next), progress.clone());
        running.spawn(async move {
            let mut seen = Traffic::default();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= orders {
                    return seen;
                }
                let plan = scene.plan(index);
                if let Err(error) = seen.follow(&scene, &plan).await {
                    seen.refused.push(format!("order {index}: {error}"));
                }
                progress.inc(1);
            }
        });
    }
    let mut traffic = Traffic::default();
    while let Some(ended) = running.join_next().await {
        match ended {
            Ok(seen) => traffic.absorb(seen),
            Err(error) => traffic.refused.push(format!("a client ended early: {error}")),
        }
    }
    traffic.took = start.elapsed();
    traffic
}

impl Traffic {
    /// One order. Every second one is accepted first and then asked for again under the same key, waiting for its end:
    /// that measures the acceptance, and proves that a key makes one order. The others wait from the start.
    async fn follow(&mut self, scene: &Scene, plan: &Plan) -> Result<(), ShopError> {
        let token = scene.customer(plan).session.token().await?;
        let start = Instant::now();
        let in_two_steps = plan.fate == Fate::Cancelled || plan.index.is_multiple_of(2);
        let call = scene.order_call(plan, &token, if in_two_steps { "" } else { WAIT });
        let answer = scene.shop.send(&call).await?;
        if answer.status != 201 {
            return Err(refusal(&call, &answer));
        }
        let mut order: Order = answer.json()?;
        self.accepted.insert(order.id, plan.clone());
        if in_two_steps {
            self.acceptance_us.push(micros(start));
        }
        if plan.fate == Fate::Cancelled {
            scene.cancel(order.id, &token).await?;
        }
        for _ in 0..WAITS_MAX {
            if order.status.is_terminal() {
                break;
            }
            let token = scene.customer(plan).session.token().await?;
            let again = scene.shop.send(&scene.order_call(plan, &token, WAIT)).await?;
            order = self.same_order(plan, order, &again)?;
        }
        if order.status == Status::Completed && plan.token == "tok_visa" {
            self.completion_us.push(micros(start));
        }
        Ok(())
    }

    /// The order as a replayed request shows it: it must be the same one, and be said to be replayed.
    fn same_order(&mut self, plan: &Plan, known: Order, again: &Answer) -> Result<Order, ShopError> {
        if again.status != 201 || !again.replayed {
            let (status, replayed) = (again.status, again.replayed);
            self.unlike.push(format!("order {}: status {status}, replayed: {replayed}", plan.index));
            return Ok(known);
        }
        let order: Order = again.json()?;
        if order.id != known.id {
            self.unlike.push(format!("order {}: first {}, then {}", plan.index, known.id, order.id));
        }
        Ok(order)
    }
}

fn micros(start: Instant) -> u32 {
    u32::try_from(start.elapsed().as_micros()).unwrap_or(u32::MAX)
}
