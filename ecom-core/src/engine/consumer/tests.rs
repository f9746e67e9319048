use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::event::EventType;
use crate::testing::sample;

const QUEUE: &str = "inventory.events";

fn event(tag: u64) -> Delivery {
    Delivery { tag, redelivered: false, body: Body::Event(sample::envelope(EventType::OrderCreated, tag)) }
}

fn again(tag: u64) -> Delivery {
    Delivery { redelivered: true, ..event(tag) }
}

fn unreadable(tag: u64) -> Delivery {
    let body = Body::Unreadable {
        id: MessageId(Uuid::from_u128(u128::from(tag))),
        event_type: "order.exploded".to_owned(),
        raw: "{".to_owned(),
        error: "not JSON".to_owned(),
    };
    Delivery { tag, redelivered: false, body }
}

/// A subscribed consumer that has just received these.
fn received(deliveries: Vec<Delivery>) -> (Consumer, Request) {
    let mut consumer = Consumer::new(QUEUE, Limits::default());
    assert_eq!(consumer.start(), Request::Subscribe);
    assert_eq!(consumer.resume(Completion::Subscribed), Request::Receive { max: 256 });
    let request = consumer.resume(Completion::Received(deliveries));
    (consumer, request)
}

fn transact(tags: &[u64]) -> Request {
    Request::Transact { deliveries: tags.iter().map(|tag| event(*tag)).collect() }
}

fn done(tags: &[u64]) -> Request {
    Request::Settle { settlements: tags.iter().map(|tag| (*tag, Settlement::Done)).collect() }
}

fn refused() -> Verdict {
    Verdict::Refused { reason: "no".to_owned() }
}

fn broken() -> Completion {
    Completion::RolledBack(Fault::Broken("constraint".to_owned()))
}

fn unavailable() -> Fault {
    Fault::Unavailable("away".to_owned())
}

/// The one settlement of the request, which must be a retry.
#[track_caller]
fn retry(request: &Request) -> Duration {
    let Request::Settle { settlements } = request else { panic!("not settled: {request:?}") };
    let [(_, Settlement::Retry(delay))] = settlements[..] else { panic!("not retried: {settlements:?}") };
    delay
}

#[test]
fn what_has_committed_is_settled_as_done() {
    let (mut consumer, request) = received(vec![event(1), event(2), event(3)]);
    assert_eq!(request, transact(&[1, 2, 3]));
    assert!(!consumer.is_idle());
    let verdicts = vec![Verdict::Done, Verdict::Duplicate, Verdict::Stayed];
    assert_eq!(consumer.resume(Completion::Transacted(verdicts)), done(&[1, 2, 3]));
    assert_eq!(consumer.resume(Completion::Settled), Request::Receive { max: 256 });
    assert!(consumer.is_idle());
}

#[test]
fn what_cannot_be_read_or_concerns_nobody_is_parked() {
    let (mut consumer, request) = received(vec![unreadable(1), event(2)]);
    let Request::Bury { letters } = request else { panic!("{request:?}") };
    assert_eq!((&*letters[0].queue, &*letters[0].event_type, &*letters[0].body), (QUEUE, "order.exploded", "{"));
    assert_eq!(consumer.resume(Completion::Buried(vec![Ok(())])), done(&[1]));
    assert_eq!(consumer.resume(Completion::Settled), transact(&[2]));

    let request = consumer.resume(Completion::Transacted(vec![Verdict::NotConcerned]));
    let Request::Bury { letters } = request else { panic!("{request:?}") };
    assert_eq!((letters.len(), &*letters[0].event_type), (1, "order.created"));
    assert!(letters[0].body.contains("\"event_type\":\"order.created\""), "{}", letters[0].body);
    assert_eq!(consumer.resume(Completion::Buried(vec![Ok(())])), done(&[2]));
}

#[test]
fn a_refused_message_climbs_the_ladder_and_is_buried_at_its_end() {
    let rungs = [0, 1, 5, 15, 30, 30, 30, 30, 30].map(Duration::from_secs);
    for (attempt, rung) in (1..).zip(rungs) {
        let (mut consumer, _) = received(vec![again(1)]);
        let request = consumer.resume(Completion::Transacted(vec![refused()]));
        assert_eq!(request, Request::CountAttempts { ids: vec![event(1).id()] });
        let delay = retry(&consumer.resume(Completion::Counted(vec![Ok(attempt)])));
        assert!(rung <= delay && delay <= rung.mul_f64(1.25), "attempt {attempt}: {delay:?}");
    }
    let (mut consumer, _) = received(vec![again(1)]);
    consumer.resume(Completion::Transacted(vec![refused()]));
    let request = consumer.resume(Completion::Counted(vec![Ok(10)]));
    let Request::Bury { letters } = request else { panic!("{request:?}") };
    assert_eq!((&*letters[0].reason, letters[0].attempts), ("no", 10));
    assert_eq!(consumer.resume(Completion::Buried(vec![Ok(())])), done(&[1]));
}

