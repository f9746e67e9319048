//! One queue: what is ready, what is handed out, what waits for its retry. One mutex, never held across an await.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ecom_core::event::Envelope;
use ecom_core::id::MessageId;
use ecom_core::port::{Body, BusError, Delivery, Settlement};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::Limits;
use super::receipt::Slip;

/// Up to this delay publications wait for a retry. Beyond it they are told that nothing is known, so that one failing
/// event does not hold up the rows that were published with it.
const WORTH_WAITING: Duration = Duration::from_millis(500);

/// What publications are told whose consumer does not settle.
const STALLED: &str = "its consumer has settled nothing for a while";

pub(super) fn closed() -> BusError {
    BusError("the bus is closed".to_owned())
}

/// A queue of the topology.
#[derive(Debug)]
pub(super) struct Queue {
    pub(super) name: &'static str,
    max: usize,
    stall: Duration,
    state: Mutex<State>,
    /// Something became ready, or a retry was set that is due before all others.
    arrived: Notify,
    /// There is room again.
    room: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Everything the queue holds, wherever it stands.
    items: BTreeMap<MessageId, Item>,
    ready: VecDeque<MessageId>,
    /// Waiting for their retry; the number keeps equal times apart.
    delayed: BTreeMap<(Instant, u64), MessageId>,
    /// Handed out, by tag.
    held: BTreeMap<u64, Held>,
    /// The last number given to a tag, a subscription or a retry.
    counter: u64,
    /// How many of them are parked.
    parked: usize,
    /// Since when it holds something that is not parked and has settled nothing; none while it holds no such thing.
    idle_since: Option<Instant>,
    closed: bool,
}

#[derive(Debug)]
struct Item {
    envelope: Arc<Envelope>,
    redelivered: bool,
    /// It waits long for its retry, and publishers do not wait for that.
    is_parked: bool,
    /// The publications that wait for it.
    slips: Vec<Slip>,
}

#[derive(Debug)]
struct Held {
    id: MessageId,
    subscription: u64,
}

