//! The suite that every bus must pass.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use ecom_core::port::Bus;
use ecom_core::testing::bus;

use super::world::World;
use crate::local::testing::Local;
use crate::rabbitmq::RabbitBus;

/// A fleet for each case; removed with the fixture.
struct Rabbit {
    prefetch: u16,
    worlds: Mutex<Vec<World>>,
    last: Mutex<Option<RabbitBus>>,
}

#[async_trait]
impl bus::Fixture for Rabbit {
    async fn fresh(&self) -> Arc<dyn Bus> {
        let mut world = World::new();
        world.options.prefetch = self.prefetch;
        let bus = world.bus();
        bus.declare().await.unwrap();
        self.worlds.lock().unwrap().push(world);
        *self.last.lock().unwrap() = Some(bus.clone());
        Arc::new(bus)
    }

    async fn close(&self) {
        let last = self.last.lock().unwrap().take();
        last.unwrap().close().await;
    }

    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    fn quiet(&self) -> Duration {
        Duration::from_millis(300)
    }
}

fn rabbit(prefetch: u16) -> Rabbit {
    Rabbit { prefetch, worlds: Mutex::default(), last: Mutex::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_bound_queue_gets_each_event_once() {
    bus::each_bound_queue_gets_each_event_once(&rabbit(100)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn competing_subscriptions_share_a_queue() {
    // One at a time for each, so that the two really take turns.
    bus::competing_subscriptions_share_a_queue(&rabbit(1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receive_takes_no_more_than_it_may() {
    bus::receive_takes_no_more_than_it_may(&rabbit(100)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_queues_are_refused() {
    bus::unknown_queues_are_refused(&rabbit(100)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_settled_delivery_never_comes_back() {
    bus::a_settled_delivery_never_comes_back(&rabbit(100)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unsettled_delivery_is_delivered_again() {
    bus::an_unsettled_delivery_is_delivered_again(&rabbit(100)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_comes_back_after_its_delay() {
    bus::a_retry_comes_back_after_its_delay(&rabbit(100)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receive_that_is_dropped_loses_nothing() {
    bus::a_receive_that_is_dropped_loses_nothing(&rabbit(100)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publication_may_be_repeated() {
    bus::a_publication_may_be_repeated(&rabbit(100)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_confirmed_event_is_never_lost() {
    bus::a_confirmed_event_is_never_lost(&rabbit(100)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_of_operations_has_the_same_story_as_on_the_bus_in_the_process() {
    let story = bus::stream::play(&rabbit(100), 1, 12).await;
    assert_eq!(story, bus::stream::play(&Local::default(), 1, 12).await);
    assert_eq!(story.missing(), Vec::<&str>::new(), "{story:?}");
}
