//! Group commit: whatever waits for a service's database shares one transaction. Without load nothing waits: there is
//! no timer, a lone message is committed at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use ecom_core::decide::BoundedContext;
use ecom_core::engine::{Batch, Committed, EffectRow, Fault, Message, Outcome, Transacted};
use ecom_core::event::Envelope;
use ecom_core::id::MessageId;
use ecom_core::port::{Clock, Store};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::call::Leased;
use super::sabotage::{self, Point};
use super::wake::Wake;

/// Messages in one transaction: enough to make the sync of the disk cheap, few enough to keep the wait short.
pub(super) const BATCH_MAX: usize = 256;

/// How often a committer steps back before it commits.
const GATHER_TURNS: u32 = 2;

/// Jobs that may wait; more senders wait in turn.
pub(super) const JOBS_MAX: usize = 1_024;

/// How often a batch that met a concurrent change is tried again before it is given back.
const CONFLICT_RETRIES: u32 = 3;

/// How long confirmed outbox rows wait for a transaction that deletes them on its way.
const DELIVERED_DELAY: Duration = Duration::from_millis(20);

/// Messages that share their fate in one transaction, and who waits for it.
pub(super) struct Job<C: BoundedContext> {
    /// Handled in order.
    pub(super) messages: Vec<Message<C>>,
    /// Whether the job must not share a transaction with others.
    pub(super) alone: bool,
    /// Told how it ended.
    pub(super) reply: oneshot::Sender<JobResult<C>>,
}

/// How a job ended.
pub(super) enum JobResult<C: BoundedContext> {
    /// One outcome for each message.
    Committed(Vec<Outcome<C>>),
    /// Nothing of it happened.
    RolledBack(Fault),
    /// It may have happened.
    Unknown,
}

/// How many outbox rows there are, kept by counting and corrected from time to time; the limit closes the intake.
#[derive(Debug)]
pub(super) struct Gauge {
    depth: AtomicI64,
    limit: i64,
    /// How often the depth has changed.
    moves: AtomicU64,
    /// How often it had when it was last corrected.
    corrected: AtomicU64,
}

/// What a gauge showed when somebody began to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    depth: i64,
    moves: u64,
}

impl Gauge {
    pub(super) fn new(depth: u64, limit: u64) -> Self {
        Self {
            depth: AtomicI64::new(i64::try_from(depth).unwrap_or(i64::MAX)),
            limit: i64::try_from(limit).unwrap_or(i64::MAX),
            moves: AtomicU64::new(0),
            corrected: AtomicU64::new(0),
        }
    }

    pub(super) fn add(&self, rows: usize) {
        self.shift(rows as i64);
    }

    pub(super) fn remove(&self, rows: usize) {
        self.shift(-(rows as i64));
    }

