//! The tables of the inventory context against a real database: what is saved is what is loaded, and the database refuses
//! what must never be. Every adapter runs these; `super` names its database.

use std::collections::BTreeSet;

use ecom_core::decide::BoundedContext;
use ecom_core::engine::{Fault, Loaded, Message, Origin, Outcome, Writes, fold};
use ecom_core::event::{FailureCode, Line, OrderCancelled, OrderCompleted, OrderCreated, OrderFailed};
use ecom_core::id::{CorrelationId, MessageId, OrderId, PaymentMethodId, ProductId, UserId};
use ecom_core::inventory::{
    AdjustStock, ChangeProduct, CreateProduct, Input, InventoryReader, MovementKind, ProductFilter, ProductPatch,
};
use ecom_core::money::{Currency, Money};
use ecom_core::policy::Policy;
use ecom_core::port::PageRequest;
use ecom_core::quantity::Quantity;
use ecom_core::time::Timestamp;
use sqlx::{Connection, Row};
use uuid::Uuid;

use super::{
    Change, Home, InventoryContext, InventoryScope, InventorySnapshot, InventoryTables, Pool, REFUSED, Reader, SUMS,
    Tables,
};

fn product(n: u128) -> ProductId {
    ProductId(Uuid::from_u128(n))
}

fn order(n: u128) -> OrderId {
    OrderId(Uuid::from_u128(n))
}

fn user() -> UserId {
    UserId(Uuid::from_u128(1))
}

fn new_product(n: u128, initial_stock: u64) -> Input {
    Input::CreateProduct(CreateProduct {
        id: product(n),
        sku: format!("TEA-{n}"),
        name: format!("Tea 100%_{n}"),
        description: "green\n\"tea\"".to_owned(),
        price: Money::new(150, Currency::EUR),
        initial_stock,
        actor: user(),
    })
}

fn created(n: u128, pieces: &[(u128, u64)]) -> Input {
    let items = pieces.iter().map(|(n, pieces)| Line {
        product_id: product(*n),
        sku: format!("TEA-{n}"),
        quantity: Quantity::new(*pieces).unwrap(),
        unit_price: Money::new(150, Currency::EUR),
    });
    Input::OrderCreated(OrderCreated {
        order_id: order(n),
        user_id: user(),
        items: items.collect(),
        total_amount: Money::new(i64::MAX, Currency::EUR),
        payment_method_id: n.is_multiple_of(2).then(|| PaymentMethodId(Uuid::from_u128(n))),
    })
}

fn completed(n: u128) -> Input {
    let total_amount = Money::new(300, Currency::EUR);
    Input::OrderCompleted(OrderCompleted { order_id: order(n), user_id: user(), total_amount, items: vec![] })
}

fn failed(n: u128) -> Input {
    let (reason, detail) = (FailureCode::PaymentDeclined, String::new());
    Input::OrderFailed(OrderFailed { order_id: order(n), user_id: None, reason, detail })
}

fn cancelled(n: u128) -> Input {
    Input::OrderCancelled(OrderCancelled { order_id: order(n), user_id: user(), reason: String::new() })
}

/// A database, and what the rules have made of it so far, kept in memory beside it.
struct Shop {
    pool: Pool,
    expected: InventorySnapshot,
    messages: u128,
    _home: Home,
}

impl Shop {
    async fn new() -> Self {
        let home = Home::new().await;
        let pool = home.pool::<InventoryContext, InventoryTables>().await;
        Self { pool, expected: InventorySnapshot::default(), messages: 0, _home: home }
    }

    /// Loads, decides and saves a batch in one transaction.
    async fn run(&mut self, inputs: Vec<Input>) -> Writes<InventoryContext> {
        let mut scope = InventoryScope::default();
        for input in &inputs {
            InventoryContext::scope(input, &mut scope);
        }
        let messages: Vec<_> = inputs.into_iter().map(|input| self.message(input)).collect();
        let mut connection = self.pool.acquire().await.unwrap();
        let mut transaction = connection.begin().await.unwrap();
        let loaded = Loaded {
            snapshot: InventoryTables::load(&mut transaction, &scope).await.unwrap(),
            seen: BTreeSet::new(),
            kept: std::collections::BTreeMap::new(),
            armed: BTreeSet::new(),
            owed: std::collections::BTreeMap::new(),
            now: Timestamp::from_micros(i64::try_from(self.messages).unwrap()),
        };
        let writes = fold(loaded, &messages, &Policy::default());
        InventoryTables::save(&mut transaction, &writes.changes).await.unwrap();
        transaction.commit().await.unwrap();
        for change in &writes.changes {
            InventoryContext::apply(&mut self.expected, change);
        }
        writes
    }

