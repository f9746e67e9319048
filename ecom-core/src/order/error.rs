//! Why the order context refuses.

use thiserror::Error;

use super::model::{MetadataError, Order, Status};
use crate::id::{OrderId, ProductId};
use crate::money::{Currency, Money};
use crate::quantity::Quantity;
use crate::saga::Refused;

/// Why an input was refused, one variant per broken rule. `line` counts the lines as they were given, from 0.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Error)]
pub enum Rejection {
    /// Nothing is ordered.
    #[error("an order has at least one item")]
    NoItems,
    /// Too much is ordered.
    #[error("an order has {count} items, more than {}", Order::LINES_MAX)]
    TooManyItems {
        /// How many.
        count: usize,
    },
    /// The lines of one product are too many pieces together.
    #[error("the lines of product {product_id} ask for more than {} pieces", Quantity::MAX)]
    QuantityTooLarge {
        /// The line that was too much.
        line: usize,
        /// The product.
        product_id: ProductId,
    },
    /// The catalogue does not have the product.
    #[error("there is no product {product_id}")]
    UnknownProduct {
        /// Which line.
        line: usize,
        /// The product.
        product_id: ProductId,
    },
    /// The product is not for sale.
    #[error("product {product_id} is not for sale")]
    ProductUnavailable {
        /// Which line.
        line: usize,
        /// The product.
        product_id: ProductId,
    },
    /// The price that the buyer saw is not the price.
    #[error("product {product_id} costs {price}, not {given}")]
    PriceChanged {
        /// Which line.
        line: usize,
        /// The product.
        product_id: ProductId,
        /// The price that was given.
        given: Money,
        /// The price.
        price: Money,
    },
    /// The products are priced in several currencies.
    #[error("the items are priced in {} and in {}", .first.code(), .other.code())]
    MixedCurrencies {
        /// The first line's.
        first: Currency,
        /// Another line's.
        other: Currency,
    },
    /// The total is too large to be counted.
    #[error("the total is too large")]
    TotalOverflow,
    /// The metadata cannot be kept.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// The id of a new order is in use by another user's.
    #[error("there is an order {0} already")]
    OrderExists(OrderId),
    /// A command about an order that is not there, or not the commander's.
    #[error("there is no order {0}")]
    OrderNotFound(OrderId),
    /// The reason of a cancellation is too long.
    #[error("a reason has up to {} characters", Order::REASON_MAX)]
    ReasonTooLong,
    /// The order has ended otherwise.
    #[error("the order is {}", .status.as_str())]
    NotCancellable {
        /// Its state.
        status: Status,
    },
    /// A fact about an order that is not there. It is kept for an operator.
    #[error("a fact about an unknown order {0}")]
    UnknownOrder(OrderId),
    /// Another amount was captured than the order's total. It is kept for an operator.
    #[error("{captured} was captured for order {order_id}, whose total is {total}")]
    AmountMismatch {
        /// The order.
        order_id: OrderId,
        /// The order's total.
        total: Money,
        /// What was captured.
        captured: Money,
    },
    /// Nothing is owed.
    #[error("nothing is owed, so there is nothing to ask for again")]
    NothingToRetry,
    /// Nothing needs attention.
    #[error("the order does not need attention, so there is nothing to resolve")]
    NothingToResolve,
}

impl Rejection {
    /// The stable word for it.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoItems => "no_items",
            Self::TooManyItems { .. } => "too_many_items",
            Self::QuantityTooLarge { .. } => "invalid_quantity",
            Self::UnknownProduct { .. } => "unknown_product",
            Self::ProductUnavailable { .. } => "product_unavailable",
            Self::PriceChanged { .. } => "price_changed",
            Self::MixedCurrencies { .. } => "mixed_currencies",
            Self::TotalOverflow => "total_overflow",
            Self::Metadata(_) => "invalid_metadata",
            Self::OrderExists(_) => "order_exists",
            Self::OrderNotFound(_) => "order_not_found",
            Self::ReasonTooLong => "reason_too_long",
            Self::NotCancellable { .. } => "not_cancellable",
            Self::UnknownOrder(_) => "unknown_order",
            Self::AmountMismatch { .. } => "amount_mismatch",
            Self::NothingToRetry => "nothing_to_retry",
            Self::NothingToResolve => "nothing_to_resolve",
        }
    }

    /// The JSON pointer of the field of a command that is invalid; `None` when no single field is.
    pub fn pointer(&self) -> Option<String> {
        match self {
            Self::NoItems | Self::TooManyItems { .. } | Self::MixedCurrencies { .. } | Self::TotalOverflow => {
                Some("/items".to_owned())
            }
            Self::QuantityTooLarge { line, .. } => Some(format!("/items/{line}/quantity")),
            Self::UnknownProduct { line, .. } | Self::ProductUnavailable { line, .. } => {
                Some(format!("/items/{line}/product_id"))
            }
            Self::PriceChanged { line, .. } => Some(format!("/items/{line}/unit_price")),
            Self::Metadata(_) => Some("/metadata".to_owned()),
            Self::ReasonTooLong => Some("/reason".to_owned()),
            Self::OrderExists(_)
            | Self::OrderNotFound(_)
            | Self::NotCancellable { .. }
            | Self::UnknownOrder(_)
            | Self::AmountMismatch { .. }
            | Self::NothingToRetry
            | Self::NothingToResolve => None,
        }
    }
}

impl Rejection {
    /// From the kit's refusal about that order.
    pub(super) fn of(refused: Refused<Self>, order_id: OrderId) -> Self {
        match refused {
            Refused::Rule(rejection) => rejection,
            Refused::NothingToRetry => Self::NothingToRetry,
            Refused::NothingToResolve => Self::NothingToResolve,
            Refused::Unknown(_) => Self::UnknownOrder(order_id),
        }
    }
}
