//! What inventory loads and writes, and the queries that HTTP asks.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;

use super::error::Rejection;
use super::message::{Input, Reply};
use super::model::{HOLD_TIMER, Movement, Product, Reservation, Stock, StockedProduct};
use super::rules;
use super::view::{ProductView, StockView};
use crate::decide::{Answer, BoundedContext, Context, Decision, NoEffect, Row, Timer};
use crate::engine::Fault;
use crate::event::{Event, Service};
use crate::id::{MessageId, OrderId, ProductId};
use crate::port::{Page, PageRequest};

/// The inventory context.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct InventoryContext;

/// The keys of the rows that inputs need.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InventoryScope {
    /// Products, each with its stock.
    pub products: BTreeSet<ProductId>,
    /// Stock keeping units that are wanted for new products.
    pub skus: BTreeSet<String>,
    /// Orders, each with its reservation and the stock of the products that it holds.
    pub orders: BTreeSet<OrderId>,
}

/// Those rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct InventorySnapshot {
    /// Products.
    pub products: BTreeMap<ProductId, Product>,
    /// Stock; every product has one.
    pub stock: BTreeMap<ProductId, Stock>,
    /// Those of the wanted stock keeping units that are taken, and by whom.
    pub skus: BTreeMap<String, ProductId>,
    /// Reservations.
    pub reservations: BTreeMap<OrderId, Reservation>,
}

/// A change of one row.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// The product as it now is.
    PutProduct(Product),
    /// The stock as it now is.
    PutStock(Stock),
    /// The reservation as it now is.
    PutReservation(Reservation),
    /// A new line of the log.
    AddMovement(Movement),
}

impl BoundedContext for InventoryContext {
    const SERVICE: Service = Service::Inventory;
    type Input = Input;
    type Scope = InventoryScope;
    type Snapshot = InventorySnapshot;
    type Change = Change;
    type Effect = NoEffect;
    type EffectAnswer = NoEffect;
    type Reply = Reply;
    type Rejection = Rejection;

    fn scope(input: &Input, scope: &mut InventoryScope) {
        match input {
            Input::CreateProduct(command) => {
                scope.products.insert(command.id);
                scope.skus.insert(command.sku.clone());
            }
            Input::ChangeProduct(command) => {
                scope.products.insert(command.id);
            }
            Input::AdjustStock(command) => {
                scope.products.insert(command.product_id);
            }
            Input::Resync(products) => scope.products.extend(products),
            Input::OrderCreated(order) => {
                scope.orders.insert(order.order_id);
                scope.products.extend(order.items.iter().map(|line| line.product_id));
            }
            Input::OrderCompleted(order) => {
                scope.orders.insert(order.order_id);
            }
            Input::OrderFailed(order) => {
                scope.orders.insert(order.order_id);
            }
            Input::OrderCancelled(order) => {
                scope.orders.insert(order.order_id);
            }
            Input::HoldDue { order_id, .. } => {
                scope.orders.insert(*order_id);
            }
        }
    }

    fn decide(snapshot: &InventorySnapshot, input: &Input, context: &Context<'_>) -> Result<Decision<Self>, Rejection> {
        rules::decide(snapshot, input, context)
    }

    fn apply(snapshot: &mut InventorySnapshot, change: &Change) {
        match change {
            Change::PutProduct(product) => {
                snapshot.skus.insert(product.sku.clone(), product.id);
                snapshot.products.insert(product.id, product.clone());
            }
            Change::PutStock(stock) => {
                snapshot.stock.insert(stock.product_id, *stock);
            }
            Change::PutReservation(reservation) => {
                snapshot.reservations.insert(reservation.order_id, reservation.clone());
            }
            // No rule reads the log.
            Change::AddMovement(_) => {}
        }
    }

    fn row(change: &Change) -> Option<Row> {
        Some(match change {
            Change::PutProduct(product) => Row { kind: "product", key: product.id.0, version: product.version },
            Change::PutStock(stock) => Row { kind: "stock", key: stock.product_id.0, version: stock.version },
            Change::PutReservation(reservation) => {
                Row { kind: "reservation", key: reservation.order_id.0, version: reservation.version }
            }
            Change::AddMovement(_) => return None,
        })
    }

    fn on_event(event: &Event) -> Option<Input> {
        match event {
            Event::OrderCreated(order) => Some(Input::OrderCreated(order.clone())),
            Event::OrderCompleted(order) => Some(Input::OrderCompleted(order.clone())),
            Event::OrderFailed(order) => Some(Input::OrderFailed(order.clone())),
            Event::OrderCancelled(order) => Some(Input::OrderCancelled(order.clone())),
            Event::InventoryReserved(_)
            | Event::InventoryReservationFailed(_)
            | Event::InventoryReleased(_)
            | Event::InventoryCommitted(_)
            | Event::InventoryHoldOverdue(_)
            | Event::PaymentProcessed(_)
            | Event::PaymentFailed(_)
            | Event::PaymentVoided(_)
            | Event::PaymentRefunded(_)
            | Event::ProductCreated(_)
            | Event::ProductUpdated(_)
            | Event::StockLow(_)
            | Event::UserRegistered(_)
            | Event::UserUpdated(_)
            | Event::UserDeactivated(_)
            | Event::PasswordResetRequested(_)
            | Event::NotificationSent(_)
            | Event::NotificationFailed(_) => None,
        }
    }

    fn on_timer(timer: &Timer) -> Option<Input> {
        (timer.kind == HOLD_TIMER).then_some(Input::HoldDue { order_id: OrderId(timer.subject), epoch: timer.epoch })
    }

    fn on_answer(_id: MessageId, effect: NoEffect, _attempts: u32, _answer: NoEffect) -> Input {
        match effect {}
    }

    fn answer(reply: &Reply) -> Answer {
        match reply {
            Reply::Created { product, available } => answer(201, product.id, &ProductView::new(product, *available)),
            Reply::Changed { product, available } => answer(200, product.id, &ProductView::new(product, *available)),
            Reply::Adjusted(stock) => answer(200, stock.product_id, &StockView::from(stock)),
            Reply::Resynced { count } => {
                Answer { status: 202, resource: uuid::Uuid::nil(), body: format!("{{\"count\":{count}}}").into() }
            }
        }
    }
}

/// Serialising a view cannot fail: it is made of strings, numbers and lists.
fn answer<V: serde::Serialize>(status: u16, product_id: ProductId, view: &V) -> Answer {
    Answer { status, resource: product_id.0, body: serde_json::to_string(view).unwrap_or_default().into() }
}

/// Which products to list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ProductFilter {
    /// Exactly this stock keeping unit.
    pub sku: Option<String>,
    /// This text in name, description or stock keeping unit, in any case of ASCII letters.
    pub q: Option<String>,
}

/// The queries that HTTP asks. They see what is committed.
#[async_trait]
pub trait InventoryReader: Send + Sync + 'static {
    /// A product.
    async fn product(&self, id: ProductId) -> Result<Option<StockedProduct>, Fault>;

    /// Products, newest first.
    async fn products(&self, filter: &ProductFilter, page: PageRequest) -> Result<Page<StockedProduct>, Fault>;

    /// A product's stock.
    async fn stock(&self, product_id: ProductId) -> Result<Option<Stock>, Fault>;

    /// A product's log, newest first; empty for an unknown product.
    async fn movements(&self, product_id: ProductId, page: PageRequest) -> Result<Page<Movement>, Fault>;

    /// What was decided about an order.
    async fn reservation(&self, order_id: OrderId) -> Result<Option<Reservation>, Fault>;
}