    fn shift(&self, rows: i64) {
        if rows != 0 {
            self.depth.fetch_add(rows, Ordering::Relaxed);
            self.moves.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What it shows, unless it is known to show an empty outbox.
    pub(super) fn suspect(&self) -> Option<Reading> {
        let reading = Reading { depth: self.depth.load(Ordering::Relaxed), moves: self.moves.load(Ordering::Relaxed) };
        (reading.depth != 0 || reading.moves != self.corrected.load(Ordering::Relaxed)).then_some(reading)
    }

    /// Takes a count that was made since that reading. What happened meanwhile may be in it or not, so the next count
    /// looks again.
    pub(super) fn correct(&self, since: Reading, counted: u64) {
        let counted = i64::try_from(counted).unwrap_or(i64::MAX);
        self.depth.fetch_add(counted.saturating_sub(since.depth), Ordering::Relaxed);
        self.corrected.store(since.moves, Ordering::Relaxed);
    }

    pub(super) fn is_full(&self) -> bool {
        self.depth.load(Ordering::Relaxed) >= self.limit
    }

    pub(super) fn depth(&self) -> u64 {
        u64::try_from(self.depth.load(Ordering::Relaxed)).unwrap_or(0)
    }
}

/// Where a commit's results go.
pub(super) struct Outlets<C: BoundedContext> {
    /// Events to publish from memory.
    pub(super) relay: mpsc::Sender<Vec<Arc<Envelope>>>,
    /// Effects to perform from memory.
    pub(super) effector: mpsc::Sender<Leased<C>>,
    /// The sweepers of outbox and effects: woken when rows were left for them.
    pub(super) sweep: [Wake; 2],
    /// The keepers of timers and delayed effects: woken with the time of the next one.
    pub(super) due: [Wake; 2],
    /// Told the subjects of every commit.
    pub(super) observer: Arc<dyn Fn(&[Uuid]) + Send + Sync>,
}

/// Owns the store's transactions.
pub(super) struct Committer<C: BoundedContext> {
    pub(super) store: Arc<dyn Store<C>>,
    pub(super) jobs: mpsc::Receiver<Job<C>>,
    pub(super) delivered: mpsc::Receiver<Vec<MessageId>>,
    pub(super) gauge: Arc<Gauge>,
    pub(super) outlets: Outlets<C>,
    /// The database's clock, as this process sees it.
    pub(super) clock: Arc<dyn Clock>,
    /// How long rows stay leased to this process.
    pub(super) lease: Duration,
}

impl<C: BoundedContext> Committer<C> {
    /// Runs until all senders of jobs are gone.
    pub(super) async fn run(mut self) {
        let mut jobs = Vec::with_capacity(BATCH_MAX);
        let mut delivered = Vec::new();
        loop {
            let flush = !delivered.is_empty();
            tokio::select! {
                biased;
                count = self.jobs.recv_many(&mut jobs, BATCH_MAX) => {
                    if count == 0 {
                        break;
                    }
                    self.gather(&mut jobs).await;
                    while let Ok(ids) = self.delivered.try_recv() {
                        delivered.extend(ids);
                    }
                    self.commit(std::mem::take(&mut jobs), std::mem::take(&mut delivered)).await;
                }
                Some(ids) = self.delivered.recv(), if !flush => delivered.extend(ids),
                () = tokio::time::sleep(DELIVERED_DELAY), if flush => {
                    while let Ok(ids) = self.delivered.try_recv() {
                        delivered.extend(ids);
                    }
                    self.forget(std::mem::take(&mut delivered)).await;
                }
            }
        }
        self.forget(delivered).await;
    }

    /// Lets whoever is ready to run come to its next job first: a larger transaction for no time at all, since without
    /// others that are ready this returns at once.
    async fn gather(&mut self, jobs: &mut Vec<Job<C>>) {
        for _ in 0..GATHER_TURNS {
            tokio::task::yield_now().await;
            while jobs.len() < BATCH_MAX {
                let Ok(job) = self.jobs.try_recv() else { break };
                jobs.push(job);
            }
        }
    }

    /// Deletes confirmed rows on their own. When that fails they are published again, and the inboxes absorb it.
    async fn forget(&self, ids: Vec<MessageId>) {
        if ids.is_empty() {
            return;
        }
        let count = ids.len();
        match self.store.delivered(ids).await {
            Ok(()) => self.gauge.remove(count),
            Err(fault) => {
                tracing::warn!(service = %C::SERVICE, %fault, "delivered events could not be deleted");
                self.sweep_after(self.lease);
            }
        }
    }

    async fn commit(&self, jobs: Vec<Job<C>>, delivered: Vec<MessageId>) {
        let (alone, mut shared): (Vec<_>, Vec<_>) = jobs.into_iter().partition(|job| job.alone);
        let mut delivered = delivered;
        while !shared.is_empty() {
            let mut count = 0;
            let fitting = shared.iter().take_while(|job| {
                count += job.messages.len();
                count <= BATCH_MAX
            });
            let rest = shared.split_off(fitting.count().max(1));
            self.commit_together(std::mem::replace(&mut shared, rest), std::mem::take(&mut delivered)).await;
        }
        for job in alone {
            self.commit_together(vec![job], std::mem::take(&mut delivered)).await;
        }
    }

    /// One transaction for all; when it fails for a reason that may lie in one of them, one for each.
    async fn commit_together(&self, jobs: Vec<Job<C>>, delivered: Vec<MessageId>) {
        let counts: Vec<usize> = jobs.iter().map(|job| job.messages.len()).collect();
        let (mut messages, mut replies) = (vec![], vec![]);
        for job in jobs {
            messages.extend(job.messages);
            replies.push(job.reply);
        }
        match self.transact(messages.clone(), delivered).await {
            Transacted::Committed(committed) => {
                let mut outcomes = committed.outcomes.into_iter();
                for (count, reply) in counts.into_iter().zip(replies) {
                    // Whoever no longer waits will find the truth in the database.
                    drop(reply.send(JobResult::Committed(outcomes.by_ref().take(count).collect())));
                }
            }
            Transacted::RolledBack(Fault::Broken(_)) if replies.len() > 1 => {
                let mut messages = messages.into_iter();
                for (count, reply) in counts.into_iter().zip(replies) {
                    let own = messages.by_ref().take(count).collect();
                    drop(reply.send(self.transact(own, vec![]).await.into()));
                }
            }
            Transacted::RolledBack(fault) => {
                tracing::warn!(service = %C::SERVICE, %fault, "a transaction was rolled back");
                for reply in replies {
                    drop(reply.send(JobResult::RolledBack(fault.clone())));
                }
            }
            Transacted::Unknown => {
                for reply in replies {
                    drop(reply.send(JobResult::Unknown));
                }
            }
        }
    }

    async fn transact(&self, messages: Vec<Message<C>>, delivered: Vec<MessageId>) -> Transacted<C> {
        // What a commit writes is driven from memory only when there is room for it: both permits, before the commit.
        let (relay, effector) = (self.outlets.relay.try_reserve(), self.outlets.effector.try_reserve());
        let leased = relay.is_ok() && effector.is_ok();
        let since = self.clock.now();
        let mut result = Transacted::RolledBack(Fault::Conflict);
        for _ in 0..=CONFLICT_RETRIES {
            let batch = Batch { messages: messages.clone(), delivered: delivered.clone(), leased };
            result = self.store.transact(batch).await;
            if !matches!(result, Transacted::RolledBack(Fault::Conflict)) {
                break;
            }
        }
        match &mut result {
            Transacted::Committed(committed) => {
                if !committed.outbox.is_empty() {
                    sabotage::reach(Point::CommittedNotPublished);
                }
                self.gauge.remove(delivered.len());
                self.gauge.add(committed.outbox.len());
                let (outbox, effects) = self.hand_over(committed, leased);
                if let (Ok(relay), Ok(effector)) = (relay, effector) {
                    if !outbox.is_empty() {
                        relay.send(outbox);
                    }
                    if !effects.is_empty() {
                        effector.send(Leased { rows: effects, since });
                    }
                }
            }
            // Rows whose deletion failed, or that nobody drives from memory, are found when their lease ends.
            Transacted::Unknown => {
                self.sweep_after(self.lease);
                // It may have armed timers and delayed effects: their keepers look for themselves.
                self.outlets.due.iter().for_each(|wake| wake.after(Duration::ZERO));
            }
            Transacted::RolledBack(_) => self.sweep_after(self.lease),
        }
        result
    }

    fn sweep_after(&self, delay: Duration) {
        self.outlets.sweep.iter().for_each(|wake| wake.after(delay));
    }

    fn hand_over(&self, committed: &mut Committed<C>, leased: bool) -> (Vec<Arc<Envelope>>, Vec<EffectRow<C::Effect>>) {
        if !leased {
            self.sweep_after(Duration::ZERO);
        }
        if let Some(due) = committed.next_due {
            self.outlets.due.iter().for_each(|wake| wake.at(due));
        }
        if !committed.touched.is_empty() {
            (self.outlets.observer)(&committed.touched);
        }
        (std::mem::take(&mut committed.outbox), std::mem::take(&mut committed.effects))
    }
}

impl<C: BoundedContext> From<Transacted<C>> for JobResult<C> {
    fn from(transacted: Transacted<C>) -> Self {
        match transacted {
            Transacted::Committed(committed) => Self::Committed(committed.outcomes),
            Transacted::RolledBack(fault) => Self::RolledBack(fault),
            Transacted::Unknown => Self::Unknown,
        }
    }
}
