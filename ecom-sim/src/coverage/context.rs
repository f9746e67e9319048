//! What each context's messages are called, and which state each of them meets.

use ecom_core::decide::BoundedContext;
use ecom_core::id::{OrderId, PaymentId, ProductId, UserId};
use ecom_core::inventory::{self, InventoryContext, InventorySnapshot};
use ecom_core::notification::{
    self, ContactState, EffectAnswer, NoticeState, NotificationContext, NotificationSnapshot,
};
use ecom_core::order::{self, OrderContext, OrderSnapshot};
use ecom_core::payment::{self, Effect, News, PaymentContext, PaymentSnapshot, ProviderAnswer, Record, payment_id};
use ecom_core::saga::{Label, Signal};
use ecom_core::user::{self, UserContext, UserSnapshot};

use super::Met;

/// A context whose runs can be measured.
pub trait Covered: BoundedContext {
    /// The kind of message, and the state that it meets.
    fn meets(_input: &Self::Input, _rows: &Self::Snapshot) -> Met {
        ("message", NONE)
    }

    /// The kind of call, and the state that it meets.
    fn asks(_effect: &Self::Effect, _rows: &Self::Snapshot) -> Met {
        ("call", NONE)
    }
}

/// Where there is no state to meet.
const NONE: &str = "-";

/// A row that is not there yet.
const ABSENT: &str = "absent";

impl Covered for OrderContext {
    fn meets(input: &order::Input, rows: &OrderSnapshot) -> Met {
        let status = |id: &OrderId| rows.orders.get(id).map_or(ABSENT, |order| order.status().as_str());
        match input {
            order::Input::Place(place) => ("place", status(&place.order_id)),
            order::Input::Saga { order_id, signal } => {
                let message = match signal {
                    Signal::Input(fact) => fact.label(),
                    Signal::Deadline { .. } => "deadline",
                    Signal::Retry { .. } => "retry",
                    Signal::Resolve { .. } => "resolve",
                };
                (message, status(order_id))
            }
            order::Input::ProductChanged(product) => {
                let known = rows.catalogue.get(&product.product_id).map(|entry| entry.version);
                let state = known.map_or(ABSENT, |known| if known < product.version { "older" } else { "current" });
                ("product", state)
            }
            order::Input::Notice(notice) => ("notice", notice.order_id.as_ref().map_or(NONE, status)),
        }
    }
}

impl Covered for InventoryContext {
    fn meets(input: &inventory::Input, rows: &InventorySnapshot) -> Met {
        let held = |id: &OrderId| rows.reservations.get(id).map_or(ABSENT, |it| it.state.name());
        let product = |id: &ProductId| {
            rows.products.get(id).map_or(ABSENT, |product| if product.is_active { "for sale" } else { "not for sale" })
        };
        match input {
            inventory::Input::CreateProduct(it) => ("create product", product(&it.id)),
            inventory::Input::ChangeProduct(it) => ("change product", product(&it.id)),
            inventory::Input::AdjustStock(it) => ("adjust stock", product(&it.product_id)),
            inventory::Input::Resync(_) => ("resync", NONE),
            inventory::Input::OrderCreated(it) => ("order.created", held(&it.order_id)),
            inventory::Input::OrderCompleted(it) => ("order.completed", held(&it.order_id)),
            inventory::Input::OrderFailed(it) => ("order.failed", held(&it.order_id)),
            inventory::Input::OrderCancelled(it) => ("order.cancelled", held(&it.order_id)),
            inventory::Input::HoldDue { order_id, .. } => ("hold due", held(order_id)),
        }
    }
}

impl Covered for PaymentContext {
    fn meets(input: &payment::Input, rows: &PaymentSnapshot) -> Met {
        let method = |id| rows.method(id).map_or(ABSENT, |it| if it.deleted { "removed" } else { "kept" });
        let of = |id: &PaymentId| paid(*id, rows);
        match input {
            payment::Input::AddMethod(it) => ("add method", method(it.id)),
            payment::Input::RemoveMethod { id, .. } => ("remove method", method(*id)),
            payment::Input::SetDefaultMethod { id, .. } => ("choose method", method(*id)),
            payment::Input::Refund(it) => ("refund", of(&it.payment_id)),
            payment::Input::Reserved(it) => ("inventory.reserved", of(&payment_id(it.order_id))),
            payment::Input::Ended { order_id, .. } => ("order ended", of(&payment_id(*order_id))),
            payment::Input::ChargeAnswered(it) => {
                let words = ["charge: succeeded", "charge: refused", "charge: try again", "charge: unknown"];
                (said(&it.answer, words), of(&it.request.payment_id))
            }
            payment::Input::RefundAnswered(it) => {
                let words = ["refund: succeeded", "refund: refused", "refund: try again", "refund: unknown"];
                (said(&it.answer, words), of(&it.request.payment_id))
            }
            payment::Input::Noticed(it) => {
                let message = match (&it.news, it.refund_id) {
                    (News::Succeeded { .. }, None) => "webhook: charged",
                    (News::Succeeded { .. }, Some(_)) => "webhook: refunded",
                    (News::Refused { .. }, None) => "webhook: refused",
                    (News::Refused { .. }, Some(_)) => "webhook: refund refused",
                };
                (message, of(&it.payment_id))
            }
        }
    }

