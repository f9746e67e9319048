//! One random stream of operations against a bus: what happens to each event, told so that two buses can be compared.
//!
//! Buses differ in the order in which they hand out and in how long they take, and nobody relies on either. What must be
//! equal is each event's story in each queue: how often it was handed out until it was settled, from the second time on
//! marked; and how each operation ended.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::Fixture;
use super::script::{nothing_comes, receive_all, settle, subscribe};
use crate::event::{Envelope, EventType};
use crate::fleet::{FLEET, queues_of};
use crate::id::MessageId;
use crate::port::{Bus, Delivery, Published, Settlement, Subscription};
use crate::testing::{both, sample};

/// How a stream went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Story {
    /// By event and queue: how often it was handed out.
    pub events: BTreeMap<(MessageId, &'static str), u32>,
    /// How often each operation ended in which way.
    pub ways: BTreeMap<&'static str, u32>,
}

/// Every operation with every way in which it can end. That no queue wants an event cannot be: each has a consumer.
pub const EVERYTHING: &[&str] = &[
    "declare: done",
    "declare: away",
    "publish: confirmed",
    "publish: unknown",
    "subscribe: done",
    "subscribe: no such queue",
    "subscribe: away",
    "receive: fresh",
    "receive: again",
    "receive: away",
    "settle: done",
    "settle: retry at once",
    "settle: retry later",
    "settle: away",
    "drop a subscription",
];

/// What happens to an event in one queue before it is settled as done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    AtOnce,
    Later,
    Dropped,
}

struct Draw(u64);

impl Draw {
    /// SplitMix64.
    const fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }

    const fn turn(&mut self) -> Option<Turn> {
        match self.below(8) {
            0 => Some(Turn::AtOnce),
            1 => Some(Turn::Dropped),
            2 => Some(Turn::Later),
            _ => None,
        }
    }
}

/// Plays the stream of that seed on a fresh bus, and at last on the same bus when it is closed.
pub async fn play(fixture: &dyn Fixture, seed: u64, rounds: u32) -> Story {
    let bus = &*fixture.fresh().await;
    let (mut draw, mut story) = (Draw(seed), Story::default());
    story.note(if bus.declare().await.is_ok() { "declare: done" } else { "declare: away" });
    story.note(if bus.subscribe("nobody.events").await.is_ok() { "?" } else { "subscribe: no such queue" });
    for round in 0..rounds {
        let count = 1 + draw.below(4);
        let event = |number| sample::envelope(EventType::ALL[draw.below(EventType::ALL.len() as u64) as usize], number);
        let events: Vec<Arc<Envelope>> = (0..count).map(|n| u64::from(round) * 10 + n).map(event).collect();
        let later = draw.below(3) == 0;
        let consume = async {
            for role in FLEET {
                let wants = |event: &&Arc<Envelope>| queues_of(event.event.event_type()).any(|name| name == role.queue);
                let wanted: BTreeSet<MessageId> = events.iter().filter(wants).map(|event| event.event_id).collect();
                if !wanted.is_empty() {
                    consume(fixture, bus, role.queue, wanted, later, &mut draw, &mut story).await;
                }
            }
        };
        let (published, ()) = both(bus.publisher().publish(events.clone()), consume).await;
        for result in &published {
            story.published(result);
        }
    }
    for role in FLEET {
        nothing_comes(fixture, &*subscribe(bus, role.queue).await, "everything was settled").await;
    }
    closed(fixture, bus, &mut story).await;
    story
}

/// One queue's part of a round: all are received before anything is settled, so that what is in hand is the same.
async fn consume(
    fixture: &dyn Fixture,
    bus: &dyn Bus,
    queue: &'static str,
    mut open: BTreeSet<MessageId>,
    later: bool,
    draw: &mut Draw,
    story: &mut Story,
) {
    let mut subscription = subscribe(bus, queue).await;
    story.note("subscribe: done");
    while !open.is_empty() {
        let mut deliveries = receive_all(fixture, &*subscription, open.len()).await;
        // Turns are drawn in the order of the ids: that of deliveries is the bus's affair.
        deliveries.sort_by_key(Delivery::id);
        let received: BTreeSet<MessageId> = deliveries.iter().map(Delivery::id).collect();
        assert_eq!(received, open, "{queue}: others than those that are not settled");
        let mut dropped = false;
        for delivery in &deliveries {
            let told = story.events.entry((delivery.id(), queue)).or_default();
            // A fresh one may be marked too: it may have been on its way to a subscription that was just dropped.
            assert!(delivery.redelivered || *told == 0, "{queue}: delivered before, and not marked");
            *told += 1;
            let times = *told;
            story.note(if times > 1 { "receive: again" } else { "receive: fresh" });
            let (settlement, word) = match draw.turn().filter(|turn| *turn != Turn::Later || later) {
                Some(Turn::Dropped) => {
                    dropped = true;
                    continue;
                }
                Some(Turn::AtOnce) => (Settlement::Retry(Duration::ZERO), "settle: retry at once"),
                Some(Turn::Later) => (Settlement::Retry(fixture.delay()), "settle: retry later"),
                None => (Settlement::Done, "settle: done"),
            };
            settle(&*subscription, std::slice::from_ref(delivery), settlement).await;
            story.note(word);
            if settlement == Settlement::Done {
                open.remove(&delivery.id());
            }
        }
        if dropped {
            drop(subscription);
            story.note("drop a subscription");
            subscription = subscribe(bus, queue).await;
            story.note("subscribe: done");
        }
    }
}

/// With deliveries in hand the bus is closed: nothing is possible any more, and everything says so.
async fn closed(fixture: &dyn Fixture, bus: &dyn Bus, story: &mut Story) {
    let event = sample::envelope(EventType::OrderCreated, 1_000_000);
    let queue = queues_of(EventType::OrderCreated).next().unwrap_or_default();
    let subscription: Arc<dyn Subscription> = subscribe(bus, queue).await;
    let consume = async {
        let deliveries = receive_all(fixture, &*subscription, 1).await;
        fixture.close().await;
        let done = deliveries.iter().map(|delivery| (delivery.tag, Settlement::Done)).collect();
        (subscription.settle(done).await.is_err(), subscription.receive(1).await.is_err())
    };
    // Whether it was confirmed before that is the bus's affair.
    let (_, (settle_fails, receive_fails)) = both(bus.publisher().publish(vec![Arc::clone(&event)]), consume).await;
    for (fails, word) in [
        (settle_fails, "settle: away"),
        (receive_fails, "receive: away"),
        (bus.subscribe(queue).await.is_err(), "subscribe: away"),
        (bus.declare().await.is_err(), "declare: away"),
    ] {
        assert!(fails, "{word}: the bus is closed, and it did it");
        story.note(word);
    }
    for result in bus.publisher().publish(vec![event]).await {
        assert!(matches!(result, Published::Unknown(_)), "published on a bus that is closed: {result:?}");
        story.published(&result);
    }
}

impl Story {
    fn note(&mut self, way: &'static str) {
        *self.ways.entry(way).or_default() += 1;
    }

    fn published(&mut self, result: &Published) {
        self.note(match result {
            Published::Confirmed => "publish: confirmed",
            Published::Unroutable => "publish: unroutable",
            Published::Unknown(_) => "publish: unknown",
        });
    }

    /// The ways in which nothing ended.
    pub fn missing(&self) -> Vec<&'static str> {
        EVERYTHING.iter().filter(|way| !self.ways.contains_key(**way)).copied().collect()
    }
}
