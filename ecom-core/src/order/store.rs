//! What the order context loads and writes, and the queries that HTTP asks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use serde::Serialize;

use super::error::Rejection;
use super::message::{Fact, Input, Notice, Reply};
use super::model::{CatalogueEntry, Order, OrderSaga, Status};
use super::view::{OrderView, SagaView};
use super::{message, rules};
use crate::body::Body;
use crate::decide::{Answer, BoundedContext, Context, Decision, NoEffect, Row, Timer};
use crate::engine::{Fault, HistoryRow};
use crate::event::{Event, Service};
use crate::id::{MessageId, OrderId, ProductId, UserId};
use crate::port::{Page, PageRequest};
use crate::saga::OWED;
use crate::time::Timestamp;

/// The order context.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OrderContext;

/// The keys of the rows that inputs need.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderScope {
    /// Orders.
    pub orders: BTreeSet<OrderId>,
    /// Products of the catalogue.
    pub products: BTreeSet<ProductId>,
}

/// Those rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct OrderSnapshot {
    /// Orders.
    pub orders: BTreeMap<OrderId, Arc<Order>>,
    /// The catalogue.
    pub catalogue: BTreeMap<ProductId, CatalogueEntry>,
}

/// A change of one row.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// The order as it now is. Items, total and everything else about its placing never change after version 1.
    PutOrder(Arc<Order>),
    /// The product as it now is.
    PutCatalogueEntry(CatalogueEntry),
}

impl BoundedContext for OrderContext {
    const SERVICE: Service = Service::Order;
    type Input = Input;
    type Scope = OrderScope;
    type Snapshot = OrderSnapshot;
    type Change = Change;
    type Effect = NoEffect;
    type EffectAnswer = NoEffect;
    type Reply = Reply;
    type Rejection = Rejection;

    fn scope(input: &Input, scope: &mut OrderScope) {
        match input {
            Input::Place(place) => {
                scope.orders.insert(place.order_id);
                scope.products.extend(place.items.iter().map(|line| line.product_id));
            }
            Input::Saga { order_id, .. } => {
                scope.orders.insert(*order_id);
            }
            Input::ProductChanged(product) => {
                scope.products.insert(product.product_id);
            }
            Input::Notice(notice) => scope.orders.extend(notice.order_id),
        }
    }

    fn decide(snapshot: &OrderSnapshot, input: &Input, context: &Context<'_>) -> Result<Decision<Self>, Rejection> {
        rules::decide(snapshot, input, context)
    }

    fn apply(snapshot: &mut OrderSnapshot, change: &Change) {
        match change {
            Change::PutOrder(order) => {
                snapshot.orders.insert(order.id, Arc::clone(order));
            }
            Change::PutCatalogueEntry(entry) => {
                snapshot.catalogue.insert(entry.product_id, entry.clone());
            }
        }
    }

    fn row(change: &Change) -> Option<Row> {
        Some(match change {
            Change::PutOrder(order) => Row { kind: "order", key: order.id.0, version: order.version() },
            Change::PutCatalogueEntry(entry) => {
                Row { kind: "catalogue", key: entry.product_id.0, version: entry.version }
            }
        })
    }

