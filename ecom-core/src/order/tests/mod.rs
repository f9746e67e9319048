//! Tables over every state and input, stories about placing, and a search through every order of events.

mod place;
mod table;
mod world;

use std::time::Duration;

use uuid::Uuid;

use super::*;
use crate::decide::{BoundedContext, Context, Timer};
use crate::event::{EventType, FailureCode, ProductChanged};
use crate::fleet::role;
use crate::id::{CorrelationId, MessageId, OrderId, ProductId, UserId};
use crate::money::{Currency, Money};
use crate::policy::Policy;
use crate::quantity::Quantity;
use crate::saga::{Handled, Instance, Signal, State};
use crate::testing::{Scenario, sample};
use crate::time::Timestamp;

pub(super) const ORDER: OrderId = OrderId(Uuid::from_u128(0x0192 << 112 | 1));
pub(super) const BUYER: UserId = UserId(Uuid::from_u128(2));
pub(super) const ADMIN: UserId = UserId(Uuid::from_u128(3));
pub(super) const TEA: ProductId = ProductId(Uuid::from_u128(4));
pub(super) const POT: ProductId = ProductId(Uuid::from_u128(5));

pub(super) fn euros(minor: i64) -> Money {
    Money::new(minor, Currency::EUR)
}

pub(super) fn pieces(count: u64) -> Quantity {
    Quantity::new(count).unwrap()
}

pub(super) fn product(product_id: ProductId, minor: i64) -> ProductChanged {
    let (sku, name) = (format!("SKU-{}", product_id.0.as_u128()), "A thing".to_owned());
    ProductChanged { product_id, version: 1, sku, name, price: euros(minor), is_active: true }
}

pub(super) fn line(product_id: ProductId, count: u64) -> PlacedLine {
    PlacedLine { product_id, quantity: pieces(count), unit_price: None }
}

pub(super) fn place(items: Vec<PlacedLine>) -> Place {
    Place {
        order_id: ORDER,
        user_id: BUYER,
        correlation_id: CorrelationId(Uuid::from_u128(0xc1)),
        request_correlation_id: Some("web-1".to_owned()),
        items,
        payment_method_id: None,
        metadata: None,
    }
}

/// A catalogue with tea at 12.50 and pots at 30.00.
pub(super) fn shop() -> Scenario<OrderContext> {
    Scenario::new().when(Input::ProductChanged(product(TEA, 1_250))).when(Input::ProductChanged(product(POT, 3_000)))
}

/// An order for two packets of tea.
pub(super) fn placed() -> Scenario<OrderContext> {
    shop().when(Input::Place(Box::new(place(vec![line(TEA, 2)]))))
}

pub(super) fn paid() -> Fact {
    Fact::PaymentProcessed { amount: euros(2_500) }
}

pub(super) fn declined() -> Fact {
    Fact::PaymentFailed { reason: FailureCode::PaymentDeclined, detail: "declined".to_owned() }
}

pub(super) fn out_of_stock() -> Fact {
    Fact::ReservationFailed { reason: FailureCode::OutOfStock, detail: "none left".to_owned() }
}

pub(super) fn cancel() -> Fact {
    Fact::Cancel { by: Actor::User(BUYER), reason: "changed my mind".to_owned() }
}

/// One of each fact, and of those whose data matters, one of each kind.
pub(super) fn facts() -> Vec<Fact> {
    vec![
        Fact::InventoryReserved,
        out_of_stock(),
        Fact::InventoryReleased { held: true },
        Fact::InventoryReleased { held: false },
        Fact::InventoryCommitted,
        Fact::HoldOverdue,
        paid(),
        declined(),
        Fact::PaymentVoided { known: true, authorized: true },
        Fact::PaymentVoided { known: false, authorized: false },
        Fact::PaymentRefunded { full: true, undo: true },
        Fact::PaymentRefunded { full: true, undo: false },
        Fact::PaymentRefunded { full: false, undo: false },
        cancel(),
    ]
}

pub(super) fn context(policy: &Policy) -> Context<'_> {
    Context {
        now: Timestamp::from_micros(1_700_000_000_000_000),
        cause: MessageId(Uuid::from_u128(0xca)),
        correlation: CorrelationId(Uuid::from_u128(0xc0)),
        policy,
        calls: None,
    }
}

