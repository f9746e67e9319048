//! Products, their stock, and the holds of orders.
//!
//! What it promises:
//! - For each product, at all times: `0 ≤ reserved ≤ on_hand`, `reserved` is the sum of the holds, and
//!   `on_hand + committed` is what was ever put in. The movements add up to `on_hand`.
//! - An order is held as a whole or not at all, and once: the order's id is the key of its reservation for ever.
//! - A hold ends only by its order's end. Its alarm asks whether that end was lost; it never lets go by itself, so a
//!   commit cannot fail for want of stock and no piece is sold twice.
//! - An order that ended before it was asked for leaves a bar, so that a late question holds nothing.
//! - Each end of an order is answered, every time it is told: `inventory.committed` or `inventory.released`.

mod error;
mod message;
mod model;
mod rules;
mod store;
#[cfg(test)]
mod tests;
mod view;

pub use error::Rejection;
pub use message::{AdjustStock, ChangeProduct, CreateProduct, Input, ProductPatch, Reply};
pub use model::{
    HOLD_TIMER, Hold, Movement, MovementKind, Product, Reservation, ReservationState, Stock, StockError,
    StockedProduct, pieces_by_product, reservation_id,
};
pub use store::{Change, InventoryContext, InventoryReader, InventoryScope, InventorySnapshot, ProductFilter};
pub use view::{MovementView, ProductView, ReservationView, StockView};
