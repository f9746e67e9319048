//! Why inventory refuses.

use thiserror::Error;

use crate::id::{OrderId, ProductId};
use crate::inventory::model::{Product, Stock, StockError};

/// Why an input was refused, one variant per broken rule.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Error)]
pub enum Rejection {
    /// No such product.
    #[error("there is no product {0}")]
    ProductNotFound(ProductId),
    /// The id of a new product is in use.
    #[error("there is a product {0} already")]
    ProductExists(ProductId),
    /// Another product has the stock keeping unit.
    #[error("the SKU {sku:?} belongs to another product")]
    SkuTaken {
        /// The stock keeping unit.
        sku: String,
        /// The product that has it.
        owner: ProductId,
    },
    /// Not a stock keeping unit.
    #[error("a SKU has 1 to {} printable ASCII characters and no space at its ends", Product::SKU_MAX)]
    SkuInvalid,
    /// Not a name.
    #[error("a name has 1 to {} characters, none of them a control character", Product::NAME_MAX)]
    NameInvalid,
    /// Too long a description.
    #[error("a description has up to {} characters", Product::DESCRIPTION_MAX)]
    DescriptionInvalid,
    /// A price below zero.
    #[error("a price is zero or more")]
    PriceNegative,
    /// An adjustment that changes nothing.
    #[error("an adjustment is not zero")]
    DeltaZero,
    /// An adjustment without a reason.
    #[error("a reason has 1 to {} characters, none of them a control character", Product::NAME_MAX)]
    ReasonInvalid,
    /// More stock than can be counted.
    #[error("a stock counts to {}", Stock::PIECES_MAX)]
    StockLimitExceeded,
    /// The stock would fall below what is held.
    #[error("{asked} pieces of product {product_id} cannot be taken out: {available} are not held")]
    InsufficientStock {
        /// The product.
        product_id: ProductId,
        /// Pieces to take out.
        asked: u64,
        /// Pieces that are not held.
        available: u64,
    },
    /// Two ends of one order were told, or an end that its reservation excludes. It needs a human.
    #[error("{told} for order {order_id}, whose reservation is {state}")]
    Contradiction {
        /// The order.
        order_id: OrderId,
        /// The event.
        told: &'static str,
        /// The reservation's state; `missing` when there is none.
        state: &'static str,
    },
    /// The stock does not have what a hold says. It needs a human.
    #[error("the stock of product {product_id} does not fit the hold of order {order_id}: {error}")]
    StockInconsistent {
        /// The order.
        order_id: OrderId,
        /// The product.
        product_id: ProductId,
        /// What does not fit.
        error: StockError,
    },
}

impl Rejection {
    /// The stable word for it.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::ProductNotFound(_) => "product_not_found",
            Self::ProductExists(_) => "product_exists",
            Self::SkuTaken { .. } => "sku_taken",
            Self::SkuInvalid => "sku_invalid",
            Self::NameInvalid => "name_invalid",
            Self::DescriptionInvalid => "description_invalid",
            Self::PriceNegative => "price_negative",
            Self::DeltaZero => "delta_zero",
            Self::ReasonInvalid => "reason_invalid",
            Self::StockLimitExceeded => "stock_limit_exceeded",
            Self::InsufficientStock { .. } => "insufficient_stock",
            Self::Contradiction { .. } => "contradiction",
            Self::StockInconsistent { .. } => "stock_inconsistent",
        }
    }

    /// The JSON pointer of the field of a command that is invalid; `None` when no single field is.
    pub const fn pointer(&self) -> Option<&'static str> {
        match self {
            Self::SkuInvalid => Some("/sku"),
            Self::NameInvalid => Some("/name"),
            Self::DescriptionInvalid => Some("/description"),
            Self::PriceNegative => Some("/price/amount"),
            Self::DeltaZero => Some("/delta"),
            Self::ReasonInvalid => Some("/reason"),
            Self::ProductNotFound(_)
            | Self::ProductExists(_)
            | Self::SkuTaken { .. }
            | Self::StockLimitExceeded
            | Self::InsufficientStock { .. }
            | Self::Contradiction { .. }
            | Self::StockInconsistent { .. } => None,
        }
    }
}
