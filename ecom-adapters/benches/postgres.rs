//! Whole orders straight on the stores of three services in PostgreSQL: placed, held, charged, completed, committed. No
//! bus and no HTTP: what one service emits is the next one's batch.
//!
//! `cargo bench -p ecom-adapters --features postgres --bench postgres`, against `TEST_DATABASE_URL` or the local server.
//! The databases that it makes are dropped at the end.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use ecom_adapters::postgres::inventory::InventoryTables;
use ecom_adapters::postgres::order::OrderTables;
use ecom_adapters::postgres::payment::PaymentTables;
use ecom_adapters::postgres::{DatabaseClock, PgStore, Settings, StoreOptions, Tables};
use ecom_core::decide::BoundedContext;
use ecom_core::engine::{Batch, EffectRow, Message, Origin, Transacted};
use ecom_core::event::Envelope;
use ecom_core::id::{CorrelationId, MessageId, OrderId, ProductId, UserId};
use ecom_core::inventory::{self, CreateProduct, InventoryContext};
use ecom_core::money::{Currency, Money};
use ecom_core::order::{self, OrderContext, Place, PlacedLine};
use ecom_core::payment::{PaymentContext, ProviderAnswer};
use ecom_core::policy::Policy;
use ecom_core::port::Store;
use ecom_core::quantity::Quantity;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, Row};
use tokio::time::Instant;
use uuid::Uuid;

type Failure = Box<dyn std::error::Error + Send + Sync>;

const SERVICES: [&str; 3] = ["order", "inventory", "payment"];
const PRODUCTS: u128 = 200;

/// Orders in flight, and how many are placed altogether.
const RUNS: [(usize, u128); 4] = [(1, 300), (16, 3_000), (64, 8_000), (250, 12_000)];

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<(), Failure> {
    let default = "postgres://postgres@127.0.0.1:5432/postgres";
    let server = std::env::var("TEST_DATABASE_URL").unwrap_or_else(|_| default.to_owned());
    let mut administrator = PgConnection::connect(&server).await?;
    for service in SERVICES {
        let name = format!("ecom_bench_{service}");
        let fresh = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE); CREATE DATABASE {name}");
        for statement in fresh.split("; ") {
            sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut administrator).await?;
        }
    }
    let measured = measure(&server).await;
    for service in SERVICES {
        let drop = format!("DROP DATABASE ecom_bench_{service} WITH (FORCE)");
        sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut administrator).await?;
    }
    measured
}

fn url(server: &str, service: &str) -> Result<String, Failure> {
    let mut url = server.parse::<PgConnectOptions>()?.to_url_lossy();
    url.set_path(&format!("ecom_bench_{service}"));
    Ok(url.to_string())
}

/// A service: its store, and what waits for it.
struct Service<C: BoundedContext, T> {
    store: PgStore<C, T>,
    waiting: VecDeque<Message<C>>,
    delivered: Vec<MessageId>,
}

impl<C: BoundedContext, T: Tables<C>> Service<C, T> {
    async fn open(server: &str, service: &str) -> Result<Self, Failure> {
        let options = StoreOptions {
            policy: Policy::default(),
            lease: Duration::from_secs(15),
            clock: DatabaseClock::Server,
            settings: Settings::default(),
            migrated: |_| {},
        };
        let store = PgStore::open(&url(server, service)?, options).await?;
        Ok(Self { store, waiting: VecDeque::new(), delivered: vec![] })
    }

    fn command(&mut self, number: u128, input: C::Input) {
        let (id, correlation) = (MessageId(Uuid::from_u128(number)), CorrelationId(Uuid::from_u128(number)));
        let origin = Origin::Command(None);
        self.waiting.push_back(Message { id, origin, correlation, causation: None, traceparent: None, input });
    }

    fn hear(&mut self, event: &Envelope) {
        self.waiting.extend(Message::from_event(event));
    }

