//! Complete sagas per second of the embedded shop: durable, in one process, without HTTP.
//!
//! `cargo bench -p benches --bench saga -- [--orders N] [--in-flight N]…` places orders through the same door as the
//! HTTP handlers, keeps so many in flight, and waits for the end of each as `wait` does. Every order goes all the way:
//! stock held, provider asked and its answer kept in its own log, order completed, stock sold, notice sent. Prints one
//! line of JSON for each degree of concurrency, with the rate at which this disk syncs as the limit to compare with.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use ecom_core::engine::Outcome;
use ecom_core::id::{CorrelationId, MessageId, OrderId, ProductId, UserId};
use ecom_core::inventory::{self, CreateProduct};
use ecom_core::money::{Currency, Money};
use ecom_core::order::{self, Order, Place, PlacedLine};
use ecom_core::policy::Policy;
use ecom_core::port::{Ids, PageRequest};
use ecom_core::quantity::Quantity;
use ecom_services::compose::{Materials, Shop};
use ecom_services::host::{Busy, Command, Settings};

type Failed = Box<dyn std::error::Error + Send + Sync>;

/// Products that the orders choose from.
const PRODUCTS: usize = 1_000;

/// Orders before the measured ones.
const WARM_UP: u32 = 500;

fn main() -> Result<(), Failed> {
    let (mut orders, mut in_flight) = (20_000_u32, vec![]);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().and_then(|text| text.parse().ok()).ok_or("a number is missing");
        match argument.as_str() {
            "--orders" => orders = value()?,
            "--in-flight" => in_flight.push(value()?),
            // Cargo adds this one.
            "--bench" => {}
            other => return Err(format!("unknown argument {other}").into()),
        }
    }
    if in_flight.is_empty() {
        in_flight = vec![1, 16, 64, 256];
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    for in_flight in in_flight {
        let orders = if in_flight == 1 { orders.div_ceil(20) } else { orders };
        let line = runtime.block_on(measure(orders, in_flight))?;
        println!("{line}");
    }
    Ok(())
}

struct Bench {
    shop: Shop,
    ids: Arc<dyn Ids>,
    products: Vec<ProductId>,
    user: UserId,
}

async fn measure(orders: u32, in_flight: u32) -> Result<serde_json::Value, Failed> {
    let folder = tempfile::Builder::new().prefix("ecom-bench-").tempdir()?;
    let syncs = syncs_per_second(folder.path())?;
    let bench = Arc::new(prepare(folder.path()).await?);
    run(&bench, WARM_UP, in_flight).await?;
    let (cpu, start) = (cpu_seconds(), Instant::now());
    let mut latencies = run(&bench, orders, in_flight).await?;
    let (seconds, cpu) = (start.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    latencies.sort_unstable();
    let at = |percent: usize| {
        let index = (latencies.len() * percent / 100).min(latencies.len().saturating_sub(1));
        latencies.get(index).map_or(0.0, |latency| (latency.as_secs_f64() * 1e5).round() / 1e2)
    };
    let drained = drained(&bench).await;
    let line = serde_json::json!({
        "bench": "saga_embedded", "in_flight": in_flight, "orders": orders,
        "sagas_per_second": (f64::from(orders) / seconds).round(),
        "completed_p50_ms": at(50), "completed_p99_ms": at(99),
        "cpu_ms_per_saga": (cpu * 1e6 / f64::from(orders)).round() / 1e3,
        "disk_syncs_per_second": syncs.round(), "outbox_drained": drained,
    });
    if let Ok(bench) = Arc::try_unwrap(bench) {
        bench.shop.stop(Duration::from_secs(10)).await;
    }
    Ok(line)
}

async fn prepare(folder: &Path) -> Result<Bench, Failed> {
    let shop = Shop::start(Materials::in_directory(folder, Policy::default(), Settings::default())).await?;
    let ids: Arc<dyn Ids> = Arc::new(ecom_adapters::system::SystemIds::new(Arc::clone(shop.clock()))?);
    let user = UserId(ids.fresh());
    let mut products = Vec::with_capacity(PRODUCTS);
    for number in 0..PRODUCTS {
        let id = ProductId(ids.fresh());
        let product = CreateProduct {
            id,
            sku: format!("BENCH-{number:04}"),
            name: format!("Product {number}"),
            description: String::new(),
            price: Money::new(1_000 + number as i64, Currency::EUR),
            initial_stock: 100_000_000,
            actor: user,
        };
        let input = inventory::Input::CreateProduct(product);
        shop.inventory.handle.execute(command(ids.as_ref(), CorrelationId(ids.fresh()), input)).await?;
        products.push(id);
    }
    // The order service learns of products by events.
    let last = products.last().copied().ok_or("no products")?;
    while shop.orders.reader.catalogue_entry(last).await?.is_none() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(Bench { shop, ids, products, user })
}

fn command<C: ecom_core::decide::BoundedContext>(
    ids: &dyn Ids,
    correlation: CorrelationId,
    input: C::Input,
) -> Command<C> {
    Command { id: MessageId(ids.fresh()), correlation, key: None, traceparent: None, input }
}

/// Runs so many orders, so many at a time; the time from the request to the end of each.
async fn run(bench: &Arc<Bench>, orders: u32, in_flight: u32) -> Result<Vec<Duration>, Failed> {
    let next = Arc::new(AtomicU32::new(0));
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..in_flight {
        let (bench, next) = (Arc::clone(bench), Arc::clone(&next));
        clients.spawn(async move {
            let mut latencies = vec![];
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= orders {
                    return Ok::<_, Failed>(latencies);
                }
                let start = Instant::now();
                bench.order(number).await?;
                latencies.push(start.elapsed());
            }
        });
    }
    let mut latencies = Vec::with_capacity(orders as usize);
    while let Some(client) = clients.join_next().await {
        latencies.extend(client??);
    }
    Ok(latencies)
}

