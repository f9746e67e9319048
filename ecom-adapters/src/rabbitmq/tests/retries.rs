//! Retries, poison and what the broker gives up.

use std::time::Duration;

use ecom_core::event::EventType;
use ecom_core::id::MessageId;
use ecom_core::port::{Body, Settlement};
use lapin::BasicProperties;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::proxy::Proxy;
use super::world::{
    CREATED, PATIENCE, QUEUE, World, all, events, ids, is_quiet, publish, receive, receive_all, subscribe,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delayed_retry_survives_the_connections_and_keeps_its_identity() {
    let world = World::new();
    let proxy = Proxy::start().await;
    let bus = world.bus_at(&proxy.url());
    let subscription = subscribe(&bus, QUEUE).await;
    publish(&bus, 0..3).await;
    let deliveries = receive_all(&*subscription, 3).await;
    let (later, done) = deliveries.split_at(2);
    let since = Instant::now();
    let mut settlements = all(later, Settlement::Retry(Duration::from_millis(900)));
    settlements.extend(all(done, Settlement::Done));
    subscription.settle(settlements).await.unwrap();
    // Acknowledgements are not answered: they have to be on their way before the line is cut.
    sleep(Duration::from_millis(200)).await;
    proxy.cut();
    let subscription = subscribe(&bus, QUEUE).await;
    let again = receive_all(&*subscription, 2).await;
    assert!(since.elapsed() >= Duration::from_millis(900), "{:?}", since.elapsed());
    assert!(again.iter().all(|delivery| delivery.redelivered));
    assert_eq!(ids(&again), ids(later));
    let body = |deliveries: &[ecom_core::port::Delivery], id: MessageId| {
        deliveries.iter().find(|delivery| delivery.id() == id).unwrap().body.clone()
    };
    for delivery in later {
        assert_eq!(body(&again, delivery.id()), delivery.body, "changed while it waited");
    }
    // And once more: the next rung is no different.
    subscription.settle(all(&again, Settlement::Retry(Duration::from_millis(100)))).await.unwrap();
    let last = receive_all(&*subscription, 2).await;
    assert_eq!(ids(&last), ids(later));
    subscription.settle(all(&last, Settlement::Done)).await.unwrap();
    assert!(is_quiet(&*subscription).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_without_its_waiting_room_is_delivered_again_and_not_lost() {
    let world = World::new();
    let bus = world.bus();
    let subscription = subscribe(&bus, QUEUE).await;
    publish(&bus, 0..2).await;
    let deliveries = receive_all(&*subscription, 2).await;
    let (_connection, channel) = world.raw().await;
    let room = world.name(&format!("{QUEUE}.retry.1000"));
    channel.queue_delete(room.as_str().into(), lapin::options::QueueDeleteOptions::default()).await.unwrap();
    let retry = all(&deliveries, Settlement::Retry(Duration::from_millis(600)));
    assert!(subscription.settle(retry).await.is_err(), "it was not stored");
    drop(subscription);
    let subscription = subscribe(&bus, QUEUE).await;
    let again = receive_all(&*subscription, 2).await;
    assert_eq!(ids(&again), ids(&deliveries));
    // The new subscription has declared the room again.
    subscription.settle(all(&again, Settlement::Retry(Duration::from_millis(600)))).await.unwrap();
    let last = receive_all(&*subscription, 2).await;
    subscription.settle(all(&last, Settlement::Done)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poisonous_body_is_handed_out_as_it_is_and_can_be_settled_either_way() {
    let world = World::new();
    let bus = world.bus();
    let subscription = subscribe(&bus, QUEUE).await;
    let (_connection, channel) = world.raw().await;
    channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
    let known = Uuid::from_u128(77);
    let named = BasicProperties::default().with_message_id(known.to_string().into()).with_user_id("guest".into());
    let future = events(CREATED, 1..2)[0].to_json().replace("\"event_version\":1", "\"event_version\":99");
    let poison: [(&[u8], BasicProperties); 4] = [
        (b"", BasicProperties::default()),
        (b"\xff\x00", BasicProperties::default().with_reply_to("amq.rabbitmq.reply-to.nobody".into())),
        (b"{\"event_type\":\"order.created\"}", named),
        (future.as_bytes(), BasicProperties::default().with_type("order.created".into())),
    ];
    for (body, properties) in &poison {
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let queue = world.name(QUEUE);
        let sent = channel.basic_publish("".into(), queue.as_str().into(), options, body, properties.clone()).await;
        assert!(sent.unwrap().await.unwrap().is_ack());
    }
    let deliveries = receive_all(&*subscription, poison.len()).await;
    for (delivery, (bytes, _)) in deliveries.iter().zip(&poison) {
        let Body::Unreadable { raw, error, .. } = &delivery.body else { panic!("readable: {delivery:?}") };
        assert_eq!(*raw, String::from_utf8_lossy(bytes));
        assert!(!error.is_empty());
    }
    assert!(ids(&deliveries).contains(&MessageId(known)));
    assert_eq!(ids(&deliveries).len(), poison.len());
    subscription.settle(all(&deliveries, Settlement::Retry(Duration::from_millis(50)))).await.unwrap();
    let again = receive_all(&*subscription, poison.len()).await;
    assert_eq!(ids(&again), ids(&deliveries), "the ids repeat");
    subscription.settle(all(&again, Settlement::Done)).await.unwrap();
    publish(&bus, 5..6).await;
    assert!(matches!(receive(&*subscription, 1).await[0].body, Body::Event(_)), "the queue goes on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_broker_gives_up_is_collected_once_it_is_stored() {
    let mut world = World::new();
    world.options.delivery_limit = 2;
    let bus = world.bus();
    let subscription = subscribe(&bus, QUEUE).await;
    publish(&bus, 0..2).await;
    let deadline = Instant::now() + PATIENCE;
    let mut refused = 0;
    while refused < 6 {
        let deliveries = receive(&*subscription, 10).await;
        refused += deliveries.len();
        subscription.settle(all(&deliveries, Settlement::Retry(Duration::ZERO))).await.unwrap();
    }
    assert!(is_quiet(&*subscription).await, "delivered beyond the limit");
    // The store is away: it stays where it is.
    while bus.collect_dead(QUEUE, 10, |_| async { false }).await.unwrap() > 0 {}
    let mut letters = vec![];
    while letters.len() < 2 {
        assert!(Instant::now() < deadline, "not in the dead-letter queue: {letters:?}");
        let mut found = vec![];
        let count = bus.collect_dead(QUEUE, 10, |letter| {
            found.push(letter);
            async { true }
        });
        assert_eq!(count.await.unwrap(), found.len());
        letters.extend(found);
        sleep(Duration::from_millis(50)).await;
    }
    let expected: Vec<_> = events(CREATED, 0..2).iter().map(|event| event.event_id).collect();
    assert!(letters.iter().all(|letter| expected.contains(&letter.id) && letter.queue == QUEUE), "{letters:?}");
    assert!(letters.iter().all(|letter| letter.event_type == EventType::OrderCreated.name()));
    assert!(letters.iter().all(|letter| letter.reason.contains("delivery_limit")), "{letters:?}");
    assert_eq!(bus.collect_dead(QUEUE, 10, |_| async { true }).await, Ok(0));
    assert!(bus.collect_dead("nobody.events", 10, |_| async { true }).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_letter_queue_can_be_consumed_like_any_other() {
    let mut world = World::new();
    world.options.delivery_limit = 1;
    let bus = world.bus();
    let subscription = subscribe(&bus, QUEUE).await;
    publish(&bus, 0..1).await;
    for _ in 0..2 {
        let deliveries = receive(&*subscription, 1).await;
        subscription.settle(all(&deliveries, Settlement::Retry(Duration::ZERO))).await.unwrap();
    }
    let dead = subscribe(&bus, &format!("{QUEUE}.dlq")).await;
    let deliveries = receive(&*dead, 1).await;
    assert_eq!(deliveries[0].id(), events(CREATED, 0..1)[0].event_id);
    dead.settle(all(&deliveries, Settlement::Done)).await.unwrap();
    assert_eq!(bus.collect_dead(QUEUE, 1, |_| async { true }).await, Ok(0));
}