    fn message(&mut self, input: Input) -> Message<InventoryContext> {
        self.messages += 1;
        Message {
            id: MessageId(Uuid::from_u128(self.messages << 32)),
            origin: Origin::Event,
            correlation: CorrelationId(Uuid::from_u128(self.messages)),
            causation: None,
            traceparent: None,
            input,
        }
    }

    /// Everything in the database, through the front door.
    async fn everything(&self) -> InventorySnapshot {
        let scope = InventoryScope {
            products: self.expected.products.keys().copied().collect(),
            skus: self.expected.skus.keys().cloned().collect(),
            orders: self.expected.reservations.keys().copied().collect(),
        };
        InventoryTables::load(&mut self.pool.acquire().await.unwrap(), &scope).await.unwrap()
    }

    fn reader(&self) -> Reader {
        Reader::new(self.pool.clone())
    }
}

#[tokio::test]
async fn every_state_survives_the_database_in_one_batch_and_in_many() {
    let inputs = || {
        vec![
            new_product(1, 10),
            new_product(2, 0),
            new_product(3, 5),
            created(1, &[(1, 1)]),
            created(2, &[(1, 2), (3, 1), (3, 1)]),
            created(3, &[(1, 1)]),
            created(4, &[(2, 1)]),
            created(6, &[(9, 1)]),
            cancelled(5),
            completed(2),
            failed(3),
            Input::HoldDue { order_id: order(1), epoch: 1 },
            Input::AdjustStock(AdjustStock {
                product_id: product(2),
                delta: 7,
                reason: "found".to_owned(),
                actor: user(),
            }),
            Input::ChangeProduct(ChangeProduct {
                id: product(3),
                patch: ProductPatch { is_active: Some(false), ..ProductPatch::default() },
                actor: user(),
            }),
        ]
    };
    let mut batch = Shop::new().await;
    batch.run(inputs()).await;
    assert_eq!(batch.everything().await, batch.expected);
    let mut single = Shop::new().await;
    for input in inputs().into_iter().filter(|input| !matches!(input, Input::HoldDue { .. })) {
        single.run(vec![input]).await;
        assert_eq!(single.everything().await, single.expected);
    }
    let states: Vec<_> = single.expected.reservations.values().map(|reservation| reservation.state.name()).collect();
    assert_eq!(states, ["held", "committed", "released", "refused", "barred", "refused"]);
}

#[tokio::test]
async fn an_orders_end_finds_the_stock_of_its_hold() {
    let mut shop = Shop::new().await;
    shop.run(vec![new_product(1, 10), created(1, &[(1, 4)]), created(2, &[(1, 3)])]).await;
    shop.run(vec![completed(1), failed(2)]).await;
    let stock = shop.reader().stock(product(1)).await.unwrap().unwrap();
    assert_eq!((stock.on_hand, stock.reserved, stock.committed), (6, 0, 4));
}

#[tokio::test]
async fn a_row_in_another_version_rolls_everything_back() {
    let mut shop = Shop::new().await;
    shop.run(vec![new_product(1, 10), created(1, &[(1, 4)])]).await;
    let stock = shop.expected.stock[&product(1)];
    let held = shop.expected.reservations[&order(1)].clone();
    let mut stale = stock;
    stale.version += 2;
    let mut again = held.clone();
    again.version = 1;
    let mut gone = held;
    gone.order_id = order(99);
    gone.version = 2;
    for change in [
        Change::PutStock(stale),
        Change::PutStock(stock),
        Change::PutReservation(again),
        Change::PutReservation(gone),
        Change::PutProduct(shop.expected.products[&product(1)].clone()),
    ] {
        let mut connection = shop.pool.acquire().await.unwrap();
        let mut transaction = connection.begin().await.unwrap();
        let saved = InventoryTables::save(&mut transaction, std::slice::from_ref(&change)).await;
        assert!(saved.is_err(), "{change:?}");
    }
    assert_eq!(shop.everything().await, shop.expected);
}

#[tokio::test]
async fn the_database_refuses_what_must_never_be() {
    let mut shop = Shop::new().await;
    shop.run(vec![new_product(1, 10), created(1, &[(1, 4)]), created(2, &[(1, 2)]), completed(1)]).await;
    for sql in REFUSED {
        assert!(sqlx::query(*sql).execute(&shop.pool).await.is_err(), "{sql}");
    }
    assert_eq!(shop.everything().await, shop.expected);
}

