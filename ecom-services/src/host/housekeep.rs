//! What has to be done from time to time: look for rows that others left, count the outbox, delete what is old.

use std::sync::Arc;
use std::time::Duration;

use ecom_core::decide::BoundedContext;
use ecom_core::engine::{Fault, Retention};
use ecom_core::port::Store;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval_at, sleep};

use super::committer::Gauge;
use super::stopped;
use super::wake::Wake;

/// How often the outbox is counted while it is not known to be empty.
const COUNT_INTERVAL: Duration = Duration::from_secs(10);

/// How often old rows are looked for.
const PURGE_INTERVAL: Duration = Duration::from_secs(600);

/// Rows of each kind that one transaction deletes: few enough to hold nobody up.
const PURGE_BATCH: usize = 500;

/// The rest between two such transactions.
const PURGE_PAUSE: Duration = Duration::from_millis(100);

/// The slow loop of one service.
pub(super) struct Housekeeping<C: BoundedContext> {
    pub(super) store: Arc<dyn Store<C>>,
    pub(super) gauge: Arc<Gauge>,
    /// The loops that look for what another copy or a crash has left.
    pub(super) sweep: Vec<Wake>,
    pub(super) sweep_interval: Duration,
    pub(super) stop: watch::Receiver<bool>,
}

impl<C: BoundedContext> Housekeeping<C> {
    /// Runs until it is told to stop.
    pub(super) async fn run(self) {
        let every = |period: Duration| {
            let mut ticks = interval_at(tokio::time::Instant::now() + period, period);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            ticks
        };
        let mut sweeps = every(self.sweep_interval.max(Duration::from_millis(10)));
        let (mut counts, mut purges) = (every(COUNT_INTERVAL), every(PURGE_INTERVAL));
        loop {
            let done = async {
                tokio::select! {
                    _ = sweeps.tick() => {
                        self.sweep.iter().for_each(|wake| wake.after(Duration::ZERO));
                        Ok(())
                    }
                    _ = counts.tick() => recount(self.store.as_ref(), &self.gauge).await,
                    _ = purges.tick() => purge(self.store.as_ref(), Retention::default()).await.map(drop),
                }
            };
            tokio::select! {
                biased;
                () = stopped(self.stop.clone()) => return,
                done = done => {
                    if let Err(fault) = done {
                        tracing::warn!(service = %C::SERVICE, %fault, "housekeeping is put off");
                    }
                }
            }
        }
    }
}

/// Corrects the gauge by what the database holds. Copies of a service delete each other's rows, and a row may be
/// delivered twice, so that counting alone drifts.
async fn recount<C: BoundedContext>(store: &dyn Store<C>, gauge: &Gauge) -> Result<(), Fault> {
    let Some(reading) = gauge.suspect() else { return Ok(()) };
    gauge.correct(reading, store.outbox_depth().await?);
    Ok(())
}

/// Deletes what is old, a little at a time, and returns how much it was.
async fn purge<C: BoundedContext>(store: &dyn Store<C>, keep: Retention) -> Result<u64, Fault> {
    let mut all = 0;
    loop {
        let deleted = store.purge(keep, PURGE_BATCH).await?;
        if deleted == 0 {
            return Ok(all);
        }
        all += deleted;
        sleep(PURGE_PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use ecom_core::engine::{Batch, Message, Origin, Transacted};
    use ecom_core::id::{CorrelationId, MessageId};
    use ecom_core::policy::Policy;
    use ecom_core::testing::counter::{Counters, Input};
    use ecom_core::testing::{ManualClock, MemoryStore};
    use uuid::Uuid;

    use super::*;

    const LEASE: Duration = Duration::from_secs(15);

    async fn handled(store: &MemoryStore<Counters>, numbers: std::ops::Range<u128>) {
        let message = |number| {
            let id = Uuid::from_u128(number);
            let input = Input::Add { id: Uuid::from_u128(1), amount: 1, events: 1 };
            let (id, correlation) = (MessageId(id), CorrelationId(id));
            Message { id, origin: Origin::Event, correlation, causation: None, traceparent: None, input }
        };
        let batch = Batch { messages: numbers.map(message).collect(), delivered: vec![], leased: false };
        assert!(matches!(store.transact(batch).await, Transacted::Committed(_)));
    }

    #[tokio::test]
    async fn a_gauge_that_drifted_either_way_is_corrected() {
        let store = MemoryStore::<Counters>::new(Arc::new(ManualClock::default()), LEASE, Policy::default());
        handled(&store, 1..4).await;
        let gauge = Gauge::new(0, 10);
        for drift in [|gauge: &Gauge| gauge.add(20), |gauge: &Gauge| gauge.remove(9)] {
            drift(&gauge);
            recount(&store, &gauge).await.unwrap();
            assert_eq!((gauge.depth(), gauge.is_full()), (3, false));
        }
    }

    #[tokio::test]
    async fn an_outbox_that_is_known_to_be_empty_is_not_counted_again() {
        let gauge = Gauge::new(0, 10);
        assert_eq!(gauge.suspect(), None);
        gauge.add(2);
        gauge.remove(2);
        let reading = gauge.suspect().unwrap();
        gauge.correct(reading, 0);
        assert_eq!(gauge.suspect(), None);
        let reading = {
            gauge.add(1);
            gauge.suspect().unwrap()
        };
        gauge.add(1);
        gauge.correct(reading, 1);
        assert_eq!(gauge.depth(), 2, "what happened during the count is not lost");
        assert!(gauge.suspect().is_some());
    }

    #[tokio::test]
    async fn what_is_old_goes_in_batches_and_the_rest_stays() {
        let clock = Arc::new(ManualClock::default());
        let store = MemoryStore::<Counters>::new(Arc::<ManualClock>::clone(&clock), LEASE, Policy::default());
        let many = PURGE_BATCH as u128 + 100;
        handled(&store, 1..1 + many).await;
        clock.advance(Retention::default().inbox + Duration::from_secs(1));
        handled(&store, 10_000..10_003).await;
        assert_eq!(purge(&store, Retention::default()).await, Ok(many as u64));
        assert_eq!(purge(&store, Retention::default()).await, Ok(0));
    }
}
