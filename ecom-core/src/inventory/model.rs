//! Products, stock, reservations and movements.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

use crate::event::{FailureCode, Line, ProductChanged, Service, Shortage};
use crate::id::{CorrelationId, OrderId, PaymentMethodId, ProductId, ReservationId, UserId, derive};
use crate::money::Money;
use crate::time::Timestamp;

/// The kind of the timer that watches a hold.
pub const HOLD_TIMER: &str = "hold";

/// Something that is sold.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Product {
    /// Its id.
    pub id: ProductId,
    /// Stock keeping unit: unique, 1 to [`Product::SKU_MAX`] printable ASCII characters.
    pub sku: String,
    /// 1 to [`Product::NAME_MAX`] characters.
    pub name: String,
    /// Up to [`Product::DESCRIPTION_MAX`] characters.
    pub description: String,
    /// The price of one piece, zero or more.
    pub price: Money,
    /// Whether it is for sale.
    pub is_active: bool,
    /// Rises by 1 with each change of the product; its stock has a version of its own.
    pub version: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Product {
    /// The most characters of a stock keeping unit.
    pub const SKU_MAX: usize = 64;
    /// The most characters of a name.
    pub const NAME_MAX: usize = 200;
    /// The most characters of a description.
    pub const DESCRIPTION_MAX: usize = 10_000;

    /// The product as its events tell it.
    pub fn changed(&self) -> ProductChanged {
        ProductChanged {
            product_id: self.id,
            version: self.version,
            sku: self.sku.clone(),
            name: self.name.clone(),
            price: self.price,
            is_active: self.is_active,
        }
    }
}

/// How many pieces of a product there are, in pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Stock {
    /// Of which product.
    pub product_id: ProductId,
    /// In the warehouse.
    pub on_hand: u64,
    /// Of those, held for orders.
    pub reserved: u64,
    /// Ever sold.
    pub committed: u64,
    /// Rises by 1 with each change.
    pub version: u64,
}

/// Why pieces could not be moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum StockError {
    /// More pieces were asked for than are there for the purpose.
    #[error("{asked} pieces asked for, {there} there")]
    Short {
        /// Asked for.
        asked: u64,
        /// There for that purpose.
        there: u64,
    },
    /// The result is beyond what a stock can count.
    #[error("a stock counts to {}", Stock::PIECES_MAX)]
    Limit,
}

impl Stock {
    /// The most pieces on hand.
    pub const PIECES_MAX: u64 = 1_000_000_000;

    /// The stock of a new product.
    pub fn new(product_id: ProductId, on_hand: u64) -> Result<Self, StockError> {
        if on_hand > Self::PIECES_MAX {
            return Err(StockError::Limit);
        }
        Ok(Self { product_id, on_hand, reserved: 0, committed: 0, version: 1 })
    }

    /// Pieces that can be held for a new order.
    pub const fn available(&self) -> u64 {
        self.on_hand.saturating_sub(self.reserved)
    }

    /// Holds pieces; never more than are available.
    pub fn reserve(self, pieces: u64) -> Result<Self, StockError> {
        if pieces > self.available() {
            return Err(StockError::Short { asked: pieces, there: self.available() });
        }
        Ok(self.next(self.on_hand, self.reserved + pieces, self.committed))
    }

    /// Lets held pieces go; never more than are held.
    pub fn release(self, pieces: u64) -> Result<Self, StockError> {
        let reserved = take(self.reserved, pieces)?;
        Ok(self.next(self.on_hand, reserved, self.committed))
    }

    /// Sells held pieces; never more than are held.
    pub fn commit(self, pieces: u64) -> Result<Self, StockError> {
        let (reserved, on_hand) = (take(self.reserved, pieces)?, take(self.on_hand, pieces)?);
        let committed = self.committed.checked_add(pieces).ok_or(StockError::Limit)?;
        Ok(self.next(on_hand, reserved, committed))
    }

    /// Puts pieces in, or takes out what is not held.
    pub fn adjust(self, delta: i64) -> Result<Self, StockError> {
        let on_hand = if delta < 0 {
            if delta.unsigned_abs() > self.available() {
                return Err(StockError::Short { asked: delta.unsigned_abs(), there: self.available() });
            }
            self.on_hand - delta.unsigned_abs()
        } else {
            self.on_hand
                .checked_add(delta.unsigned_abs())
                .filter(|pieces| *pieces <= Self::PIECES_MAX)
                .ok_or(StockError::Limit)?
        };
        Ok(self.next(on_hand, self.reserved, self.committed))
    }

