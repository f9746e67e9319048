//! The tables of the payment context against a real database: what is saved is loaded, and what must never be is
//! refused. Every adapter runs these; `super` names its database.

use ecom_core::decide::{BoundedContext, Context, Decision};
use ecom_core::event::FailureCode;
use ecom_core::id::{CorrelationId, MessageId, OrderId, PaymentId, PaymentMethodId, RefundId, UserId};
use ecom_core::money::{Currency, Money};
use ecom_core::payment::{
    Answered, Barrier, Card, Change, ChargeRequest, Effect, End, Input, News, Notice, Payment, PaymentContext,
    PaymentFilter, PaymentMethod, PaymentReader, PaymentScope, PaymentSnapshot, Price, ProviderAnswer, Record,
    RefundStatus, Refusal, RequestRefund, State, TransactionStatus, charge_key, payment_id, undo_refund_id,
};
use ecom_core::policy::Policy;
use ecom_core::port::PageRequest;
use ecom_core::time::Timestamp;
use sqlx::Connection;
use uuid::Uuid;

use super::{CAPTURED, Home, LEDGER, PaymentTables, Pool, REFUSED, Reader, Tables};

const USER: UserId = UserId(Uuid::from_u128(7));

struct Bench {
    _home: Home,
    pool: Pool,
    now: i64,
}

impl Bench {
    async fn new() -> Self {
        let home = Home::new().await;
        let pool = home.pool::<PaymentContext, PaymentTables>().await;
        Self { _home: home, pool, now: 1_000 }
    }

    /// One transaction, as the store would make it: all changes together, or none.
    async fn save(&self, changes: &[Change]) -> Result<(), sqlx::Error> {
        let mut connection = self.pool.acquire().await?;
        let mut transaction = connection.begin().await?;
        PaymentTables::save(&mut transaction, changes).await?;
        transaction.commit().await
    }

    async fn load(&self, scope: &PaymentScope) -> PaymentSnapshot {
        PaymentTables::load(&mut self.pool.acquire().await.unwrap(), scope).await.unwrap()
    }

    /// Decides on what is in the database and saves it in one transaction, as the store does. Returns the effects.
    async fn hear(&mut self, inputs: &[Input]) -> Vec<(MessageId, Effect)> {
        self.now += 1_000;
        let mut scope = PaymentScope::default();
        for input in inputs {
            PaymentContext::scope(input, &mut scope);
        }
        let mut snapshot = self.load(&scope).await;
        let (mut changes, mut effects) = (vec![], vec![]);
        for input in inputs {
            let context = Context {
                now: Timestamp::from_micros(self.now),
                cause: MessageId(Uuid::from_u128(1)),
                correlation: CorrelationId(Uuid::from_u128(2)),
                policy: &Policy::default(),
                calls: None,
            };
            match PaymentContext::decide(&snapshot, input, &context).unwrap() {
                Decision::Move(step) => {
                    step.changes.iter().for_each(|change| PaymentContext::apply(&mut snapshot, change));
                    changes.extend(step.changes);
                    effects.extend(step.effects.into_iter().map(|request| (request.id, request.effect)));
                }
                Decision::Stay { .. } => {}
            }
        }
        self.save(&changes).await.unwrap();
        scope.refunds.extend(snapshot.refunds.keys());
        let loaded = self.load(&scope).await;
        assert_eq!((&loaded.records, &loaded.refunds), (&snapshot.records, &snapshot.refunds));
        assert_eq!(loaded.default_method(USER), snapshot.default_method(USER));
        effects
    }

    async fn scalar(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.pool).await.unwrap()
    }

    fn reader(&self) -> Reader {
        Reader::new(self.pool.clone())
    }
}

fn order(n: u128) -> OrderId {
    OrderId(Uuid::from_u128(n << 90))
}

fn euro(minor: i64) -> Money {
    Money::new(minor, Currency::EUR)
}

fn price(n: u128, minor: i64) -> Input {
    Input::Reserved(Price { order_id: order(n), user_id: USER, total: euro(minor), payment_method_id: None })
}

fn cancelled(n: u128) -> Input {
    Input::Ended { order_id: order(n), end: End::Cancelled }
}

fn succeeded((key, effect): (MessageId, Effect)) -> Input {
    let answer = ProviderAnswer::Succeeded { reference: format!("ref-{key}") };
    PaymentContext::on_answer(key, effect, 1, answer)
}

