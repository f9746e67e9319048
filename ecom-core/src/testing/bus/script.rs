//! Short words for what the cases do.

use std::sync::Arc;

use super::Fixture;
use crate::event::{Envelope, EventType};
use crate::port::{Bus, Delivery, Published, Settlement, Subscription};
use crate::testing::{sample, within};

/// Consumed by one queue alone.
pub(super) const ONE_QUEUE: (EventType, &str) = (EventType::OrderCreated, "inventory.events");

/// Events for [`ONE_QUEUE`], numbered.
pub(super) fn events(numbers: std::ops::Range<u64>) -> Vec<Arc<Envelope>> {
    numbers.map(|number| sample::envelope(ONE_QUEUE.0, number)).collect()
}

pub(super) async fn subscribe(bus: &dyn Bus, queue: &str) -> Arc<dyn Subscription> {
    match bus.subscribe(queue).await {
        Ok(subscription) => subscription,
        Err(error) => panic!("no subscription of {queue}: {error}"),
    }
}

/// Deliveries that must come.
pub(super) async fn receive(fixture: &dyn Fixture, from: &dyn Subscription, max: usize) -> Vec<Delivery> {
    match within(fixture.sleep(fixture.patience()), from.receive(max)).await {
        Some(Ok(deliveries)) => {
            assert!(!deliveries.is_empty(), "receive returned without a delivery");
            assert!(deliveries.len() <= max, "more than {max} deliveries");
            deliveries
        }
        Some(Err(error)) => panic!("the subscription ended: {error}"),
        None => panic!("nothing was delivered in time"),
    }
}

/// Receives so many deliveries, not settled.
pub(super) async fn receive_all(fixture: &dyn Fixture, from: &dyn Subscription, count: usize) -> Vec<Delivery> {
    let mut deliveries = vec![];
    while deliveries.len() < count {
        deliveries.extend(receive(fixture, from, count - deliveries.len()).await);
    }
    deliveries
}

pub(super) async fn settle(to: &dyn Subscription, deliveries: &[Delivery], settlement: Settlement) {
    let settlements = deliveries.iter().map(|delivery| (delivery.tag, settlement)).collect();
    if let Err(error) = to.settle(settlements).await {
        panic!("not settled: {error}");
    }
}

/// Settles what comes as done: at least so many deliveries, however long they take, and then more until it is quiet.
/// Returns how many that were.
pub(super) async fn drain(fixture: &dyn Fixture, from: &dyn Subscription, at_least: usize) -> usize {
    let mut count = 0;
    let patience = |count| if count < at_least { fixture.patience() } else { fixture.quiet() };
    while let Some(Ok(deliveries)) = within(fixture.sleep(patience(count)), from.receive(100)).await {
        settle(from, &deliveries, Settlement::Done).await;
        count += deliveries.len();
    }
    count
}

/// Asserts that nothing is there to be received now.
pub(super) async fn nothing_comes(fixture: &dyn Fixture, from: &dyn Subscription, why: &str) {
    if let Some(Ok(deliveries)) = within(fixture.sleep(fixture.quiet()), from.receive(1)).await {
        panic!("{why}: {deliveries:?}");
    }
}

#[track_caller]
pub(super) fn all_confirmed(published: &[Published]) {
    let unconfirmed: Vec<&Published> = published.iter().filter(|result| **result != Published::Confirmed).collect();
    assert!(unconfirmed.is_empty(), "not confirmed: {unconfirmed:?}");
}
