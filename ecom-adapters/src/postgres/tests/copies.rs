//! Two copies of a service on one database: what they do at the same time is as good as one after the other.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use ecom_core::decide::BoundedContext;
use ecom_core::email::Email;
use ecom_core::engine::{Batch, Fault, Idempotency, Message, Origin, Outcome, Transacted};
use ecom_core::event::{Line, OrderCompleted, OrderCreated, UserChanged};
use ecom_core::id::{CorrelationId, MessageId, OrderId, ProductId, UserId};
use ecom_core::inventory::{CreateProduct, InventoryContext, InventoryReader};
use ecom_core::money::{Currency, Money};
use ecom_core::notification::{self, NotificationContext};
use ecom_core::port::Store;
use ecom_core::quantity::Quantity;
use ecom_core::secret::PasswordHash;
use ecom_core::testing::counter::{Counters, Input as Count};
use ecom_core::testing::{ManualClock, join_all};
use ecom_core::time::Timestamp;
use ecom_core::user::{Name, NewUser, Rejection, UserContext, UserReader};
use ecom_core::{inventory, user};
use sqlx::Row;
use uuid::Uuid;

use super::counters::CounterTables;
use super::world::Home;
use crate::postgres::inventory::{InventoryTables, PgInventoryReader};
use crate::postgres::notification::NotificationTables;
use crate::postgres::user::{PgUserReader, UserTables, signing_keys};
use crate::postgres::{DatabaseClock, PgStore, Tables};

/// Two copies by the server's clock.
async fn pair<C: BoundedContext, T: Tables<C>>(home: &Home) -> [PgStore<C, T>; 2] {
    let lease = Duration::from_secs(60);
    [home.open_by(DatabaseClock::Server, lease).await, home.open_by(DatabaseClock::Server, lease).await]
}

fn message<C: BoundedContext>(number: u128, origin: Origin, input: C::Input) -> Message<C> {
    let (id, correlation) = (MessageId(Uuid::from_u128(number)), CorrelationId(Uuid::from_u128(number)));
    Message { id, origin, correlation, causation: None, traceparent: None, input }
}

/// Commits as often as it takes, as a host does.
async fn commit<C: BoundedContext>(store: &dyn Store<C>, messages: Vec<Message<C>>) -> Vec<Outcome<C>> {
    for _ in 0..50 {
        let batch = Batch { messages: messages.clone(), delivered: vec![], leased: false };
        match store.transact(batch).await {
            Transacted::Committed(committed) => return committed.outcomes,
            Transacted::RolledBack(Fault::Conflict) => {}
            other => panic!("{other:?}"),
        }
    }
    panic!("it never commits");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_copy_has_claimed_the_other_does_not_get() {
    const ROWS: u128 = 150;
    let home = Home::new().await;
    let stores: [PgStore<Counters, CounterTables>; 2] = pair(&home).await;
    let told = |number| {
        let (id, effect) = (Uuid::from_u128(number), MessageId(Uuid::from_u128(number << 32)));
        let ring = Count::Ring { id, effect, after: Duration::ZERO };
        [
            message(number, Origin::Event, Count::Add { id, amount: 1, events: 1 }),
            message(number + ROWS, Origin::Event, ring),
        ]
    };
    commit(&stores[0], (1..=ROWS).flat_map(told).collect()).await;
    let claim = async |store: &PgStore<Counters, CounterTables>| {
        let (mut events, mut effects) = (vec![], vec![]);
        loop {
            let (outbox, owed) = (store.claim_outbox(7).await.unwrap(), store.claim_effects(7).await.unwrap());
            if outbox.items.is_empty() && owed.items.is_empty() {
                return (events, effects);
            }
            events.extend(outbox.items.iter().map(|event| event.event_id));
            effects.extend(owed.items.iter().map(|effect| effect.id));
        }
    };
    let (left, right) = tokio::join!(claim(&stores[0]), claim(&stores[1]));
    for (left, right) in [(left.0, right.0), (left.1, right.1)] {
        let all: BTreeSet<_> = left.iter().chain(&right).collect();
        assert_eq!((left.len() + right.len(), all.len()), (ROWS as usize, ROWS as usize));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_idempotency_key_on_two_copies_is_used_once() {
    let home = Home::new().await;
    let stores: [PgStore<Counters, CounterTables>; 2] = pair(&home).await;
    for number in 0..15_u128 {
        let command = |side: u128| {
            let key = Idempotency { scope: "ada".to_owned(), key: number.to_string(), fingerprint: "body".to_owned() };
            // Another row for each, so that nothing but the key makes them meet.
            let input = Count::Add { id: Uuid::from_u128(number * 2 + side), amount: 1, events: 0 };
            vec![message(number * 2 + side, Origin::Command(Some(key)), input)]
        };
        let (left, right) = tokio::join!(commit(&stores[0], command(0)), commit(&stores[1], command(1)));
        let outcomes = [&left[0], &right[0]];
        let applied = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Applied(_))).count();
        let replayed = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Replayed(_))).count();
        assert_eq!((applied, replayed), (1, 1), "{outcomes:?}");
    }
}

