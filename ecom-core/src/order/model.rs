//! Orders, their saga's states, and what is known of the catalogue.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

use crate::event::{FailureCode, Line};
use crate::id::{CorrelationId, OrderId, PaymentMethodId, ProductId, UserId};
use crate::money::Money;
use crate::quantity::Quantity;
use crate::saga::{Instance, Label, State};
use crate::time::Timestamp;

/// An order. Its state, its version and what it is owed are those of its saga.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Order {
    /// Its id, and that of its saga.
    pub id: OrderId,
    /// Who ordered.
    pub user_id: UserId,
    /// Its lines, each product once; 1 to [`Order::LINES_MAX`].
    pub items: Arc<[Item]>,
    /// The sum of the lines, in their one currency.
    pub total: Money,
    /// How it is to be paid; `None`: the user's default method.
    pub payment_method_id: Option<PaymentMethodId>,
    /// What the caller wants kept with it.
    pub metadata: Option<Metadata>,
    /// Shared by everything that the order causes; its own.
    pub correlation_id: CorrelationId,
    /// The correlation id that the caller gave.
    pub request_correlation_id: Option<String>,
    /// What is known of its payment.
    pub payment: PaymentStatus,
    /// Where it stands.
    pub saga: Instance<OrderSaga>,
    /// When it was placed.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Order {
    /// The most lines of one order.
    pub const LINES_MAX: usize = 100;

    /// The most characters of the reason of a cancellation.
    pub const REASON_MAX: usize = 500;

    /// 1 when it is placed, one more with each change.
    pub const fn version(&self) -> u64 {
        self.saga.version
    }

    /// The state's name.
    pub const fn status(&self) -> Status {
        match &self.saga.state {
            State::Running(state) => state.status(),
            State::Ended(state) => state.status(),
        }
    }

    /// Its lines as events show them.
    pub fn lines(&self) -> Vec<Line> {
        self.items.iter().map(Line::from).collect()
    }
}

/// One line of an order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Item {
    /// Its id.
    pub id: Uuid,
    /// What was ordered.
    pub product_id: ProductId,
    /// Its stock keeping unit when the order was placed.
    pub sku: String,
    /// Its name when the order was placed.
    pub name: String,
    /// How many pieces.
    pub quantity: Quantity,
    /// The accepted price of one piece.
    pub unit_price: Money,
    /// Price times quantity.
    pub line_total: Money,
}

impl From<&Item> for Line {
    fn from(item: &Item) -> Self {
        Self {
            product_id: item.product_id,
            sku: item.sku.clone(),
            quantity: item.quantity,
            unit_price: item.unit_price,
        }
    }
}

/// The saga of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderSaga;

/// An order under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Running {
    /// Placed; waits for its stock.
    Pending,
    /// Its stock is held; waits for its payment.
    Processing,
}

/// An order at its end.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// Held and paid.
    Completed,
    /// It could not be held or paid.
    Failed {
        /// Why.
        code: FailureCode,
        /// More about it.
        detail: String,
    },
    /// Somebody did not want it any more.
    Cancelled {
        /// Who.
        by: Actor,
        /// The reason that was given.
        reason: String,
    },
}

/// What an order is owed after its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Debt {
    /// Inventory sells what it holds.
    StockCommit,
    /// Inventory lets go of what it holds.
    StockRelease,
    /// The payment is voided or refunded.
    PaymentUndo,
}

/// Somebody who commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// A user: only about his own orders.
    User(UserId),
    /// An administrator.
    Admin(UserId),
}

impl fmt::Display for Actor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(formatter, "user {id}"),
            Self::Admin(id) => write!(formatter, "administrator {id}"),
        }
    }
}

impl Running {
    /// The state's name.
    pub const fn status(self) -> Status {
        match self {
            Self::Pending => Status::Pending,
            Self::Processing => Status::Processing,
        }
    }
}

impl Ended {
    /// The state's name.
    pub const fn status(&self) -> Status {
        match self {
            Self::Completed => Status::Completed,
            Self::Failed { .. } => Status::Failed,
            Self::Cancelled { .. } => Status::Cancelled,
        }
    }
}

impl Label for Running {
    fn label(&self) -> &'static str {
        self.status().as_str()
    }
}

impl Label for Ended {
    fn label(&self) -> &'static str {
        self.status().as_str()
    }
}

impl Label for Debt {
    fn label(&self) -> &'static str {
        match self {
            Self::StockCommit => "stock_commit",
            Self::StockRelease => "stock_release",
            Self::PaymentUndo => "payment_undo",
        }
    }
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $word)] $variant),+
        }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word for it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// From the word for it.
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

words! {
    /// The state of an order, without what belongs to it.
    Status {
        /// Placed.
        Pending = "pending",
        /// Stock held, payment under way.
        Processing = "processing",
        /// Held and paid.
        Completed = "completed",
        /// Could not be held or paid.
        Failed = "failed",
        /// Not wanted any more.
        Cancelled = "cancelled",
    }
}

impl Status {
    /// Whether nothing can change it any more.
    pub const fn is_terminal(self) -> bool {
        match self {
            Self::Pending | Self::Processing => false,
            Self::Completed | Self::Failed | Self::Cancelled => true,
        }
    }
}

words! {
    /// What is known of an order's payment. Facts may come in any order: the greatest one holds.
    PaymentStatus {
        /// Nothing is known yet.
        Pending = "pending",
        /// There never was a charge, and there will be none.
        NotCharged = "not_charged",
        /// Refused.
        Failed = "failed",
        /// Captured.
        Processed = "processed",
        /// Authorized and given back before it was captured.
        Voided = "voided",
        /// Captured, and given back in part.
        PartiallyRefunded = "partially_refunded",
        /// Captured, and given back.
        Refunded = "refunded",
    }
}

/// A JSON object of up to [`Metadata::BYTES_MAX`] bytes, kept as it was given.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Metadata(String);

/// Why a text is no metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum MetadataError {
    /// Too long.
    #[error("metadata has {bytes} bytes, more than {}", Metadata::BYTES_MAX)]
    TooLong {
        /// How long.
        bytes: usize,
    },
    /// Not a JSON object.
    #[error("metadata is not a JSON object")]
    NotAnObject,
}

impl Metadata {
    /// The most bytes.
    pub const BYTES_MAX: usize = 4_096;

    /// From JSON text.
    pub fn parse(json: &str) -> Result<Self, MetadataError> {
        if json.len() > Self::BYTES_MAX {
            return Err(MetadataError::TooLong { bytes: json.len() });
        }
        serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(json)
            .map(|_| Self(json.to_owned()))
            .map_err(|_| MetadataError::NotAnObject)
    }

    /// The JSON text as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A product as inventory last announced it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CatalogueEntry {
    /// The product.
    pub product_id: ProductId,
    /// Inventory's version of it: an older one never overwrites a newer.
    pub version: u64,
    /// Stock keeping unit.
    pub sku: String,
    /// Its name.
    pub name: String,
    /// The price of one piece.
    pub price: Money,
    /// Whether it is for sale.
    pub is_active: bool,
}
