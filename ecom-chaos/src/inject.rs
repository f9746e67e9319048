//! Messages that no service sent: real ones once more, and poison. They go straight to the broker, past every proxy.

use std::collections::BTreeSet;
use std::time::Duration;

use ecom_core::event::EventType;
use ecom_core::fleet::{EXCHANGE, FLEET};
use ecom_services::crash::random::Random;
use lapin::options::{
    BasicAckOptions, BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions, QueueBindOptions, QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use crate::error::{Outcome, during};

/// Queues of ours begin with it.
pub(crate) const OURS: &str = "chaos.";
/// Gets a copy of every event, and forgets the oldest.
const ALL: &str = "chaos.all";
/// How many it remembers.
const REMEMBERED: i64 = 1_000;
/// Gets a copy of every `stock.low`, and forgets none.
const LOW: &str = "chaos.low";
/// How many events are sent again at a time.
const AGAIN: usize = 60;
/// How often one is sent again.
const TIMES: usize = 2;
/// How long a `stock.low` is waited for.
const LOW_MAX: Duration = Duration::from_secs(5);
/// How long the broker may take for one injection.
const PATIENCE: Duration = Duration::from_secs(20);

/// What was injected, and what it is to be compared with.
#[derive(Clone, Debug, Default)]
pub(crate) struct Injected {
    /// Real messages that were sent once more.
    pub(crate) duplicates: u64,
    /// The ids of poison that the broker took: each must become a dead letter.
    pub(crate) poison: BTreeSet<Uuid>,
    /// The ids of poison that the broker may have taken.
    pub(crate) perhaps: BTreeSet<Uuid>,
    /// The ids of all `stock.low` events.
    pub(crate) low: BTreeSet<String>,
}

/// Injects.
pub(crate) struct Injector {
    url: String,
    injected: Mutex<Injected>,
}

impl Injector {
    /// Declares queues that listen. The exchange must be there.
    pub(crate) async fn listen(url: &str) -> Outcome<Self> {
        let injector = Self { url: url.to_owned(), injected: Mutex::default() };
        let (connection, channel) = injector.open().await?;
        let mut arguments = FieldTable::default();
        arguments.insert("x-max-length".into(), AMQPValue::LongLongInt(REMEMBERED));
        let low = EventType::StockLow.name();
        for (queue, key, arguments) in [(ALL, "#", arguments), (LOW, low, FieldTable::default())] {
            let durable = QueueDeclareOptions { durable: true, ..Default::default() };
            channel.queue_declare(queue.into(), durable, arguments).await.map_err(during("a queue"))?;
            let (options, none) = (QueueBindOptions::default(), FieldTable::default());
            channel
                .queue_bind(queue.into(), EXCHANGE.into(), key.into(), options, none)
                .await
                .map_err(during("a binding"))?;
        }
        close(&connection).await;
        Ok(injector)
    }

    async fn open(&self) -> Outcome<(Connection, Channel)> {
        let opening = async {
            let connection = Connection::connect(&self.url, ConnectionProperties::default()).await?;
            let channel = connection.create_channel().await?;
            channel.confirm_select(ConfirmSelectOptions::default()).await?;
            Ok::<_, lapin::Error>((connection, channel))
        };
        let opened = timeout(PATIENCE, opening).await.map_err(during("a connection to the broker"))?;
        opened.map_err(during("a connection to the broker"))
    }

    /// Sends events that were sent before once more, each several times: some of long ago, and every `stock.low`.
    ///
    /// With `expects_low` it waits a moment for one of these.
    pub(crate) async fn duplicates(&self, expects_low: bool) -> Outcome<()> {
        let (connection, channel) = self.open().await?;
        let mut count = 0;
        let sending = async {
            let mut again = take(&channel, ALL, AGAIN).await?;
            let end = Instant::now() + LOW_MAX;
            let mut low = self.heard(&channel).await?;
            while expects_low && low.is_empty() && Instant::now() < end {
                tokio::time::sleep(Duration::from_millis(100)).await;
                low = self.heard(&channel).await?;
            }
            again.extend(low);
            for (key, properties, body) in again.iter().cycle().take(again.len() * TIMES) {
                count += u64::from(publish(&channel, EXCHANGE, key, properties, body).await?);
            }
            Ok::<_, lapin::Error>(())
        };
        let sent = timeout(PATIENCE, sending).await;
        self.injected.lock().await.duplicates += count;
        close(&connection).await;
        sent.map_err(during("duplicates"))?.map_err(during("duplicates"))
    }

    /// The `stock.low` events that came since the last time; their ids are noted.
    async fn heard(&self, channel: &Channel) -> Result<Vec<Message>, lapin::Error> {
        let mut heard = vec![];
        // Each stays in the queue until its id is noted.
        while let Some(message) = channel.basic_get(LOW.into(), BasicGetOptions::default()).await? {
            let delivery = message.delivery;
            let id = delivery.properties.message_id().as_ref().map(ToString::to_string);
            self.injected.lock().await.low.extend(id);
            delivery.acker.ack(BasicAckOptions::default()).await?;
            heard.push((delivery.routing_key.to_string(), delivery.properties, delivery.data));
        }
        Ok(heard)
    }

    /// Sends what is no event to the queue of some service.
    pub(crate) async fn poison(&self, random: &mut Random) -> Outcome<()> {
        let (connection, channel) = self.open().await?;
        let queues: Vec<&str> = FLEET.iter().filter(|role| !role.consumes.is_empty()).map(|role| role.queue).collect();
        let bodies: [&[u8]; 4] = [b"", b"\xff\x00", b"{\"event_type\":\"order.created\"}", b"[1, 2"];
        let sending = async {
            for body in bodies {
                let id = fresh();
                self.injected.lock().await.perhaps.insert(id);
                let properties =
                    BasicProperties::default().with_message_id(id.to_string().into()).with_delivery_mode(2);
                let queue = random.pick(&queues).unwrap_or("order.events");
                if publish(&channel, "", queue, &properties, body).await? {
                    let mut injected = self.injected.lock().await;
                    injected.perhaps.remove(&id);
                    injected.poison.insert(id);
                }
            }
            Ok::<_, lapin::Error>(())
        };
        let sent = timeout(PATIENCE, sending).await;
        close(&connection).await;
        sent.map_err(during("poison"))?.map_err(during("poison"))
    }

    /// Everything that was injected and heard until now.
    pub(crate) async fn injected(&self) -> Outcome<Injected> {
        let (connection, channel) = self.open().await?;
        self.heard(&channel).await.map_err(during("the last messages"))?;
        close(&connection).await;
        Ok(self.injected.lock().await.clone())
    }
}

/// Routing key, properties, body.
type Message = (String, BasicProperties, Vec<u8>);

/// Takes up to so many messages out of a queue.
async fn take(channel: &Channel, queue: &str, most: usize) -> Result<Vec<Message>, lapin::Error> {
    let mut taken = vec![];
    while taken.len() < most
        && let Some(message) = channel.basic_get(queue.into(), BasicGetOptions { no_ack: true }).await?
    {
        let delivery = message.delivery;
        taken.push((delivery.routing_key.to_string(), delivery.properties, delivery.data));
    }
    Ok(taken)
}

/// Publishes, and tells whether the broker has taken it.
async fn publish(
    channel: &Channel,
    exchange: &str,
    key: &str,
    properties: &BasicProperties,
    body: &[u8],
) -> Result<bool, lapin::Error> {
    let options = BasicPublishOptions::default();
    let confirm = channel.basic_publish(exchange.into(), key.into(), options, body, properties.clone()).await?;
    Ok(confirm.await?.is_ack())
}

/// A connection that cannot be closed in order is dropped.
async fn close(connection: &Connection) {
    drop(timeout(PATIENCE, connection.close(200, "done".into())).await);
}

/// A new id; the nil one where the machine gives no random numbers.
fn fresh() -> Uuid {
    let mut bytes = [0; 16];
    match getrandom::fill(&mut bytes) {
        Ok(()) => uuid::Builder::from_random_bytes(bytes).into_uuid(),
        Err(_) => Uuid::nil(),
    }
}