fn refund(n: u128, minor: i64) -> Input {
    Input::Refund(RequestRefund {
        id: RefundId(Uuid::from_u128(minor.unsigned_abs().into())),
        payment_id: payment_id(order(n)),
        amount: Some(euro(minor)),
        reason: "damaged".to_owned(),
        actor: UserId(Uuid::from_u128(9)),
    })
}

fn method(n: u128, is_default: bool, version: u64) -> PaymentMethod {
    PaymentMethod {
        id: PaymentMethodId(Uuid::from_u128(n)),
        user_id: USER,
        provider: "sandbox".to_owned(),
        token: "tok_visa".to_owned(),
        card: Card { brand: "visa".to_owned(), last4: "4242".to_owned(), exp_month: 12, exp_year: 2030 },
        is_default,
        created_at: Timestamp::from_micros(n as i64),
        deleted: false,
        version,
    }
}

#[tokio::test]
async fn a_batch_of_charges_and_their_answers_is_saved_and_loaded() {
    let mut bench = Bench::new().await;
    let effects = bench.hear(&[price(1, 1_000), price(2, 2_000), price(3, 0), cancelled(4), price(4, 10)]).await;
    assert_eq!(effects.len(), 2, "nothing is charged for a free order and behind a barrier");
    let answers: Vec<_> = effects.into_iter().map(succeeded).collect();
    assert_eq!(bench.hear(&answers).await, vec![]);
    assert_eq!(bench.scalar(CAPTURED).await, 3_000);
    assert_eq!(bench.scalar(LEDGER).await, 0);
    assert_eq!(bench.scalar("SELECT count(*) FROM ledger_entries").await, 4);
    assert_eq!(bench.scalar("SELECT count(*) FROM transactions").await, 4);
}

#[tokio::test]
async fn refunds_wait_for_each_other_in_the_database_too() {
    let mut bench = Bench::new().await;
    let charge = bench.hear(&[price(1, 1_000)]).await.remove(0);
    bench.hear(&[succeeded(charge)]).await;
    let part = bench.hear(&[refund(1, 300)]).await.remove(0);
    assert_eq!(bench.hear(&[cancelled(1)]).await, vec![], "the administrator's refund comes first");
    let undo = bench.hear(&[succeeded(part)]).await.remove(0);
    bench.hear(&[succeeded(undo)]).await;
    let detail = bench.reader().payment(payment_id(order(1))).await.unwrap().unwrap();
    assert!(matches!(detail.payment.state, State::Refunded { .. }));
    assert_eq!(detail.payment.refunded, euro(1_000));
    let kinds: Vec<_> = detail.transactions.iter().map(|line| (line.kind.word(), line.status.word())).collect();
    let expected = [
        ("charge", "pending"),
        ("charge", "succeeded"),
        ("refund", "pending"),
        ("refund", "succeeded"),
        ("refund", "pending"),
        ("refund", "succeeded"),
    ];
    assert_eq!(kinds, expected);
    let refunds = bench.reader().refunds(payment_id(order(1))).await.unwrap();
    assert_eq!(refunds.iter().map(|refund| refund.amount.minor()).collect::<Vec<_>>(), [300, 700]);
    assert!(refunds.iter().all(|refund| matches!(refund.status, RefundStatus::Succeeded { .. })));
    assert_eq!(refunds[1].id, undo_refund_id(payment_id(order(1))));
}