/// The saga after these facts.
pub(super) fn saga_after(facts: &[Fact]) -> Instance<OrderSaga> {
    let policy = Policy::default();
    let begun = Instance::begin(ORDER.0, "order.created", Running::Pending, vec![], &policy).instance;
    facts.iter().fold(begun, |saga, fact| match saga.handle(&Signal::Input(fact.clone()), &context(&policy)) {
        Ok(Handled::Advanced(advance)) => advance.instance,
        Ok(Handled::Stayed(_)) | Err(_) => saga,
    })
}

#[test]
fn the_role_of_the_order_service_is_what_its_context_takes() {
    let role = role(OrderContext::SERVICE).unwrap();
    for event in EventType::ALL {
        let taken = OrderContext::on_event(&sample::example(*event, 1)).is_some();
        assert_eq!(taken, role.consumes.contains(event), "{}", event.name());
    }
}

#[test]
fn timers_of_other_kinds_are_not_ours() {
    let timer = |kind: &'static str| Timer { subject: ORDER.0, kind: kind.into(), epoch: 3 };
    for kind in ["inventory", "payment", "owed"] {
        assert_eq!(OrderContext::on_timer(&timer(kind)), Some(Input::deadline(ORDER, kind, 3)));
    }
    assert_eq!(OrderContext::on_timer(&timer("hold")), None);
}

#[test]
fn a_product_is_what_its_newest_version_says_in_whatever_order_versions_come() {
    let versions = |order: [u64; 3]| {
        let changed = |version| ProductChanged { version, ..product(TEA, 100 * version as i64) };
        order
            .into_iter()
            .fold(Scenario::<OrderContext>::new(), |story, version| story.when(Input::ProductChanged(changed(version))))
    };
    for order in [[1, 2, 3], [1, 3, 2], [2, 1, 3], [2, 3, 1], [3, 1, 2], [3, 2, 1], [3, 3, 3]] {
        versions(order).then(|snapshot| assert_eq!(snapshot.catalogue[&TEA].price, euros(300)));
    }
}

#[test]
fn a_notice_is_a_line_of_history_and_no_change() {
    let notice = |order_id| Input::Notice(Notice { order_id, sent: true, detail: "welcome over email".to_owned() });
    placed()
        .when(notice(Some(ORDER)))
        .then_emits(&[])
        .then_wrote(|writes| {
            assert!(writes.changes.is_empty());
            assert_eq!(writes.history[0].entry.event, "notification.sent");
        })
        .when(notice(None))
        .then_stays(crate::decide::Because::NotConcerned);
    shop().when(notice(Some(ORDER))).then_refused(&Rejection::UnknownOrder(ORDER));
}

#[test]
fn an_overdue_hold_of_an_unknown_order_is_let_go_and_other_facts_about_it_are_kept_for_an_operator() {
    shop().when(Input::fact(ORDER, Fact::HoldOverdue)).then_emits(&[EventType::OrderFailed]).then_wrote(|writes| {
        let crate::event::Event::OrderFailed(event) = &writes.outbox[0].event else { panic!("{:?}", writes.outbox) };
        assert_eq!((event.user_id, event.reason), (None, FailureCode::UnknownOrder));
        assert_eq!((writes.outbox[0].aggregate_id, writes.outbox[0].aggregate_version), (ORDER.0, 0));
        assert!(writes.changes.is_empty());
    });
    for fact in facts().into_iter().filter(|fact| *fact != Fact::HoldOverdue) {
        let rejection = if fact == cancel() { Rejection::OrderNotFound(ORDER) } else { Rejection::UnknownOrder(ORDER) };
        shop().when(Input::fact(ORDER, fact)).then_refused(&rejection);
    }
}

#[test]
fn what_an_order_causes_carries_its_own_correlation_also_when_a_timer_or_an_operator_was_the_cause() {
    let own = |writes: &crate::engine::Writes<OrderContext>| {
        assert_eq!(writes.outbox[0].correlation_id, CorrelationId(Uuid::from_u128(0xc1)));
    };
    placed().then_wrote(own).when_timer_fires("inventory").then_wrote(own).when_timer_fires("owed").then_wrote(own);
}

