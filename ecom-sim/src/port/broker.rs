//! A broker with the topology of the fleet: durable queues, competing consumers, at least once, in any order.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use ecom_core::event::{Envelope, EventType, Service};
use ecom_core::fleet::FLEET;
use ecom_core::port::{Body, Delivery, Settlement};
use ecom_core::time::Timestamp;

use super::Published;
use crate::hash::{Hasher128, fingerprint};

/// The queues of the services that are there.
#[derive(Clone, Debug)]
pub struct Broker {
    /// By the number of the consuming service.
    queues: [Queue; 6],
    /// By event: which services consume it, one bit each.
    routes: Arc<[u8]>,
    published: Published,
}

#[derive(Clone, Debug, Default)]
struct Queue {
    ready: Vec<Ready>,
    unacked: Vec<Unacked>,
}

/// A message that waits in a queue.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ready {
    /// The message.
    pub envelope: Arc<Envelope>,
    /// Whether it may have been handed out before.
    pub redelivered: bool,
    /// Not before.
    pub at: Timestamp,
}

#[derive(Clone, Debug, Hash)]
struct Unacked {
    copy: u8,
    tag: u64,
    message: Ready,
}

/// Into how many queues a message went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// All that want it.
    All,
    /// The first alone.
    First,
}

impl Broker {
    /// The queues of these services, empty. An event that only others want goes nowhere.
    pub fn new(services: impl Fn(Service) -> bool) -> Self {
        let wanted = |event: &EventType| {
            let consumers = FLEET.iter().filter(|role| role.consumes.contains(event) && services(role.service));
            consumers.fold(0, |bits, role| bits | 1 << role.service as u8)
        };
        Self {
            queues: Default::default(),
            routes: EventType::ALL.iter().map(wanted).collect(),
            published: Published::default(),
        }
    }

    /// Stores an event in the queues that want it.
    pub fn store(&mut self, envelope: &Arc<Envelope>, stored: Stored, now: Timestamp) {
        let routes = self.routes[envelope.event.event_type() as usize];
        self.published.push(envelope);
        for (number, queue) in self.queues.iter_mut().enumerate() {
            if routes >> number & 1 == 1 {
                queue.ready.push(Ready { envelope: Arc::clone(envelope), redelivered: false, at: now });
                if stored == Stored::First {
                    return;
                }
            }
        }
    }

    /// What was ever published.
    pub const fn published(&self) -> &Published {
        &self.published
    }

    /// The numbers of the services that want an event.
    pub fn consumers(&self, event: EventType) -> impl Iterator<Item = u8> {
        let routes = self.routes[event as usize];
        (0..self.queues.len() as u8).filter(move |number| routes >> number & 1 == 1)
    }

    /// Puts a message into one queue, as an operator does who replays a dead letter.
    pub fn replay(&mut self, node: u8, envelope: Arc<Envelope>, now: Timestamp) {
        self.queues[usize::from(node)].ready.push(Ready { envelope, redelivered: false, at: now });
    }

    /// How many messages could be delivered now.
    pub fn ready(&self, node: u8, now: Timestamp) -> usize {
        self.queues[usize::from(node)].ready.iter().filter(|message| message.at <= now).count()
    }

    /// Whether any could.
    pub fn has_ready(&self, node: u8, now: Timestamp) -> bool {
        self.queues[usize::from(node)].ready.iter().any(|message| message.at <= now)
    }

    /// When the next message is due that is not due yet.
    pub fn next_due(&self, now: Timestamp) -> Option<Timestamp> {
        let all = self.queues.iter().flat_map(|queue| &queue.ready);
        all.map(|message| message.at).filter(|at| *at > now).min()
    }

