//! What a publication may count on.

use std::time::Duration;

use ecom_core::event::EventType;
use ecom_core::port::{Bus, Published, Settlement};
use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use tokio::time::{Instant, timeout};

use super::world::{CREATED, QUEUE, World, all, events, ids, publish, receive_all, subscribe, until};
use crate::rabbitmq::{Condition, Options, RabbitBus};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_queue_wants_is_unroutable_and_its_neighbours_are_confirmed() {
    let world = World::new();
    let bus = world.bus();
    publish(&bus, 0..1).await;
    let (_connection, channel) = world.raw().await;
    let (queue, exchange) = (world.name(QUEUE), world.name("ecommerce-events"));
    let key = CREATED.name().into();
    channel.queue_unbind(queue.as_str().into(), exchange.as_str().into(), key, FieldTable::default()).await.unwrap();
    // Which of them comes back has to be told by what it is: the client tells it by the order in which answers come,
    // and the broker answers several at once.
    let publisher = bus.publisher();
    for round in 0..20 {
        let numbers = round * 1_000..round * 1_000 + 250;
        let pairs = events(EventType::OrderCompleted, numbers.clone()).into_iter().zip(events(CREATED, numbers));
        let results = publisher.publish(pairs.flat_map(|(wanted, unwanted)| [wanted, unwanted]).collect()).await;
        for pair in results.chunks(2) {
            assert_eq!(pair, [Published::Confirmed, Published::Unroutable]);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_publishers_share_windows_and_each_gets_its_own_results() {
    let mut world = World::new();
    (world.options.window, world.options.publish_channels) = (40, 3);
    let bus = world.bus();
    let publishers = (0..30).map(|number| {
        let publisher = bus.publisher();
        let mut batch = events(CREATED, number * 100..number * 100 + 7 * (number % 9));
        batch.extend(events(EventType::UserRegistered, number * 100..number * 100 + 2));
        async move { (batch.len(), publisher.publish(batch).await) }
    });
    for (count, results) in futures_util::future::join_all(publishers).await {
        assert_eq!(results, vec![Published::Confirmed; count]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_is_too_large_is_not_published_and_holds_up_nobody() {
    let mut world = World::new();
    // Between the two examples.
    world.options.message_bytes_max = 600;
    let bus = world.bus();
    let sizes = [CREATED, EventType::OrderCompleted].map(|event| events(event, 0..1)[0].to_json().len());
    let batch: Vec<_> = [EventType::StockLow, CREATED, EventType::StockLow].map(|event| events(event, 0..1)).concat();
    let results = bus.publisher().publish(batch).await;
    assert_eq!((&results[0], &results[2]), (&Published::Confirmed, &Published::Confirmed), "{sizes:?}");
    assert!(matches!(&results[1], Published::Unknown(why) if why.contains("600 is the most")), "{results:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_refuses_and_nothing_is_confirmed_that_it_did_not_take() {
    let mut world = World::new();
    world.options.queue_length_max = 5;
    let bus = world.bus();
    let mut confirmed = std::collections::BTreeSet::new();
    let batch = events(CREATED, 0..60);
    let mut refused = 0;
    for part in batch.chunks(1) {
        match &bus.publisher().publish(part.to_vec()).await[0] {
            Published::Confirmed => drop(confirmed.insert(part[0].event_id)),
            Published::Unknown(_) => refused += 1,
            Published::Unroutable => panic!("it was routed"),
        }
    }
    assert!(refused > 0, "the limit does not bite");
    let subscription = subscribe(&bus, QUEUE).await;
    let deliveries = receive_all(&*subscription, confirmed.len()).await;
    assert!(ids(&deliveries).is_superset(&confirmed));
    subscription.settle(all(&deliveries, Settlement::Done)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_topology_on_the_broker_is_said_with_what_differs_and_what_to_do() {
    let world = World::new();
    let (_connection, channel) = world.raw().await;
    let name = world.name("order.events");
    let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(name.as_str().into(), durable, FieldTable::default()).await.unwrap();
    let bus = world.bus();
    let error = bus.declare().await.unwrap_err().0;
    for part in [name.as_str(), "inequivalent arg", "current is none", "rabbitmqctl delete_queue"] {
        assert!(error.contains(part), "{part} is not in: {error}");
    }
    assert!(matches!(bus.condition(), Condition::Degraded(why) if why.contains("inequivalent")));
    let published = bus.publisher().publish(events(CREATED, 0..1)).await;
    assert!(matches!(&published[0], Published::Unknown(why) if why.contains("inequivalent")), "{published:?}");
    // Once it is put right the bus goes on by itself.
    channel.queue_delete(name.as_str().into(), lapin::options::QueueDeleteOptions::default()).await.unwrap();
    publish(&bus, 0..1).await;
    until(&bus, "not recovered", |condition| *condition == Condition::Ok).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn services_that_start_together_declare_together() {
    let world = World::new();
    let buses: Vec<RabbitBus> = (0..4).map(|_| world.bus()).collect();
    let declared = futures_util::future::join_all(buses.iter().map(Bus::declare)).await;
    assert_eq!(declared, vec![Ok(()); buses.len()]);
    publish(&buses[0], 0..1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_is_away_or_says_nothing_keeps_nobody_waiting_for_ever() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let limit = Duration::from_millis(300);
    let options = Options { connect_timeout: limit, confirm_timeout: limit, ..Options::default() };
    // A port that accepts and is silent, one that refuses, and one that speaks no TLS.
    for url in
        [format!("amqp://127.0.0.1:{port}"), "amqp://127.0.0.1:1".to_owned(), format!("amqps://127.0.0.1:{port}")]
    {
        let bus = RabbitBus::connect(&url, options.clone()).unwrap();
        let since = Instant::now();
        let published = bus.publisher().publish(events(CREATED, 0..3)).await;
        assert!(published.iter().all(|result| matches!(result, Published::Unknown(_))), "{published:?}");
        assert!(bus.declare().await.is_err() && bus.subscribe(QUEUE).await.is_err());
        assert!(since.elapsed() < Duration::from_secs(5), "{url}: {:?}", since.elapsed());
        assert!(matches!(bus.condition(), Condition::Degraded(_)));
        bus.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_bus_says_so_at_once() {
    let world = World::new();
    let bus = world.bus();
    let subscription = subscribe(&bus, QUEUE).await;
    bus.close().await;
    let ended = timeout(Duration::from_secs(2), async {
        assert!(subscription.receive(1).await.is_err());
        assert!(bus.subscribe(QUEUE).await.is_err() && bus.declare().await.is_err());
        bus.publisher().publish(events(CREATED, 0..1)).await
    });
    assert_eq!(ended.await.unwrap(), [Published::Unknown("the bus is closed".to_owned())]);
    assert_eq!(bus.condition(), Condition::Degraded("the bus is closed".to_owned()));
}
