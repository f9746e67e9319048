use std::collections::BTreeSet;

use ecom_core::id::MessageId;
use ecom_core::testing::{both, bus, sample};
use tokio::time::{sleep, timeout};

use super::testing::Local;
use super::*;

/// Goes to three queues.
const CANCELLED: EventType = EventType::OrderCancelled;
/// Goes to `inventory.events` alone.
const CREATED: EventType = EventType::OrderCreated;

fn impatient(queue_max: usize) -> LocalBus {
    LocalBus::new(Limits { queue_max, patience: Duration::from_millis(100), ..Limits::default() })
}

fn events(event: EventType, numbers: std::ops::Range<u64>) -> Vec<Arc<Envelope>> {
    numbers.map(|number| sample::envelope(event, number)).collect()
}

async fn settle_all(subscription: &dyn Subscription, deliveries: &[Delivery], settlement: Settlement) {
    let settlements = deliveries.iter().map(|delivery| (delivery.tag, settlement)).collect();
    subscription.settle(settlements).await.unwrap();
}

/// Settles everything as done for ever.
fn consume(bus: &LocalBus, queue: &'static str) -> tokio::task::JoinHandle<u64> {
    let bus = bus.clone();
    tokio::spawn(async move {
        let (subscription, mut count) = (bus.subscribe(queue).await.unwrap(), 0);
        while let Ok(deliveries) = subscription.receive(512).await {
            count += deliveries.len() as u64;
            if subscription.settle(deliveries.iter().map(|one| (one.tag, Settlement::Done)).collect()).await.is_err() {
                break;
            }
        }
        count
    })
}

#[tokio::test]
async fn it_passes_the_suite() {
    bus::run(&Local::default()).await;
}