impl Bench {
    async fn order(&self, number: u32) -> Result<(), Failed> {
        let order_id = OrderId(self.ids.fresh());
        let correlation_id = CorrelationId(self.ids.fresh());
        let line = |offset: usize| PlacedLine {
            product_id: self.products[(number as usize * 7 + offset) % self.products.len()],
            quantity: Quantity::ONE,
            unit_price: None,
        };
        let place = Place {
            order_id,
            user_id: self.user,
            correlation_id,
            request_correlation_id: None,
            items: vec![line(0), line(3)],
            payment_method_id: None,
            metadata: None,
        };
        let mut watch = self.shop.changes().watch(order_id.0);
        let input = order::Input::Place(Box::new(place));
        let outcome = self.shop.orders.handle.execute(command(self.ids.as_ref(), correlation_id, input)).await;
        match outcome.map_err(|busy: Busy| busy.to_string())? {
            Outcome::Applied(_) => {}
            other => return Err(format!("not accepted: {other:?}").into()),
        }
        loop {
            watch.changed().await;
            let order: Order = self.shop.orders.reader.order(order_id).await?.ok_or("the order is gone")?;
            let status = order.status();
            if status.is_terminal() {
                return if status == order::Status::Completed { Ok(()) } else { Err(format!("{status:?}").into()) };
            }
        }
    }
}

/// Whether everything that was owed is done: no outbox row is left anywhere within a minute.
async fn drained(bench: &Bench) -> bool {
    let shop = &bench.shop;
    for _ in 0..600 {
        let depths = [
            shop.orders.store.outbox_depth().await,
            shop.inventory.store.outbox_depth().await,
            shop.payments.service.store.outbox_depth().await,
            shop.notifications.store.outbox_depth().await,
        ];
        let held = shop.inventory.reader.products(&inventory::ProductFilter::default(), PageRequest::default()).await;
        if depths.iter().all(|depth| *depth == Ok(0)) && held.is_ok() {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    false
}

/// How often this disk makes a small append durable, one after the other.
fn syncs_per_second(folder: &Path) -> Result<f64, Failed> {
    let mut file = std::fs::File::create(folder.join("sync"))?;
    let (start, mut count) = (Instant::now(), 0_u32);
    while start.elapsed() < Duration::from_millis(500) {
        file.write_all(&[0; 4_096])?;
        file.sync_data()?;
        count += 1;
    }
    Ok(f64::from(count) / start.elapsed().as_secs_f64())
}

/// Processor time of this process, all threads; zero where the system does not tell.
fn cpu_seconds() -> f64 {
    // Fields 14 and 15 of /proc/self/stat, in ticks of 1/100 s; the name before them may contain spaces.
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}