fn new_product() -> inventory::Input {
    inventory::Input::CreateProduct(CreateProduct {
        id: ProductId(Uuid::from_u128(1)),
        sku: "LAMP".to_owned(),
        name: "Lamp".to_owned(),
        description: String::new(),
        price: Money::new(150, Currency::EUR),
        initial_stock: 100,
        actor: UserId(Uuid::nil()),
    })
}

fn order_created(number: u128) -> inventory::Input {
    let line = Line {
        product_id: ProductId(Uuid::from_u128(1)),
        sku: "LAMP".to_owned(),
        quantity: Quantity::new(1).unwrap(),
        unit_price: Money::new(150, Currency::EUR),
    };
    inventory::Input::OrderCreated(OrderCreated {
        order_id: OrderId(Uuid::from_u128(number)),
        user_id: UserId(Uuid::nil()),
        items: vec![line],
        total_amount: Money::new(150, Currency::EUR),
        payment_method_id: None,
    })
}

/// A flash sale: every order comes to both copies, in batches of different sizes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_orders_on_two_copies_hold_exactly_a_hundred() {
    const ORDERS: u128 = 500;
    let home = Home::new().await;
    let stores: [PgStore<InventoryContext, InventoryTables>; 2] = pair(&home).await;
    commit(&stores[0], vec![message(9_999, Origin::Command(None), new_product())]).await;
    let sell = async |store: &PgStore<InventoryContext, InventoryTables>, size: usize, backwards: bool| {
        let mut orders: Vec<u128> = (1..=ORDERS).collect();
        if backwards {
            orders.reverse();
        }
        let mut applied = 0;
        for batch in orders.chunks(size) {
            let messages = batch.iter().map(|number| message(*number, Origin::Event, order_created(*number))).collect();
            let outcomes = commit(store, messages).await;
            applied += outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Applied(_))).count();
        }
        applied
    };
    let (left, right) = tokio::join!(sell(&stores[0], 23, false), sell(&stores[1], 31, true));
    assert_eq!(left + right, ORDERS as usize, "each order was handled once");
    let counts = "SELECT count(*) FILTER (WHERE state = 'held') AS held, count(*) AS n FROM reservations";
    let row = sqlx::query(counts).fetch_one(&mut home.connection().await).await.unwrap();
    assert_eq!((row.get::<i64, _>("held"), row.get::<i64, _>("n")), (100, 500));
    let reader = PgInventoryReader::new(stores[0].readers().clone());
    let stock = reader.stock(ProductId(Uuid::from_u128(1))).await.unwrap().unwrap();
    assert_eq!((stock.on_hand, stock.reserved, stock.available()), (100, 100, 0));
}

fn new_user(number: u128, email: &str) -> NewUser {
    NewUser {
        user_id: UserId(Uuid::from_u128(number)),
        email: Email::parse(email).unwrap(),
        password_hash: PasswordHash::new("hash".to_owned()),
        first_name: Name::parse("Ada").unwrap(),
        last_name: Name::parse("L").unwrap(),
    }
}

