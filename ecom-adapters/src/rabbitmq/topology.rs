//! The topology of [`ecom_core::fleet`] on RabbitMQ, as a value.
//!
//! ```text
//! ecommerce-events (topic) ─► order.events ── delivery limit ──► order.events.dlq
//!                              ▲        │
//!                              │        └ the subscription publishes it again, with its delay
//!                              └── TTL ── order.events.retry.2000 (one queue for each class of delays)
//! ```
//!
//! All queues are durable quorum queues. A message moves on, to the dead-letter queue or back from a retry queue,
//! through the default exchange and at least once: the broker keeps it until the next queue has confirmed it.

use std::collections::BTreeMap;
use std::time::Duration;

use ecom_core::event::EventType;
use ecom_core::fleet::{EXCHANGE, FLEET};
use lapin::types::{AMQPValue, FieldTable};

use super::Options;

/// Deliveries of a dead letter before the broker would drop it: as good as never, but never unsaid, because newer
/// brokers have a low limit of their own.
const DEAD_DELIVERY_LIMIT: i64 = 1_000_000_000;

/// Everything that is declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Topology {
    namespace: String,
    /// The topic exchange.
    pub(super) exchange: String,
    /// In this order, so that a message always has somewhere to go on to.
    pub(super) queues: Vec<QueueSpec>,
    retry_classes: Vec<Duration>,
}

/// One queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct QueueSpec {
    pub(super) name: String,
    arguments: BTreeMap<&'static str, Argument>,
    /// Routing keys that bind it to the exchange.
    pub(super) bindings: Vec<&'static str>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Argument {
    Text(String),
    Number(i64),
}

impl Topology {
    pub(super) fn new(options: &Options) -> Self {
        let mut topology = Self {
            namespace: options.namespace.clone(),
            exchange: format!("{}{EXCHANGE}", options.namespace),
            queues: vec![],
            retry_classes: options.retry_classes.clone(),
        };
        for role in FLEET {
            topology.add(role.queue, role.consumes, options);
        }
        topology
    }

    fn add(&mut self, queue: &str, consumes: &[EventType], options: &Options) {
        let queue = format!("{}{queue}", self.namespace);
        let dead = dead_letters_of(&queue);
        self.queues.push(QueueSpec::new(&dead).number("x-delivery-limit", DEAD_DELIVERY_LIMIT));
        for class in &self.retry_classes {
            let retry = QueueSpec::new(&retry_name(&queue, *class))
                .on_to(&queue)
                .number("x-message-ttl", i64::try_from(class.as_millis()).unwrap_or(i64::MAX));
            self.queues.push(retry);
        }
        let mut queue = QueueSpec::new(&queue)
            .on_to(&dead)
            .number("x-delivery-limit", options.delivery_limit.into())
            .number("x-max-length", options.queue_length_max.into());
        queue.bindings.extend(consumes.iter().map(|event| event.name()));
        self.queues.push(queue);
    }

    /// The queue as the broker knows it, if it may be consumed: a queue of the fleet, or its dead-letter queue.
    pub(super) fn consumable(&self, queue: &str) -> Option<String> {
        let plain = queue.strip_suffix(DEAD_SUFFIX).unwrap_or(queue);
        FLEET.iter().any(|role| role.queue == plain).then(|| format!("{}{queue}", self.namespace))
    }

    /// Where a message of that queue waits out a delay, and the delay as it will be kept. The queue's name is the
    /// broker's.
    pub(super) fn waiting_room(&self, queue: &str, delay: Duration) -> (String, Duration) {
        let class = self.retry_classes.iter().find(|class| **class >= delay).or(self.retry_classes.last());
        let class = class.copied().unwrap_or(delay);
        (retry_name(queue, class), delay.min(class))
    }
}

const DEAD_SUFFIX: &str = ".dlq";

/// The dead-letter queue of a queue.
pub(super) fn dead_letters_of(queue: &str) -> String {
    format!("{queue}{DEAD_SUFFIX}")
}

fn retry_name(queue: &str, class: Duration) -> String {
    format!("{queue}.retry.{}", class.as_millis())
}