    fn asks(effect: &Effect, rows: &PaymentSnapshot) -> Met {
        match effect {
            Effect::Charge(asked) => ("call: charge", paid(asked.payment_id, rows)),
            Effect::Refund(asked) => ("call: refund", paid(asked.payment_id, rows)),
        }
    }
}

/// The word for what the provider said, of those for a success, a refusal, "try again" and nothing.
fn said(answer: &ProviderAnswer, [succeeded, refused, transient, unknown]: [&'static str; 4]) -> &'static str {
    match answer {
        ProviderAnswer::Succeeded { .. } => succeeded,
        ProviderAnswer::Refused { .. } => refused,
        ProviderAnswer::Transient { .. } => transient,
        ProviderAnswer::Unknown { .. } => unknown,
    }
}

fn paid(id: PaymentId, rows: &PaymentSnapshot) -> &'static str {
    match rows.records.get(&id) {
        None => ABSENT,
        Some(Record::Barrier(_)) => "barred",
        Some(Record::Payment(payment)) => payment.state.word(),
    }
}

impl Covered for NotificationContext {
    fn meets(input: &notification::Input, rows: &NotificationSnapshot) -> Met {
        let of = |user: &UserId| match rows.contacts.get(user).map(|contact| &contact.state) {
            None => ABSENT,
            Some(ContactState::Awaited) => "awaited",
            Some(ContactState::Active { .. }) => "active",
            Some(ContactState::Deactivated { .. }) => "deactivated",
        };
        match input {
            notification::Input::OrderCompleted(it) => ("order.completed", of(&it.user_id)),
            notification::Input::OrderFailed(it) => ("order.failed", it.user_id.as_ref().map_or(NONE, of)),
            notification::Input::OrderCancelled(it) => ("order.cancelled", of(&it.user_id)),
            notification::Input::PaymentRefunded(it) => ("payment.refunded", of(&it.user_id)),
            notification::Input::StockLow(_) => ("stock.low", NONE),
            notification::Input::UserRegistered(it) => ("user.registered", of(&it.user_id)),
            notification::Input::UserUpdated(it) => ("user.updated", of(&it.user_id)),
            notification::Input::UserDeactivated(it) => ("user.deactivated", of(&it.user_id)),
            notification::Input::PasswordResetRequested(it) => ("user.password_reset_requested", of(&it.user_id)),
            notification::Input::SetPreferences(it) => ("set preferences", of(&it.user_id)),
            notification::Input::Answered { letter, answer, .. } => {
                let message = match answer {
                    EffectAnswer::Sent => "sent",
                    EffectAnswer::NotSent { transient: true, .. } => "not sent: try again",
                    EffectAnswer::NotSent { transient: false, .. } => "not sent: refused",
                    EffectAnswer::Unknown { .. } => "sent: unknown",
                };
                (message, noticed(letter, rows))
            }
        }
    }

    fn asks(effect: &notification::Effect, rows: &NotificationSnapshot) -> Met {
        let notification::Effect::Send(letter) = effect;
        ("call: send", noticed(letter, rows))
    }
}

fn noticed(letter: &notification::Letter, rows: &NotificationSnapshot) -> &'static str {
    match rows.notices.get(&letter.notice_id).map(|notice| &notice.state) {
        None => ABSENT,
        Some(NoticeState::Deferred { .. }) => "deferred",
        Some(NoticeState::Queued) => "queued",
        Some(NoticeState::Sent { .. }) => "sent",
        Some(NoticeState::Failed { .. }) => "failed",
        Some(NoticeState::Suppressed) => "suppressed",
    }
}

impl Covered for UserContext {
    fn meets(input: &user::Input, rows: &UserSnapshot) -> Met {
        let of =
            |id: &UserId| rows.users.get(id).map_or(ABSENT, |user| if user.is_active { "active" } else { "inactive" });
        match input {
            user::Input::Register(it) => ("register", of(&it.user_id)),
            user::Input::CreateAdmin(it) => ("create administrator", of(&it.user_id)),
            user::Input::BootstrapAdmin(it) => ("first administrator", of(&it.user_id)),
            user::Input::ChangeProfile(it) => ("change profile", of(&it.user_id)),
            user::Input::Deactivate { user_id, .. } => ("deactivate", of(user_id)),
            user::Input::OpenSession(_) => ("sign in", NONE),
            user::Input::RotateToken(_) => ("refresh", NONE),
            user::Input::Logout { .. } => ("sign out", NONE),
            user::Input::ChangePassword(_) => ("change password", NONE),
            user::Input::RequestReset(_) => ("ask for a reset", NONE),
            user::Input::ConfirmReset(_) => ("reset", NONE),
            user::Input::Resync(_) => ("resync", NONE),
        }
    }
}

impl Covered for ecom_core::testing::counter::Counters {}

impl<S: ecom_core::saga::Hosted> Covered for ecom_core::saga::SagaContext<S> {}
