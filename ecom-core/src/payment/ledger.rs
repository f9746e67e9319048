//! What is only ever added: transactions, and the ledger's postings.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::id::PaymentId;
use crate::money::{Money, MoneyError};
use crate::time::Timestamp;

/// One step between us and the provider. Rows are only ever added.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Transaction {
    /// Its id.
    pub id: Uuid,
    /// Of which payment.
    pub payment_id: PaymentId,
    /// What was asked.
    pub kind: TransactionKind,
    /// How it stood then.
    pub status: TransactionStatus,
    /// How much.
    pub amount: Money,
    /// The provider's name for it, or its words.
    pub detail: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// What was asked of the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransactionKind {
    /// To take the money.
    Charge,
    /// To give it back.
    Refund,
}

impl TransactionKind {
    /// The word on the wire.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Charge => "charge",
            Self::Refund => "refund",
        }
    }
}

/// How it stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransactionStatus {
    /// It is asked.
    Pending,
    /// A call ended without an answer.
    Unknown,
    /// It was done.
    Succeeded,
    /// It was refused.
    Failed,
}

impl TransactionStatus {
    /// The word on the wire.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Unknown => "unknown",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }
}

/// A movement of money between two accounts: double entry that cannot be out of balance, because both entries are
/// this one amount. Rows are only ever added.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Posting {
    /// The transaction that it books.
    pub transaction_id: Uuid,
    /// Of which payment.
    pub payment_id: PaymentId,
    /// Gets the amount.
    pub debit: Account,
    /// Gives the amount.
    pub credit: Account,
    /// How much, above zero.
    pub amount: Money,
    /// When.
    pub at: Timestamp,
}

impl Posting {
    /// The entries: account and signed amount, debit first.
    pub fn entries(&self) -> Result<[(Account, Money); 2], MoneyError> {
        Ok([(self.debit, self.amount), (self.credit, self.amount.checked_neg()?)])
    }
}

/// An account of the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Account {
    /// What the provider owes us.
    ProviderReceivable,
    /// What customers have paid.
    CustomerFunds,
    /// What went back to customers.
    Refunds,
}

impl Account {
    /// The word in the database.
    pub const fn word(self) -> &'static str {
        match self {
            Self::ProviderReceivable => "provider_receivable",
            Self::CustomerFunds => "customer_funds",
            Self::Refunds => "refunds",
        }
    }
}
