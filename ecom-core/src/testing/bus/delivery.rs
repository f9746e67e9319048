//! Cases: at least once, until it is settled.

use std::collections::BTreeSet;
use std::time::Duration;

use super::Fixture;
use super::script::{ONE_QUEUE, all_confirmed, drain, events, nothing_comes, receive, receive_all, settle, subscribe};
use crate::id::MessageId;
use crate::port::{Published, Settlement};
use crate::testing::{both, within};

/// Not on this subscription and not on the next.
pub async fn a_settled_delivery_never_comes_back(fixture: &dyn Fixture) {
    let bus = fixture.fresh().await;
    let consume = async {
        let subscription = subscribe(&*bus, ONE_QUEUE.1).await;
        let deliveries = receive_all(fixture, &*subscription, 5).await;
        settle(&*subscription, &deliveries, Settlement::Done).await;
        nothing_comes(fixture, &*subscription, "settled, and delivered again").await;
    };
    all_confirmed(&both(bus.publisher().publish(events(0..5)), consume).await.0);
    let next = subscribe(&*bus, ONE_QUEUE.1).await;
    nothing_comes(fixture, &*next, "settled, and delivered to the next subscription").await;
}

/// A consumer dies with deliveries in hand: another one gets them, marked as delivered before.
pub async fn an_unsettled_delivery_is_delivered_again(fixture: &dyn Fixture) {
    let bus = fixture.fresh().await;
    let consume = async {
        let dying = subscribe(&*bus, ONE_QUEUE.1).await;
        let deliveries = receive_all(fixture, &*dying, 4).await;
        let (settled, lost) = deliveries.split_at(1);
        settle(&*dying, settled, Settlement::Done).await;
        drop(dying);
        let next = subscribe(&*bus, ONE_QUEUE.1).await;
        let again = receive_all(fixture, &*next, 3).await;
        assert!(again.iter().all(|delivery| delivery.redelivered), "not marked: {again:?}");
        assert_eq!(ids(&again), ids(lost), "others than the unsettled ones");
        settle(&*next, &again, Settlement::Done).await;
        nothing_comes(fixture, &*next, "everything was settled").await;
    };
    all_confirmed(&both(bus.publisher().publish(events(0..4)), consume).await.0);
}

/// Not before the delay, and not lost, though the subscription that asked for it has ended.
pub async fn a_retry_comes_back_after_its_delay(fixture: &dyn Fixture) {
    let bus = fixture.fresh().await;
    let delay = fixture.quiet() * 6;
    let consume = async {
        let first = subscribe(&*bus, ONE_QUEUE.1).await;
        let deliveries = receive_all(fixture, &*first, 3).await;
        let (now, later) = deliveries.split_at(1);
        settle(&*first, later, Settlement::Retry(delay)).await;
        settle(&*first, now, Settlement::Retry(Duration::ZERO)).await;
        let at_once = receive_all(fixture, &*first, 1).await;
        assert_eq!(ids(&at_once), ids(now), "the one without a delay comes first");
        settle(&*first, &at_once, Settlement::Done).await;
        nothing_comes(fixture, &*first, "it came before its time").await;
        drop(first);
        let next = subscribe(&*bus, ONE_QUEUE.1).await;
        let again = receive_all(fixture, &*next, 2).await;
        assert_eq!(ids(&again), ids(later));
        settle(&*next, &again, Settlement::Done).await;
        nothing_comes(fixture, &*next, "everything was settled").await;
    };
    both(bus.publisher().publish(events(0..3)), consume).await;
}

/// Whoever waits for deliveries may stop waiting at any moment.
pub async fn a_receive_that_is_dropped_loses_nothing(fixture: &dyn Fixture) {
    let bus = fixture.fresh().await;
    let subscription = subscribe(&*bus, ONE_QUEUE.1).await;
    let consume = async {
        let mut received = BTreeSet::new();
        let mut patience = 2_000;
        while received.len() < 50 && patience > 0 {
            patience -= 1;
            let moment = fixture.sleep(Duration::from_micros(patience % 7 * 100));
            if let Some(Ok(deliveries)) = within(moment, subscription.receive(3)).await {
                received.extend(ids(&deliveries));
                settle(&*subscription, &deliveries, Settlement::Done).await;
            }
        }
        received.len()
    };
    let publish = async {
        let mut published = vec![];
        for number in 0..50 {
            published.extend(bus.publisher().publish(events(number..number + 1)).await);
        }
        published
    };
    let (published, received) = both(publish, consume).await;
    assert_eq!(received, 50);
    all_confirmed(&published);
}

/// The same event published twice is no error; how often it is delivered is the bus's affair, but it is delivered.
pub async fn a_publication_may_be_repeated(fixture: &dyn Fixture) {
    let bus = fixture.fresh().await;
    let subscription = subscribe(&*bus, ONE_QUEUE.1).await;
    let publisher = bus.publisher();
    let twice = both(publisher.publish(events(0..3)), publisher.publish(events(0..3)));
    let ((first, second), delivered) = both(twice, drain(fixture, &*subscription, 3)).await;
    all_confirmed(&first);
    all_confirmed(&second);
    assert!((3..=6).contains(&delivered), "{delivered} deliveries");
}

/// Nobody consumes: the bus may keep the event and say so, or say nothing, but what it has confirmed it delivers.
pub async fn a_confirmed_event_is_never_lost(fixture: &dyn Fixture) {
    let bus = fixture.fresh().await;
    let publisher = bus.publisher();
    let early = within(fixture.sleep(fixture.quiet()), publisher.publish(events(0..2))).await.unwrap_or_default();
    let confirmed = early.iter().filter(|result| **result == Published::Confirmed).count();
    let subscription = subscribe(&*bus, ONE_QUEUE.1).await;
    let mut delivered = BTreeSet::new();
    while delivered.len() < confirmed {
        let deliveries = receive(fixture, &*subscription, 10).await;
        delivered.extend(ids(&deliveries));
        settle(&*subscription, &deliveries, Settlement::Done).await;
    }
    // Whatever was not confirmed is published again, and then it is.
    let (again, _) = both(publisher.publish(events(0..2)), drain(fixture, &*subscription, 2 - confirmed)).await;
    all_confirmed(&again);
}

fn ids(deliveries: &[crate::port::Delivery]) -> BTreeSet<MessageId> {
    deliveries.iter().map(crate::port::Delivery::id).collect()
}
