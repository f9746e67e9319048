//! What RabbitMQ carries through the adapter: publications with confirms, deliveries with acknowledgements.
//!
//! `cargo bench -p ecom-adapters --no-default-features --features rabbitmq --bench rabbitmq`, against `TEST_AMQP_URL`
//! or the local broker. Everything it declares is in a namespace of its own and is deleted at the end.

use std::sync::Arc;
use std::time::Duration;

use ecom_adapters::rabbitmq::{Options, RabbitBus};
use ecom_core::event::{Envelope, EventType};
use ecom_core::fleet::{EXCHANGE, FLEET};
use ecom_core::port::{Bus, Published, Settlement};
use ecom_core::testing::sample;
use lapin::options::{ExchangeDeleteOptions, QueueDeleteOptions};
use lapin::{Connection, ConnectionProperties};
use tokio::time::Instant;

const QUEUE: &str = "inventory.events";
const NAMESPACE: &str = "bench.";
const RETRY: Duration = Duration::from_secs(1);
const ROUNDS: usize = 3;

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<(), Failure> {
    let default = "amqp://guest:guest@127.0.0.1:5672/%2f";
    let url = std::env::var("TEST_AMQP_URL").unwrap_or_else(|_| default.to_owned());
    let options = Options { namespace: NAMESPACE.to_owned(), retry_classes: vec![RETRY], ..Options::default() };
    let bus = RabbitBus::connect(&url, options)?;
    bus.declare().await?;
    let size = events(0, 1)[0].to_json().len();
    println!("bodies of {size} bytes, one topic exchange, one quorum queue, 2 worker threads");
    let measured = measure(&bus).await;
    bus.close().await;
    clean(&url).await?;
    measured
}

async fn measure(bus: &RabbitBus) -> Result<(), Failure> {
    publish(bus, "warm-up", 1, 500, 5_000).await?;
    consume(bus, "warm-up", 256, 5_000).await?;
    for _ in 0..ROUNDS {
        publish(bus, "publish + confirm, one by one", 1, 1, 2_000).await?;
        publish(bus, "publish + confirm, batches of 100", 1, 100, 20_000).await?;
        publish(bus, "publish + confirm, batches of 500", 1, 500, 50_000).await?;
        publish(bus, "publish + confirm, 2 callers with 500", 2, 500, 50_000).await?;
        publish(bus, "publish + confirm, 64 callers with 8", 64, 8, 50_000).await?;
        consume(bus, "consume, up to 50 settled together", 50, 50_000).await?;
        consume(bus, "consume, up to 256 settled together", 256, 122_000).await?;
    }
    Ok(())
}

fn events(from: u64, count: u64) -> Vec<Arc<Envelope>> {
    (from..from + count).map(|number| sample::envelope(EventType::OrderCreated, number)).collect()
}

/// So many callers publish batches until the total is reached, each waiting for its results.
async fn publish(bus: &RabbitBus, what: &str, callers: u64, batch: u64, total: u64) -> Result<(), Failure> {
    let since = Instant::now();
    let tasks: Vec<_> = (0..callers)
        .map(|caller| {
            let publisher = bus.publisher();
            tokio::spawn(async move {
                let (mut number, mut latencies) = (caller * total, vec![]);
                for _ in 0..total / callers / batch {
                    let started = Instant::now();
                    let published = publisher.publish(events(number, batch)).await;
                    if published.iter().any(|result| *result != Published::Confirmed) {
                        return Err(format!("not confirmed: {:?}", published.first()));
                    }
                    latencies.push(started.elapsed());
                    number += batch;
                }
                Ok(latencies)
            })
        })
        .collect();
    let mut latencies = vec![];
    for task in tasks {
        latencies.extend(task.await??);
    }
    report(what, latencies.len() * usize::try_from(batch)?, since, latencies);
    Ok(())
}

/// Consumes so many messages.
async fn consume(bus: &RabbitBus, what: &str, batch: usize, total: usize) -> Result<(), Failure> {
    let subscription = bus.subscribe(QUEUE).await?;
    let since = Instant::now();
    let (mut count, mut latencies) = (0, vec![]);
    while count < total {
        let started = Instant::now();
        let received = tokio::time::timeout(Duration::from_secs(2), subscription.receive(batch)).await;
        let Ok(deliveries) = received else { break };
        let deliveries = deliveries?;
        count += deliveries.len();
        subscription.settle(deliveries.iter().map(|delivery| (delivery.tag, Settlement::Done)).collect()).await?;
        latencies.push(started.elapsed());
    }
    report(what, count, since, latencies);
    Ok(())
}

fn report(what: &str, count: usize, since: Instant, mut latencies: Vec<Duration>) {
    let seconds = since.elapsed().as_secs_f64();
    latencies.sort_unstable();
    let at = |share: f64| {
        let index = (latencies.len() as f64 * share) as usize;
        latencies.get(index).map_or(0.0, |latency| latency.as_secs_f64() * 1_000.0)
    };
    println!("{what:<42} {:>8.0} /s   p50 {:>7.2} ms   p99 {:>7.2} ms", count as f64 / seconds, at(0.5), at(0.99));
}

async fn clean(url: &str) -> Result<(), Failure> {
    let connection = Connection::connect(url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    for role in FLEET {
        for suffix in [String::new(), ".dlq".to_owned(), format!(".retry.{}", RETRY.as_millis())] {
            let queue = format!("{NAMESPACE}{}{suffix}", role.queue);
            channel.queue_delete(queue.into(), QueueDeleteOptions::default()).await?;
        }
    }
    channel.exchange_delete(format!("{NAMESPACE}{EXCHANGE}").into(), ExchangeDeleteOptions::default()).await?;
    connection.close(200, "done".into()).await?;
    Ok(())
}