fn command(number: u128, input: user::Input) -> Vec<Message<UserContext>> {
    vec![message(number, Origin::Command(None), input)]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_two_copies_are_asked_for_has_one_owner() {
    let home = Home::new().await;
    let stores: [PgStore<UserContext, UserTables>; 2] = pair(&home).await;
    for number in 0..10_u128 {
        let email = format!("user{number}@example.com");
        let register = |side: u128| {
            let id = number * 2 + side + 1;
            command(id, user::Input::Register(new_user(id, &email)))
        };
        let (left, right) = tokio::join!(commit(&stores[0], register(0)), commit(&stores[1], register(1)));
        let taken = [&left[0], &right[0]]
            .iter()
            .filter(|outcome| ***outcome == Outcome::Rejected(Rejection::EmailTaken))
            .count();
        assert_eq!(taken, 1, "{left:?} {right:?}");
    }
}

/// Each would be the last one after the other's removal: one of the two is refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_administrators_cannot_remove_each_other() {
    let home = Home::new().await;
    let stores: [PgStore<UserContext, UserTables>; 2] = pair(&home).await;
    let [one, two] = [1, 2].map(|number| UserId(Uuid::from_u128(number)));
    commit(&stores[0], command(1, user::Input::BootstrapAdmin(new_user(1, "one@example.com")))).await;
    commit(&stores[0], command(2, user::Input::CreateAdmin(new_user(2, "two@example.com")))).await;
    let remove = |actor, user_id| command(3, user::Input::Deactivate { actor, user_id });
    // Both are under way before either can write.
    let mut holder = home.connection().await;
    sqlx::raw_sql("BEGIN; SELECT 1 FROM users FOR UPDATE").execute(&mut holder).await.unwrap();
    let release = async {
        let waiting = "SELECT count(*) AS n FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let mut observer = home.connection().await;
        while sqlx::query(waiting).fetch_one(&mut observer).await.unwrap().get::<i64, _>("n") < 2 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        sqlx::raw_sql("ROLLBACK").execute(&mut holder).await.unwrap();
    };
    let (left, right, ()) =
        tokio::join!(commit(&stores[0], remove(one, two)), commit(&stores[1], remove(two, one)), release);
    let applied = [&left[0], &right[0]].iter().filter(|outcome| matches!(outcome, Outcome::Applied(_))).count();
    assert_eq!(applied, 1, "{left:?} {right:?}");
    let reader = PgUserReader::new(stores[0].readers().clone());
    let active = [reader.user(one).await.unwrap().unwrap(), reader.user(two).await.unwrap().unwrap()];
    assert_eq!(active.iter().filter(|user| user.is_active_admin()).count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copies_that_start_at_once_sign_with_one_key() {
    let home = Home::new().await;
    let stores: [PgStore<UserContext, UserTables>; 2] = pair(&home).await;
    let keys = |copy: usize| signing_keys(&stores[copy % 2], if copy == 0 { b"one" } else { b"two" }, Timestamp::EPOCH);
    let all: Vec<Result<Vec<Vec<u8>>, Fault>> = join_all((0..4).map(|copy| Box::pin(keys(copy)) as _).collect()).await;
    assert!(all.iter().all(|found| found.as_ref().is_ok_and(|keys| keys.len() == 1 && found == &all[0])), "{all:?}");
}

fn contact_of(user_id: UserId) -> notification::Input {
    notification::Input::UserUpdated(UserChanged {
        user_id,
        version: 1,
        email: Email::parse("ada@example.com").unwrap(),
        first_name: "Ada".to_owned(),
        last_name: "L".to_owned(),
        is_admin: false,
    })
}

/// A notice that begins to wait while its user's contact arrives is not forgotten.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_notice_waits_for_a_contact_that_is_there() {
    let home = Home::new().await;
    let stores: [PgStore<NotificationContext, NotificationTables>; 2] = pair(&home).await;
    for number in 1..=25_u128 {
        let user_id = UserId(Uuid::from_u128(number));
        let completed = |order: u128| {
            let order_id = OrderId(Uuid::from_u128(number << 8 | order));
            let total_amount = Money::new(300, Currency::EUR);
            let input =
                notification::Input::OrderCompleted(OrderCompleted { order_id, user_id, total_amount, items: vec![] });
            message(number << 16 | order, Origin::Event, input)
        };
        let contact = contact_of(user_id);
        if number.is_multiple_of(2) {
            commit(&stores[0], vec![completed(1)]).await;
        }
        tokio::join!(
            commit(&stores[0], vec![completed(2)]),
            commit(&stores[1], vec![message(number << 16, Origin::Event, contact)])
        );
    }
    let waiting = "SELECT count(*) AS n FROM notices WHERE state = 'deferred'";
    let row = sqlx::query(waiting).fetch_one(&mut home.connection().await).await.unwrap();
    assert_eq!(row.get::<i64, _>("n"), 0);
}

/// Two copies that handle repeats of one end would choose the channel each for itself while the user's wishes change.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_notice_is_decided_under_the_lock_of_its_contact() {
    let home = Home::new().await;
    let stores: [PgStore<NotificationContext, NotificationTables>; 2] = pair(&home).await;
    let user_id = UserId(Uuid::from_u128(1));
    commit(&stores[0], vec![message(1, Origin::Event, contact_of(user_id))]).await;
    let completed = |number| {
        let (order_id, total_amount) = (OrderId(Uuid::from_u128(7)), Money::new(300, Currency::EUR));
        let input =
            notification::Input::OrderCompleted(OrderCompleted { order_id, user_id, total_amount, items: vec![] });
        message(number, Origin::Event, input)
    };
    let mut holder = home.connection().await;
    sqlx::raw_sql("BEGIN; SELECT 1 FROM contacts FOR UPDATE").execute(&mut holder).await.unwrap();
    let done = std::sync::atomic::AtomicBool::new(false);
    let decide = async |store: usize, number| {
        commit(&stores[store], vec![completed(number)]).await;
        assert!(done.load(std::sync::atomic::Ordering::Relaxed), "it was decided while the contact was locked");
    };
    let release = async {
        let waiting = "SELECT count(*) AS n FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let mut observer = home.connection().await;
        while sqlx::query(waiting).fetch_one(&mut observer).await.unwrap().get::<i64, _>("n") < 2 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        sqlx::raw_sql("ROLLBACK").execute(&mut holder).await.unwrap();
    };
    tokio::join!(decide(0, 11), decide(1, 12), release);
    let row = sqlx::query("SELECT count(*) AS n FROM notices").fetch_one(&mut home.connection().await).await.unwrap();
    assert_eq!(row.get::<i64, _>("n"), 1);
}

