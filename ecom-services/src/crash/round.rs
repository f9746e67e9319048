//! One round: orders until the kill, the restart, every request once more under its key, the ends, the audit.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::stream;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::CrashError;
use crate::demo::audit::{self, Check};
use crate::demo::client::{Answer, ShopError, refusal};
use crate::demo::scene::{Fate, Plan, Scene, Size};
use crate::demo::wire::Created;

/// The most orders of one round: far more than a shop takes in the seconds before its kill.
pub(super) const ORDERS_MAX: u32 = 100_000;
/// How long after the restart an order may take to its end, and the audit to hold.
const END_LIMIT: Duration = Duration::from_secs(10);
/// The same where the provider stumbles or its answers get lost: each kill may cost such a charge one more rung of its
/// ladder of retries.
const STUMBLING_LIMIT: Duration = Duration::from_secs(40);

/// What a round's scene looks like.
pub(super) const SIZE: Size = Size { customers: 4, orders: ORDERS_MAX, tokens: TOKENS, mix };

const TOKENS: &[&str] = &[
    "tok_visa",
    "tok_flaky",
    "tok_declined",
    "tok_insufficient_funds",
    "tok_timeout_charged",
    "tok_timeout_not_charged",
];

/// More trouble than in a demo: of 20 orders five meet a provider that stumbles, three end badly, two are cancelled.
fn mix(index: u32) -> (&'static str, Fate) {
    match index % 20 {
        3 => ("tok_declined", Fate::Fails("payment_declined")),
        5 => ("tok_insufficient_funds", Fate::Fails("insufficient_funds")),
        7 | 13 => ("tok_flaky", Fate::Completes),
        9 => ("tok_timeout_charged", Fate::Completes),
        11 => ("tok_timeout_not_charged", Fate::Completes),
        15 => ("tok_visa", Fate::Cancelled),
        17 => ("tok_timeout_charged", Fate::Cancelled),
        19 => ("tok_visa", Fate::Fails("out_of_stock")),
        _ => ("tok_visa", Fate::Completes),
    }
}

/// What happened to the requests of a round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Orders that were accepted in the end.
    pub(super) orders: u64,
    /// Requests that the kill left without an answer.
    pub(super) unanswered: u64,
    /// Of these, carried out nevertheless: the retry was a replay.
    pub(super) carried_out: u64,
    /// Answers that a retry gave again, byte for byte.
    pub(super) replays: u64,
}

/// A request that was sent before the kill.
struct Sent {
    plan: Plan,
    /// Its answer, if it came.
    answer: Option<Answer>,
}

/// The orders of a round and how they went.
pub(super) struct Round {
    pub(super) scene: Arc<Scene>,
    pub(super) accepted: BTreeMap<Uuid, Plan>,
    pub(super) counts: Counts,
    sent: Vec<Sent>,
    unlike: Vec<String>,
}

/// The clients, while they place orders.
pub(super) struct Clients(JoinSet<Result<Vec<Sent>, ShopError>>);

impl Clients {
    /// Starts them; each ends at the first request that is not answered.
    pub(super) fn start(scene: &Arc<Scene>, clients: u32) -> Self {
        let next = Arc::new(AtomicU32::new(0));
        let mut running = JoinSet::new();
        for _ in 0..clients.max(1) {
            let (scene, next) = (Arc::clone(scene), Arc::clone(&next));
            running.spawn(async move {
                let mut sent = vec![];
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= ORDERS_MAX || !place(&scene, scene.plan(index), &mut sent).await? {
                        return Ok(sent);
                    }
                }
            });
        }
        Self(running)
    }

    /// Waits for their end, which the kill brings.
    pub(super) async fn join(mut self, scene: Arc<Scene>) -> Result<Round, CrashError> {
        let mut sent = vec![];
        while let Some(ended) = self.0.join_next().await {
            sent.extend(ended.map_err(|error| CrashError::Client(error.to_string()))?.map_err(CrashError::Shop)?);
        }
        Ok(Round { scene, accepted: BTreeMap::new(), counts: Counts::default(), sent, unlike: vec![] })
    }
}

