//! The rows of the shop's services in words.

use ecom_core::event::Line;
use ecom_core::inventory::{InventorySnapshot, ReservationState};
use ecom_core::notification::{ContactState, NotificationSnapshot};
use ecom_core::order::{Ended, Order, OrderSnapshot};
use ecom_core::payment::{End, PaymentSnapshot, Record, RefundCause, State};
use ecom_core::saga;
use ecom_core::saga::Standing;
use ecom_core::user::UserSnapshot;

use super::{Fact, list};

pub(crate) fn order(rows: &OrderSnapshot) -> Vec<Fact> {
    let mut facts: Vec<Fact> = rows.orders.values().flat_map(|order| one_order(order)).collect();
    for entry in rows.catalogue.values() {
        let gone = if entry.is_active { "" } else { ", not for sale" };
        let known = format!("{}, version {}{gone}", entry.price, entry.version);
        facts.push(Fact::new(format!("catalogue: {}", entry.sku), "price", known));
    }
    facts
}

fn one_order(order: &Order) -> Vec<Fact> {
    let subject = format!("order {}", order.id);
    let fact = |label: &str, value: String| Fact::new(subject.clone(), label, value);
    let status = match &order.saga.state {
        saga::State::Ended(Ended::Failed { code, .. }) => format!("failed: {}", spaced(code.as_str())),
        _ => order.status().as_str().to_owned(),
    };
    let items = list(order.items.iter().map(|item| format!("{} × {}", item.quantity.get(), item.sku)));
    let mut facts = vec![
        fact("status", status),
        fact("payment", spaced(order.payment.as_str())),
        fact("items", format!("{items} for {}", order.total)),
    ];
    for (debt, entry) in order.saga.ledger.iter() {
        let label = match debt {
            ecom_core::order::Debt::StockCommit => "sale of the stock",
            ecom_core::order::Debt::StockRelease => "release of the stock",
            ecom_core::order::Debt::PaymentUndo => "undo of the payment",
        };
        let standing = match entry.standing {
            Standing::Open => "owed",
            Standing::Done => "done",
            Standing::Nothing => "nothing to do",
            Standing::WrittenOff => "written off",
        };
        let round = if entry.round > 1 { format!(", round {}", entry.round) } else { String::new() };
        facts.push(fact(label, format!("{standing}{round}")));
    }
    if let Some(attention) = &order.saga.attention {
        facts.push(fact("needs attention", attention.to_string()));
    }
    facts
}

pub(crate) fn inventory(rows: &InventorySnapshot) -> Vec<Fact> {
    let mut facts = vec![];
    for product in rows.products.values() {
        let subject = format!("product {}", product.sku);
        if let Some(stock) = rows.stock.get(&product.id) {
            facts.push(Fact::new(subject.clone(), "on hand", stock.on_hand.to_string()));
            facts.push(Fact::new(subject.clone(), "reserved", stock.reserved.to_string()));
            facts.push(Fact::new(subject.clone(), "sold", stock.committed.to_string()));
        }
        let gone = if product.is_active { "" } else { ", not for sale" };
        facts.push(Fact::new(subject, "price", format!("{}, version {}{gone}", product.price, product.version)));
    }
    for reservation in rows.reservations.values() {
        let sku = |line: &Line| format!("{} × {}", line.quantity.get(), line.sku);
        let lines = |lines: &[Line]| list(lines.iter().map(sku));
        let told = match &reservation.state {
            ReservationState::Held(hold) => format!("held: {}", lines(&hold.lines)),
            ReservationState::Committed(hold) => format!("sold: {}", lines(&hold.lines)),
            ReservationState::Released(hold) => format!("released: {}", lines(&hold.lines)),
            ReservationState::Refused { reason, .. } => format!("refused: {}", spaced(reason.as_str())),
            ReservationState::Barred => "barred: the order had ended".to_owned(),
        };
        facts.push(Fact::new(format!("order {}", reservation.order_id), "reservation", told));
    }
    facts
}

pub(crate) fn payment(rows: &PaymentSnapshot) -> Vec<Fact> {
    let mut facts = vec![];
    for record in rows.records.values() {
        match record {
            Record::Barrier(barrier) => {
                let subject = format!("order {}", barrier.order_id);
                facts.push(Fact::new(subject, "payment", format!("barred: {}", ended(barrier.end))));
            }
            Record::Payment(payment) => {
                let subject = format!("order {}", payment.order_id);
                let state = match &payment.state {
                    State::Charging { unknown, undo, .. } => {
                        let unknown = if *unknown { ", no answer yet" } else { "" };
                        let undo = undo.map(|end| format!(", to be undone: {}", ended(end))).unwrap_or_default();
                        format!("charging{unknown}{undo}")
                    }
                    State::Failed { reason, .. } => format!("failed: {}", spaced(reason.as_str())),
                    State::Refunding { end, refusal, .. } => {
                        let refusal = refusal.as_ref().map(|why| format!(", refused: {why}")).unwrap_or_default();
                        format!("being given back: {}{refusal}", ended(*end))
                    }
                    State::Voided { end } => format!("voided: {}", ended(*end)),
                    State::NothingDue | State::Captured { .. } | State::Refunded { .. } => spaced(payment.state.word()),
                };
                facts.push(Fact::new(subject.clone(), "payment", state));
                facts.push(Fact::new(subject.clone(), "amount", payment.amount.to_string()));
                facts.push(Fact::new(subject.clone(), "captured", payment.captured.to_string()));
                facts.push(Fact::new(subject, "given back", payment.refunded.to_string()));
            }
        }
    }
    for refund in rows.refunds.values() {
        let cause = match &refund.cause {
            RefundCause::Administrator { .. } => "an administrator",
            RefundCause::Undo(_) => "undo",
        };
        let told = format!("{} {}, {cause}", refund.amount, refund.status.word());
        facts.push(Fact::new(format!("refund {}", refund.id), "refund", told));
    }
    facts
}

fn ended(end: End) -> String {
    match end {
        End::Cancelled => "the order was cancelled".to_owned(),
        End::Failed(code) => format!("the order failed, {}", spaced(code.as_str())),
    }
}

pub(crate) fn notification(rows: &NotificationSnapshot) -> Vec<Fact> {
    let mut facts = vec![];
    for contact in rows.contacts.values() {
        let state = match &contact.state {
            ContactState::Awaited => "awaited",
            ContactState::Active { is_admin: true, .. } => "active, administrator",
            ContactState::Active { .. } => "active",
            ContactState::Deactivated { .. } => "gone",
        };
        facts.push(Fact::new(format!("user {}", contact.user_id), "contact", state));
    }
    for notice in rows.notices.values() {
        let subject = notice.order_id.map_or_else(|| format!("user {}", notice.user_id), |id| format!("order {id}"));
        let label = format!("notice \"{}\" by {}", spaced(notice.template.name()), notice.channel.name());
        facts.push(Fact::new(subject, label, notice.state.status()));
    }
    facts
}

pub(crate) fn user(rows: &UserSnapshot) -> Vec<Fact> {
    let mut facts = vec![];
    for user in rows.users.values() {
        let active = if user.is_active { "active" } else { "deactivated" };
        let told = format!("{active}, {:?}, version {}", user.role, user.version).to_lowercase();
        facts.push(Fact::new(format!("user {}", user.id), "user", told));
    }
    facts.push(Fact::new("sessions", "open", rows.sessions.len().to_string()));
    facts
}

fn spaced(word: &str) -> String {
    word.replace('_', " ")
}