/// Text from outside may hold the one character that the database cannot: it is kept as a sign that something was there.
#[tokio::test]
async fn a_nul_in_a_text_does_no_harm() {
    let home = Home::new().await;
    let store: PgStore<InventoryContext, InventoryTables> = home.open(Arc::new(ManualClock::default())).await;
    let letter = ecom_core::engine::DeadLetter {
        id: MessageId(Uuid::nil()),
        queue: "inventory.events".to_owned(),
        event_type: "order\0created".to_owned(),
        body: "{\"a\":\"\0\"}".to_owned(),
        reason: "it holds \0".to_owned(),
        attempts: 1,
    };
    store.bury(letter).await.unwrap();
    let kept = store.dead_letter(MessageId(Uuid::nil())).await.unwrap().unwrap();
    assert_eq!((kept.reason.as_str(), kept.body.as_str()), ("it holds \u{fffd}", "{\"a\":\"\u{fffd}\"}"));
    let inventory::Input::CreateProduct(product) = new_product() else { panic!() };
    let strange = inventory::Input::CreateProduct(CreateProduct { sku: "A\0".to_owned(), ..product });
    let outcomes = commit(&store, vec![message(1, Origin::Command(None), strange)]).await;
    assert!(matches!(outcomes[..], [Outcome::Rejected(_)]), "{outcomes:?}");
    let reader = PgInventoryReader::new(store.readers().clone());
    let filter = inventory::ProductFilter { sku: Some("\0".to_owned()), q: Some("\0".to_owned()) };
    assert!(reader.products(&filter, ecom_core::port::PageRequest::default()).await.unwrap().items.is_empty());
}
