//! Runs a service: all loops, spawns, sleeps and selects are in this folder.
//!
//! The protocol is the engine's; the files here interpret its machines. [`committer`](self) is the one place that
//! starts transactions: whatever waits shares one. Nothing waits for a poll; the sweeps only find what a crash or another
//! copy of the service has left.

mod call;
mod changes;
mod clock;
mod committer;
mod consume;
mod handle;
mod housekeep;
mod letters;
mod publish;
mod sabotage;
mod together;
mod wake;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ecom_core::decide::BoundedContext;
use ecom_core::engine::record::{Recorded, Recorder};
use ecom_core::engine::{Fault, clockwork, consumer, effector, relay};
use ecom_core::fleet;
use ecom_core::port::{Bus, Clock, Outside, Store};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::telemetry::Traces;

pub use changes::{Changes, Watch};
pub use handle::{Busy, Command, Handle};
pub use letters::{DeadLetters, NotReplayed};
pub(crate) use together::OrdersTogether;

use call::{CALLS_MAX, Effects, Leased, Shared};
use clock::Timers;
use committer::{BATCH_MAX, Committer, Gauge, JOBS_MAX, Outlets};
use consume::Consume;
use housekeep::Housekeeping;
use publish::{LANES, Publish, SWEEPERS};
use wake::Wake;

/// Batches of rows that may wait in memory for a lane or a place; what does not fit is left to the sweepers.
const HAND_OVER_MAX: usize = 128;

/// What a service runs on.
pub struct Parts<C: BoundedContext> {
    /// Its database.
    pub store: Arc<dyn Store<C>>,
    /// The bus that it consumes from and publishes to.
    pub bus: Arc<dyn Bus>,
    /// The outside that its effects go to.
    pub outside: Arc<dyn Outside<C>>,
    /// The database's clock, as this process sees it.
    pub clock: Arc<dyn Clock>,
    /// Durations and limits.
    pub settings: Settings,
    /// Told the subjects of every commit.
    pub changes: Changes,
    /// Where traces go.
    pub traces: Traces,
    /// Told what the machines ask for and what comes of it; nobody by default.
    pub recorder: Recorder,
}

/// Durations and limits of the host.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How long claims last; the store must use the same.
    pub lease: Duration,
    /// How long one call of the outside may take.
    pub call_max: Duration,
    /// The delays between attempts to handle a message.
    pub ladder: consumer::Limits,
    /// Outbox rows at which commands are refused.
    pub outbox_max: u64,
    /// How often rows are looked for that nobody drives from memory.
    pub sweep_interval: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(15),
            call_max: Duration::from_secs(5),
            ladder: consumer::Limits::default(),
            outbox_max: 1_000_000,
            sweep_interval: Duration::from_secs(1),
        }
    }
}

/// The tasks of one process, and the signal that ends them.
pub struct Tasks {
    set: JoinSet<&'static str>,
    stop: watch::Sender<bool>,
}

impl Default for Tasks {
    fn default() -> Self {
        Self { set: JoinSet::new(), stop: watch::Sender::new(false) }
    }
}

impl Tasks {
    /// Waits until a task ends that should not have: the process cannot do its work any more and must be restarted.
    /// Committed state is safe; a restart resumes it.
    pub async fn failed(&mut self) -> String {
        match self.set.join_next().await {
            Some(Ok(name)) => format!("the task {name} ended"),
            Some(Err(error)) => format!("a task failed: {error}"),
            None => std::future::pending().await,
        }
    }

    /// A receiver of the signal to stop.
    pub fn stop_signal(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }

    /// Tells all tasks to stop and waits for them, no longer than `patience`.
    pub async fn stop(mut self, patience: Duration) {
        self.stop.send_replace(true);
        let finished = async { while self.set.join_next().await.is_some() {} };
        if tokio::time::timeout(patience, finished).await.is_err() {
            tracing::warn!("some tasks did not finish in time; what they held is redelivered after the next start");
        }
    }

    /// Runs a task that is to live as long as the process.
    pub fn spawn(&mut self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        self.set.spawn(async move {
            task.await;
            name
        });
    }
}

/// What there is to say when a migration is applied and not yet committed.
#[cfg(feature = "postgres")]
pub(crate) fn migrated(name: &str) {
    tracing::info!(migration = name, "the schema is brought up to date");
    sabotage::reach(sabotage::Point::MigratedNotCommitted);
}

/// Completes when the signal to stop is given.
pub(crate) async fn stopped(mut stop: watch::Receiver<bool>) {
    // The sender lives in `Tasks`; without it the process is ending as well.
    drop(stop.wait_for(|stop| *stop).await);
}

