//! What every [`Bus`] must do, with the topology of [`crate::fleet`].
//!
//! Implement [`Fixture`] and await [`run`]; or await the cases one by one, each asks for an empty bus. [`stream`] tells what
//! becomes of random operations, so that buses can be compared.

mod delivery;
mod routing;
mod script;
pub mod stream;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

pub use delivery::{
    a_confirmed_event_is_never_lost, a_publication_may_be_repeated, a_receive_that_is_dropped_loses_nothing,
    a_retry_comes_back_after_its_delay, a_settled_delivery_never_comes_back, an_unsettled_delivery_is_delivered_again,
};
pub use routing::{
    competing_subscriptions_share_a_queue, each_bound_queue_gets_each_event_once, receive_takes_no_more_than_it_may,
    unknown_queues_are_refused,
};

use crate::port::Bus;

/// What the suite needs beside the port.
#[async_trait]
pub trait Fixture: Send + Sync {
    /// A bus with empty queues and without subscriptions; what was made before is not used any more.
    async fn fresh(&self) -> Arc<dyn Bus>;

    /// Ends the bus that [`Fixture::fresh`] made last: from then on it cannot be reached.
    async fn close(&self);

    /// Lets that time pass.
    async fn sleep(&self, time: Duration);

    /// How long something that must come may take.
    fn patience(&self) -> Duration {
        Duration::from_secs(10)
    }

    /// A delay that is not nothing, and need not be long.
    fn delay(&self) -> Duration {
        Duration::from_millis(200)
    }

    /// How long nothing has to come until it counts as absent.
    fn quiet(&self) -> Duration {
        Duration::from_millis(150)
    }
}

/// Runs all cases.
pub async fn run(fixture: &dyn Fixture) {
    each_bound_queue_gets_each_event_once(fixture).await;
    competing_subscriptions_share_a_queue(fixture).await;
    receive_takes_no_more_than_it_may(fixture).await;
    unknown_queues_are_refused(fixture).await;
    a_settled_delivery_never_comes_back(fixture).await;
    an_unsettled_delivery_is_delivered_again(fixture).await;
    a_retry_comes_back_after_its_delay(fixture).await;
    a_receive_that_is_dropped_loses_nothing(fixture).await;
    a_publication_may_be_repeated(fixture).await;
    a_confirmed_event_is_never_lost(fixture).await;
}
