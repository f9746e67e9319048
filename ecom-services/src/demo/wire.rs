//! The bodies of the API as a client sees them: what this tool reads of them, and nothing of the services' own types.

use std::collections::BTreeMap;
use std::fmt;

use ecom_core::money::Money;
use ecom_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Accepted.
    Pending,
    /// Stock is held, payment under way.
    Processing,
    /// Paid and out of the stock.
    Completed,
    /// Given up; nothing is held, nothing charged.
    Failed,
    /// Called off; nothing is held, nothing charged.
    Cancelled,
}

impl Status {
    /// Whether nothing comes after it.
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }

    /// Its name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Processing => "processing",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// An order.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Order {
    /// Its id.
    pub id: Uuid,
    /// Where it stands.
    pub status: Status,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// What it costs.
    pub total_amount: Money,
    /// What is bought.
    pub items: Vec<Item>,
}

/// Why an order failed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Failure {
    /// Stable.
    pub code: String,
}

/// A line of an order.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Item {
    /// What.
    pub product_id: Uuid,
    /// How many.
    pub quantity: i64,
}

/// A product.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Product {
    /// Its id.
    pub id: Uuid,
    /// When it was created, by the shop's clock.
    pub created_at: Timestamp,
}

/// The stock of a product.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Stock {
    /// In the shelves.
    pub on_hand: i64,
    /// Of these, promised.
    pub reserved: i64,
    /// Of these, free.
    pub available: i64,
    /// Sold and gone.
    pub committed: i64,
}

/// A line of the stock's log.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Movement {
    /// What kind.
    pub kind: MovementKind,
    /// By how much `on_hand` changed.
    pub delta: i64,
    /// The order that took it.
    pub order_id: Option<Uuid>,
}

/// The kinds of movements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MovementKind {
    /// The stock that a product began with.
    Initial,
    /// By hand.
    Adjustment,
    /// Sold.
    Commit,
}

/// A notice to a user.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Notice {
    /// What it says.
    pub template: String,
    /// Whether it is out.
    pub status: String,
    /// The order that it is about.
    pub order_id: Option<Uuid>,
}

/// A page of a list.
#[derive(Clone, Debug, Deserialize)]
pub struct Page<T> {
    /// Newest first.
    pub items: Vec<T>,
    /// Where the next one begins.
    pub next_cursor: Option<String>,
}

/// Only an id.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Created {
    /// Of what was created.
    pub id: Uuid,
}

/// What signing in answers.
#[derive(Clone, Debug, Deserialize)]
pub struct SignedIn {
    /// For requests.
    pub access_token: String,
    /// For the next access token.
    pub refresh_token: String,
    /// How long the access token lives, in seconds.
    pub expires_in: u64,
}

/// What an error answers; only what tells the cause.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Problem {
    /// Stable.
    #[serde(default)]
    pub code: String,
    /// For people.
    #[serde(default)]
    pub detail: Option<String>,
}

/// How often each of something was seen.
pub type Tally<K> = BTreeMap<K, u64>;

/// A line of the payment provider's own log.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ProviderEntry {
    /// When.
    pub at: Timestamp,
    /// What was asked.
    pub operation: Operation,
    /// For which order.
    pub order_id: Uuid,
    /// How much.
    pub amount: Money,
    /// `succeeded` when money moved, exactly once per key; anything else when none did.
    pub result: String,
}

/// What a provider is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// To take money.
    Charge,
    /// To give it back.
    Refund,
}
