//! What can happen to inventory, and what a waiting caller is told.

use crate::event;
use crate::id::{OrderId, ProductId, UserId};
use crate::inventory::model::{Product, Stock};
use crate::money::Money;

/// Everything that can happen to inventory.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// An administrator adds a product.
    CreateProduct(CreateProduct),
    /// An administrator changes a product.
    ChangeProduct(ChangeProduct),
    /// An administrator puts pieces in, or takes pieces out that are not held.
    AdjustStock(AdjustStock),
    /// An operator wants the current versions of these products published again. Unknown ones are passed over.
    Resync(Vec<ProductId>),
    /// An order asks for stock.
    OrderCreated(event::OrderCreated),
    /// An order is complete: its hold is sold.
    OrderCompleted(event::OrderCompleted),
    /// An order has failed: its hold is let go.
    OrderFailed(event::OrderFailed),
    /// An order was cancelled: its hold is let go.
    OrderCancelled(event::OrderCancelled),
    /// A hold's alarm is due.
    HoldDue {
        /// The order that holds.
        order_id: OrderId,
        /// The version of the reservation that set the alarm.
        epoch: u64,
    },
}

/// Adds a product.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CreateProduct {
    /// Its id, minted by the caller.
    pub id: ProductId,
    /// Stock keeping unit: 1 to 64 printable ASCII characters.
    pub sku: String,
    /// 1 to 200 characters.
    pub name: String,
    /// Up to 10,000 characters.
    pub description: String,
    /// Zero or more.
    pub price: Money,
    /// Pieces on hand at the start.
    pub initial_stock: u64,
    /// Who adds it.
    pub actor: UserId,
}

/// Changes a product.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ChangeProduct {
    /// Which.
    pub id: ProductId,
    /// What is to change.
    pub patch: ProductPatch,
    /// Who changes it.
    pub actor: UserId,
}

/// What is to change about a product; `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ProductPatch {
    /// The name.
    pub name: Option<String>,
    /// The description.
    pub description: Option<String>,
    /// The price; orders that were accepted before keep theirs.
    pub price: Option<Money>,
    /// Whether it is for sale.
    pub is_active: Option<bool>,
}

/// Puts pieces in, or takes pieces out that are not held.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AdjustStock {
    /// Of which product.
    pub product_id: ProductId,
    /// How many pieces more, or fewer; not zero.
    pub delta: i64,
    /// Why: 1 to 200 characters.
    pub reason: String,
    /// Who does it.
    pub actor: UserId,
}

/// What a waiting caller is told.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Reply {
    /// The product was added.
    Created {
        /// As it now is.
        product: Product,
        /// Pieces available.
        available: u64,
    },
    /// The product is as asked for.
    Changed {
        /// As it now is.
        product: Product,
        /// Pieces available.
        available: u64,
    },
    /// The stock was adjusted.
    Adjusted(Stock),
    /// The products were published again.
    Resynced {
        /// How many.
        count: usize,
    },
}