#[test]
fn a_refusal_harms_no_other_message_of_the_batch() {
    let (mut consumer, _) = received(vec![event(1), event(2), event(3)]);
    let verdicts = vec![Verdict::Done, refused(), Verdict::Done];
    assert_eq!(consumer.resume(Completion::Transacted(verdicts)), Request::CountAttempts { ids: vec![event(2).id()] });
    let settlements = vec![(1, Settlement::Done), (3, Settlement::Done), (2, Settlement::Retry(Duration::ZERO))];
    assert_eq!(consumer.resume(Completion::Counted(vec![Ok(1)])), Request::Settle { settlements });
}

#[test]
fn what_was_delivered_before_is_handled_alone() {
    let (mut consumer, request) = received(vec![again(1), event(2), again(3), event(4)]);
    assert_eq!(request, transact(&[2, 4]));
    for tag in [1, 3] {
        consumer.resume(Completion::Transacted(vec![Verdict::Done; 2]));
        let request = consumer.resume(Completion::Settled);
        assert_eq!(request, Request::Transact { deliveries: vec![again(tag)] });
    }
}

#[test]
fn a_lost_race_is_run_again_then_taken_apart_then_given_back_and_never_counted() {
    let (mut consumer, _) = received(vec![event(1), event(2)]);
    for _ in 0..3 {
        assert_eq!(consumer.resume(Completion::RolledBack(Fault::Conflict)), transact(&[1, 2]));
    }
    assert_eq!(consumer.resume(Completion::RolledBack(Fault::Conflict)), transact(&[1]));
    for _ in 0..3 {
        assert_eq!(consumer.resume(Completion::RolledBack(Fault::Conflict)), transact(&[1]));
    }
    assert!(retry(&consumer.resume(Completion::RolledBack(Fault::Conflict))) >= Limits::default().again);
    assert_eq!(consumer.resume(Completion::Settled), transact(&[2]));
}

#[test]
fn a_broken_batch_is_taken_apart_and_only_the_faulty_one_is_counted() {
    let (mut consumer, _) = received(vec![event(1), event(2)]);
    assert_eq!(consumer.resume(broken()), transact(&[1]));
    assert_eq!(consumer.resume(Completion::Transacted(vec![Verdict::Done])), done(&[1]));
    assert_eq!(consumer.resume(Completion::Settled), transact(&[2]));
    assert_eq!(consumer.resume(broken()), Request::CountAttempts { ids: vec![event(2).id()] });
    assert_eq!(retry(&consumer.resume(Completion::Counted(vec![Ok(1)]))), Duration::ZERO);
}

#[test]
fn a_database_that_is_away_is_waited_for_and_counts_no_attempt() {
    let (mut consumer, _) = received(vec![event(1)]);
    for _ in 0..8 {
        let request = consumer.resume(Completion::RolledBack(unavailable()));
        assert!(matches!(request, Request::Pause { .. }), "{request:?}");
        assert_eq!(consumer.resume(Completion::Rested), transact(&[1]));
    }
    assert!(retry(&consumer.resume(Completion::RolledBack(unavailable()))) >= Limits::default().again);
}

#[test]
fn after_an_unknown_commit_nothing_is_settled_as_done() {
    let (mut consumer, _) = received(vec![event(1)]);
    assert!(retry(&consumer.resume(Completion::Unknown)) >= Limits::default().again);
}

#[test]
fn what_cannot_be_counted_or_buried_comes_again() {
    let (mut consumer, _) = received(vec![event(1)]);
    consumer.resume(broken());
    assert!(retry(&consumer.resume(Completion::Counted(vec![Err(unavailable())]))) >= Limits::default().again);
    let (mut consumer, _) = received(vec![unreadable(1)]);
    assert!(retry(&consumer.resume(Completion::Buried(vec![Err(unavailable())]))) >= Limits::default().again);
}

#[test]
fn an_ended_subscription_is_replaced_and_its_tags_forgotten() {
    let (mut consumer, _) = received(vec![event(1), again(2)]);
    consumer.resume(Completion::Transacted(vec![Verdict::Done]));
    assert_eq!(consumer.resume(Completion::Closed), Request::Subscribe);
    let mut pauses = vec![];
    for _ in 0..8 {
        let Request::Pause { delay } = consumer.resume(Completion::Closed) else { panic!("no pause") };
        pauses.push(delay);
        assert_eq!(consumer.resume(Completion::Rested), Request::Subscribe);
    }
    assert!(pauses.is_sorted() && pauses[0] < pauses[7], "{pauses:?}");
    assert_eq!(consumer.resume(Completion::Subscribed), Request::Receive { max: 256 });
    assert!(matches!(consumer.resume(Completion::Closed), Request::Pause { .. }), "it closed at once: no spinning");
}

#[test]
fn a_result_that_nobody_asked_for_changes_nothing() {
    let (mut consumer, request) = received(vec![event(1)]);
    let before = consumer.clone();
    for stray in [Completion::Settled, Completion::Subscribed, Completion::Rested, Completion::Closed] {
        assert_eq!(consumer.resume(stray), request);
    }
    assert_eq!(consumer, before);
}