    fn on_event(event: &Event) -> Option<Input> {
        let fact = |order_id, fact| Some(Input::fact(order_id, fact));
        match event {
            Event::InventoryReserved(it) => fact(it.order_id, Fact::InventoryReserved),
            Event::InventoryReservationFailed(it) => {
                fact(it.order_id, Fact::ReservationFailed { reason: it.reason, detail: message::shortages(&it.items) })
            }
            Event::InventoryReleased(it) => {
                fact(it.order_id, Fact::InventoryReleased { held: it.reservation_id.is_some() })
            }
            Event::InventoryCommitted(it) => fact(it.order_id, Fact::InventoryCommitted),
            Event::InventoryHoldOverdue(it) => fact(it.order_id, Fact::HoldOverdue),
            Event::PaymentProcessed(it) => fact(it.order_id, Fact::PaymentProcessed { amount: it.amount }),
            Event::PaymentFailed(it) => {
                fact(it.order_id, Fact::PaymentFailed { reason: it.reason, detail: it.detail.clone() })
            }
            Event::PaymentVoided(it) => fact(
                it.order_id,
                Fact::PaymentVoided { known: it.payment_id.is_some(), authorized: it.amount.is_some() },
            ),
            Event::PaymentRefunded(it) => fact(it.order_id, Fact::PaymentRefunded { full: it.full, undo: it.undo }),
            Event::ProductCreated(it) | Event::ProductUpdated(it) => Some(Input::ProductChanged(it.clone())),
            Event::NotificationSent(it) => Some(Input::Notice(Notice::of(it, true))),
            Event::NotificationFailed(it) => Some(Input::Notice(Notice::of(it, false))),
            Event::OrderCreated(_)
            | Event::OrderCompleted(_)
            | Event::OrderFailed(_)
            | Event::OrderCancelled(_)
            | Event::StockLow(_)
            | Event::UserRegistered(_)
            | Event::UserUpdated(_)
            | Event::UserDeactivated(_)
            | Event::PasswordResetRequested(_) => None,
        }
    }

    fn on_timer(timer: &Timer) -> Option<Input> {
        let known = timer.kind == OWED || OrderSaga::WAITS.contains(&&*timer.kind);
        known.then(|| Input::deadline(OrderId(timer.subject), timer.kind.clone(), timer.epoch))
    }

    fn on_answer(_id: MessageId, effect: NoEffect, _attempts: u32, _answer: NoEffect) -> Input {
        match effect {}
    }

    fn answer(reply: &Reply) -> Answer {
        match reply {
            Reply::Placed(order) => answer(201, order, |order| json(&OrderView::from(order))),
            Reply::Cancelled(order) => answer(202, order, |order| json(&OrderView::from(order))),
            Reply::Administered(order) => answer(200, order, |order| json(&SagaView::from(order))),
        }
    }
}

fn answer(status: u16, order: &Arc<Order>, view: fn(&Order) -> String) -> Answer {
    let shown = Arc::clone(order);
    Answer { status, resource: order.id.0, body: Body::made(move || view(&shown)) }
}

/// Serialising a view cannot fail: it is made of strings, numbers and lists.
fn json<V: Serialize>(view: &V) -> String {
    serde_json::to_string(view).unwrap_or_default()
}

/// Which orders to list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct OrderFilter {
    /// Only this user's.
    pub user_id: Option<UserId>,
    /// Only in this state.
    pub status: Option<Status>,
}

/// Which sagas to list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SagaFilter {
    /// Only in this state.
    pub status: Option<Status>,
    /// Only of orders placed before this time.
    pub placed_before: Option<Timestamp>,
    /// Only those that an operator must look at.
    pub needs_attention: bool,
    /// Only those that are under way, or still owed something.
    pub unsettled: bool,
}

/// The queries that HTTP asks. They see what is committed.
#[async_trait]
pub trait OrderReader: Send + Sync + 'static {
    /// An order.
    async fn order(&self, id: OrderId) -> Result<Option<Order>, Fault> {
        Ok(self.orders_by_id(&[id]).await?.pop())
    }

    /// These orders, in any order and by one query; unknown ones are left out.
    async fn orders_by_id(&self, ids: &[OrderId]) -> Result<Vec<Order>, Fault>;

    /// Orders, newest first.
    async fn orders(&self, filter: OrderFilter, page: PageRequest) -> Result<Page<Order>, Fault>;

    /// What happened to an order, oldest first; empty for an unknown order.
    async fn timeline(&self, id: OrderId) -> Result<Vec<HistoryRow>, Fault>;

    /// What the order context knows of a product.
    async fn catalogue_entry(&self, id: ProductId) -> Result<Option<CatalogueEntry>, Fault>;

    /// Orders by the state of their sagas, newest first: for [`SagaView`].
    async fn sagas(&self, filter: SagaFilter, page: PageRequest) -> Result<Page<Order>, Fault>;
}