#[tokio::test]
async fn every_state_survives_the_database() {
    let bench = Bench::new().await;
    let reference = || "ref".to_owned();
    let states = [
        State::Charging { unknown: true, undo: Some(End::Failed(FailureCode::PaymentTimeout)), harmless: 0 },
        State::Failed { reason: FailureCode::InsufficientFunds, detail: "no \"money\"".to_owned() },
        State::NothingDue,
        State::Captured { reference: reference() },
        State::Refunding {
            reference: reference(),
            end: End::Cancelled,
            refund: Some(RefundId(Uuid::from_u128(4))),
            refusal: Some("no".to_owned()),
        },
        State::Refunded {
            reference: reference(),
            refund: RefundId(Uuid::from_u128(4)),
            amount: euro(5),
            reason: "why".to_owned(),
        },
        State::Voided { end: End::Cancelled },
    ];
    for (n, state) in (1..).zip(states) {
        let taken = matches!(state, State::Captured { .. } | State::Refunding { .. } | State::Refunded { .. });
        let back = matches!(state, State::Refunded { .. });
        let payment = Payment {
            captured: euro(if taken { 5 } else { 0 }),
            refunded: euro(if back { 5 } else { 0 }),
            state,
            ..row(n)
        };
        bench.save(&[Change::PutPayment(payment.clone())]).await.unwrap();
        let loaded = bench.load(&scope_of(payment.id)).await;
        assert_eq!(loaded.records.get(&payment.id), Some(&Record::Payment(payment)));
    }
    let end = End::Failed(FailureCode::UnknownOrder);
    let barrier = Barrier { payment_id: row(9).id, order_id: order(9), end, created_at: Timestamp::from_micros(3) };
    bench.save(&[Change::AddBarrier(barrier.clone())]).await.unwrap();
    let loaded = bench.load(&scope_of(barrier.payment_id)).await;
    assert_eq!(loaded.records.get(&barrier.payment_id), Some(&Record::Barrier(barrier)));
}

fn row(n: u128) -> Payment {
    Payment {
        id: payment_id(order(n)),
        order_id: order(n),
        correlation_id: CorrelationId(Uuid::from_u128(3)),
        user_id: USER,
        provider: "sandbox".to_owned(),
        amount: euro(5),
        captured: euro(0),
        refunded: euro(0),
        pending: euro(0),
        state: State::Charging { unknown: false, undo: None, harmless: 0 },
        created_at: Timestamp::from_micros(1),
        updated_at: Timestamp::from_micros(2),
        version: 1,
    }
}

fn scope_of(payment: PaymentId) -> PaymentScope {
    PaymentScope { payments: [payment].into(), ..PaymentScope::default() }
}

#[tokio::test]
async fn what_must_never_be_is_refused_by_the_tables() {
    let bench = Bench::new().await;
    let captured = State::Captured { reference: "ref".to_owned() };
    let barrier =
        Barrier { payment_id: row(2).id, order_id: order(2), end: End::Cancelled, created_at: Timestamp::EPOCH };
    bench.save(&[Change::PutPayment(row(1)), Change::AddBarrier(barrier.clone())]).await.unwrap();
    let refused = [
        ("a version that is there", Change::PutPayment(row(1))),
        ("a payment behind a barrier", Change::PutPayment(Payment { version: 2, ..row(2) })),
        ("a barrier in front of a payment", Change::AddBarrier(Barrier { payment_id: row(1).id, ..barrier })),
        ("two payments of one order", Change::PutPayment(Payment { id: row(4).id, ..row(1) })),
        (
            "more captured than asked",
            Change::PutPayment(Payment { captured: euro(6), state: captured.clone(), version: 2, ..row(1) }),
        ),
        (
            "more refunded than captured",
            Change::PutPayment(Payment {
                captured: euro(5),
                refunded: euro(3),
                pending: euro(3),
                state: captured.clone(),
                version: 2,
                ..row(1)
            }),
        ),
        ("captured without money", Change::PutPayment(Payment { state: captured, version: 2, ..row(1) })),
        ("a second default", Change::PutMethod(method(2, true, 1))),
    ];
    bench.save(&[Change::PutMethod(method(1, true, 1))]).await.unwrap();
    for (what, change) in refused {
        assert!(bench.save(&[change]).await.is_err(), "{what}");
    }
    for sql in REFUSED {
        let mut bench = Bench::new().await;
        let charge = bench.hear(&[price(1, 1_000)]).await.remove(0);
        bench.hear(&[succeeded(charge)]).await;
        assert!(sqlx::query(*sql).execute(&bench.pool).await.is_err(), "{sql}");
    }
}

#[tokio::test]
async fn the_default_moves_in_one_batch_whatever_the_order_of_ids() {
    for (old, new) in [(1, 2), (2, 1)] {
        let mut bench = Bench::new().await;
        bench.save(&[Change::PutMethod(method(old, true, 1)), Change::PutMethod(method(new, false, 1))]).await.unwrap();
        let id = PaymentMethodId(Uuid::from_u128(new));
        bench.hear(&[Input::SetDefaultMethod { id, user_id: USER }]).await;
        let methods = bench.reader().methods(USER, PageRequest::default()).await.unwrap().items;
        let defaults: Vec<_> = methods.iter().filter(|method| method.is_default).map(|method| method.id).collect();
        assert_eq!(defaults, [id]);
    }
}

