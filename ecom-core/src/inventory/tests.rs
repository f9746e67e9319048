//! The rules of inventory, as tables and properties.

mod catalogue;
mod property;
mod reservation;

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::*;
use crate::decide::{Because, BoundedContext, Context, Decision, Timer};
use crate::engine::{Loaded, Message, Origin, Outcome, Writes, fold};
use crate::event::sample::sample;
use crate::event::{
    Event, EventType, FailureCode, Line, OrderCancelled, OrderCompleted, OrderCreated, OrderFailed, Service,
};
use crate::fleet;
use crate::id::{CorrelationId, MessageId, OrderId, ProductId, UserId};
use crate::money::{Currency, Money};
use crate::policy::Policy;
use crate::quantity::Quantity;
use crate::time::Timestamp;

const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

fn euros(minor: i64) -> Money {
    Money::new(minor, Currency::EUR)
}

fn user() -> UserId {
    UserId(Uuid::from_u128(1))
}

fn product(n: u128) -> ProductId {
    ProductId(Uuid::from_u128(0x100 + n))
}

fn order(n: u128) -> OrderId {
    OrderId(Uuid::from_u128((0x1000 + n) << 64))
}

fn line(product_id: ProductId, pieces: u64) -> Line {
    Line {
        product_id,
        sku: format!("SKU-{product_id}"),
        quantity: Quantity::new(pieces).unwrap(),
        unit_price: euros(150),
    }
}

fn new_product(n: u128, initial_stock: u64) -> Input {
    Input::CreateProduct(CreateProduct {
        id: product(n),
        sku: format!("TEA-{n}"),
        name: "Tea".to_owned(),
        description: String::new(),
        price: euros(150),
        initial_stock,
        actor: user(),
    })
}

fn adjustment(n: u128, delta: i64) -> Input {
    let reason = "count".to_owned();
    Input::AdjustStock(AdjustStock { product_id: product(n), delta, reason, actor: user() })
}

fn sale(n: u128, is_active: bool) -> Input {
    let patch = ProductPatch { is_active: Some(is_active), ..ProductPatch::default() };
    Input::ChangeProduct(ChangeProduct { id: product(n), patch, actor: user() })
}

fn created(n: u128, lines: Vec<Line>) -> Input {
    Input::OrderCreated(OrderCreated {
        order_id: order(n),
        user_id: user(),
        items: lines,
        total_amount: euros(300),
        payment_method_id: None,
    })
}

fn completed(n: u128) -> Input {
    Input::OrderCompleted(OrderCompleted {
        order_id: order(n),
        user_id: user(),
        total_amount: euros(300),
        items: vec![],
    })
}

fn failed(n: u128) -> Input {
    let reason = FailureCode::PaymentDeclined;
    Input::OrderFailed(OrderFailed { order_id: order(n), user_id: Some(user()), reason, detail: String::new() })
}

fn cancelled(n: u128) -> Input {
    Input::OrderCancelled(OrderCancelled { order_id: order(n), user_id: user(), reason: String::new() })
}

/// Inventory with everything that it has written so far.
#[derive(Clone, Default)]
struct World {
    snapshot: InventorySnapshot,
    movements: Vec<Movement>,
    armed: BTreeSet<Timer>,
    messages: u128,
    policy: Policy,
}

impl World {
    fn with(inputs: Vec<Input>) -> Self {
        let mut world = Self::default();
        for outcome in world.run(inputs).outcomes {
            assert!(matches!(outcome, Outcome::Applied(_)), "{outcome:?}");
        }
        world
    }

    /// Handles the inputs in one batch.
    fn run(&mut self, inputs: Vec<Input>) -> Writes<InventoryContext> {
        let messages: Vec<_> = inputs.into_iter().map(|input| self.message(input)).collect();
        let loaded = Loaded {
            snapshot: self.snapshot.clone(),
            seen: BTreeSet::new(),
            kept: BTreeMap::new(),
            armed: self.armed.clone(),
            owed: BTreeMap::new(),
            now: NOW,
        };
        let writes = fold(loaded, &messages, &self.policy);
        for change in &writes.changes {
            self.expect_next_version(change);
            InventoryContext::apply(&mut self.snapshot, change);
            if let Change::AddMovement(movement) = change {
                self.movements.push(movement.clone());
            }
        }
        for ((subject, kind), timer) in &writes.timers {
            self.armed.retain(|armed| armed.subject != *subject);
            if let Some((epoch, _)) = timer {
                self.armed.insert(Timer { subject: *subject, kind: kind.clone(), epoch: *epoch });
            }
        }
        writes
    }

