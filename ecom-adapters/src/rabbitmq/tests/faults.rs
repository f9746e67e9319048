//! Connections that end, block or fall silent.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use ecom_core::id::MessageId;
use ecom_core::port::{Bus, Published, Settlement};
use lapin::options::QueueDeleteOptions;
use tokio::time::{Instant, sleep, timeout};

use super::proxy::Proxy;
use super::world::{
    CREATED, PATIENCE, QUEUE, World, all, events, ids, is_quiet, publish, receive, receive_all, subscribe, until,
};
use crate::rabbitmq::{Condition, RabbitBus};

/// Everything that is in the queue, settled.
async fn drain(bus: &RabbitBus) -> BTreeSet<MessageId> {
    let subscription = subscribe(bus, QUEUE).await;
    let mut found = BTreeSet::new();
    while let Ok(deliveries) = timeout(Duration::from_secs(1), subscription.receive(500)).await {
        let deliveries = deliveries.unwrap();
        found.extend(ids(&deliveries));
        subscription.settle(all(&deliveries, Settlement::Done)).await.unwrap();
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_cut_while_publishing_confirm_nothing_that_is_lost() {
    let mut world = World::new();
    world.options.publish_channels = 2;
    let proxy = Arc::new(Proxy::start().await);
    let bus = world.bus_at(&proxy.url());
    publish(&bus, 0..1).await;
    let scissors = {
        let proxy = Arc::clone(&proxy);
        tokio::spawn(async move {
            for moment in [3, 9, 27, 1, 40] {
                sleep(Duration::from_millis(moment + 150)).await;
                proxy.cut();
            }
        })
    };
    let (mut confirmed, mut unknown) = (BTreeSet::new(), 0);
    let mut number = 1;
    while !scissors.is_finished() || number < 2_000 {
        let batch = events(CREATED, number..number + 200);
        number += 200;
        let published = timeout(PATIENCE, bus.publisher().publish(batch.clone())).await.expect("it hangs");
        for (event, result) in batch.iter().zip(published) {
            match result {
                Published::Confirmed => drop(confirmed.insert(event.event_id)),
                Published::Unknown(_) => unknown += 1,
                Published::Unroutable => panic!("there was a queue for it"),
            }
        }
    }
    assert!(unknown > 0, "no cut hit a publication");
    let last = events(CREATED, number..number + 1);
    publish(&bus, number..number + 1).await;
    confirmed.insert(last[0].event_id);
    let found = drain(&bus).await;
    let lost: Vec<_> = confirmed.difference(&found).collect();
    assert!(lost.is_empty(), "confirmed and lost: {lost:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_ends_the_subscription_and_late_settlements_harm_nobody() {
    let world = World::new();
    let proxy = Proxy::start().await;
    let bus = world.bus_at(&proxy.url());
    let subscription = subscribe(&bus, QUEUE).await;
    publish(&bus, 0..4).await;
    let deliveries = receive_all(&*subscription, 4).await;
    subscription.settle(all(&deliveries[..1], Settlement::Done)).await.unwrap();
    // An acknowledgement is not answered: it has to be on its way before the line is cut.
    sleep(Duration::from_millis(200)).await;
    proxy.cut();
    assert!(timeout(PATIENCE, subscription.receive(1)).await.expect("it hangs").is_err());
    let late = timeout(PATIENCE, subscription.settle(all(&deliveries[1..], Settlement::Done))).await;
    assert!(late.expect("it hangs").is_err());
    assert!(subscription.receive(1).await.is_err(), "it stays ended");
    let next = subscribe(&bus, QUEUE).await;
    // Tags of another subscription mean nothing here.
    next.settle(vec![(999, Settlement::Done), (998, Settlement::Retry(Duration::ZERO))]).await.unwrap();
    let again = receive_all(&*next, 3).await;
    assert_eq!(ids(&again), ids(&deliveries[1..]));
    assert!(again.iter().all(|delivery| delivery.redelivered));
    next.settle(all(&again, Settlement::Done)).await.unwrap();
    assert!(is_quiet(&*next).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_deleted_under_its_consumer_is_declared_again() {
    let world = World::new();
    let bus = world.bus();
    let (subscription, other) = (subscribe(&bus, QUEUE).await, subscribe(&bus, "order.events").await);
    let (_connection, channel) = world.raw().await;
    channel.queue_delete(world.name(QUEUE).as_str().into(), QueueDeleteOptions::default()).await.unwrap();
    let ended = timeout(PATIENCE, subscription.receive(1)).await.expect("it hangs");
    assert!(ended.unwrap_err().0.contains("cancelled"));
    drop(subscription);
    let next = subscribe(&bus, QUEUE).await;
    publish(&bus, 0..2).await;
    let deliveries = receive_all(&*next, 2).await;
    next.settle(all(&deliveries, Settlement::Done)).await.unwrap();
    assert!(is_quiet(&*other).await, "the other subscription goes on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blocked_publisher_is_told_and_consumers_go_on() {
    let mut world = World::new();
    world.options.confirm_timeout = Duration::from_millis(2_500);
    let proxy = Proxy::start().await;
    let bus = world.bus_at(&proxy.url());
    let subscription = subscribe(&bus, QUEUE).await;
    publish(&bus, 0..3).await;
    until(&bus, "not connected", |condition| *condition == Condition::Ok).await;
    proxy.block("ecom publish");
    until(&bus, "not blocked", |condition| matches!(condition, Condition::Degraded(why) if why.contains("low on RAM")))
        .await;
    let since = Instant::now();
    let published = bus.publisher().publish(events(CREATED, 10..12)).await;
    assert!(published.iter().all(|result| matches!(result, Published::Unknown(why) if why.contains("low on RAM"))));
    assert!(since.elapsed() < Duration::from_secs(5));
    let deliveries = receive_all(&*subscription, 3).await;
    subscription.settle(all(&deliveries[..2], Settlement::Done)).await.unwrap();
    assert!(subscription.settle(all(&deliveries[2..], Settlement::Retry(Duration::from_secs(1)))).await.is_err());
    proxy.unblock("ecom publish");
    until(&bus, "still blocked", |condition| *condition == Condition::Ok).await;
    drop(subscription);
    let subscription = subscribe(&bus, QUEUE).await;
    assert_eq!(ids(&receive_all(&*subscription, 1).await), ids(&deliveries[2..]), "settled ones do not come again");
    publish(&bus, 20..21).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publisher_blocked_in_the_middle_of_a_window_goes_on_afterwards() {
    let mut world = World::new();
    world.options.confirm_timeout = Duration::from_millis(2_500);
    let proxy = Proxy::start().await;
    let bus = world.bus_at(&proxy.url());
    bus.declare().await.unwrap();
    publish(&bus, 0..1).await;
    proxy.mute(true);
    let published = bus.publisher().publish(events(CREATED, 1..4)).await;
    assert!(published.iter().all(|result| matches!(result, Published::Unknown(_))), "{published:?}");
    proxy.block("ecom publish");
    proxy.mute(false);
    until(&bus, "not blocked", |condition| *condition != Condition::Ok).await;
    assert!(matches!(bus.publisher().publish(events(CREATED, 4..5)).await[0], Published::Unknown(_)));
    proxy.unblock("ecom publish");
    until(&bus, "still blocked", |condition| *condition == Condition::Ok).await;
    publish(&bus, 5..6).await;
    // The window in doubt did arrive: unknown is not lost.
    assert_eq!(drain(&bus).await.len(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_falls_silent_is_left_and_found_again() {
    let mut world = World::new();
    let limits = &mut world.options;
    (limits.confirm_timeout, limits.request_timeout) = (Duration::from_millis(1_000), Duration::from_millis(1_500));
    limits.heartbeat = Duration::from_secs(1);
    let proxy = Proxy::start().await;
    let bus = world.bus_at(&proxy.url());
    let subscription = subscribe(&bus, QUEUE).await;
    publish(&bus, 0..1).await;
    let deliveries = receive(&*subscription, 1).await;
    proxy.mute(true);
    assert!(matches!(bus.publisher().publish(events(CREATED, 1..2)).await[0], Published::Unknown(_)));
    let ended = timeout(PATIENCE, subscription.receive(1)).await.expect("the silence is not noticed");
    assert!(ended.is_err());
    until(&bus, "not noticed", |condition| *condition != Condition::Ok).await;
    proxy.cut();
    proxy.mute(false);
    let next = subscribe(&bus, QUEUE).await;
    let again = receive_all(&*next, 2).await;
    assert!(ids(&again).is_superset(&ids(&deliveries)));
    next.settle(all(&again, Settlement::Done)).await.unwrap();
    until(&bus, "not recovered", |condition| *condition == Condition::Ok).await;
    publish(&bus, 2..3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn competing_consumers_take_over_from_one_that_dies() {
    let mut world = World::new();
    world.options.prefetch = 50;
    let (bus, dying) = (world.bus(), world.bus());
    let first = subscribe(&dying, QUEUE).await;
    let second = subscribe(&bus, QUEUE).await;
    publish(&bus, 0..200).await;
    let held = receive_all(&*first, 20).await;
    first.settle(all(&held[..10], Settlement::Done)).await.unwrap();
    sleep(Duration::from_millis(200)).await;
    dying.close().await;
    let mut taken = BTreeSet::new();
    while taken.len() < 190 {
        let deliveries = receive(&*second, 30).await;
        taken.extend(ids(&deliveries));
        second.settle(all(&deliveries, Settlement::Done)).await.unwrap();
    }
    assert!(taken.is_disjoint(&ids(&held[..10])), "settled, and delivered again");
    assert!(taken.is_superset(&ids(&held[10..])), "unsettled, and not delivered again");
    assert!(is_quiet(&*second).await);
}
