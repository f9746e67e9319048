//! What the host was asked by the machines and what it answered, in a run of all services with failures in it.

mod asked;
mod keep;
mod stage;
mod trouble;

use std::time::{Duration, Instant};

use ecom_core::email::Email;
use ecom_core::engine::consumer::Verdict;
use ecom_core::engine::record::replay;
use ecom_core::event::Service;
use ecom_core::id::{CorrelationId, OrderId, PaymentMethodId, ProductId, UserId};
use ecom_core::inventory::{self, CreateProduct};
use ecom_core::money::{Currency, Money};
use ecom_core::order::{self, Actor, Place, PlacedLine};
use ecom_core::payment::{self, AddMethod, Card};
use ecom_core::quantity::Quantity;
use ecom_core::secret::PasswordHash;
use ecom_core::user::{self, Name, NewUser};

use crate::client::{PATIENCE, eventually};
use stage::Stage;
use trouble::Wrong::{Broken, Conflict, Unavailable, Unknown};

/// What a host never answers, and why.
const NEVER: [&str; 3] = [
    // Its wakes keep the earliest time themselves.
    "effector < sooner",
    // An adapter that cannot tell how a call ended says so in its answer.
    "call < lost",
    // As above.
    "clockwork < sooner",
];

/// More users than there is room for calls.
const CROWD: u64 = 260;

#[tokio::test(flavor = "multi_thread")]
async fn what_the_host_was_asked_is_what_it_did_and_the_machines_ask_it_again() {
    let stage = Stage::start().await;
    let mug = product(&stage, "MUG", 50).await;
    let lamp = product(&stage, "LAMP", 6).await;
    let buyer = UserId(stage.fresh());
    everything_goes_wrong_once(&stage);
    let mut orders = vec![];
    for token in ["tok_visa", "tok_flaky", "tok_declined", "tok_timeout_charged", "tok_visa"] {
        let method = card(&stage, buyer, token).await;
        let ends = if token == "tok_declined" { "order.failed" } else { "order.completed" };
        orders.push((place(&stage, buyer, mug, 1, Some(method)).await, ends));
    }
    orders.push((place(&stage, buyer, mug, 90, None).await, "order.failed"));
    // Few are left: the event that says so cannot be handled.
    orders.push((place(&stage, buyer, lamp, 3, None).await, "order.completed"));
    orders.push((cancelled_while_it_is_charged(&stage, buyer, mug).await, "order.cancelled"));
    ended(&stage, &orders).await;
    a_crowd(&stage).await;
    every_trouble_comes(&stage, buyer, mug).await;
    eventually("everything is published", async || (stage.unpublished().await == 0).then_some(())).await;
    // A machine that asks for something else now would have asked for it then.
    let (record, troubles) = stage.stop().await;
    let count = replay(&record).unwrap_or_else(|differs| panic!("{differs}"));
    assert_eq!(count.missing(), NEVER, "kinds that did not occur, of {count:#?}");
    asked::is_what_was_done(&record, &troubles);
    println!("{} lines, {} kinds", record.lines().count(), count.0.len());
    keep::golden(&record);
}