    fn message(&mut self, input: Input) -> Message<InventoryContext> {
        self.messages += 1;
        let origin = match &input {
            Input::HoldDue { order_id, epoch } => {
                Origin::Timer(Timer { subject: order_id.0, kind: HOLD_TIMER.into(), epoch: *epoch })
            }
            _ => Origin::Event,
        };
        let correlation = CorrelationId(Uuid::from_u128(self.messages));
        let id = MessageId(Uuid::from_u128(self.messages << 32));
        Message { id, origin, correlation, causation: None, traceparent: None, input }
    }

    fn expect_next_version(&self, change: &Change) {
        let (before, after) = match change {
            Change::PutProduct(row) => (self.snapshot.products.get(&row.id).map(|old| old.version), row.version),
            Change::PutStock(row) => (self.snapshot.stock.get(&row.product_id).map(|old| old.version), row.version),
            Change::PutReservation(row) => {
                (self.snapshot.reservations.get(&row.order_id).map(|old| old.version), row.version)
            }
            Change::AddMovement(_) => return,
        };
        assert_eq!(after, before.unwrap_or(0) + 1, "{change:?}");
    }

    fn stock(&self, n: u128) -> (u64, u64, u64) {
        let stock = self.snapshot.stock[&product(n)];
        (stock.on_hand, stock.reserved, stock.committed)
    }

    fn state(&self, n: u128) -> &'static str {
        self.snapshot.reservations.get(&order(n)).map_or("missing", |reservation| reservation.state.name())
    }

    /// What must hold at all times, for every product.
    fn check(&self) {
        for (id, stock) in &self.snapshot.stock {
            let held: u64 = self
                .snapshot
                .reservations
                .values()
                .filter_map(|reservation| match &reservation.state {
                    ReservationState::Held(hold) => pieces_by_product(&hold.lines).get(id).copied(),
                    _ => None,
                })
                .sum();
            let of_product = || self.movements.iter().filter(|movement| movement.product_id == *id);
            let sum: i64 = of_product().map(|movement| movement.delta).sum();
            let put_in: i64 = of_product()
                .filter(|movement| matches!(movement.kind, MovementKind::Initial | MovementKind::Adjustment))
                .map(|movement| movement.delta)
                .sum();
            assert!(stock.reserved <= stock.on_hand, "{stock:?}");
            assert_eq!(stock.reserved, held, "reserved is the sum of the holds: {stock:?}");
            assert_eq!(sum, stock.on_hand.cast_signed(), "the movements add up: {stock:?}");
            assert_eq!(put_in, (stock.on_hand + stock.committed).cast_signed(), "{stock:?}");
        }
    }
}

fn names(writes: &Writes<InventoryContext>) -> Vec<&'static str> {
    writes.outbox.iter().map(|envelope| envelope.event.event_type().name()).collect()
}

#[test]
fn exactly_the_events_of_the_fleet_are_consumed() {
    let role = fleet::role(Service::Inventory).unwrap();
    for event_type in EventType::ALL {
        let consumed = InventoryContext::on_event(&sample(*event_type)).is_some();
        assert_eq!(consumed, role.consumes.contains(event_type), "{}", event_type.name());
    }
}

#[test]
fn only_the_hold_timer_is_known() {
    let timer = |kind: &'static str| Timer { subject: order(1).0, kind: kind.into(), epoch: 3 };
    assert_eq!(InventoryContext::on_timer(&timer("hold")), Some(Input::HoldDue { order_id: order(1), epoch: 3 }));
    assert_eq!(InventoryContext::on_timer(&timer("other")), None);
}
