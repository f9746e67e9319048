//! The broker is away for a long time while orders come in: they are accepted, what has to be told waits in the outboxes,
//! and all of it is told when the broker is back.

use std::fmt;
use std::time::{Duration, Instant};

use ecom_core::fleet::FLEET;
use ecom_services::demo::audit::Check;

use crate::error::{Outcome, during};
use crate::faults::World;

/// Orders before the broker goes, and after it is back.
pub(crate) const CALM: Duration = Duration::from_secs(10);
/// The pause between two looks into the outboxes.
const POLL: Duration = Duration::from_millis(500);
/// How long the outboxes may take to be drained, the orders of the meantime beside them.
const DRAIN_MAX: Duration = Duration::from_secs(120);
/// An outbox with fewer rows than that many seconds bring is one that keeps up.
const KEEPS_UP: u32 = 2;

/// What was seen.
pub(crate) struct Outage {
    /// From the end of the broker until it answered again.
    away: Duration,
    /// Orders that should have been placed meanwhile, and those that were accepted.
    due: u64,
    accepted: u64,
    /// The most events that waited in all outboxes together.
    deepest: i64,
    /// From the broker's return until the outboxes kept up with the orders.
    drained: Option<Duration>,
}

impl Outage {
    /// Takes the broker away for so long, and watches until the outboxes are drained.
    pub(crate) async fn cause(world: &World, rate: u32, lasts: Duration) -> Outcome<Self> {
        tokio::time::sleep(CALM).await;
        let (begun, before) = (Instant::now(), world.load.seen().accepted.len());
        let killed = world.kill_broker(lasts);
        let (result, deepest) = watched(world, killed).await?;
        result?;
        let (away, accepted) = (begun.elapsed(), world.load.seen().accepted.len() - before);
        let due = (away.as_secs_f64() * f64::from(rate)) as u64;
        let back = Instant::now();
        let mut drained = None;
        while drained.is_none() && back.elapsed() < DRAIN_MAX {
            tokio::time::sleep(POLL).await;
            drained = (waiting(world).await? <= i64::from(rate * KEEPS_UP)).then(|| back.elapsed());
        }
        Ok(Self { away, due, accepted: accepted as u64, deepest, drained })
    }

    /// What must hold of it, beside all that must hold anyway.
    pub(crate) fn checks(&self) -> Vec<Check> {
        let Self { due, accepted, deepest, .. } = *self;
        // The clients take turns: a few answers of the last second are still on their way.
        let few = (accepted * 100 < due * 95).then(|| format!("{accepted} of {due} were accepted"));
        let little = (deepest < accepted as i64).then(|| format!("{deepest} events waited for {accepted} orders"));
        let late = self.drained.is_none().then(|| format!("not within {} s", DRAIN_MAX.as_secs()));
        vec![
            Check::of("orders are accepted while the broker is away", few),
            Check::of("what is to be told waits in the outbox meanwhile", little),
            Check::of("the outboxes are drained when it is back", late),
        ]
    }
}

/// The work's result, and the most events that waited while it was done.
async fn watched<T>(world: &World, work: impl Future<Output = T>) -> Outcome<(T, i64)> {
    let mut deepest = 0;
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            result = &mut work => return Ok((result, deepest)),
            () = tokio::time::sleep(POLL) => deepest = deepest.max(waiting(world).await?),
        }
    }
}

/// The events in all outboxes.
async fn waiting(world: &World) -> Outcome<i64> {
    let mut all = 0;
    for role in FLEET {
        all += world.servers.owed(role.service).await.map_err(during("an outbox"))?.0;
    }
    Ok(all)
}

impl fmt::Display for Outage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { away, due, accepted, deepest, drained } = self;
        let drained =
            drained.map_or_else(|| "not in time".to_owned(), |time| format!("after {:.1} s", time.as_secs_f64()));
        writeln!(
            out,
            "\nthe broker was away for {:.1} s: {accepted} of {due} orders accepted meanwhile, {deepest} events waited at \
             the most,\ndrained {drained}",
            away.as_secs_f64(),
        )
    }
}
