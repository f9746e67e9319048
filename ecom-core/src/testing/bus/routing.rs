//! Cases: who gets what.

use std::collections::BTreeSet;

use super::Fixture;
use super::script::{ONE_QUEUE, all_confirmed, drain, events, nothing_comes, receive, receive_all, settle, subscribe};
use crate::event::EventType;
use crate::fleet::FLEET;
use crate::id::MessageId;
use crate::port::{Body, Settlement};
use crate::testing::{both, sample};

/// Every event of the catalogue reaches every queue that is bound to it, whole, and no other queue.
pub async fn each_bound_queue_gets_each_event_once(fixture: &dyn Fixture) {
    let bus = fixture.fresh().await;
    for _ in 0..2 {
        assert_eq!(bus.declare().await, Ok(()), "the topology may be declared any number of times");
    }
    let all: Vec<_> = EventType::ALL.iter().map(|event| sample::envelope(*event, 1)).collect();
    let consume = async {
        for role in FLEET {
            let subscription = subscribe(&*bus, role.queue).await;
            let deliveries = receive_all(fixture, &*subscription, role.consumes.len()).await;
            let mut received = BTreeSet::new();
            for delivery in &deliveries {
                let Body::Event(envelope) = &delivery.body else { panic!("not readable: {delivery:?}") };
                assert_eq!(**envelope, *sample::envelope(envelope.event.event_type(), 1), "changed on its way");
                assert!(!delivery.redelivered, "delivered for the first time");
                received.insert(envelope.event.event_type());
            }
            assert_eq!(received, role.consumes.iter().copied().collect(), "{} got other events", role.queue);
            settle(&*subscription, &deliveries, Settlement::Done).await;
            nothing_comes(fixture, &*subscription, "an event came twice").await;
        }
    };
    let (published, ()) = both(bus.publisher().publish(all.clone()), consume).await;
    assert_eq!(published.len(), all.len(), "not one result for each event");
    all_confirmed(&published);
}

/// Two subscriptions of one queue: each event goes to one of them.
pub async fn competing_subscriptions_share_a_queue(fixture: &dyn Fixture) {
    let bus = fixture.fresh().await;
    let (left, right) = (subscribe(&*bus, ONE_QUEUE.1).await, subscribe(&*bus, ONE_QUEUE.1).await);
    let consume = async {
        let (mut ids, mut turn) = (vec![], true);
        while ids.len() < 20 {
            let from = if turn { &left } else { &right };
            // What one of them holds is not seen by the other, so the turns end when all are handed out.
            let deliveries = receive(fixture, &**from, 2).await;
            ids.extend(deliveries.iter().map(crate::port::Delivery::id));
            settle(&**from, &deliveries, Settlement::Done).await;
            turn = !turn;
        }
        ids
    };
    let (published, ids) = both(bus.publisher().publish(events(0..20)), consume).await;
    all_confirmed(&published);
    let distinct: BTreeSet<MessageId> = ids.iter().copied().collect();
    assert_eq!((ids.len(), distinct.len()), (20, 20), "an event was handed to both");
    assert_eq!(drain(fixture, &*left, 0).await + drain(fixture, &*right, 0).await, 0);
}

/// Up to `max`, and soon: it does not wait for a full batch.
pub async fn receive_takes_no_more_than_it_may(fixture: &dyn Fixture) {
    let bus = fixture.fresh().await;
    let subscription = subscribe(&*bus, ONE_QUEUE.1).await;
    let consume = async {
        let mut count = 0;
        while count < 10 {
            let deliveries = receive(fixture, &*subscription, 4).await;
            settle(&*subscription, &deliveries, Settlement::Done).await;
            count += deliveries.len();
        }
    };
    all_confirmed(&both(bus.publisher().publish(events(0..10)), consume).await.0);
    assert_eq!(bus.publisher().publish(vec![]).await, vec![], "an empty batch has no results");
}

/// A queue that the topology does not have cannot be consumed.
pub async fn unknown_queues_are_refused(fixture: &dyn Fixture) {
    let bus = fixture.fresh().await;
    assert!(bus.subscribe("nobody.events").await.is_err());
}