    /// One transaction of up to `size` messages.
    async fn step(&mut self, size: usize) -> Result<(Vec<Arc<Envelope>>, Vec<EffectRow<C::Effect>>), Failure> {
        let messages: Vec<_> = self.waiting.drain(..self.waiting.len().min(size)).collect();
        if messages.is_empty() {
            return Ok((vec![], vec![]));
        }
        let batch = Batch { messages, delivered: std::mem::take(&mut self.delivered), leased: true };
        match self.store.transact(batch).await {
            Transacted::Committed(committed) => {
                self.delivered.extend(committed.outbox.iter().map(|event| event.event_id));
                Ok((committed.outbox, committed.effects))
            }
            other => Err(format!("{}: {other:?}", C::SERVICE).into()),
        }
    }
}

async fn measure(server: &str) -> Result<(), Failure> {
    let mut orders: Service<OrderContext, OrderTables> = Service::open(server, SERVICES[0]).await?;
    let mut stock: Service<InventoryContext, InventoryTables> = Service::open(server, SERVICES[1]).await?;
    let mut payments: Service<PaymentContext, PaymentTables> = Service::open(server, SERVICES[2]).await?;
    for number in 1..=PRODUCTS {
        stock.command(number, inventory::Input::CreateProduct(product(number)));
    }
    for event in stock.step(PRODUCTS as usize).await?.0 {
        orders.hear(&event);
    }
    orders.step(PRODUCTS as usize).await?;
    let mut placed = 0_u128;
    for (in_flight, total) in RUNS {
        let (begun, end) = (Instant::now(), placed + total);
        let first = placed;
        let mut done = placed;
        while done < end {
            while placed < end && placed - done < in_flight as u128 {
                placed += 1;
                orders.command(placed << 64, order::Input::Place(Box::new(place(placed))));
            }
            let (told, held, paid) =
                tokio::join!(orders.step(in_flight), stock.step(in_flight), payments.step(in_flight));
            let ((told, _), (held, _), (paid, calls)) = (told?, held?, paid?);
            for event in told.iter().chain(&held).chain(&paid) {
                orders.hear(event);
                stock.hear(event);
                payments.hear(event);
                done += u128::from(event.event.event_type().name() == "inventory.committed");
            }
            for call in calls {
                let answer = ProviderAnswer::Succeeded { reference: format!("ref-{}", call.id) };
                payments.waiting.push_back(Message::from_answer(call, answer));
            }
        }
        let seconds = begun.elapsed().as_secs_f64();
        println!("{in_flight:>4} in flight: {:>7.0} orders/s", (end - first) as f64 / seconds);
    }
    for service in SERVICES {
        print_updates(&url(server, service)?).await?;
    }
    orders.store.close().await;
    stock.store.close().await;
    payments.store.close().await;
    Ok(())
}

/// How many updates found room in their page and touched no index.
async fn print_updates(url: &str) -> Result<(), Failure> {
    let mut connection = PgConnection::connect(url).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let rows = sqlx::query(
        "SELECT relname::TEXT AS name, n_tup_upd AS updates, 100.0::FLOAT8 * n_tup_hot_upd / n_tup_upd AS hot
         FROM pg_stat_user_tables WHERE n_tup_upd > 1000 ORDER BY relname",
    )
    .fetch_all(&mut connection)
    .await?;
    for row in rows {
        let (name, updates, hot): (String, i64, f64) = (row.get("name"), row.get("updates"), row.get("hot"));
        println!("{name:>12}: {updates} updates, {hot:.0} % of them in their page");
    }
    Ok(())
}

fn product(number: u128) -> CreateProduct {
    CreateProduct {
        id: ProductId(Uuid::from_u128(number)),
        sku: format!("SKU-{number}"),
        name: format!("Thing {number}"),
        description: String::new(),
        price: Money::new(1_250, Currency::EUR),
        initial_stock: 1_000_000,
        actor: UserId(Uuid::nil()),
    }
}

fn place(number: u128) -> Place {
    let line = |product: u128| PlacedLine {
        product_id: ProductId(Uuid::from_u128(product % PRODUCTS + 1)),
        quantity: Quantity::ONE,
        unit_price: None,
    };
    Place {
        order_id: OrderId(Uuid::from_u128(number << 80 | number)),
        user_id: UserId(Uuid::from_u128(number % 1_000)),
        correlation_id: CorrelationId(Uuid::from_u128(number)),
        request_correlation_id: None,
        items: vec![line(number), line(number * 7 + 3)],
        payment_method_id: None,
        metadata: None,
    }
}
