//! The tables of the order context against a real database: what is saved is loaded, lists are in order. Every adapter
//! runs these; `super` names its database.

use std::sync::Arc;
use std::time::Duration;

use ecom_core::decide::Timer;
use ecom_core::engine::{Batch, Fault, Message, Origin, Outcome, Transacted};
use ecom_core::event::{FailureCode, ProductChanged};
use ecom_core::id::{CorrelationId, MessageId, OrderId, PaymentMethodId, ProductId, UserId};
use ecom_core::money::{Currency, Money};
use ecom_core::order::{
    Actor, CatalogueEntry, Change, Fact, Input, Metadata, Order, OrderContext, OrderFilter, OrderReader, OrderScope,
    OrderSnapshot, Place, PlacedLine, SagaFilter, Status,
};
use ecom_core::policy::Policy;
use ecom_core::port::{Clock, PageRequest, Store as _};
use ecom_core::quantity::Quantity;
use ecom_core::testing::{ManualClock, MemoryStore};
use sqlx::{Connection, Row};
use uuid::Uuid;

use super::{Home, OrderTables, Reader, Store, Tables};

const TEA: ProductId = ProductId(Uuid::from_u128(4));
const POT: ProductId = ProductId(Uuid::from_u128(5));
pub(super) const ADA: UserId = UserId(Uuid::from_u128(0xa));
const BOB: UserId = UserId(Uuid::from_u128(0xb));

/// The same batches go to a database and to a store in memory.
pub(super) struct Bench {
    pub(super) home: Home,
    clock: Arc<ManualClock>,
    store: Store<OrderContext, OrderTables>,
    model: MemoryStore<OrderContext>,
    messages: u128,
}

impl Bench {
    pub(super) async fn new() -> Self {
        let home = Home::new().await;
        let clock = Arc::new(ManualClock::default());
        let store = home.open(clock.clone()).await;
        let model = MemoryStore::new(clock.clone(), Duration::from_secs(15), Policy::default());
        let mut bench = Self { home, clock, store, model, messages: 0 };
        bench.hear([product(TEA, 1, 1_250), product(POT, 1, 3_000)]).await;
        bench
    }

    fn reader(&self) -> Reader {
        Reader::new(self.store.readers().clone())
    }

    /// One transaction; both stores must end it in the same way. A second passes.
    pub(super) async fn hear(&mut self, inputs: impl IntoIterator<Item = Input>) -> Vec<Outcome<OrderContext>> {
        self.clock.advance(Duration::from_secs(1));
        let mut messages = vec![];
        for input in inputs {
            self.messages += 1;
            let (id, correlation) = (MessageId(Uuid::from_u128(self.messages)), CorrelationId(Uuid::nil()));
            let origin = match &input {
                Input::Saga { order_id, signal: ecom_core::saga::Signal::Deadline { kind, epoch } } => {
                    Origin::Timer(Timer { subject: order_id.0, kind: kind.clone(), epoch: *epoch })
                }
                Input::Saga { .. } | Input::Place(_) | Input::ProductChanged(_) | Input::Notice(_) => Origin::Event,
            };
            messages.push(Message { id, origin, correlation, causation: None, traceparent: None, input });
        }
        let batch = Batch { messages, delivered: vec![], leased: true };
        let (Transacted::Committed(file), Transacted::Committed(model)) =
            (self.store.transact(batch.clone()).await, self.model.transact(batch).await)
        else {
            panic!("a store did not commit");
        };
        assert_eq!(file.outcomes, model.outcomes);
        assert_eq!(file.outbox, model.outbox);
        assert_eq!(self.load().await, self.model.snapshot(), "the file holds other rows than the model");
        file.outcomes
    }

    /// Everything, by the same query as the store.
    async fn load(&self) -> OrderSnapshot {
        let known = self.model.snapshot();
        let scope = OrderScope { orders: known.orders.into_keys().collect(), products: [TEA, POT].into() };
        OrderTables::load(&mut self.home.connection().await, &scope).await.unwrap()
    }

    /// Changes past the rules, on a connection of their own.
    async fn save(&self, changes: &[Change]) -> Result<(), sqlx::Error> {
        let mut connection = self.home.connection().await;
        let mut transaction = connection.begin().await?;
        OrderTables::save(&mut transaction, changes).await?;
        transaction.commit().await
    }

    async fn order(&self, order_id: OrderId) -> Order {
        self.reader().order(order_id).await.unwrap().unwrap()
    }
}

fn product(product_id: ProductId, version: u64, minor: i64) -> Input {
    let (sku, name, price) = (format!("SKU-{version}"), "A thing".to_owned(), Money::new(minor, Currency::EUR));
    Input::ProductChanged(ProductChanged { product_id, version, sku, name, price, is_active: true })
}

