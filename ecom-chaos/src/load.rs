//! Orders at a fixed rate, by clients that expect the worst: each order has an idempotency key, and a request that is not
//! answered is sent again under it, at the end of the run at the latest.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ecom_services::demo::client::{Answer, ShopError, refusal};
use ecom_services::demo::scene::{Fate, Plan, Scene, Size};
use ecom_services::demo::wire::{Created, Order, Status};
use futures_util::{StreamExt as _, stream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;

/// Customers of the scene.
const CUSTOMERS: usize = 8;
/// Orders that may be on their way at a time; what does not fit is not offered, and counted.
const UNDER_WAY_MAX: usize = 4_000;
/// Every so many orders the first answer is kept, and must come again at the end.
const KEPT_EVERY: u32 = 10;
/// Requests that are sent again at a time.
const RETRIES_AT_A_TIME: usize = 16;
/// How long the order that shows a recovery may take to complete.
const PROBE_MAX: Duration = Duration::from_secs(60);
/// How long one request for its state waits.
const PROBE_WAIT: &str = "?wait=2s";

const TOKENS: &[&str] = &[
    "tok_visa",
    "tok_flaky",
    "tok_declined",
    "tok_insufficient_funds",
    "tok_timeout_charged",
    "tok_timeout_not_charged",
];

/// What the orders are like: of 20, three end badly, two are cancelled, and three meet a provider that stumbles.
fn mix(index: u32) -> (&'static str, Fate) {
    match index % 20 {
        3 => ("tok_declined", Fate::Fails("payment_declined")),
        5 => ("tok_insufficient_funds", Fate::Fails("insufficient_funds")),
        7 => ("tok_flaky", Fate::Completes),
        9 => ("tok_timeout_charged", Fate::Completes),
        11 => ("tok_timeout_not_charged", Fate::Completes),
        15 | 16 => ("tok_visa", Fate::Cancelled),
        19 => ("tok_visa", Fate::Fails("out_of_stock")),
        _ => ("tok_visa", Fate::Completes),
    }
}

/// A scene that is large enough for so many orders.
pub(crate) const fn size(orders: u32) -> Size {
    Size { customers: CUSTOMERS, orders, tokens: TOKENS, mix }
}

/// What the clients saw.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// Requests for an order, each counted once.
    pub(crate) offered: u64,
    /// The orders that were accepted.
    pub(crate) accepted: BTreeMap<Uuid, Plan>,
    /// Requests that had no answer within a minute; the last retry brought one, or they are in `refused`.
    pub(crate) unanswered: u64,
    /// Requests that were not sent because too many were on their way.
    pub(crate) held_back: u64,
    /// Answers that a retry gave again, byte for byte.
    pub(crate) replays: u64,
    /// Requests that were answered as they must never be.
    pub(crate) refused: Vec<String>,
    /// Retries with another answer than the first.
    pub(crate) unlike: Vec<String>,
    /// To be sent again.
    open: Vec<Plan>,
    /// First answers.
    kept: BTreeMap<u32, (Plan, Answer)>,
}

/// The clients.
pub(crate) struct Load {
    /// Where and what they buy.
    pub(crate) scene: Arc<Scene>,
    next: AtomicU32,
    seen: Mutex<Seen>,
}

impl Load {
    pub(crate) fn new(scene: Arc<Scene>) -> Self {
        Self { scene, next: AtomicU32::new(0), seen: Mutex::default() }
    }

    /// Offers `rate` orders a second until `end`, and waits for the last answers.
    pub(crate) async fn run(self: Arc<Self>, rate: u32, end: Instant) {
        let mut tick = interval(Duration::from_secs(1) / rate.max(1));
        tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let room = Arc::new(Semaphore::new(UNDER_WAY_MAX));
        let mut clients = JoinSet::new();
        while Instant::now() < end {
            tick.tick().await;
            while clients.try_join_next().is_some() {}
            let Ok(place) = Arc::clone(&room).try_acquire_owned() else {
                self.seen().held_back += 1;
                continue;
            };
            let load = Arc::clone(&self);
            clients.spawn(async move {
                load.place().await;
                drop(place);
            });
        }
        while clients.join_next().await.is_some() {}
    }

    fn next_plan(&self) -> Plan {
        self.seen().offered += 1;
        self.scene.plan(self.next.fetch_add(1, Ordering::Relaxed))
    }

