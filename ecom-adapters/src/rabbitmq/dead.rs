//! Collects what the broker gave up by itself.

use std::future::Future;

use ecom_core::engine::DeadLetter;
use ecom_core::port::BusError;
use lapin::options::{BasicAckOptions, BasicGetOptions, BasicNackOptions};
use lapin::types::AMQPValue;
use lapin::{BasicProperties, Channel};
use tokio::time::Instant;

use super::broker::{Broker, Refusal};
use super::link::Link;
use super::topology::dead_letters_of;
use super::wire::{number, read, text};

/// Takes up to `max` messages out of the dead-letter queue of `queue` and hands each to `bury`, which says whether it
/// is stored. Returns how many were; stops at the first that was not, which stays in the queue.
pub(super) async fn collect<F, Fut>(
    (broker, link): (&Broker, &Link),
    queue: &str,
    max: usize,
    mut bury: F,
) -> Result<usize, BusError>
where
    F: FnMut(DeadLetter) -> Fut + Send,
    Fut: Future<Output = bool> + Send,
{
    let name = broker.topology.consumable(queue).ok_or_else(|| BusError(format!("no queue is named {queue:?}")))?;
    let (channel, _) = broker.open(link, Instant::now() + broker.options.connect_timeout).await?;
    let mut buried = 0;
    while buried < max {
        let get = channel.basic_get(dead_letters_of(&name).as_str().into(), BasicGetOptions::default());
        let Some(got) = broker.request("get a dead letter", get).await.map_err(Refusal::into_error)? else { break };
        let delivery = &got.delivery;
        let body = read(&delivery.routing_key, &delivery.properties, &delivery.data);
        let attempts = number(&delivery.properties, "x-delivery-count").unwrap_or(0);
        let attempts = u32::try_from(attempts).unwrap_or(u32::MAX);
        let stored = bury(DeadLetter::new(queue, &body, reason(&delivery.properties), attempts)).await;
        settle(broker, &channel, delivery.delivery_tag, stored).await?;
        if !stored {
            break;
        }
        buried += 1;
    }
    // The channel goes with this function; whether the broker says good-bye does not matter.
    drop(broker.request("close a channel", channel.close(200, "done".into())).await);
    Ok(buried)
}

async fn settle(broker: &Broker, channel: &Channel, tag: u64, stored: bool) -> Result<(), BusError> {
    let settled = if stored {
        broker.request("settle", channel.basic_ack(tag, BasicAckOptions::default())).await
    } else {
        broker.request("settle", channel.basic_nack(tag, BasicNackOptions { requeue: true, multiple: false })).await
    };
    settled.map_err(Refusal::into_error)
}

/// Why the broker gave it up, in its own word where it says one.
fn reason(properties: &BasicProperties) -> String {
    let last = || {
        let deaths = properties.headers().as_ref()?.inner().get("x-death")?.as_array()?;
        let AMQPValue::FieldTable(last) = deaths.as_slice().first()? else { return None };
        let reason = last.inner().get("reason")?.as_long_string()?;
        Some(reason.to_string())
    };
    let word = last().or_else(|| text(properties, "x-first-death-reason"));
    format!("given up by the broker: {}", word.unwrap_or_else(|| "it does not say why".to_owned()))
}
