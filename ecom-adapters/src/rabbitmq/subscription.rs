//! One consumer on a channel of its own.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use ecom_core::port::{Body, BusError, Delivery, Published, Settlement, Subscription};
use futures_util::{FutureExt, StreamExt};
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Consumer, message};
use tokio::time::Instant;

use super::Shared;
use super::ledger::Ledger;
use super::wire::{Incoming, Outgoing, read, retries};

/// A retry sooner than that goes straight back to the queue: no retry queue is as quick.
const AT_ONCE: Duration = Duration::from_millis(1);

/// One consumer. It ends with its channel; what it holds then is delivered again by the broker.
pub(super) struct RabbitSubscription {
    shared: Arc<Shared>,
    /// As the broker knows it.
    queue: String,
    channel: Channel,
    consumer: tokio::sync::Mutex<Consumer>,
    ledger: Mutex<Ledger>,
    /// Acknowledgements reach the channel in the order in which the ledger allowed them.
    turn: tokio::sync::Mutex<()>,
    ended: AtomicBool,
}

impl RabbitSubscription {
    pub(super) async fn start(shared: &Arc<Shared>, queue: String) -> Result<Self, BusError> {
        let broker = &shared.broker;
        let deadline = Instant::now() + broker.options.connect_timeout;
        let (channel, _) = broker.open(&shared.consuming, deadline).await?;
        let prefetch = channel.basic_qos(broker.options.prefetch, BasicQosOptions::default());
        broker.request("set the prefetch", prefetch).await.map_err(super::broker::Refusal::into_error)?;
        let options = BasicConsumeOptions::default();
        let consuming = channel.basic_consume(queue.as_str().into(), "".into(), options, FieldTable::default());
        let what = format!("consume {queue:?}");
        let consumer = broker.request(&what, consuming).await.map_err(super::broker::Refusal::into_error)?;
        Ok(Self {
            shared: Arc::clone(shared),
            queue,
            channel,
            consumer: tokio::sync::Mutex::new(consumer),
            ledger: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
            ended: AtomicBool::new(false),
        })
    }

    fn end(&self) {
        self.ended.store(true, Ordering::Release);
    }

    fn check(&self) -> Result<(), BusError> {
        if self.ended.load(Ordering::Acquire) || !self.channel.status().connected() {
            return Err(BusError(format!("the subscription of {:?} has ended", self.queue)));
        }
        Ok(())
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        // Nothing panics while it is held.
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a delivery is, and how the stream of deliveries ends.
    fn take(&self, next: Option<lapin::Result<message::Delivery>>) -> Result<Delivery, BusError> {
        let ended = |why: String| {
            self.end();
            Err(BusError(format!("the subscription of {:?} has ended: {why}", self.queue)))
        };
        match next {
            Some(Ok(delivery)) => Ok(self.hand_out(delivery)),
            Some(Err(error)) => ended(error.to_string()),
            None => ended("the broker has cancelled it; is the queue gone?".to_owned()),
        }
    }

    fn hand_out(&self, delivery: message::Delivery) -> Delivery {
        let message::Delivery { delivery_tag, routing_key, redelivered, properties, data, .. } = delivery;
        let body = read(&routing_key, &properties, &data);
        let redelivered = redelivered || retries(&properties) > 0;
        let id = match &body {
            Body::Event(envelope) => envelope.event_id,
            Body::Unreadable { id, .. } => *id,
        };
        self.ledger().hand_out(delivery_tag, Incoming { id, routing_key, properties, body: data });
        Delivery { tag: delivery_tag, redelivered, body }
    }

    /// Stores the retries durably in their waiting rooms. Until that is confirmed the originals stay where they are,
    /// so an event may come twice but never not at all.
    async fn postpone(&self, retries: &[(u64, Duration)]) -> Result<(), BusError> {
        let messages: Vec<Outgoing> = {
            let ledger = self.ledger();
            let room = |delay| self.shared.broker.topology.waiting_room(&self.queue, delay);
            let again = |(tag, delay): &(u64, Duration)| {
                let (queue, delay) = room(*delay);
                ledger.get(*tag).map(|message| Outgoing::again(queue.as_str().into(), delay, message))
            };
            retries.iter().filter_map(again).collect()
        };
        let stored = self.shared.outbound.send(messages).await;
        match stored.into_iter().find(|result| *result != Published::Confirmed) {
            None => Ok(()),
            Some(result) => Err(BusError(format!("a retry of {:?} could not be stored: {result:?}", self.queue))),
        }
    }

    async fn acknowledge(&self, back: &[u64], done: Vec<u64>) -> Result<(), BusError> {
        let _turn = self.turn.lock().await;
        for tag in back {
            let open = self.ledger().get(*tag).is_some();
            if open {
                self.ledger().give_back(*tag);
                self.answer(self.channel.basic_nack(*tag, BasicNackOptions { multiple: false, requeue: true })).await?;
            }
        }
        let acks = self.ledger().settle(done);
        if let Some(last) = acks.up_to {
            self.answer(self.channel.basic_ack(last, BasicAckOptions { multiple: true })).await?;
        }
        for tag in acks.each {
            self.answer(self.channel.basic_ack(tag, BasicAckOptions { multiple: false })).await?;
        }
        Ok(())
    }

    async fn answer(&self, answer: impl Future<Output = lapin::Result<()>>) -> Result<(), BusError> {
        self.shared.broker.request("settle", answer).await.map_err(super::broker::Refusal::into_error)
    }
}

#[async_trait]
impl Subscription for RabbitSubscription {
    async fn receive(&self, max: usize) -> Result<Vec<Delivery>, BusError> {
        let mut consumer = self.consumer.lock().await;
        // What a dead channel still holds will be delivered anew on another one.
        self.check()?;
        let first = consumer.next().await;
        self.check()?;
        let mut deliveries = vec![self.take(first)?];
        // From here on there is no await: dropping this future loses nothing.
        while deliveries.len() < max
            && let Some(next) = consumer.next().now_or_never()
        {
            match self.take(next) {
                Ok(delivery) => deliveries.push(delivery),
                // Told by the next call.
                Err(_) => break,
            }
        }
        Ok(deliveries)
    }

    async fn settle(&self, settlements: Vec<(u64, Settlement)>) -> Result<(), BusError> {
        let (mut done, mut back, mut later) = (vec![], vec![], vec![]);
        for (tag, settlement) in settlements {
            match settlement {
                Settlement::Done => done.push(tag),
                Settlement::Retry(delay) if delay < AT_ONCE => back.push(tag),
                Settlement::Retry(delay) => later.push((tag, delay)),
            }
        }
        let settle = async {
            // What is done does not wait for the retries.
            self.check()?;
            self.acknowledge(&back, done).await?;
            if !later.is_empty() {
                self.postpone(&later).await?;
                self.acknowledge(&[], later.into_iter().map(|(tag, _)| tag).collect()).await?;
            }
            Ok(())
        };
        let settled = settle.await;
        if settled.is_err() {
            self.end();
        }
        settled
    }
}