impl QueueSpec {
    fn new(name: &str) -> Self {
        let arguments = BTreeMap::from([("x-queue-type", Argument::Text("quorum".to_owned()))]);
        Self { name: name.to_owned(), arguments, bindings: vec![] }
    }

    fn number(mut self, key: &'static str, value: i64) -> Self {
        self.arguments.insert(key, Argument::Number(value));
        self
    }

    fn text(mut self, key: &'static str, value: &str) -> Self {
        self.arguments.insert(key, Argument::Text(value.to_owned()));
        self
    }

    /// What leaves the queue without being consumed goes to that one, at least once. That needs a queue that refuses
    /// instead of dropping.
    fn on_to(self, next: &str) -> Self {
        self.text("x-dead-letter-exchange", "")
            .text("x-dead-letter-routing-key", next)
            .text("x-dead-letter-strategy", "at-least-once")
            .text("x-overflow", "reject-publish")
    }

    /// The arguments as AMQP has them.
    pub(super) fn table(&self) -> FieldTable {
        let mut table = FieldTable::default();
        for (key, value) in &self.arguments {
            let value = match value {
                Argument::Text(text) => AMQPValue::LongString(text.as_str().into()),
                Argument::Number(number) => AMQPValue::LongLongInt(*number),
            };
            table.insert((*key).into(), value);
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topology() -> Topology {
        Topology::new(&Options { namespace: "t.".to_owned(), ..Options::default() })
    }

    #[test]
    fn every_consumed_event_is_bound_and_every_queue_leads_on_to_one_declared_before() {
        let topology = topology();
        for role in FLEET {
            let queue = topology.queues.iter().find(|queue| queue.name == format!("t.{}", role.queue)).unwrap();
            assert_eq!(queue.bindings, role.consumes.iter().map(|event| event.name()).collect::<Vec<_>>());
            let dead = Argument::Text(format!("t.{}.dlq", role.queue));
            assert_eq!(queue.arguments["x-dead-letter-routing-key"], dead);
            let position = |name: &str| topology.queues.iter().position(|queue| queue.name == name);
            assert!(position(&format!("t.{}.dlq", role.queue)) < position(&queue.name));
        }
    }

    #[test]
    fn every_queue_is_a_quorum_queue_and_loses_nothing_on_the_way() {
        for queue in topology().queues {
            assert_eq!(queue.arguments["x-queue-type"], Argument::Text("quorum".to_owned()), "{}", queue.name);
            if queue.arguments.contains_key("x-dead-letter-routing-key") {
                assert_eq!(queue.arguments["x-dead-letter-strategy"], Argument::Text("at-least-once".to_owned()));
                assert_eq!(queue.arguments["x-overflow"], Argument::Text("reject-publish".to_owned()));
            } else {
                assert_eq!(queue.name.strip_suffix(DEAD_SUFFIX).map(|_| ()), Some(()), "{}", queue.name);
            }
        }
    }

    #[test]
    fn a_delay_waits_in_the_smallest_class_that_holds_it() {
        let topology = topology();
        let table = [
            (1, "order.events.retry.500", 1),
            (500, "order.events.retry.500", 500),
            (501, "order.events.retry.2000", 501),
            (37_500, "order.events.retry.40000", 37_500),
            (86_400_000, "order.events.retry.900000", 900_000),
        ];
        for (delay, queue, kept) in table {
            let room = topology.waiting_room("order.events", Duration::from_millis(delay));
            assert_eq!(room, (queue.to_owned(), Duration::from_millis(kept)), "{delay}");
            assert!(topology.queues.iter().any(|spec| spec.name == format!("t.{queue}")));
        }
    }

    #[test]
    fn only_queues_of_the_fleet_and_their_dead_letters_can_be_consumed() {
        let topology = topology();
        assert_eq!(topology.consumable("order.events").as_deref(), Some("t.order.events"));
        assert_eq!(topology.consumable("order.events.dlq").as_deref(), Some("t.order.events.dlq"));
        for queue in ["nobody.events", "order.events.dlq.dlq", "order.events.retry.500", ""] {
            assert_eq!(topology.consumable(queue), None, "{queue}");
        }
    }
}
