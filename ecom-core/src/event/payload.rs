//! What each event says. Published structs never change: a new meaning is a new version beside the old one.

use serde::{Deserialize, Serialize};

use crate::email::Email;
use crate::id::{NotificationId, OrderId, PaymentId, PaymentMethodId, ProductId, RefundId, ReservationId, UserId};
use crate::money::Money;
use crate::quantity::Quantity;
use crate::time::Timestamp;

macro_rules! payloads {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident : $type:ty),+ $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub struct $name { $($(#[$field_doc])* pub $field: $type),+ }
    )+};
}

payloads! {
    /// One line of an order, with the price that was accepted.
    Line {
        /// What was ordered.
        product_id: ProductId,
        /// Its stock keeping unit when the order was accepted.
        sku: String,
        /// How many pieces.
        quantity: Quantity,
        /// The accepted price of one piece.
        unit_price: Money,
    }
    /// An order was accepted.
    OrderCreated {
        /// The order.
        order_id: OrderId,
        /// Who ordered.
        user_id: UserId,
        /// Its lines, each product once.
        items: Vec<Line>,
        /// The sum of the lines.
        total_amount: Money,
        /// How it is to be paid; `None`: the user's default method.
        payment_method_id: Option<PaymentMethodId>,
    }
    /// All lines of an order are held.
    InventoryReserved {
        /// The order.
        order_id: OrderId,
        /// The hold.
        reservation_id: ReservationId,
        /// What is held.
        items: Vec<Line>,
        /// What is to be paid.
        total_amount: Money,
        /// Who pays.
        user_id: UserId,
        /// How; `None`: the user's default method.
        payment_method_id: Option<PaymentMethodId>,
    }
    /// A line that could not be held.
    Shortage {
        /// The product.
        product_id: ProductId,
        /// Pieces asked for.
        requested: Quantity,
        /// Pieces available.
        available: u32,
    }
    /// Nothing of an order is held.
    InventoryReservationFailed {
        /// The order.
        order_id: OrderId,
        /// `out_of_stock`, `product_unavailable` or `unknown_product`.
        reason: FailureCode,
        /// The lines that failed.
        items: Vec<Shortage>,
    }
    /// The order's total was captured, or there was nothing to capture.
    PaymentProcessed {
        /// The order.
        order_id: OrderId,
        /// The payment.
        payment_id: PaymentId,
        /// What was captured.
        amount: Money,
        /// The provider's name for the charge; `None` when nothing was to be paid.
        provider_reference: Option<String>,
    }
    /// The payment was refused for good.
    PaymentFailed {
        /// The order.
        order_id: OrderId,
        /// The payment.
        payment_id: PaymentId,
        /// Why.
        reason: FailureCode,
        /// The provider's words.
        detail: String,
    }
    /// Paid and held: the order is complete.
    OrderCompleted {
        /// The order.
        order_id: OrderId,
        /// Who ordered.
        user_id: UserId,
        /// What was paid.
        total_amount: Money,
        /// What was sold.
        items: Vec<Line>,
    }
    /// The order has failed; whatever was held or charged is to be undone.
    OrderFailed {
        /// The order.
        order_id: OrderId,
        /// Who ordered; `None` for an order that the order service does not know.
        user_id: Option<UserId>,
        /// Why.
        reason: FailureCode,
        /// More about it.
        detail: String,
    }
    /// The order was cancelled; whatever was held or charged is to be undone.
    OrderCancelled {
        /// The order.
        order_id: OrderId,
        /// Who ordered.
        user_id: UserId,
        /// The reason that was given.
        reason: String,
    }
    /// A hold was released, or there was none.
    InventoryReleased {
        /// The order.
        order_id: OrderId,
        /// The hold; `None` when nothing was held.
        reservation_id: Option<ReservationId>,
        /// Which end of the order asked for it.
        reason: String,
    }
    /// The held pieces were sold.
    InventoryCommitted {
        /// The order.
        order_id: OrderId,
        /// The hold.
        reservation_id: ReservationId,
        /// Which end of the order asked for it.
        reason: String,
    }
    /// A hold is older than its alarm allows.
    InventoryHoldOverdue {
        /// The order.
        order_id: OrderId,
        /// The hold.
        reservation_id: ReservationId,
    }
    /// No money was taken, or the authorization was given back.
    PaymentVoided {
        /// The order.
        order_id: OrderId,
        /// The payment; `None` when there was none.
        payment_id: Option<PaymentId>,
        /// No refund belongs to it.
        refund_id: Option<RefundId>,
        /// What was authorized and given back; `None` when nothing was.
        amount: Option<Money>,
        /// Why.
        reason: String,
    }
    /// Money was given back.
    PaymentRefunded {
        /// The order.
        order_id: OrderId,
        /// Who paid.
        user_id: UserId,
        /// The payment.
        payment_id: PaymentId,
        /// The refund.
        refund_id: RefundId,
        /// What was given back.
        amount: Money,
        /// Why.
        reason: String,
        /// Whether everything that was captured is now given back.
        full: bool,
        /// Whether the order's end asked for it, and not an administrator.
        undo: bool,
    }
    /// A product as it now is.
    ProductChanged {
        /// The product.
        product_id: ProductId,
        /// Rises with every change: an older one never overwrites a newer.
        version: u64,
        /// Stock keeping unit.
        sku: String,
        /// Its name.
        name: String,
        /// The price of one piece.
        price: Money,
        /// Whether it is for sale.
        is_active: bool,
    }
    /// Little is left of a product.
    StockLow {
        /// The product.
        product_id: ProductId,
        /// Stock keeping unit.
        sku: String,
        /// Pieces available.
        available: u32,
        /// The level that it fell below.
        threshold: u32,
    }
    /// A user as he now is, with what is needed to notify him.
    UserChanged {
        /// The user.
        user_id: UserId,
        /// Rises with every change: an older one never overwrites a newer.
        version: u64,
        /// Where to reach him.
        email: Email,
        /// First name.
        first_name: String,
        /// Last name.
        last_name: String,
        /// Whether he is an administrator.
        is_admin: bool,
    }
    /// A user was deactivated.
    UserDeactivated {
        /// The user.
        user_id: UserId,
        /// Rises with every change.
        version: u64,
    }
    /// Somebody asked to set a new password.
    PasswordResetRequested {
        /// The user.
        user_id: UserId,
        /// The user's version.
        version: u64,
        /// Where to send the token.
        email: Email,
        /// The single-use token.
        token: String,
        /// Until when it works.
        expires_at: Timestamp,
    }
    /// A notice was handed to its channel, or given up.
    NotificationSettled {
        /// The notice.
        notification_id: NotificationId,
        /// To whom.
        user_id: UserId,
        /// The order it is about, if any.
        order_id: Option<OrderId>,
        /// `email`, `sms`, `push` or `log`.
        channel: String,
        /// Which text.
        template: String,
    }
}

