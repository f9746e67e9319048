//! A whole shop in this process, without HTTP, and the clients that place orders in it.
//!
//! Orders enter by the same door as from the HTTP handlers, and the end of each is awaited as `wait` does. Every order
//! goes all the way: stock held, provider asked and its answer kept in its own log, order completed, stock sold, notice
//! sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use ecom_core::decide::BoundedContext;
use ecom_core::email::Email;
use ecom_core::engine::Outcome;
use ecom_core::id::{CorrelationId, MessageId, OrderId, ProductId, UserId};
use ecom_core::inventory::{self, CreateProduct};
use ecom_core::money::{Currency, Money};
use ecom_core::order::{self, Order, Place, PlacedLine};
use ecom_core::port::Ids;
use ecom_core::quantity::Quantity;
use ecom_core::secret::PasswordHash;
use ecom_core::user::{self, Name, NewUser};
use ecom_services::compose::{Materials, Shop};
use ecom_services::host::{Busy, Command};

/// Why a bench cannot go on.
pub type Failed = Box<dyn std::error::Error + Send + Sync>;

/// Products that the orders choose from.
const PRODUCTS: usize = 1_000;

/// Customers in whose names the orders are placed.
const CUSTOMERS: usize = 200;

/// How long what is owed after the last order may take.
const DRAIN_MAX: Duration = Duration::from_secs(60);

/// A running shop with products and customers.
pub struct Bench {
    shop: Shop,
    ids: Arc<dyn Ids>,
    products: Vec<ProductId>,
    customers: Vec<UserId>,
}

/// What one order took.
#[derive(Clone, Copy, Debug)]
struct Took {
    /// Until it was durably accepted.
    accepted: Duration,
    /// Until it was completed.
    completed: Duration,
}

/// What a run took.
pub struct Measured {
    /// How many orders there were.
    pub orders: u32,
    /// From the first request to the last end.
    pub lasted: Duration,
    /// Processor time of this process.
    pub own_cpu: f64,
    /// Processor time of the whole machine: servers and broker too, and whatever else ran.
    pub all_cpu: f64,
    accepted: Vec<Duration>,
    completed: Vec<Duration>,
}

impl Measured {
    /// Orders that came to their end in a second.
    pub fn rate(&self) -> f64 {
        f64::from(self.orders) / self.lasted.as_secs_f64()
    }

    /// So many of a hundred orders were accepted within that time, in milliseconds.
    pub fn accepted(&self, percent: usize) -> f64 {
        percentile(&self.accepted, percent)
    }

    /// So many of a hundred orders were completed within that time, in milliseconds.
    pub fn completed(&self, percent: usize) -> f64 {
        percentile(&self.completed, percent)
    }

    /// Milliseconds of processor time for each order.
    pub fn each(&self, cpu: f64) -> f64 {
        (cpu * 1e6 / f64::from(self.orders)).round() / 1e3
    }
}

/// Of a sorted list.
fn percentile(sorted: &[Duration], percent: usize) -> f64 {
    let index = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(index).map_or(0.0, |time| (time.as_secs_f64() * 1e5).round() / 1e2)
}

impl Bench {
    /// Starts the shop and fills it.
    pub async fn prepare(materials: Materials) -> Result<Self, Failed> {
        let shop = Shop::start(materials).await?;
        let ids: Arc<dyn Ids> = Arc::new(ecom_adapters::system::SystemIds::new(Arc::clone(shop.clock()))?);
        let mut bench = Self { shop, ids, products: vec![], customers: vec![] };
        for number in 0..CUSTOMERS {
            bench.register(number).await?;
        }
        for number in 0..PRODUCTS {
            bench.create(number).await?;
        }
        // The other services learn of them by events.
        let last = bench.products.last().copied().ok_or("no products")?;
        while bench.shop.orders.reader.catalogue_entry(last).await?.is_none() || !bench.is_drained().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(bench)
    }

    async fn register(&mut self, number: usize) -> Result<(), Failed> {
        let user_id = UserId(self.ids.fresh());
        let input = user::Input::Register(NewUser {
            user_id,
            email: Email::parse(&format!("customer-{number}@example.com"))?,
            // Nobody signs in.
            password_hash: PasswordHash::new("none".to_owned()),
            first_name: Name::parse("Some")?,
            last_name: Name::parse("Customer")?,
        });
        self.shop.users.service.handle.execute(self.command(CorrelationId(self.ids.fresh()), input)).await?;
        self.customers.push(user_id);
        Ok(())
    }

    async fn create(&mut self, number: usize) -> Result<(), Failed> {
        let id = ProductId(self.ids.fresh());
        let input = inventory::Input::CreateProduct(CreateProduct {
            id,
            sku: format!("BENCH-{number:04}"),
            name: format!("Product {number}"),
            description: String::new(),
            price: Money::new(1_000 + number as i64, Currency::EUR),
            initial_stock: 100_000_000,
            actor: UserId(self.ids.fresh()),
        });
        self.shop.inventory.handle.execute(self.command(CorrelationId(self.ids.fresh()), input)).await?;
        self.products.push(id);
        Ok(())
    }