#[test]
fn another_users_order_is_not_there_and_an_administrator_may_cancel_it() {
    let by = |by| Input::cancel(ORDER, by, "");
    placed()
        .when(by(Actor::User(ADMIN)))
        .then_refused(&Rejection::OrderNotFound(ORDER))
        .when(Input::cancel(ORDER, Actor::User(BUYER), "x".repeat(501)))
        .then_refused(&Rejection::ReasonTooLong)
        .when(by(Actor::Admin(ADMIN)))
        .then_emits(&[EventType::OrderCancelled])
        .then_wrote(|writes| {
            let Some(crate::engine::Outcome::Applied(Some(reply))) = writes.outcomes.first() else { panic!() };
            let answer = OrderContext::answer(reply);
            assert_eq!((answer.status, answer.resource), (202, ORDER.0));
            assert!(answer.body.contains(r#""status":"cancelled","failure":null"#), "{}", answer.body);
        })
        .then(|snapshot| assert_eq!(snapshot.orders[&ORDER].version(), 2));
}

#[test]
fn a_capture_of_another_amount_is_kept_for_an_operator() {
    let captured = euros(2_499);
    placed()
        .when(Input::fact(ORDER, Fact::PaymentProcessed { amount: captured }))
        .then_refused(&Rejection::AmountMismatch { order_id: ORDER, total: euros(2_500), captured });
}

#[test]
fn what_is_owed_is_asked_for_at_doubling_delays_and_flagged_past_the_limit_without_ending_the_asking() {
    let policy = Policy { owed_attempts_max: 3, owed_deadline: Duration::from_secs(10), ..Policy::default() };
    let delay = |writes: &crate::engine::Writes<OrderContext>| {
        let due = writes.timers.values().flatten().next().unwrap().1;
        due.since(writes.history[0].at).as_secs()
    };
    let mut story = placed().under(policy).when(Input::fact(ORDER, cancel()));
    let mut delays = vec![];
    for repeat in 1..=5_u32 {
        story = story
            .then_wrote(|writes| delays.push(delay(writes)))
            .when_timer_fires("owed")
            .then_emits(&[EventType::OrderCancelled])
            .then(|snapshot| {
                let order = &snapshot.orders[&ORDER];
                assert_eq!(order.saga.attention.is_some(), repeat > 3, "after {repeat}");
                assert_eq!(order.status(), Status::Cancelled);
            });
    }
    assert_eq!(delays, [10, 20, 40, 80, 80]);
    story
        .when(Input::fact(ORDER, Fact::InventoryReleased { held: false }))
        .then_armed(&["owed"])
        .when(Input::fact(ORDER, Fact::PaymentVoided { known: false, authorized: false }))
        .then_armed(&[])
        .then(|snapshot| {
            assert_eq!(snapshot.orders[&ORDER].saga.attention, None, "what was overdue is answered");
            assert_eq!(snapshot.orders[&ORDER].payment, PaymentStatus::NotCharged);
        });
}

#[test]
fn an_operator_retries_and_resolves() {
    let policy = Policy { owed_attempts_max: 0, ..Policy::default() };
    let flagged = |flag: bool| {
        move |snapshot: &OrderSnapshot| {
            assert_eq!(snapshot.orders[&ORDER].saga.attention.is_some(), flag);
        }
    };
    placed()
        .under(policy)
        .when(Input::retry(ORDER, ADMIN, "stuck"))
        .then_refused(&Rejection::NothingToRetry)
        .when(Input::resolve(ORDER, ADMIN, "stuck"))
        .then_refused(&Rejection::NothingToResolve)
        .when(Input::fact(ORDER, cancel()))
        .when_timer_fires("owed")
        .then(flagged(true))
        .when(Input::retry(ORDER, ADMIN, "the broker is back"))
        .then_emits(&[EventType::OrderCancelled])
        .then(flagged(false))
        .when_timer_fires("owed")
        .then(flagged(true))
        .when(Input::resolve(ORDER, ADMIN, "refunded by hand"))
        .then_emits(&[])
        .then_armed(&[])
        .then(flagged(false))
        .then_wrote(|writes| {
            let detail = writes.history[0].entry.detail.clone().unwrap();
            assert!(detail.contains("refunded by hand; written off: stock_release, payment_undo"), "{detail}");
        })
        .then(|snapshot| assert!(matches!(snapshot.orders[&ORDER].saga.state, State::Ended(_))));
}