/// Why an order failed; the same words over HTTP and in events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureCode {
    /// Not enough pieces available.
    OutOfStock,
    /// The product is no longer for sale.
    ProductUnavailable,
    /// Inventory does not know the product.
    UnknownProduct,
    /// The provider declined.
    PaymentDeclined,
    /// The provider declined for lack of funds.
    InsufficientFunds,
    /// The payment method is not the user's, or was deleted.
    PaymentMethodInvalid,
    /// The user has no payment method.
    NoPaymentMethod,
    /// The payment was not settled in time.
    PaymentTimeout,
    /// Stock was not held in time.
    InventoryTimeout,
    /// The order service does not know the order.
    UnknownOrder,
}

impl FailureCode {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OutOfStock => "out_of_stock",
            Self::ProductUnavailable => "product_unavailable",
            Self::UnknownProduct => "unknown_product",
            Self::PaymentDeclined => "payment_declined",
            Self::InsufficientFunds => "insufficient_funds",
            Self::PaymentMethodInvalid => "payment_method_invalid",
            Self::NoPaymentMethod => "no_payment_method",
            Self::PaymentTimeout => "payment_timeout",
            Self::InventoryTimeout => "inventory_timeout",
            Self::UnknownOrder => "unknown_order",
        }
    }

    /// From the word on the wire.
    pub fn parse(word: &str) -> Option<Self> {
        serde_json::from_value(serde_json::Value::String(word.to_owned())).ok()
    }
}
