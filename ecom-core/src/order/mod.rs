//! Orders and the saga that takes each of them to its end.
//!
//! What it promises:
//! - An order's status has one writer, and one end: completed, failed or cancelled. Nothing changes it afterwards.
//! - Facts may come late, twice and in any order; the end is the same. Waiting always has a deadline.
//! - Prices are the catalogue's when the order is placed, and stand from then on.
//! - An order that ended without a sale gets everything undone: what was held is let go, what was charged is given
//!   back. A completed one gets its stock sold. It is asked for until it is answered; an order for which nobody answers,
//!   or about which two facts contradict each other, is flagged for an operator.
//! - An order that is not terminal can be cancelled, at once.

mod error;
mod message;
mod model;
mod rules;
mod store;
#[cfg(test)]
mod tests;
mod view;

pub use error::Rejection;
pub use message::{Announce, Fact, Input, Notice, Place, PlacedLine, Reply};
pub use model::{
    Actor, CatalogueEntry, Debt, Ended, Item, Metadata, MetadataError, Order, OrderSaga, PaymentStatus, Running, Status,
};
pub use store::{Change, OrderContext, OrderFilter, OrderReader, OrderScope, OrderSnapshot, SagaFilter};
pub use view::{DebtView, FailureView, ItemView, OrderView, PaymentView, SagaView, TimelineEntryView, TimelineView};