    fn command<C: BoundedContext>(&self, correlation: CorrelationId, input: C::Input) -> Command<C> {
        Command { id: MessageId(self.ids.fresh()), correlation, key: None, traceparent: None, input }
    }

    /// Runs so many orders, so many at a time.
    pub async fn measure(self: &Arc<Self>, orders: u32, in_flight: u32) -> Result<Measured, Failed> {
        let (own, all, begun) = (own_cpu_seconds(), all_cpu_seconds(), Instant::now());
        let next = Arc::new(AtomicU32::new(0));
        let mut clients = tokio::task::JoinSet::new();
        for _ in 0..in_flight {
            let (bench, next) = (Arc::clone(self), Arc::clone(&next));
            clients.spawn(async move {
                let mut took = vec![];
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= orders {
                        return Ok::<_, Failed>(took);
                    }
                    took.push(bench.order(number).await?);
                }
            });
        }
        let mut took = Vec::with_capacity(orders as usize);
        while let Some(client) = clients.join_next().await {
            took.extend(client??);
        }
        let (lasted, own_cpu, all_cpu) = (begun.elapsed(), own_cpu_seconds() - own, all_cpu_seconds() - all);
        let sorted = |time: fn(&Took) -> Duration| {
            let mut times: Vec<Duration> = took.iter().map(time).collect();
            times.sort_unstable();
            times
        };
        let (accepted, completed) = (sorted(|took| took.accepted), sorted(|took| took.completed));
        Ok(Measured { orders, lasted, own_cpu, all_cpu, accepted, completed })
    }

    async fn order(&self, number: u32) -> Result<Took, Failed> {
        let begun = Instant::now();
        let order_id = OrderId(self.ids.fresh());
        let correlation_id = CorrelationId(self.ids.fresh());
        let line = |offset: usize| PlacedLine {
            product_id: self.products[(number as usize * 7 + offset) % self.products.len()],
            quantity: Quantity::ONE,
            unit_price: None,
        };
        let place = Place {
            order_id,
            user_id: self.customers[number as usize % self.customers.len()],
            correlation_id,
            request_correlation_id: None,
            items: vec![line(0), line(3)],
            payment_method_id: None,
            metadata: None,
        };
        let mut watch = self.shop.changes().watch(order_id.0);
        let input = order::Input::Place(Box::new(place));
        let outcome = self.shop.orders.handle.execute(self.command(correlation_id, input)).await;
        match outcome.map_err(|busy: Busy| busy.to_string())? {
            Outcome::Applied(_) => {}
            other => return Err(format!("not accepted: {other:?}").into()),
        }
        let accepted = begun.elapsed();
        loop {
            watch.changed().await;
            let order: Order = self.shop.orders.reader.order(order_id).await?.ok_or("the order is gone")?;
            let status = order.status();
            if status.is_terminal() {
                let took = Took { accepted, completed: begun.elapsed() };
                return if status == order::Status::Completed { Ok(took) } else { Err(format!("{status:?}").into()) };
            }
        }
    }

    /// Whether everything that was owed is done in time: no outbox row is left anywhere.
    pub async fn drained(&self) -> bool {
        let begun = Instant::now();
        while begun.elapsed() < DRAIN_MAX {
            if self.is_drained().await {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        false
    }

    async fn is_drained(&self) -> bool {
        let shop = &self.shop;
        let depths = [
            shop.users.service.store.outbox_depth().await,
            shop.orders.store.outbox_depth().await,
            shop.inventory.store.outbox_depth().await,
            shop.payments.service.store.outbox_depth().await,
            shop.notifications.store.outbox_depth().await,
        ];
        depths.iter().all(|depth| *depth == Ok(0))
    }

    /// Stops the shop.
    pub async fn stop(self) {
        self.shop.stop(Duration::from_secs(10)).await;
    }
}

/// Processor time of this process, all threads; zero where the system does not tell.
pub fn own_cpu_seconds() -> f64 {
    // Fields 14 and 15 of /proc/self/stat, in ticks of 1/100 s; the name before them may contain spaces.
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}

/// Processor time of everything on this machine; zero where the system does not tell.
pub fn all_cpu_seconds() -> f64 {
    // The first line: user, nice, system, idle, waiting for disks, interrupts of both kinds.
    let stat = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let ticks: Vec<f64> = stat
        .lines()
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .skip(1)
        .filter_map(|text| text.parse().ok())
        .collect();
    [0, 1, 2, 5, 6].iter().filter_map(|index| ticks.get(*index)).sum::<f64>() / 100.0
}