    const fn next(self, on_hand: u64, reserved: u64, committed: u64) -> Self {
        Self { product_id: self.product_id, on_hand, reserved, committed, version: self.version + 1 }
    }
}

fn take(there: u64, asked: u64) -> Result<u64, StockError> {
    there.checked_sub(asked).ok_or(StockError::Short { asked, there })
}

/// A product with what can be bought of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StockedProduct {
    /// The product.
    pub product: Product,
    /// Pieces available.
    pub available: u64,
}

/// What inventory has decided about an order, for ever.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Reservation {
    /// The order; there is one reservation for each.
    pub order_id: OrderId,
    /// What became of it.
    pub state: ReservationState,
    /// When the order was first heard of.
    pub created_at: Timestamp,
    /// Rises by 1 with each change.
    pub version: u64,
}

/// What became of an order's reservation.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ReservationState {
    /// The pieces are held.
    Held(Hold),
    /// The pieces were sold.
    Committed(Hold),
    /// The pieces were let go.
    Released(Hold),
    /// Nothing was held.
    Refused {
        /// Who ordered.
        user_id: UserId,
        /// Why.
        reason: FailureCode,
        /// The lines that failed.
        shortages: Vec<Shortage>,
    },
    /// The order had ended before it was asked for: nothing is ever held for it.
    Barred,
}

impl ReservationState {
    /// The state's name.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Held(_) => "held",
            Self::Committed(_) => "committed",
            Self::Released(_) => "released",
            Self::Refused { .. } => "refused",
            Self::Barred => "barred",
        }
    }

    /// The hold, as long as there is or was one.
    pub const fn hold(&self) -> Option<&Hold> {
        match self {
            Self::Held(hold) | Self::Committed(hold) | Self::Released(hold) => Some(hold),
            Self::Refused { .. } | Self::Barred => None,
        }
    }

    /// Who ordered; `None` when that was never told.
    pub const fn user_id(&self) -> Option<UserId> {
        match self {
            Self::Held(hold) | Self::Committed(hold) | Self::Released(hold) => Some(hold.user_id),
            Self::Refused { user_id, .. } => Some(*user_id),
            Self::Barred => None,
        }
    }
}

/// Pieces set aside for an order.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Hold {
    /// Its id, derived from the order's.
    pub reservation_id: ReservationId,
    /// Who ordered.
    pub user_id: UserId,
    /// The order's lines as it told them.
    pub lines: Vec<Line>,
    /// What is to be paid.
    pub total: Money,
    /// How; `None`: the user's default method.
    pub payment_method_id: Option<PaymentMethodId>,
    /// When the hold is, or was to be, reported overdue.
    pub alarm_at: Timestamp,
    /// What everything of the order shares; its alarm has no other way to know.
    pub correlation: CorrelationId,
}

/// The id of an order's hold.
pub fn reservation_id(order_id: OrderId) -> ReservationId {
    ReservationId(derive(Service::Inventory.name(), order_id.0, "reservation", order_id.0, 0))
}

/// How many pieces of each product the lines ask for, lines of one product added up, in the products' order.
pub fn pieces_by_product(lines: &[Line]) -> BTreeMap<ProductId, u64> {
    let mut pieces = BTreeMap::new();
    for line in lines {
        let sum: &mut u64 = pieces.entry(line.product_id).or_default();
        *sum = sum.saturating_add(u64::from(line.quantity.get()));
    }
    pieces
}

/// A line of the log of what is on hand: append-only, its deltas add up to `on_hand`. Holds are no movements.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Movement {
    /// Its id, derived from what caused it.
    pub id: Uuid,
    /// Of which product.
    pub product_id: ProductId,
    /// What kind of movement.
    pub kind: MovementKind,
    /// How `on_hand` changed, in pieces.
    pub delta: i64,
    /// Why.
    pub reason: String,
    /// The administrator who did it; `None` when the order did.
    pub actor: Option<UserId>,
    /// When.
    pub at: Timestamp,
}

/// What a movement was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum MovementKind {
    /// The stock that a product began with.
    Initial,
    /// An administrator's change.
    Adjustment,
    /// A sale.
    Commit {
        /// The order.
        order_id: OrderId,
    },
}

impl MovementKind {
    /// The kind's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Initial => "initial",
            Self::Adjustment => "adjustment",
            Self::Commit { .. } => "commit",
        }
    }

    /// The order of a sale.
    pub const fn order_id(self) -> Option<OrderId> {
        match self {
            Self::Commit { order_id } => Some(order_id),
            Self::Initial | Self::Adjustment => None,
        }
    }
}
