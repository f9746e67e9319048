//! The payment context: charges, refunds, payment methods and the ledger.
//!
//! Promises:
//! - An order is charged at most once. The charge and its key are committed before the provider is called, the key
//!   never changes, and a call whose end is not known is repeated under that key until the provider says how it ended.
//! - What the provider tells of its own accord ([`Notice`]) is the same fact as the answer of the call, whichever comes
//!   first and however often; the other one changes nothing. What contradicts what is known moves no money and stays
//!   visible; what nobody knows is refused, so that the provider repeats it.
//! - A timeout is not a failure: only the provider's own refusal makes a payment fail.
//! - The end of an order (failed, cancelled) is always answered: `payment.voided` when no money was taken,
//!   `payment.refunded` when all of it is back. An end that comes first leaves a barrier for ever, so that a late
//!   `inventory.reserved` charges nothing.
//! - 0 ≤ refunded + pending refunds ≤ captured ≤ amount, and every posting of the ledger is balanced by its shape.
//! - Nothing that looks like a card number is kept.

mod card_number;
mod error;
mod ledger;
mod message;
mod model;
mod rules;
mod store;
mod view;

#[cfg(test)]
mod tests;

pub use card_number::holds_card_number;
pub use error::Rejection;
pub use ledger::{Account, Posting, Transaction, TransactionKind, TransactionStatus};
pub use message::{
    AddMethod, Answered, ChargeRequest, Effect, Input, News, Notice, Price, ProviderAnswer, RefundRequest, Refusal,
    Reply, RequestRefund,
};
pub use model::{
    Barrier, Card, End, Payment, PaymentMethod, Record, Refund, RefundCause, RefundStatus, State, charge_key,
    notice_id, payment_id, refund_key, undo_refund_id,
};
pub use store::{
    Change, MethodCatalogue, NotOpened, PaymentContext, PaymentDetail, PaymentFilter, PaymentReader, PaymentScope,
    PaymentSnapshot, SandboxEntry, SandboxLog, SandboxOperation, Webhook,
};
pub use view::{PaymentMethodView, PaymentView, RefundView, TransactionView};

/// The most payment methods that one user may keep.
pub const METHODS_MAX: usize = 50;

/// The longest reason of a refund, in characters.
pub const REASON_LENGTH_MAX: usize = 500;

/// The provider of the development shop.
pub const SANDBOX: &str = "sandbox";

/// The token that an order without a payment method is charged to, in the sandbox only.
pub const SANDBOX_TOKEN: &str = "tok_visa";

/// What stands for the provider of a payment that never reached one.
pub const NO_PROVIDER: &str = "none";