/// Which calls share a transaction is up to the machine: all may have been answered together with the first. So orders go
/// on until each trouble has come.
async fn every_trouble_comes(stage: &Stage, buyer: UserId, product_id: ProductId) {
    let begun = Instant::now();
    loop {
        let left: Vec<_> = stage.troubles.values().flat_map(|trouble| trouble.left()).collect();
        if left.is_empty() {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "not come: {left:?}");
        let order = place(stage, buyer, product_id, 1, None).await;
        ended(stage, &[(order, "order.completed")]).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
}

/// Each fault that a door may answer with, where the machines meet it.
fn everything_goes_wrong_once(stage: &Stage) {
    // Nobody sees a conflict before the committer has tried four times.
    let conflict = [Conflict; 4];
    let payment = stage.trouble(Service::Payment);
    payment.plan("subscribe", &[Unavailable]);
    payment.plan("receive", &[Unavailable, Broken]);
    payment.plan("settle", &[Unavailable]);
    payment.plan("transact an event", &[Unavailable, Unknown]);
    payment.plan("transact an event", &conflict);
    // Whoever shares a transaction that breaks is tried again alone: twice, then.
    payment.plan("answers of the first call", &[Unavailable, Broken, Broken, Unknown]);
    // So often that the call is left, and made again under its key when its lease has ended.
    payment.plan("answers of the second call", &conflict);
    payment.plan("answers of the second call", &[Unavailable; 4]);
    payment.plan("claim effects", &[Unavailable]);
    let inventory = stage.trouble(Service::Inventory);
    inventory.plan("find timers", &[Unavailable]);
    inventory.plan("transact a timer", &[Unavailable, Broken, Unknown]);
    inventory.plan("transact a timer", &conflict);
    inventory.plan("publish", &[Unknown]);
    inventory.plan("claim events", &[Unavailable]);
    let notification = stage.trouble(Service::Notification);
    notification.plan("count", &[Unavailable]);
    notification.plan("bury", &[Unavailable]);
}

async fn product(stage: &Stage, sku: &str, pieces: u64) -> ProductId {
    let id = ProductId(stage.fresh());
    let create = CreateProduct {
        id,
        sku: sku.to_owned(),
        name: sku.to_owned(),
        description: String::new(),
        price: Money::new(1_250, Currency::EUR),
        initial_stock: pieces,
        actor: UserId(stage.fresh()),
    };
    let made = stage.execute(&stage.inventory, inventory::Input::CreateProduct(create)).await;
    assert_eq!(made, Verdict::Done);
    id
}

async fn card(stage: &Stage, user_id: UserId, token: &str) -> PaymentMethodId {
    let id = PaymentMethodId(stage.fresh());
    let card = Card { brand: "visa".to_owned(), last4: "4242".to_owned(), exp_month: 12, exp_year: 2039 };
    let (provider, token) = ("sandbox".to_owned(), token.to_owned());
    let add = AddMethod { id, user_id, provider, token, card };
    assert_eq!(stage.execute(&stage.payments, payment::Input::AddMethod(add)).await, Verdict::Done);
    id
}

/// Orders as soon as the product is known to the order service.
async fn place(
    stage: &Stage,
    user_id: UserId,
    product_id: ProductId,
    pieces: u64,
    payment_method_id: Option<PaymentMethodId>,
) -> OrderId {
    eventually("an order is placed", async || {
        let order_id = OrderId(stage.fresh());
        let place = Place {
            order_id,
            user_id,
            correlation_id: CorrelationId(order_id.0),
            request_correlation_id: None,
            items: vec![PlacedLine { product_id, quantity: Quantity::new(pieces).unwrap(), unit_price: None }],
            payment_method_id,
            metadata: None,
        };
        let placed = stage.execute(&stage.orders, order::Input::Place(Box::new(place))).await;
        (placed == Verdict::Done).then_some(order_id)
    })
    .await
}

/// The provider answers only when the order is cancelled: what it took goes back.
async fn cancelled_while_it_is_charged(stage: &Stage, buyer: UserId, product: ProductId) -> OrderId {
    let payment = stage.trouble(Service::Payment);
    payment.answer(false);
    let order = place(stage, buyer, product, 1, None).await;
    let cancel = order::Input::cancel(order, Actor::User(buyer), "");
    assert_eq!(stage.execute(&stage.orders, cancel).await, Verdict::Done);
    payment.answer(true);
    order
}

/// Waits until each order has told its end.
async fn ended(stage: &Stage, orders: &[(OrderId, &str)]) {
    let open = async || {
        let record = stage.record();
        let told = |(order, end): &&(OrderId, &str)| {
            let (end, order) = (format!(r#""event_type":"{end}""#), format!(r#""aggregate_id":"{order}""#));
            !record.iter().any(|line| line.contains(&end) && line.contains(&order))
        };
        let open: Vec<_> = orders.iter().filter(told).collect();
        open.is_empty().then_some(())
    };
    eventually("every order has told its end", open).await;
}

/// So many are welcomed at once that no call finds room while the channel is slow.
async fn a_crowd(stage: &Stage) {
    stage.trouble(Service::Notification).answer(false);
    for number in 0..CROWD {
        let (user_id, name) = (UserId(stage.fresh()), Name::parse("Ada").unwrap());
        let email = Email::parse(&format!("user{number}@example.com")).unwrap();
        let (password_hash, last_name) = (PasswordHash::new("hash".to_owned()), Name::parse("Lovelace").unwrap());
        let user = NewUser { user_id, email, password_hash, first_name: name, last_name };
        assert_eq!(stage.execute(&stage.users, user::Input::Register(user)).await, Verdict::Done);
    }
    eventually("no call finds room", async || {
        stage.record().iter().any(|line| line.contains(r#""request":"room""#)).then_some(())
    })
    .await;
    stage.trouble(Service::Notification).answer(true);
}