impl Queue {
    pub(super) fn new(name: &'static str, limits: &Limits) -> Self {
        let (max, stall) = (limits.queue_max.max(1), limits.stall);
        Self { name, max, stall, state: Mutex::default(), arrived: Notify::new(), room: Notify::new() }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    pub(super) fn depth(&self) -> usize {
        self.lock().items.len()
    }

    pub(super) fn new_subscription(&self) -> u64 {
        self.lock().next_number()
    }

    /// Takes what there is room for and returns the rest, in order.
    pub(super) fn offer(&self, items: Vec<(Arc<Envelope>, Slip)>) -> Vec<(Arc<Envelope>, Slip)> {
        if items.is_empty() {
            return items;
        }
        let mut refused = vec![];
        let mut state = self.lock();
        if state.closed {
            drop(state);
            for (_, slip) in &items {
                slip.unknown("the bus is closed");
            }
            return refused;
        }
        let is_stalled = state.is_stalled(self.stall);
        let mut rest = items.into_iter();
        for (envelope, slip) in rest.by_ref() {
            let id = envelope.event_id;
            if is_stalled {
                slip.unknown(STALLED);
            }
            if let Some(item) = state.items.get_mut(&id) {
                if item.is_parked {
                    slip.unknown("it waits for its retry");
                } else if !is_stalled {
                    item.slips.push(slip);
                }
            } else if state.items.len() - state.delayed.len() < self.max {
                let slips = if is_stalled { vec![] } else { vec![slip] };
                let item = Item { envelope, redelivered: false, is_parked: false, slips };
                state.items.insert(id, item);
                state.ready.push_back(id);
            } else if !is_stalled {
                refused.push((envelope, slip));
                break;
            }
        }
        state.watch_for_stall();
        drop(state);
        refused.extend(rest);
        self.arrived.notify_one();
        refused
    }

    /// Offers again whenever there is room, until the deadline; then the publisher is told that nothing is known.
    pub(super) async fn offer_until(&self, mut items: Vec<(Arc<Envelope>, Slip)>, deadline: Instant) {
        loop {
            let room = self.room.notified();
            items = self.offer(items);
            if items.is_empty() {
                // Whatever room is left is for the next that waits.
                self.room.notify_one();
                return;
            }
            if timeout_at(deadline, room).await.is_err() {
                break;
            }
        }
        for (_, slip) in &items {
            slip.unknown("the queue is full");
        }
    }

    /// Waits for deliveries. Nothing is handed out before the very return, so dropping the future loses nothing.
    pub(super) async fn receive(&self, subscription: u64, max: usize) -> Result<Vec<Delivery>, BusError> {
        loop {
            let arrived = self.arrived.notified();
            let next_retry = {
                let mut state = self.lock();
                if state.closed {
                    return Err(closed());
                }
                state.ripen();
                if !state.ready.is_empty() {
                    let deliveries = state.hand_out(subscription, max);
                    if !state.ready.is_empty() {
                        self.arrived.notify_one();
                    }
                    return Ok(deliveries);
                }
                state.delayed.keys().next().map(|(due, _)| *due)
            };
            match next_retry {
                None => arrived.await,
                Some(due) => {
                    tokio::select! {
                        () = arrived => {}
                        () = sleep_until(due) => {}
                    }
                }
            }
        }
    }

    /// Settles what that subscription holds; other tags are no longer its own and are left alone.
    pub(super) fn settle(&self, subscription: u64, settlements: Vec<(u64, Settlement)>) -> Result<(), BusError> {
        let (mut done, mut delayed) = (vec![], vec![]);
        let mut state = self.lock();
        if state.closed {
            return Err(closed());
        }
        for (tag, settlement) in settlements {
            if state.held.get(&tag).is_none_or(|held| held.subscription != subscription) {
                continue;
            }
            let Some(Held { id, .. }) = state.held.remove(&tag) else { continue };
            match settlement {
                Settlement::Done => {
                    done.extend(state.items.remove(&id));
                    state.idle_since = None;
                }
                Settlement::Retry(delay) => delayed.push(state.retry(id, delay, self.max)),
            }
        }
        state.watch_for_stall();
        drop(state);
        if !delayed.is_empty() {
            // Everyone who waits to receive counts down to the first retry, so that it is not late when one of them
            // goes away.
            self.arrived.notify_waiters();
        }
        self.room.notify_one();
        done.iter().flat_map(|item| &item.slips).for_each(Slip::done);
        for slip in delayed.into_iter().flatten() {
            slip.unknown("its handling failed and is tried again");
        }
        Ok(())
    }

    /// Tells the publications that wait for this queue that nothing is known, when it is stalled.
    pub(super) fn release_if_stalled(&self) {
        let mut state = self.lock();
        if !state.is_stalled(self.stall) {
            return;
        }
        let slips: Vec<Slip> = state.items.values_mut().flat_map(|item| std::mem::take(&mut item.slips)).collect();
        drop(state);
        // Whoever waits for room shall wait no more.
        self.room.notify_waiters();
        for slip in &slips {
            slip.unknown(STALLED);
        }
    }

    /// Takes back what a subscription that has ended still holds.
    pub(super) fn abandon(&self, subscription: u64) {
        let mut state = self.lock();
        let State { held, ready, items, .. } = &mut *state;
        held.retain(|_, held| {
            if held.subscription == subscription {
                if let Some(item) = items.get_mut(&held.id) {
                    item.redelivered = true;
                }
                ready.push_front(held.id);
            }
            held.subscription != subscription
        });
        drop(state);
        // Also because a notification may have been meant for the one that has ended.
        self.arrived.notify_one();
    }

    pub(super) fn close(&self) {
        let mut state = self.lock();
        let dropped = std::mem::take(&mut *state);
        state.closed = true;
        drop(state);
        self.arrived.notify_waiters();
        self.room.notify_waiters();
        let slips = dropped.items.values().flat_map(|item| &item.slips);
        slips.for_each(|slip| slip.unknown("the bus is closed"));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_stalled(&self, stall: Duration) -> bool {
        self.idle_since.is_some_and(|since| since.elapsed() >= stall)
    }

    /// Starts or ends the count of the time in which nothing is settled.
    fn watch_for_stall(&mut self) {
        if self.items.len() == self.parked {
            self.idle_since = None;
        } else {
            self.idle_since.get_or_insert_with(Instant::now);
        }
    }

    fn next_number(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    /// Makes ready what has waited long enough.
    fn ripen(&mut self) {
        if self.delayed.is_empty() {
            return;
        }
        let now = Instant::now();
        while let Some(entry) = self.delayed.first_entry() {
            if entry.key().0 > now {
                break;
            }
            let id = entry.remove();
            if let Some(item) = self.items.get_mut(&id) {
                self.parked -= usize::from(item.is_parked);
                item.is_parked = false;
            }
            self.ready.push_back(id);
        }
        self.watch_for_stall();
    }

    fn hand_out(&mut self, subscription: u64, max: usize) -> Vec<Delivery> {
        let count = max.min(self.ready.len());
        let mut deliveries = Vec::with_capacity(count);
        for _ in 0..count {
            let Some(id) = self.ready.pop_front() else { break };
            let Some(item) = self.items.get(&id) else { continue };
            let (redelivered, body) = (item.redelivered, Body::Event(Arc::clone(&item.envelope)));
            let tag = self.next_number();
            self.held.insert(tag, Held { id, subscription });
            deliveries.push(Delivery { tag, redelivered, body });
        }
        deliveries
    }

    /// Sets the retry of an item, and gives back the publications that do not wait for it.
    fn retry(&mut self, id: MessageId, delay: Duration, max: usize) -> Vec<Slip> {
        if self.delayed.len() >= max {
            // No room to remember it, and no need: its row is in the outbox, and the sweeper brings it back.
            return self.items.remove(&id).map(|item| item.slips).unwrap_or_default();
        }
        let number = self.next_number();
        let Some(item) = self.items.get_mut(&id) else { return vec![] };
        item.redelivered = true;
        item.is_parked = delay > WORTH_WAITING;
        self.parked += usize::from(item.is_parked);
        self.delayed.insert((Instant::now() + delay, number), id);
        if item.is_parked { std::mem::take(&mut item.slips) } else { vec![] }
    }
}
