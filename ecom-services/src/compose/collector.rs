//! Brings what the broker itself gave up to where the service keeps its dead letters.

use std::sync::Arc;
use std::time::Duration;

use ecom_adapters::rabbitmq::RabbitBus;
use ecom_core::decide::BoundedContext;
use ecom_core::port::Store;
use tokio::sync::watch;

use crate::host::stopped;

/// How often the dead-letter queue is looked into: it is empty nearly always.
const PAUSE: Duration = Duration::from_secs(30);

/// How many letters are taken at a time.
const BATCH_MAX: usize = 100;

/// Collects until it is told to stop. Copies of one service share the work.
pub(super) async fn collect<C: BoundedContext>(
    bus: RabbitBus,
    queue: &'static str,
    store: Arc<dyn Store<C>>,
    stop: watch::Receiver<bool>,
) {
    loop {
        tokio::select! {
            biased;
            () = stopped(stop.clone()) => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
        let mut collected = BATCH_MAX;
        while collected == BATCH_MAX {
            collected = tokio::select! {
                biased;
                () = stopped(stop.clone()) => return,
                collected = take(&bus, queue, store.as_ref()) => collected,
            };
        }
    }
}

async fn take<C: BoundedContext>(bus: &RabbitBus, queue: &str, store: &dyn Store<C>) -> usize {
    let bury = |letter| async move { store.bury(letter).await.is_ok() };
    match bus.collect_dead(queue, BATCH_MAX, bury).await {
        Ok(0) => 0,
        Ok(collected) => {
            tracing::error!(queue, collected, "the broker gave up messages; they are among the dead letters");
            collected
        }
        Err(error) => {
            tracing::debug!(queue, %error, "the dead-letter queue cannot be looked into");
            0
        }
    }
}