#[tokio::test]
async fn the_log_adds_up_to_what_is_on_hand() {
    let mut shop = Shop::new().await;
    let mut orders = vec![new_product(1, 10), new_product(2, 20)];
    orders.extend((1..=20).map(|n| created(n, &[(1, 1), (2, 1)])));
    orders.extend((1..=5).map(completed));
    orders.extend((6..=8).map(failed));
    shop.run(orders).await;
    let rows = sqlx::query(SUMS).fetch_all(&shop.pool).await.unwrap();
    let rows: Vec<[i64; 5]> = rows.iter().map(|row| std::array::from_fn(|column| row.get(column))).collect();
    assert_eq!(rows, [[5, 2, 5, 5, 2], [15, 2, 5, 15, 2]]);
}

#[tokio::test]
async fn lists_go_on_where_they_ended() {
    let mut shop = Shop::new().await;
    for n in 1..=5 {
        shop.run(vec![new_product(n, 10)]).await;
    }
    shop.run((1..=3).map(|n| created(n, &[(1, 1)])).collect()).await;
    shop.run((1..=3).map(completed).collect()).await;
    let reader = shop.reader();
    let (mut seen, mut after) = (vec![], None);
    loop {
        let request = PageRequest::new(2, after).unwrap();
        let page = reader.products(&ProductFilter::default(), request).await.unwrap();
        seen.extend(page.items.iter().map(|stocked| stocked.product.id.0.as_u128()));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, [5, 4, 3, 2, 1]);
    let (mut kinds, mut after) = (vec![], None);
    loop {
        let page = reader.movements(product(1), PageRequest::new(1, after).unwrap()).await.unwrap();
        kinds.extend(page.items.iter().map(|movement| movement.kind));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let sold: BTreeSet<_> = kinds.iter().filter_map(|kind| kind.order_id()).collect();
    assert_eq!(sold, (1..=3).map(order).collect());
    assert_eq!((kinds.len(), kinds[3]), (4, MovementKind::Initial));
}

#[tokio::test]
async fn products_are_found_by_sku_and_text() {
    let mut shop = Shop::new().await;
    shop.run(vec![new_product(1, 10), new_product(2, 10), created(1, &[(2, 3)])]).await;
    let reader = shop.reader();
    for (sku, q, expected) in [
        (Some("TEA-2"), None, vec![2]),
        (Some("tea-2"), None, vec![]),
        (Some("TEA-2"), Some("coffee"), vec![]),
        (None, Some("tea"), vec![2, 1]),
        (None, Some("100%_2"), vec![2]),
        (None, Some("%%"), vec![]),
        (None, Some("GREEN"), vec![2, 1]),
        (None, Some("\\"), vec![]),
        (None, Some("'; DROP TABLE products; --"), vec![]),
    ] {
        let filter = ProductFilter { sku: sku.map(str::to_owned), q: q.map(str::to_owned) };
        let page = reader.products(&filter, PageRequest::default()).await.unwrap();
        let found: Vec<_> = page.items.iter().map(|stocked| stocked.product.id.0.as_u128()).collect();
        assert_eq!(found, expected, "{filter:?}");
    }
    let found = reader.product(product(2)).await.unwrap().unwrap();
    assert_eq!((found.product, found.available), (shop.expected.products[&product(2)].clone(), 7));
    assert_eq!(reader.product(product(9)).await.unwrap(), None);
    assert_eq!(reader.stock(product(9)).await.unwrap(), None);
    let held = reader.reservation(order(1)).await.unwrap();
    assert_eq!(held.as_ref(), shop.expected.reservations.get(&order(1)));
    assert_eq!(reader.reservation(order(9)).await.unwrap(), None);
}

#[tokio::test]
async fn a_closed_database_is_unavailable() {
    let shop = Shop::new().await;
    shop.pool.close().await;
    let failure = shop.reader().stock(product(1)).await;
    assert!(matches!(failure, Err(Fault::Unavailable(_))), "{failure:?}");
}

#[tokio::test]
async fn five_hundred_orders_over_the_database_hold_exactly_a_hundred() {
    let mut shop = Shop::new().await;
    shop.run(vec![new_product(1, 100)]).await;
    let orders: Vec<_> = (0..500).map(|n| created(n, &[(1, 1)])).collect();
    for batch in orders.chunks(64) {
        let writes = shop.run(batch.to_vec()).await;
        assert!(writes.outcomes.iter().all(|outcome| matches!(outcome, Outcome::Applied(None))));
    }
    let held: i64 = sqlx::query_scalar("SELECT count(*) FROM reservations WHERE state = 'held'")
        .fetch_one(&shop.pool)
        .await
        .unwrap();
    assert_eq!(held, 100);
    assert_eq!(shop.everything().await, shop.expected);
}