    /// Hands out up to `max` messages, the first of them `skip` places behind the oldest.
    pub fn deliver(&mut self, node: u8, copy: u8, skip: usize, max: usize, now: Timestamp) -> Vec<Delivery> {
        let queue = &mut self.queues[usize::from(node)];
        let mut deliveries = vec![];
        while deliveries.len() < max {
            let mut due = queue.ready.iter().enumerate().filter(|(_, message)| message.at <= now);
            let Some(place) = due.nth(skip).map(|(place, _)| place) else { break };
            let message = queue.ready.remove(place);
            let tag = (0..u64::MAX)
                .find(|tag| !queue.unacked.iter().any(|it| it.copy == copy && it.tag == *tag))
                .unwrap_or(0);
            let body = Body::Event(Arc::clone(&message.envelope));
            deliveries.push(Delivery { tag, redelivered: message.redelivered, body });
            queue.unacked.push(Unacked { copy, tag, message });
        }
        deliveries
    }

    /// What was handed out under that tag and is not settled.
    pub fn held(&self, node: u8, copy: u8, tag: u64) -> Option<&Arc<Envelope>> {
        let held = self.queues[usize::from(node)].unacked.iter();
        held.into_iter().find(|it| it.copy == copy && it.tag == tag).map(|it| &it.message.envelope)
    }

    /// Leaves what was just handed out in the queue as well.
    pub fn double(&mut self, node: u8, copy: u8, tag: u64) {
        let queue = &mut self.queues[usize::from(node)];
        if let Some(handed) = queue.unacked.iter().find(|it| it.copy == copy && it.tag == tag) {
            queue.ready.push(Ready { redelivered: true, ..handed.message.clone() });
        }
    }

    /// Settles what was handed out.
    pub fn settle(&mut self, node: u8, copy: u8, settlements: &[(u64, Settlement)], now: Timestamp) {
        let queue = &mut self.queues[usize::from(node)];
        for (tag, settlement) in settlements {
            let place = queue.unacked.iter().position(|it| it.copy == copy && it.tag == *tag);
            let Some(place) = place else { continue };
            let message = queue.unacked.remove(place).message;
            match settlement {
                Settlement::Done => {}
                Settlement::Retry(delay) => queue.again(message, now.after(*delay)),
            }
        }
    }

    /// A consumer is gone: what it held is delivered again.
    pub fn close(&mut self, node: u8, copy: u8) {
        let queue = &mut self.queues[usize::from(node)];
        let (lost, kept): (Vec<_>, Vec<_>) = queue.unacked.drain(..).partition(|it| it.copy == copy);
        queue.unacked = kept;
        for unacked in lost {
            let at = unacked.message.at;
            queue.again(unacked.message, at);
        }
    }

    /// How many messages there are, handed out or not.
    pub fn depth(&self) -> usize {
        self.queues.iter().map(|queue| queue.ready.len() + queue.unacked.len()).sum()
    }

    /// The messages that a service was handed and has not settled.
    pub fn handed(&self, node: u8) -> impl Iterator<Item = &Arc<Envelope>> {
        self.queues[usize::from(node)].unacked.iter().map(|it| &it.message.envelope)
    }

    /// The messages that wait for a service.
    pub fn waiting(&self, node: u8) -> &[Ready] {
        &self.queues[usize::from(node)].ready
    }
}

impl Queue {
    fn again(&mut self, message: Ready, at: Timestamp) {
        self.ready.push(Ready { redelivered: true, at, ..message });
    }
}

/// A queue is a bag: any message may be delivered next.
impl Hash for Queue {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let bag = self.ready.iter().fold(0_u128, |sum, message| {
            let mut hasher = Hasher128::default();
            (message.envelope.event_id, message.redelivered, message.at).hash(&mut hasher);
            sum.wrapping_add(hasher.finish128())
        });
        let unacked = self.unacked.iter().fold(0_u128, |sum, message| {
            let message = (message.copy, message.tag, message.message.envelope.event_id, message.message.redelivered);
            sum.wrapping_add(fingerprint(&message))
        });
        (bag, unacked).hash(state);
    }
}

impl Hash for Broker {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.queues.hash(state);
        self.published.hash(state);
    }
}
