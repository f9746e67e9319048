//! Which rows a transaction locks when it reads: those of its scope that exist. A row that does not exist cannot be
//! locked, so what is decided on its absence is not safe unless both sides write one row.

use ecom_core::id::{OrderId, PaymentId};
use ecom_core::inventory::{InventoryContext, InventoryScope, InventorySnapshot};
use ecom_core::notification::{self, NotificationContext, NotificationScope, NotificationSnapshot};
use ecom_core::order::{OrderContext, OrderScope, OrderSnapshot, OrderView};
use ecom_core::payment::{self, News, PaymentContext, PaymentScope, PaymentSnapshot, ProviderAnswer, Record};
use ecom_core::user::{UserContext, UserScope, UserSnapshot};
use uuid::Uuid;

use super::{NoOutside, Notifier, Provider, Simulated, wire};
use crate::facts::{self, Fact};
use crate::invariant::Broken;
use crate::world::Seen;

/// A row's kind and key.
pub type RowKey = (&'static str, Uuid);

impl Simulated for OrderContext {
    type Outside = NoOutside;

    fn facts(rows: &OrderSnapshot) -> Vec<Fact> {
        facts::order(rows)
    }

    fn look(rows: &OrderSnapshot, at: Uuid) -> Option<Seen> {
        let shown = OrderView::from(rows.orders.get(&OrderId(at))?.as_ref());
        Some(Seen { resource: at, status: shown.status.as_str(), payment: shown.payment.status })
    }

    fn locks(scope: &OrderScope, _rows: &OrderSnapshot) -> Vec<RowKey> {
        let orders = scope.orders.iter().map(|id| ("order", id.0));
        orders.chain(scope.products.iter().map(|id| ("catalogue", id.0))).collect()
    }
}

impl Simulated for InventoryContext {
    type Outside = NoOutside;

    fn facts(rows: &InventorySnapshot) -> Vec<Fact> {
        facts::inventory(rows)
    }

    fn locks(scope: &InventoryScope, rows: &InventorySnapshot) -> Vec<RowKey> {
        let mut locks = vec![];
        for order in &scope.orders {
            locks.push(("reservation", order.0));
            let hold = rows.reservations.get(order).and_then(|it| it.state.hold());
            locks.extend(hold.into_iter().flat_map(|hold| &hold.lines).map(|line| ("stock", line.product_id.0)));
        }
        locks.extend(scope.products.iter().flat_map(|id| [("stock", id.0), ("product", id.0)]));
        locks
    }

    fn survives(rows: &InventorySnapshot, key: Uuid) -> Result<(), Broken> {
        rows.reservations.get(&OrderId(key)).map_or(Ok(()), |it| wire::survives("a reservation", it))
    }
}

impl Simulated for PaymentContext {
    type Outside = Provider;

    fn facts(rows: &PaymentSnapshot) -> Vec<Fact> {
        facts::payment(rows)
    }

    const OUTSIDE: &'static str = "the provider";

    fn asks_for(effect: &payment::Effect) -> String {
        match effect {
            payment::Effect::Charge(asked) => format!("take {} for order {}", asked.amount, asked.order_id),
            payment::Effect::Refund(asked) => format!("give {} of order {} back", asked.amount, asked.order_id),
        }
    }

    fn answers(answer: &ProviderAnswer) -> String {
        match answer {
            ProviderAnswer::Succeeded { .. } => "done".to_owned(),
            ProviderAnswer::Refused { code, .. } => format!("refused ({code:?})"),
            ProviderAnswer::Transient { .. } => "not done, try again".to_owned(),
            ProviderAnswer::Unknown { .. } => "no answer".to_owned(),
        }
    }

    fn tells(input: &payment::Input) -> String {
        let payment::Input::Noticed(notice) = input else { return format!("{input:?}") };
        let how = match notice.news {
            News::Succeeded { .. } => "done".to_owned(),
            News::Refused { code, .. } => format!("refused ({code:?})"),
        };
        let what = if notice.refund_id.is_some() { "giving back" } else { "taking" };
        format!("{what} {} for payment {}: {how}", notice.amount, notice.payment_id)
    }

    fn locks(scope: &PaymentScope, rows: &PaymentSnapshot) -> Vec<RowKey> {
        let payments = scope.payments.iter().map(|id| ("payment", id.0));
        let refunds = scope.refunds.iter().map(|id| ("refund", id.0));
        let defaults = scope.defaults.iter().filter_map(|user| rows.default_method(*user));
        let wallets = scope.wallets.iter().flat_map(|user| rows.wallet(*user));
        let methods = scope.methods.iter().map(|id| id.0);
        let methods = methods.chain(defaults.chain(wallets).map(|method| method.id.0));
        payments.chain(refunds).chain(methods.map(|id| ("method", id))).collect()
    }

    fn survives(rows: &PaymentSnapshot, key: Uuid) -> Result<(), Broken> {
        match rows.records.get(&PaymentId(key)) {
            Some(Record::Payment(payment)) => wire::survives("the state of a payment", &payment.state),
            Some(Record::Barrier(barrier)) => wire::survives("the end of an order", &barrier.end),
            None => Ok(()),
        }
    }
}

impl Simulated for NotificationContext {
    type Outside = Notifier;

    fn facts(rows: &NotificationSnapshot) -> Vec<Fact> {
        facts::notification(rows)
    }

    const OUTSIDE: &'static str = "the channel";

    fn asks_for(effect: &notification::Effect) -> String {
        let notification::Effect::Send(letter) = effect;
        format!("send {} to user {} as notice {}", letter.template.name(), letter.user_id, letter.notice_id)
    }

    fn answers(answer: &notification::EffectAnswer) -> String {
        match answer {
            notification::EffectAnswer::Sent => "sent".to_owned(),
            notification::EffectAnswer::NotSent { detail, .. } => format!("not sent, {detail}"),
            notification::EffectAnswer::Unknown { .. } => "no answer".to_owned(),
        }
    }

    fn locks(scope: &NotificationScope, rows: &NotificationSnapshot) -> Vec<RowKey> {
        let everybody = rows.contacts.keys().filter(|_| scope.administrators);
        let users = scope.users.iter().chain(everybody);
        let users = users.flat_map(|id| [("contact", id.0), ("preferences", id.0)]);
        let deferred = rows.notices.values().filter(|it| scope.deferred_of.contains(&it.user_id)).map(|it| &it.id);
        users.chain(scope.notices.iter().chain(deferred).map(|id| ("notice", id.0))).collect()
    }
}

impl Simulated for UserContext {
    type Outside = NoOutside;

    fn facts(rows: &UserSnapshot) -> Vec<Fact> {
        facts::user(rows)
    }

    fn locks(scope: &UserScope, rows: &UserSnapshot) -> Vec<RowKey> {
        let by_email = scope.emails.iter().filter_map(|email| rows.emails.get(email));
        let sessions = scope.sessions.iter().filter_map(|id| rows.sessions.get(id)).map(|it| &it.user_id);
        let admins = rows.users.values().filter(|it| scope.active_admins && it.is_active_admin()).map(|it| &it.id);
        let users = scope.users.iter().chain(by_email).chain(sessions).chain(admins).map(|id| ("user", id.0));
        users.chain(scope.sessions.iter().map(|id| ("session", id.0))).collect()
    }
}