/// Places one order, cancels it if that is its fate, and tells whether the shop still answers.
async fn place(scene: &Scene, plan: Plan, sent: &mut Vec<Sent>) -> Result<bool, ShopError> {
    // The token is at hand since the customer signed up: this asks nothing of the shop.
    let token = scene.customer(&plan).session.token().await?;
    let call = scene.order_call(&plan, &token, "");
    let answer = scene.shop.attempt(&call).await.ok();
    let created = match &answer {
        Some(answer) if answer.status == 201 => Some(answer.json::<Created>()?.id),
        // "Not now" is no answer either: the retry will bring one.
        Some(answer) if answer.status == 503 || answer.status == 429 => None,
        Some(answer) => return Err(refusal(&call, answer)),
        None => None,
    };
    let cancelled = plan.fate == Fate::Cancelled;
    sent.push(Sent { plan, answer: answer.filter(|_| created.is_some()) });
    match created {
        // Whether the cancellation got through does not matter here: it is sent again after the restart.
        Some(order) if cancelled => Ok(scene.shop.attempt(&Scene::cancel_call(order, &token)).await.is_ok()),
        Some(_) => Ok(true),
        None => Ok(false),
    }
}

impl Round {
    /// Sends every request once more under its key. One that was answered must get the same answer, byte for byte; one
    /// that was not must get one, and make one order, whether it had been carried out or not.
    pub(super) async fn retry_all(&mut self, clients: u32) -> Result<(), CrashError> {
        let sent = std::mem::take(&mut self.sent);
        let scene = Arc::clone(&self.scene);
        let mut retried = stream::iter(sent)
            .map(|sent| {
                let scene = Arc::clone(&scene);
                async move { retry(&scene, &sent.plan).await.map(|(id, answer)| (id, answer, sent)) }
            })
            .buffer_unordered(clients.max(1) as usize);
        while let Some(retried) = retried.next().await {
            let (id, again, sent) = retried.map_err(CrashError::Shop)?;
            match sent.answer {
                Some(first) if again.replayed && again.body == first.body => self.counts.replays += 1,
                Some(_) => self.unlike.push(format!("order {id}, number {}: another answer", sent.plan.index)),
                None => {
                    self.counts.unanswered += 1;
                    self.counts.carried_out += u64::from(again.replayed);
                }
            }
            self.accepted.insert(id, sent.plan);
        }
        self.counts.orders = self.accepted.len() as u64;
        Ok(())
    }

    /// Waits until the promises hold, and returns those that do not in time.
    pub(super) async fn judge(&self) -> Result<(Vec<Check>, Duration), CrashError> {
        let start = Instant::now();
        // First the orders whose provider answers at once: they have less time.
        let stumbles = |plan: &Plan| plan.token == "tok_flaky" || plan.token.starts_with("tok_timeout");
        let plain = self.accepted.iter().filter(|(_, plan)| !stumbles(plan)).map(|(id, plan)| (*id, plan.clone()));
        let plain: BTreeMap<Uuid, Plan> = plain.collect();
        let late = self.unended_after(&plain, END_LIMIT).await?;
        let took = start.elapsed();
        let patience = STUMBLING_LIMIT.saturating_sub(took);
        let audit = audit::settle(&self.scene, &self.accepted, patience).await.map_err(CrashError::Shop)?;
        let own = [
            Check::of("a retry under the same key gets the same answer", self.unlike.iter().cloned()),
            Check::of("after the restart every order ends in time", late),
        ];
        Ok((own.into_iter().chain(audit.checks).filter(|check| !check.holds()).collect(), took))
    }

    /// Those of the orders that have not ended after `limit`.
    async fn unended_after(&self, orders: &BTreeMap<Uuid, Plan>, limit: Duration) -> Result<Vec<String>, CrashError> {
        let end = Instant::now() + limit;
        loop {
            let open = audit::open_orders(&self.scene, orders).await.map_err(CrashError::Shop)?;
            if open.is_empty() || Instant::now() >= end {
                return Ok(open);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// The request once more, and, where the order is to be cancelled, that too.
async fn retry(scene: &Scene, plan: &Plan) -> Result<(Uuid, Answer), ShopError> {
    let token = scene.customer(plan).session.token().await?;
    let call = scene.order_call(plan, &token, "");
    let answer = scene.shop.send(&call).await?;
    if answer.status != 201 {
        return Err(refusal(&call, &answer));
    }
    let id = answer.json::<Created>()?.id;
    if plan.fate == Fate::Cancelled {
        scene.cancel(id, &token).await?;
    }
    Ok((id, answer))
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