#[tokio::test]
async fn it_tells_the_same_story_of_a_stream_of_operations_each_time() {
    let first = bus::stream::play(&Local::default(), 1, 12).await;
    assert_eq!(first.missing(), Vec::<&str>::new(), "{first:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_passes_the_suite_twenty_times_at_once() {
    let runs: Vec<_> = (0..20).map(|_| tokio::spawn(async { bus::run(&Local::default()).await })).collect();
    for run in runs {
        run.await.unwrap();
    }
}

#[tokio::test]
async fn an_event_is_confirmed_only_when_every_consumer_has_settled_it() {
    let bus = LocalBus::default();
    let publisher = bus.publisher();
    let published = tokio::spawn(async move { publisher.publish(events(CANCELLED, 0..1)).await });
    for queue in ["inventory.events", "payment.events", "notification.events"] {
        let subscription = bus.subscribe(queue).await.unwrap();
        let deliveries = subscription.receive(10).await.unwrap();
        sleep(Duration::from_millis(5)).await;
        assert!(!published.is_finished(), "confirmed before {queue} had settled it");
        settle_all(&*subscription, &deliveries, Settlement::Done).await;
    }
    assert_eq!(published.await.unwrap(), [Published::Confirmed]);
    assert!(bus.depths().iter().all(|(_, depth)| *depth == 0));
}

#[tokio::test]
async fn nothing_is_confirmed_while_one_consumer_is_missing() {
    let bus = impatient(10);
    let consumers = [consume(&bus, "inventory.events"), consume(&bus, "payment.events")];
    let published = bus.publisher().publish(events(CANCELLED, 0..3)).await;
    assert!(published.iter().all(|result| matches!(result, Published::Unknown(_))), "{published:?}");
    // It comes late, and the sweeper has published again: the second publication joins what is still held.
    let late = consume(&bus, "notification.events");
    assert_eq!(bus.publisher().publish(events(CANCELLED, 0..3)).await, vec![Published::Confirmed; 3]);
    bus.close();
    assert_eq!(late.await.unwrap(), 3, "held twice");
    for consumer in consumers {
        consumer.await.unwrap();
    }
}

#[tokio::test]
async fn a_full_queue_makes_publishers_wait_and_never_grows() {
    let bus = impatient(10);
    let publisher = bus.publisher();
    let published = publisher.publish(events(CREATED, 0..25)).await;
    assert!(published.iter().all(|result| matches!(result, Published::Unknown(_))));
    assert_eq!(bus.depths().iter().map(|(_, depth)| depth).sum::<usize>(), 10);
    let consumer = consume(&bus, "inventory.events");
    assert_eq!(publisher.publish(events(CREATED, 0..25)).await, vec![Published::Confirmed; 25]);
    bus.close();
    assert_eq!(consumer.await.unwrap(), 25);
}

#[tokio::test]
async fn many_publishers_wait_for_room_and_all_get_through() {
    let bus = LocalBus::new(Limits { queue_max: 3, patience: Duration::from_secs(20), ..Limits::default() });
    let consumer = consume(&bus, "inventory.events");
    let publishing: Vec<_> = (0..20)
        .map(|number| {
            let publisher = bus.publisher();
            tokio::spawn(async move { publisher.publish(events(CREATED, number * 50..number * 50 + 50)).await })
        })
        .collect();
    for publication in publishing {
        assert_eq!(publication.await.unwrap(), vec![Published::Confirmed; 50]);
    }
    bus.close();
    assert_eq!(consumer.await.unwrap(), 1_000);
}

#[tokio::test]
async fn retries_are_bounded_too() {
    let bus = impatient(10);
    let subscription = bus.subscribe("inventory.events").await.unwrap();
    for round in 0..5 {
        let publisher = bus.publisher();
        let fail = async {
            let deliveries = subscription.receive(10).await.unwrap();
            settle_all(&*subscription, &deliveries, Settlement::Retry(Duration::from_secs(60))).await;
        };
        let (published, ()) = both(publisher.publish(events(CREATED, round * 10..round * 10 + 10)), fail).await;
        assert!(published.iter().all(|result| matches!(result, Published::Unknown(_))), "{published:?}");
    }
    assert_eq!(bus.depths().iter().map(|(_, depth)| depth).sum::<usize>(), 10);
}

#[tokio::test]
async fn a_long_retry_does_not_hold_up_what_was_published_with_it() {
    let bus = LocalBus::default();
    let subscription = bus.subscribe("inventory.events").await.unwrap();
    let publisher = bus.publisher();
    let handle = async {
        let deliveries = subscription.receive(10).await.unwrap();
        settle_all(&*subscription, &deliveries[..1], Settlement::Retry(Duration::from_secs(30))).await;
        settle_all(&*subscription, &deliveries[1..], Settlement::Done).await;
    };
    let publication = timeout(Duration::from_secs(2), publisher.publish(events(CREATED, 0..2)));
    let (published, ()) = both(publication, handle).await;
    let published = published.unwrap();
    assert!(matches!(published[0], Published::Unknown(_)), "{published:?}");
    assert_eq!(published[1], Published::Confirmed);
}

#[tokio::test]
async fn a_consumer_that_settles_nothing_holds_up_no_publisher() {
    let stall = Duration::from_millis(100);
    let bus = LocalBus::new(Limits { queue_max: 20, patience: Duration::from_secs(60), stall });
    let sound = ["inventory.events", "payment.events"].map(|queue| consume(&bus, queue));
    let stuck = bus.subscribe("notification.events").await.unwrap();
    let held = async { stuck.receive(5).await.unwrap() };
    let publish = |numbers| {
        let publisher = bus.publisher();
        timeout(Duration::from_secs(5), async move { publisher.publish(events(CANCELLED, numbers)).await })
    };
    let (published, held) = both(publish(0..10), held).await;
    let published = published.expect("the first ones wait until the queue has stalled");
    assert!(published.iter().all(|result| matches!(result, Published::Unknown(_))), "{published:?}");
    // Room or not, nobody waits any more, and the other consumers have them all.
    for numbers in [10..20, 20..40] {
        let published = publish(numbers).await.expect("nobody waits for a stalled queue");
        assert!(published.iter().all(|result| matches!(result, Published::Unknown(_))), "{published:?}");
    }
    assert!(publish(0..1).await.is_ok());
    // It recovers, and what is published again joins what it holds or is taken anew.
    settle_all(&*stuck, &held, Settlement::Done).await;
    drop(stuck);
    let late = consume(&bus, "notification.events");
    assert_eq!(publish(0..40).await.unwrap(), vec![Published::Confirmed; 40]);
    bus.close();
    assert!(late.await.unwrap() >= 35);
    for consumer in sound {
        assert!(consumer.await.unwrap() >= 40);
    }
}

#[tokio::test]
async fn a_parked_event_does_not_stall_its_queue() {
    let bus = LocalBus::new(Limits { stall: Duration::from_millis(20), ..Limits::default() });
    let subscription = bus.subscribe("inventory.events").await.unwrap();
    let publisher = bus.publisher();
    let fail = async {
        let deliveries = subscription.receive(1).await.unwrap();
        settle_all(&*subscription, &deliveries, Settlement::Retry(Duration::from_secs(60))).await;
    };
    both(publisher.publish(events(CREATED, 0..1)), fail).await;
    sleep(Duration::from_millis(60)).await;
    drop(subscription);
    let consumer = consume(&bus, "inventory.events");
    assert_eq!(publisher.publish(events(CREATED, 1..3)).await, vec![Published::Confirmed; 2]);
    bus.close();
    consumer.await.unwrap();
}

#[tokio::test]
async fn a_crash_confirms_nothing_that_was_not_settled() {
    let bus = LocalBus::default();
    let publisher = bus.publisher();
    let subscription = bus.subscribe("inventory.events").await.unwrap();
    let crash = async {
        let deliveries = subscription.receive(3).await.unwrap();
        settle_all(&*subscription, &deliveries[..2], Settlement::Done).await;
        bus.close();
        let late = subscription.settle(vec![(deliveries[2].tag, Settlement::Done)]).await;
        assert!(late.is_err(), "settled after the end");
        deliveries[..2].iter().map(Delivery::id).collect::<BTreeSet<MessageId>>()
    };
    let all = events(CREATED, 0..10);
    let (published, settled) = both(publisher.publish(all.clone()), crash).await;
    for (envelope, result) in all.iter().zip(&published) {
        let confirmed = *result == Published::Confirmed;
        assert_eq!(confirmed, settled.contains(&envelope.event_id), "{result:?}");
    }
    assert!(subscription.receive(1).await.is_err());
    assert!(bus.subscribe("inventory.events").await.is_err());
    assert!(bus.declare().await.is_err());
    assert!(matches!(publisher.publish(events(CREATED, 0..1)).await[..], [Published::Unknown(_)]));
}

#[tokio::test]
async fn closing_ends_those_who_wait() {
    let bus = LocalBus::default();
    let subscription = bus.subscribe("inventory.events").await.unwrap();
    let waiting = tokio::spawn(async move { subscription.receive(1).await });
    tokio::task::yield_now().await;
    bus.close();
    assert!(timeout(Duration::from_secs(5), waiting).await.unwrap().unwrap().is_err());
}

#[tokio::test]
async fn an_event_that_no_queue_wants_is_unroutable() {
    let mut bus = LocalBus::default();
    let shared = Arc::get_mut(&mut bus.shared).unwrap();
    shared.routes.remove(&EventType::StockLow);
    let consumer = consume(&bus, "inventory.events");
    let batch = vec![sample::envelope(EventType::StockLow, 1), sample::envelope(CREATED, 1)];
    assert_eq!(bus.publisher().publish(batch).await, [Published::Unroutable, Published::Confirmed]);
    bus.close();
    consumer.await.unwrap();
}

#[tokio::test]
async fn a_tag_of_another_subscription_settles_nothing() {
    let bus = impatient(10);
    let (one, other) =
        (bus.subscribe("inventory.events").await.unwrap(), bus.subscribe("inventory.events").await.unwrap());
    let publisher = bus.publisher();
    let meddle = async {
        let deliveries = one.receive(1).await.unwrap();
        settle_all(&*other, &deliveries, Settlement::Done).await;
    };
    let (published, ()) = both(publisher.publish(events(CREATED, 0..1)), meddle).await;
    assert!(matches!(published[..], [Published::Unknown(_)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn consumers_that_come_and_go_lose_nothing() {
    let bus = LocalBus::new(Limits { queue_max: 100, patience: Duration::from_secs(30), ..Limits::default() });
    let unsteady: Vec<_> = (0..4_usize)
        .map(|number| {
            let bus = bus.clone();
            tokio::spawn(async move {
                let mut step = number;
                while let Ok(subscription) = bus.subscribe("inventory.events").await {
                    for _ in 0..5 {
                        step += 1;
                        let wait = Duration::from_micros(step as u64 % 5 * 200);
                        let Ok(Ok(deliveries)) = timeout(wait, subscription.receive(step % 9 + 1)).await else {
                            continue;
                        };
                        let kept = deliveries.iter().skip(step % 3).map(|one| (one.tag, Settlement::Done)).collect();
                        if subscription.settle(kept).await.is_err() {
                            return;
                        }
                    }
                }
            })
        })
        .collect();
    for round in 0..10 {
        let publisher = bus.publisher();
        let publication = publisher.publish(events(CREATED, round * 300..round * 300 + 300));
        assert_eq!(publication.await, vec![Published::Confirmed; 300]);
    }
    bus.close();
    for consumer in unsteady {
        consumer.await.unwrap();
    }
}
