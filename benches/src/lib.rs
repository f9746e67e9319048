//! What the benches share: the four contexts of an order in memory, driven through the rules and nothing else; whole
//! shops, and what they are compared with.

pub mod databases;
pub mod limit;
pub mod shop;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use ecom_core::decide::BoundedContext;
use ecom_core::email::Email;
use ecom_core::engine::{Loaded, Message, Origin, Outcome, fold};
use ecom_core::event::{Envelope, Event, Service, UserChanged};
use ecom_core::id::{CorrelationId, MessageId, OrderId, ProductId, UserId};
use ecom_core::inventory::{self, CreateProduct, InventoryContext};
use ecom_core::money::{Currency, Money};
use ecom_core::notification::{self, NotificationContext};
use ecom_core::order::{self, OrderContext, Place, PlacedLine};
use ecom_core::payment::{self, PaymentContext};
use ecom_core::policy::Policy;
use ecom_core::quantity::Quantity;
use ecom_core::time::Timestamp;
use uuid::Uuid;

/// How many products an order buys.
const LINES: u128 = 2;
/// The stock of each.
const STOCK: u64 = 1_000_000;

/// One context: its rows, and what it owes the outside.
#[derive(Clone)]
struct Side<C: BoundedContext> {
    rows: C::Snapshot,
    owed: BTreeMap<MessageId, (u32, C::Effect)>,
}

impl<C: BoundedContext> Side<C> {
    fn new() -> Self {
        Self { rows: C::Snapshot::default(), owed: BTreeMap::new() }
    }

    /// Handles one message as a store would, and returns what it publishes. Panics where a rule refuses: a bench that
    /// measures refusals measures nothing.
    fn handle(&mut self, message: &Message<C>) -> Vec<Arc<Envelope>> {
        let loaded = Loaded {
            snapshot: self.rows.clone(),
            seen: [].into(),
            kept: BTreeMap::new(),
            armed: [].into(),
            owed: self.owed.iter().map(|(id, (attempts, _))| (*id, *attempts)).collect(),
            now: Timestamp::from_micros(1_800_000_000_000_000),
        };
        let writes = fold(loaded, std::slice::from_ref(message), &Policy::default());
        for outcome in &writes.outcomes {
            assert!(!matches!(outcome, Outcome::Rejected(_) | Outcome::KeyReused), "{outcome:?}");
        }
        for change in &writes.changes {
            C::apply(&mut self.rows, change);
        }
        for (id, row) in writes.effects {
            match row {
                Some(row) => self.owed.insert(id, (row.attempts, row.effect)),
                None => self.owed.remove(&id),
            };
        }
        writes.outbox
    }

    fn on_event(&mut self, envelope: &Envelope) -> Vec<Arc<Envelope>> {
        let Some(input) = C::on_event(&envelope.event) else { return vec![] };
        self.handle(&message(envelope.event_id, Origin::Event, envelope.correlation_id, input))
    }

    /// Lets every call to the outside be answered.
    fn answer(&mut self, answer: &C::EffectAnswer) -> Vec<Arc<Envelope>> {
        let mut published = vec![];
        for (id, (attempt, effect)) in self.owed.clone() {
            let input = C::on_answer(id, effect, attempt, answer.clone());
            let origin = Origin::Answer { effect: id, attempt };
            let answered = MessageId(Uuid::from_u128(id.0.as_u128() ^ u128::from(attempt) << 64));
            published.extend(self.handle(&message(answered, origin, CorrelationId(id.0), input)));
        }
        published
    }
}

fn message<C: BoundedContext>(
    id: MessageId,
    origin: Origin,
    correlation: CorrelationId,
    input: C::Input,
) -> Message<C> {
    Message { id, origin, correlation, causation: None, traceparent: None, input }
}

/// The services that take part in an order, without stores, buses or clocks.
#[derive(Clone)]
pub struct World {
    orders: Side<OrderContext>,
    inventory: Side<InventoryContext>,
    payments: Side<PaymentContext>,
    notices: Side<NotificationContext>,
}

