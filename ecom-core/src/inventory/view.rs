//! Inventory over HTTP: the JSON bodies.

use serde::Serialize;
use uuid::Uuid;

use crate::event::Line;
use crate::id::{OrderId, ProductId, UserId};
use crate::inventory::model::{Movement, Product, Reservation, Stock, StockedProduct};
use crate::money::Money;
use crate::time::Timestamp;

/// A product as everybody sees it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct ProductView {
    /// Its id.
    pub id: ProductId,
    /// Stock keeping unit.
    pub sku: String,
    /// Its name.
    pub name: String,
    /// What it is.
    pub description: String,
    /// The price of one piece.
    pub price: Money,
    /// Whether it is for sale.
    pub is_active: bool,
    /// Pieces available.
    pub available: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl ProductView {
    /// From a product and the pieces available of it.
    pub fn new(product: &Product, available: u64) -> Self {
        Self {
            id: product.id,
            sku: product.sku.clone(),
            name: product.name.clone(),
            description: product.description.clone(),
            price: product.price,
            is_active: product.is_active,
            available,
            created_at: product.created_at,
            updated_at: product.updated_at,
        }
    }
}

impl From<&StockedProduct> for ProductView {
    fn from(stocked: &StockedProduct) -> Self {
        Self::new(&stocked.product, stocked.available)
    }
}

/// A product's stock as an administrator sees it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct StockView {
    /// Of which product.
    pub product_id: ProductId,
    /// In the warehouse.
    pub on_hand: u64,
    /// Of those, held.
    pub reserved: u64,
    /// Of those, not held.
    pub available: u64,
    /// Ever sold.
    pub committed: u64,
}

impl From<&Stock> for StockView {
    fn from(stock: &Stock) -> Self {
        Self {
            product_id: stock.product_id,
            on_hand: stock.on_hand,
            reserved: stock.reserved,
            available: stock.available(),
            committed: stock.committed,
        }
    }
}

/// A line of a product's log.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct MovementView {
    /// Its id.
    pub id: Uuid,
    /// `initial`, `adjustment` or `commit`.
    pub kind: &'static str,
    /// How `on_hand` changed.
    pub delta: i64,
    /// Why.
    pub reason: String,
    /// Who did it; null when an order did.
    pub actor: Option<UserId>,
    /// The order of a sale.
    pub order_id: Option<OrderId>,
    /// When.
    pub at: Timestamp,
}

impl From<&Movement> for MovementView {
    fn from(movement: &Movement) -> Self {
        Self {
            id: movement.id,
            kind: movement.kind.name(),
            delta: movement.delta,
            reason: movement.reason.clone(),
            actor: movement.actor,
            order_id: movement.kind.order_id(),
            at: movement.at,
        }
    }
}

/// An order's hold as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct ReservationView {
    /// The order.
    pub order_id: OrderId,
    /// `held`, `committed` or `released`.
    pub state: &'static str,
    /// What is or was held.
    pub lines: Vec<Line>,
    /// When the order was first heard of.
    pub created_at: Timestamp,
    /// When the hold is, or was to be, reported overdue.
    pub alarm_at: Timestamp,
}

impl ReservationView {
    /// From a reservation; `None` when nothing was ever held, so that there is nothing to show.
    pub fn of(reservation: &Reservation) -> Option<Self> {
        let hold = reservation.state.hold()?;
        Some(Self {
            order_id: reservation.order_id,
            state: reservation.state.name(),
            lines: hold.lines.clone(),
            created_at: reservation.created_at,
            alarm_at: hold.alarm_at,
        })
    }
}