/// Starts a service's loops and returns the door to its use cases.
pub async fn start<C: BoundedContext>(parts: Parts<C>, tasks: &mut Tasks) -> Result<Handle<C>, Fault> {
    let Parts { store, bus, outside, clock, settings, changes, traces, recorder } = parts;
    let gauge = Arc::new(Gauge::new(store.outbox_depth().await?, settings.outbox_max));
    let (jobs, jobs_in) = mpsc::channel(JOBS_MAX);
    let ((relay_out, relay_in), (effect_out, effect_in)) = (mpsc::channel(HAND_OVER_MAX), mpsc::channel(HAND_OVER_MAX));
    let (delivered, delivered_in) = mpsc::channel(JOBS_MAX);
    let wakes = Wakes::new(&clock);
    let committer = Committer {
        store: Arc::clone(&store),
        jobs: jobs_in,
        delivered: delivered_in,
        gauge: Arc::clone(&gauge),
        outlets: Outlets {
            relay: relay_out,
            effector: effect_out,
            sweep: [wakes.outbox.clone(), wakes.effects.clone()],
            due: [wakes.timers.clone(), wakes.delayed.clone()],
            observer: Arc::new(move |subjects: &[Uuid]| changes.announce(subjects)),
        },
        clock: Arc::clone(&clock),
        lease: settings.lease,
    };
    tasks.spawn("committer", committer.run());
    let stop = tasks.stop_signal();
    let timers = Timers {
        machine: Recorded::new(clockwork::Limits::default(), C::SERVICE, &recorder),
        store: Arc::clone(&store),
        jobs: jobs.clone(),
        clock: Arc::clone(&clock),
        due: wakes.timers.clone(),
        stop: stop.clone(),
    };
    tasks.spawn("timers", timers.run());
    let shared = Shared {
        store: Arc::clone(&store),
        outside,
        jobs: jobs.clone(),
        clock: Arc::clone(&clock),
        places: Semaphore::new(CALLS_MAX),
        traces: traces.clone(),
        recorder: recorder.clone(),
    };
    tasks.spawn("effects", effects(shared, settings, effect_in, &wakes, stop.clone()).run());
    let (lease, wake) = (settings.lease, &wakes.outbox);
    let lanes =
        Lanes { store: &store, bus: &bus, clock: &clock, delivered: &delivered, wake, lease, recorder: &recorder };
    lanes.start(relay_in, tasks);
    let housekeeping = Housekeeping {
        store: Arc::clone(&store),
        gauge: Arc::clone(&gauge),
        sweep: vec![wakes.outbox.clone(), wakes.effects.clone(), wakes.timers.clone()],
        sweep_interval: settings.sweep_interval,
        stop: stop.clone(),
    };
    tasks.spawn("housekeeping", housekeeping.run());
    if let Some(role) = fleet::role(C::SERVICE).filter(|role| !role.consumes.is_empty()) {
        let limits = consumer::Limits { batch_max: BATCH_MAX, ..settings.ladder };
        let consume = Consume {
            machine: Recorded::new((role.queue.into(), limits), C::SERVICE, &recorder),
            bus,
            store,
            jobs: jobs.clone(),
            stop,
            subscription: None,
            traces,
        };
        tasks.spawn("consumer", consume.run());
    }
    Ok(Handle::new(jobs, gauge))
}

/// The loop of a service's effects.
fn effects<C: BoundedContext>(
    shared: Shared<C>,
    settings: Settings,
    rows: mpsc::Receiver<Leased<C>>,
    wakes: &Wakes,
    stop: watch::Receiver<bool>,
) -> Effects<C> {
    let limits = effector::Limits { lease: settings.lease, call_max: settings.call_max, ..Default::default() };
    Effects {
        machine: Recorded::new((limits, CALLS_MAX), C::SERVICE, &shared.recorder),
        limits,
        claimed: BTreeMap::new(),
        claimed_at: shared.clock.now(),
        shared: Arc::new(shared),
        rows,
        rested_at: None,
        sweep: wakes.effects.clone(),
        due: wakes.delayed.clone(),
        stop,
    }
}

/// One wake for each loop: what one forgets when it wakes, another must not miss.
struct Wakes {
    outbox: Wake,
    effects: Wake,
    timers: Wake,
    delayed: Wake,
}

impl Wakes {
    fn new(clock: &Arc<dyn Clock>) -> Self {
        let wake = || Wake::new(Arc::clone(clock));
        Self { outbox: wake(), effects: wake(), timers: wake(), delayed: wake() }
    }
}

struct Lanes<'a, C: BoundedContext> {
    store: &'a Arc<dyn Store<C>>,
    bus: &'a Arc<dyn Bus>,
    clock: &'a Arc<dyn Clock>,
    delivered: &'a mpsc::Sender<Vec<ecom_core::id::MessageId>>,
    wake: &'a Wake,
    lease: Duration,
    recorder: &'a Recorder,
}

impl<C: BoundedContext> Lanes<'_, C> {
    fn start(&self, rows: mpsc::Receiver<Vec<Arc<ecom_core::event::Envelope>>>, tasks: &mut Tasks) {
        let rows = Arc::new(tokio::sync::Mutex::new(rows));
        let in_flight = Arc::new(Mutex::new(BTreeSet::new()));
        for number in 0..LANES + SWEEPERS {
            let lane = Publish {
                machine: Recorded::new(relay::Limits::default(), C::SERVICE, self.recorder),
                store: Arc::clone(self.store),
                publisher: self.bus.publisher(),
                clock: Arc::clone(self.clock),
                rows: Arc::clone(&rows),
                in_flight: Arc::clone(&in_flight),
                delivered: self.delivered.clone(),
                sweep: self.wake.clone(),
                sweeps: number < SWEEPERS,
                lease: self.lease,
                stop: tasks.stop_signal(),
            };
            tasks.spawn("relay", lane.run());
        }
    }
}