fn id(number: u128) -> OrderId {
    OrderId(Uuid::from_u128(0x0192 << 112 | number))
}

pub(super) fn place(number: u128, user_id: UserId) -> Input {
    let line =
        |product_id, pieces| PlacedLine { product_id, quantity: Quantity::new(pieces).unwrap(), unit_price: None };
    Input::Place(Box::new(Place {
        order_id: id(number),
        user_id,
        correlation_id: CorrelationId(Uuid::from_u128(0xc000 + number)),
        request_correlation_id: number.is_multiple_of(2).then(|| "web \"1\"".to_owned()),
        items: vec![line(POT, 1), line(TEA, number as u64 + 1)],
        payment_method_id: number.is_multiple_of(2).then(|| PaymentMethodId(Uuid::from_u128(0x9e))),
        metadata: number.is_multiple_of(2).then(|| Metadata::parse(r#"{"to": "Zoë \"Z\""}"#).unwrap()),
    }))
}

fn fact(number: u128, fact: Fact) -> Input {
    Input::fact(id(number), fact)
}

fn paid(number: u128) -> Input {
    let amount = Money::new(3_000 + 1_250 * (number as i64 + 1), Currency::EUR);
    fact(number, Fact::PaymentProcessed { amount })
}

fn declined(number: u128) -> Input {
    let detail = "no \"cover\"".to_owned();
    fact(number, Fact::PaymentFailed { reason: FailureCode::InsufficientFunds, detail })
}

/// Each step compares the file with the model.
#[tokio::test]
async fn orders_are_loaded_as_they_were_saved_through_every_end() {
    let mut bench = Bench::new().await;
    bench.hear((1..=4).map(|number| place(number, ADA))).await;
    bench.hear((1..=3).map(|number| fact(number, Fact::InventoryReserved))).await;
    bench.hear([paid(1), declined(2), Input::cancel(id(3), Actor::User(ADA), "no \"need\"")]).await;
    bench.hear([Input::deadline(id(4), "inventory", 1)]).await;
    bench.hear([fact(1, Fact::InventoryCommitted), fact(2, Fact::InventoryCommitted)]).await;
    bench.hear([product(TEA, 2, 1_300), product(POT, 1, 1)]).await;
    let statuses = [Status::Completed, Status::Failed, Status::Cancelled, Status::Failed];
    for (number, status) in (1..).zip(statuses) {
        assert_eq!(bench.order(id(number)).await.status(), status);
    }
    assert!(bench.order(id(2)).await.saga.attention.is_some());
    assert_eq!(bench.reader().order(id(9)).await, Ok(None));
    let tea = bench.reader().catalogue_entry(TEA).await.unwrap().unwrap();
    assert_eq!((tea.version, tea.price.minor()), (2, 1_300));
    assert_eq!(bench.reader().catalogue_entry(ProductId(Uuid::nil())).await, Ok(None));

    bench.store.close().await;
    bench.store = bench.home.open(bench.clock.clone()).await;
    assert_eq!(bench.load().await, bench.model.snapshot(), "a restart changes nothing");
}

#[tokio::test]
async fn a_whole_life_in_one_batch_is_written_as_its_last_state() {
    let mut bench = Bench::new().await;
    let life = [place(1, ADA), fact(1, Fact::InventoryReserved), paid(1), fact(1, Fact::InventoryCommitted)];
    bench.hear(life).await;
    let order = bench.order(id(1)).await;
    assert_eq!((order.version(), order.status(), order.saga.is_settled()), (4, Status::Completed, true));
    let timeline = bench.reader().timeline(id(1)).await.unwrap();
    let events: Vec<&str> = timeline.iter().map(|row| &*row.entry.event).collect();
    assert_eq!(events, ["order.created", "inventory.reserved", "payment.processed", "inventory.committed"]);
    assert_eq!(bench.reader().timeline(id(2)).await, Ok(vec![]));
}

#[tokio::test]
async fn a_row_in_another_version_than_was_decided_on_is_not_written() {
    let mut bench = Bench::new().await;
    bench.hear([place(1, ADA)]).await;
    let read = bench.order(id(1)).await;
    bench.hear([fact(1, Fact::InventoryReserved)]).await;
    let current = bench.order(id(1)).await;
    let mut ahead = current.clone();
    ahead.saga.version = 9;
    for stale in [read, current.clone(), ahead] {
        assert!(bench.save(&[Change::PutOrder(stale.into())]).await.is_err());
    }
    let entry = bench.model.snapshot().catalogue[&TEA].clone();
    assert!(bench.save(&[Change::PutCatalogueEntry(entry.clone())]).await.is_err());
    let newer = CatalogueEntry { version: 2, ..entry };
    assert!(bench.save(&[Change::PutCatalogueEntry(newer)]).await.is_ok());
    assert_eq!(bench.order(id(1)).await, current);
}

#[tokio::test]
async fn two_orders_never_share_a_correlation_id() {
    let mut bench = Bench::new().await;
    bench.hear([place(1, ADA)]).await;
    let Input::Place(mut twin) = place(2, ADA) else { panic!() };
    twin.correlation_id = CorrelationId(Uuid::from_u128(0xc001));
    let (id, correlation) = (MessageId(Uuid::from_u128(99)), twin.correlation_id);
    let input = Input::Place(twin);
    let message = Message { id, origin: Origin::Event, correlation, causation: None, traceparent: None, input };
    let ended = bench.store.transact(Batch { messages: vec![message], delivered: vec![], leased: true }).await;
    assert!(matches!(ended, Transacted::RolledBack(Fault::Broken(_))), "{ended:?}");
    assert_eq!(bench.load().await.orders.len(), 1);
}

#[tokio::test]
async fn lists_are_newest_first_and_pages_neither_repeat_nor_skip() {
    let mut bench = Bench::new().await;
    bench.hear((0..5).map(|number| place(number, ADA))).await;
    bench.hear((5..9).map(|number| place(number, if number == 6 { BOB } else { ADA }))).await;
    bench.hear([declined(7), fact(8, Fact::InventoryReserved)]).await;
    let all = |user_id, status| list(&bench, OrderFilter { user_id, status });
    assert_eq!(all(None, None).await, [8, 7, 6, 5, 4, 3, 2, 1, 0]);
    assert_eq!(all(Some(ADA), None).await, [8, 7, 5, 4, 3, 2, 1, 0]);
    assert_eq!(all(Some(BOB), None).await, [6]);
    assert_eq!(all(Some(ADA), Some(Status::Failed)).await, [7]);
    assert_eq!(all(None, Some(Status::Processing)).await, [8]);
    assert_eq!(all(None, Some(Status::Pending)).await, [6, 5, 4, 3, 2, 1, 0]);
    assert_eq!(all(None, Some(Status::Cancelled)).await, Vec::<u128>::new());
}

/// All pages of two rows.
async fn list(bench: &Bench, filter: OrderFilter) -> Vec<u128> {
    let (mut numbers, mut after) = (vec![], None);
    loop {
        let page = bench.reader().orders(filter, PageRequest::new(2, after).unwrap()).await.unwrap();
        numbers.extend(page.items.iter().map(|order| order.id.0.as_u128() & 0xffff));
        after = page.next;
        if after.is_none() {
            return numbers;
        }
    }
}

#[tokio::test]
async fn operators_find_what_is_stuck() {
    let mut bench = Bench::new().await;
    bench.hear([place(1, ADA), place(2, ADA)]).await;
    bench.hear([place(3, ADA), place(4, ADA)]).await;
    let before_now = bench.clock.now();
    bench.hear([place(5, ADA)]).await;
    bench.hear([paid(1), paid(2), declined(3), fact(4, Fact::InventoryReserved)]).await;
    bench.hear([fact(1, Fact::InventoryCommitted), fact(2, Fact::InventoryReleased { held: true })]).await;
    let find = async |filter: SagaFilter| {
        let page = bench.reader().sagas(filter, PageRequest::default()).await.unwrap();
        page.items.iter().map(|order| order.id.0.as_u128() & 0xffff).collect::<Vec<_>>()
    };
    let any = SagaFilter::default();
    assert_eq!(find(any).await, [5, 4, 3, 2, 1]);
    assert_eq!(find(SagaFilter { unsettled: true, ..any }).await, [5, 4, 3, 2]);
    assert_eq!(find(SagaFilter { needs_attention: true, ..any }).await, [2]);
    assert_eq!(find(SagaFilter { needs_attention: true, unsettled: true, ..any }).await, [2]);
    assert_eq!(find(SagaFilter { status: Some(Status::Completed), ..any }).await, [2, 1]);
    assert_eq!(find(SagaFilter { status: Some(Status::Processing), ..any }).await, [4]);
    assert_eq!(find(SagaFilter { placed_before: Some(before_now), ..any }).await, [2, 1]);
    let asked = "SELECT CAST(owed AS TEXT) AS owed, CAST(attention AS TEXT) AS attention FROM sagas
                 WHERE attention IS NOT NULL";
    let owed = sqlx::query(asked).fetch_one(&mut bench.home.connection().await).await.unwrap();
    assert!(owed.get::<String, _>("owed").contains(r#""stock_commit":{"standing":"open""#));
    assert!(owed.get::<String, _>("attention").contains("stock was released"));
}