#[test]
fn missing_verdicts_count_as_unknown() {
    let (mut consumer, _) = received(vec![event(1), event(2)]);
    let request = consumer.resume(Completion::Transacted(vec![Verdict::Done]));
    let Request::Settle { settlements } = request else { panic!("{request:?}") };
    assert_eq!(settlements[0], (1, Settlement::Done));
    assert!(matches!(settlements[1], (2, Settlement::Retry(_))));
}

/// An interpreter whose results are drawn, with a record of what became durable.
#[derive(Default)]
struct World {
    next_tag: u64,
    /// Received on this subscription and not settled.
    open: BTreeMap<u64, MessageId>,
    handled: BTreeSet<MessageId>,
    buried: BTreeSet<MessageId>,
    attempts: BTreeMap<MessageId, u32>,
    received: usize,
}

impl World {
    fn complete(&mut self, request: Request, draw: u8) -> Completion {
        match request {
            Request::Subscribe => {
                self.open.clear();
                if draw.is_multiple_of(5) { Completion::Closed } else { Completion::Subscribed }
            }
            Request::Receive { .. } if draw.is_multiple_of(11) => Completion::Closed,
            Request::Receive { .. } => {
                assert!(self.open.is_empty(), "never settled: {:?}", self.open);
                Completion::Received(self.deliver(draw))
            }
            Request::Pause { .. } => Completion::Rested,
            Request::Transact { deliveries } => self.transact(&deliveries, draw),
            Request::CountAttempts { ids } => Completion::Counted(ids.iter().map(|id| self.count(*id, draw)).collect()),
            Request::Bury { letters } => Completion::Buried(
                letters
                    .iter()
                    .map(|letter| {
                        if draw.is_multiple_of(4) {
                            return Err(unavailable());
                        }
                        self.buried.insert(letter.id);
                        Ok(())
                    })
                    .collect(),
            ),
            Request::Settle { settlements } => {
                self.settle(&settlements);
                if draw.is_multiple_of(13) { Completion::Closed } else { Completion::Settled }
            }
        }
    }

    fn deliver(&mut self, draw: u8) -> Vec<Delivery> {
        let deliveries: Vec<Delivery> = (0..=u64::from(draw % 5))
            .map(|number| match (u64::from(draw) + number) % 4 {
                0 => again(self.next_tag + number),
                1 => unreadable(self.next_tag + number),
                _ => event(self.next_tag + number),
            })
            .collect();
        self.next_tag += deliveries.len() as u64;
        self.received += deliveries.len();
        self.open = deliveries.iter().map(|delivery| (delivery.tag, delivery.id())).collect();
        deliveries
    }

    fn transact(&mut self, deliveries: &[Delivery], draw: u8) -> Completion {
        assert!(deliveries.len() == 1 || deliveries.iter().all(|delivery| !delivery.redelivered), "not alone");
        match draw % 8 {
            0 => return Completion::RolledBack(Fault::Conflict),
            1 => return broken(),
            2 => return Completion::RolledBack(unavailable()),
            3 => return Completion::Unknown,
            _ => {}
        }
        let verdicts = (0..).zip(deliveries).map(|(index, delivery)| match (draw / 8 + index) % 5 {
            0 => refused(),
            1 => Verdict::NotConcerned,
            _ => {
                self.handled.insert(delivery.id());
                Verdict::Done
            }
        });
        Completion::Transacted(verdicts.collect())
    }

    fn count(&mut self, id: MessageId, draw: u8) -> Result<u32, Fault> {
        if draw.is_multiple_of(6) {
            return Err(unavailable());
        }
        let count = self.attempts.entry(id).or_insert(u32::from(draw % 10));
        *count += 1;
        Ok(*count)
    }

    fn settle(&mut self, settlements: &[(u64, Settlement)]) {
        for (tag, settlement) in settlements {
            let Some(id) = self.open.remove(tag) else { panic!("{tag} is settled twice, or was never delivered") };
            if *settlement == Settlement::Done {
                assert!(self.handled.contains(&id) || self.buried.contains(&id), "{tag} is done, but not durable");
            }
        }
    }
}

proptest! {
    #[test]
    fn each_delivery_is_settled_once_and_as_done_only_when_it_is_durable(draws in prop::collection::vec(any::<u8>(), 300)) {
        let mut consumer = Consumer::new(QUEUE, Limits::default());
        let (mut world, mut request) = (World::default(), consumer.start());
        for draw in draws {
            request = consumer.resume(world.complete(request, draw));
        }
        // Once nothing fails any more it soon waits for deliveries again, with all settled.
        for _ in 0..100 {
            if matches!(request, Request::Receive { .. }) {
                break;
            }
            request = consumer.resume(world.complete(request, 47));
        }
        prop_assert!(matches!(request, Request::Receive { .. }), "{request:?}");
        prop_assert!(world.open.is_empty());
        prop_assert!(world.received > 0);
    }
}