#[tokio::test]
async fn lists_are_newest_first_and_leave_out_barriers_and_removed_methods() {
    let mut bench = Bench::new().await;
    bench.hear(&[price(1, 10), price(3, 10), cancelled(2), price(4, 0)]).await;
    let two = PageRequest::new(2, None).unwrap();
    for user_id in [None, Some(USER)] {
        let filter = PaymentFilter { order_id: None, user_id };
        let first = bench.reader().payments(filter, two).await.unwrap();
        let next = PageRequest::new(2, first.next).unwrap();
        let second = bench.reader().payments(filter, next).await.unwrap();
        let orders: Vec<_> = first.items.iter().chain(&second.items).map(|item| item.payment.order_id).collect();
        assert_eq!(orders, [order(4), order(3), order(1)]);
        assert_eq!(second.next, None);
    }
    for (n, user, found) in [(1, USER, 1), (2, USER, 0), (1, UserId(Uuid::nil()), 0)] {
        let filter = PaymentFilter { order_id: Some(order(n)), user_id: Some(user) };
        let page = bench.reader().payments(filter, two).await.unwrap();
        assert_eq!(page.items.len(), found);
        let pending = |status| status == TransactionStatus::Pending;
        assert!(page.items.iter().all(|item| item.transactions.iter().all(|line| pending(line.status))));
    }
    assert_eq!(bench.reader().payment(payment_id(order(2))).await.unwrap(), None);
    bench.save(&[Change::PutMethod(method(1, false, 1)), Change::PutMethod(method(2, true, 1))]).await.unwrap();
    bench.hear(&[Input::RemoveMethod { id: PaymentMethodId(Uuid::from_u128(2)), user_id: USER }]).await;
    let left = bench.reader().methods(USER, PageRequest::default()).await.unwrap().items;
    assert_eq!(left, [method(1, false, 1)]);
    assert_eq!(bench.reader().method(PaymentMethodId(Uuid::from_u128(2))).await.unwrap(), None);
}

#[tokio::test]
async fn an_answer_for_a_payment_that_is_not_there_changes_nothing() {
    let mut bench = Bench::new().await;
    let request = ChargeRequest {
        order_id: order(1),
        payment_id: payment_id(order(1)),
        token: "tok_visa".to_owned(),
        amount: euro(5),
        harmless: 0,
    };
    let answer = ProviderAnswer::Succeeded { reference: "ref".to_owned() };
    let answered = Answered { key: MessageId(Uuid::nil()), request, attempts: 1, answer };
    bench.hear(&[Input::ChargeAnswered(answered)]).await;
    assert_eq!(bench.scalar("SELECT count(*) FROM payments").await, 0);
}

#[tokio::test]
async fn a_notice_is_saved_from_every_state_that_it_may_meet() {
    let mut bench = Bench::new().await;
    let notice = |n, reference: &str| {
        let (payment_id, reference) = (payment_id(order(n)), reference.to_owned());
        let (provider, news) = ("sandbox".to_owned(), News::Succeeded { reference });
        let key = charge_key(payment_id);
        Input::Noticed(Notice { provider, key, payment_id, refund_id: None, amount: euro(100), news })
    };
    let refused = |(key, effect): (MessageId, Effect)| {
        let answer = ProviderAnswer::Refused { code: Refusal::Declined, detail: "no".to_owned() };
        PaymentContext::on_answer(key, effect, 1, answer)
    };
    let effects = bench.hear(&[price(1, 100), price(2, 100), price(3, 100), cancelled(3)]).await;
    bench.hear(&[refused(effects[1].clone())]).await;
    // Charging; failed, so that the money goes back; charging with the order ended.
    let undone = bench.hear(&[notice(1, "ch_1"), notice(2, "ch_2"), notice(3, "ch_3")]).await;
    assert_eq!(undone.len(), 2, "{undone:?}");
    // A contradiction is a line more.
    bench.hear(&[notice(1, "ch_9")]).await;
    assert_eq!(bench.scalar("SELECT count(*) FROM postings").await, 3);
    assert_eq!(bench.scalar("SELECT count(*) FROM transactions WHERE status = 'unknown'").await, 1);
}