impl World {
    /// With products in stock and one customer.
    pub fn new() -> Self {
        let mut world =
            Self { orders: Side::new(), inventory: Side::new(), payments: Side::new(), notices: Side::new() };
        for number in 0..LINES {
            let create = CreateProduct {
                id: product(number),
                sku: format!("SKU-{number}"),
                name: "A product".to_owned(),
                description: String::new(),
                price: Money::new(1_250, Currency::EUR),
                initial_stock: STOCK,
                actor: UserId(Uuid::from_u128(1)),
            };
            let id = Uuid::from_u128(0x100 + number);
            let input = inventory::Input::CreateProduct(create);
            let published =
                world.inventory.handle(&message(MessageId(id), Origin::Command(None), CorrelationId(id), input));
            world.settle(published);
        }
        world.settle(registered().into_iter().collect());
        world
    }

    /// Places an order and runs it, through all services, to its end and to what follows it. Returns how many messages
    /// were handled.
    pub fn order(&mut self, number: u64) -> usize {
        let id = Uuid::from_u128(0x1000_0000 + u128::from(number));
        let items = (0..LINES).filter_map(|line| {
            Some(PlacedLine { product_id: product(line), quantity: Quantity::new(2)?, unit_price: None })
        });
        let place = Place {
            order_id: OrderId(id),
            user_id: customer(),
            correlation_id: CorrelationId(id),
            request_correlation_id: None,
            items: items.collect(),
            payment_method_id: None,
            metadata: None,
        };
        let input = order::Input::Place(Box::new(place));
        let published = self.orders.handle(&message(MessageId(id), Origin::Command(None), CorrelationId(id), input));
        1 + self.settle(published)
    }

    /// Whether all of the first `orders` orders are completed.
    pub fn all_completed(&self, orders: usize) -> bool {
        let completed = |order: &std::sync::Arc<order::Order>| order.status() == order::Status::Completed;
        self.orders.rows.orders.len() == orders && self.orders.rows.orders.values().all(completed)
    }

    /// Delivers what is published, and what that publishes, until nothing is left.
    fn settle(&mut self, published: Vec<Arc<Envelope>>) -> usize {
        let mut queue = VecDeque::from(published);
        let mut handled = 0;
        while let Some(envelope) = queue.pop_front() {
            handled += 1;
            queue.extend(self.orders.on_event(&envelope));
            queue.extend(self.inventory.on_event(&envelope));
            queue.extend(self.payments.on_event(&envelope));
            queue.extend(self.notices.on_event(&envelope));
            let charged = payment::ProviderAnswer::Succeeded { reference: "ch_1".to_owned() };
            queue.extend(self.payments.answer(&charged));
            queue.extend(self.notices.answer(&notification::EffectAnswer::Sent));
        }
        handled
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

fn product(number: u128) -> ProductId {
    ProductId(Uuid::from_u128(0x10 + number))
}

fn customer() -> UserId {
    UserId(Uuid::from_u128(2))
}

/// The customer's e-mail address becomes known, so that a notice can go out.
fn registered() -> Option<Arc<Envelope>> {
    let changed = UserChanged {
        user_id: customer(),
        version: 1,
        email: Email::parse("customer@example.com").ok()?,
        first_name: "Demo".to_owned(),
        last_name: "Customer".to_owned(),
        is_admin: false,
    };
    let id = MessageId(Uuid::from_u128(0x200));
    Some(Arc::new(Envelope {
        event_id: id,
        occurred_at: Timestamp::EPOCH,
        correlation_id: CorrelationId(id.0),
        causation_id: id,
        aggregate_id: customer().0,
        aggregate_version: 1,
        source: Service::User,
        traceparent: None,
        event: Event::UserRegistered(changed),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order_of_the_bench_completes() {
        let mut world = World::new();
        for number in 0..10 {
            // Placed, created, reserved, processed, completed, committed, the notice sent: no less.
            assert!(world.order(number) >= 7);
        }
        assert!(world.all_completed(10));
        assert!(!world.all_completed(11));
    }
}