    async fn place(&self) {
        let plan = self.next_plan();
        // Some clients click twice: both requests must come to the same order.
        let twice = plan.index % KEPT_EVERY == 4;
        let (first, second) = tokio::join!(self.ask(&plan), async {
            if twice { self.ask(&plan).await } else { Err(ShopError::Unanswered(String::new())) }
        });
        let both = (first.as_ref().ok(), second.as_ref().ok());
        if let (Some((one, _)), Some((other, _))) = both
            && one != other
        {
            self.seen().unlike.push(format!("request {}: orders {one} and {other}", plan.index));
        }
        self.note(plan, first);
    }

    /// Sends the request until it is answered with an order, and cancels that if it is to be.
    async fn ask(&self, plan: &Plan) -> Result<(Uuid, Answer), ShopError> {
        let token = self.scene.customer(plan).session.token().await?;
        let call = self.scene.order_call(plan, &token, "");
        let answer = self.scene.shop.send(&call).await?;
        if answer.status != 201 {
            self.seen().refused.push(format!("request {}: {}", plan.index, refusal(&call, &answer)));
            return Err(refusal(&call, &answer));
        }
        let order = answer.json::<Created>()?.id;
        if plan.fate == Fate::Cancelled {
            // A cancellation that does not get through leaves an order that completes: that fits too.
            drop(self.scene.cancel(order, &token).await);
        }
        Ok((order, answer))
    }

    fn note(&self, plan: Plan, asked: Result<(Uuid, Answer), ShopError>) {
        let mut seen = self.seen();
        if let Ok((order, answer)) = asked {
            if plan.index.is_multiple_of(KEPT_EVERY) {
                seen.kept.insert(plan.index, (plan.clone(), answer));
            }
            seen.accepted.insert(order, plan);
        } else {
            seen.unanswered += 1;
            seen.open.push(plan);
        }
    }

    /// Places one order with a card that gives no trouble, and tells how long it takes to be completed: what the shop
    /// needs until it does its work again. `None` when it takes longer than anybody would wait.
    pub(crate) async fn probe(&self) -> Option<Duration> {
        let mut plan = self.next_plan();
        while (plan.token, plan.fate) != ("tok_visa", Fate::Completes) {
            self.place_in_background(plan).await;
            plan = self.next_plan();
        }
        let begun = Instant::now();
        let asked = self.ask(&plan).await;
        let placed = asked.is_ok();
        self.note(plan.clone(), asked);
        while placed && begun.elapsed() < PROBE_MAX {
            let token = self.scene.customer(&plan).session.token().await.ok()?;
            let answer = self.scene.shop.send(&self.scene.order_call(&plan, &token, PROBE_WAIT)).await.ok()?;
            if answer.json::<Order>().ok()?.status == Status::Completed {
                return Some(begun.elapsed());
            }
        }
        None
    }

    /// A plan that a probe passed over is placed nevertheless: the audit counts them all.
    async fn place_in_background(&self, plan: Plan) {
        let asked = self.ask(&plan).await;
        self.note(plan, asked);
    }

    /// Sends what was never answered, and what was and is kept, once more under the same key.
    pub(crate) async fn retry_all(&self) {
        let (open, kept) = {
            let mut seen = self.seen();
            (std::mem::take(&mut seen.open), std::mem::take(&mut seen.kept))
        };
        let again = open.into_iter().map(|plan| (plan, None));
        let again = again.chain(kept.into_values().map(|(plan, answer)| (plan, Some(answer))));
        stream::iter(again)
            .for_each_concurrent(RETRIES_AT_A_TIME, |(plan, first)| async move {
                let asked = self.ask(&plan).await;
                let mut seen = self.seen();
                match (asked, first) {
                    (Ok((order, _)), None) => {
                        seen.accepted.insert(order, plan);
                    }
                    (Ok((_, again)), Some(first)) if again.replayed && again.body == first.body => seen.replays += 1,
                    (Ok((order, _)), Some(_)) => {
                        seen.unlike.push(format!("request {}, order {order}: another answer", plan.index));
                    }
                    (Err(error), _) => seen.refused.push(format!("request {}, at the end: {error}", plan.index)),
                }
            })
            .await;
    }

    /// What the clients have seen so far.
    pub(crate) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mix_uses_every_token_it_names_and_no_other() {
        let used: std::collections::BTreeSet<&str> = (0..20).map(|index| mix(index).0).collect();
        assert_eq!(used, TOKENS.iter().copied().collect());
    }
}
