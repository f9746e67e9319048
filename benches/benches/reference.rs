//! Complete sagas per second of the shop on PostgreSQL and RabbitMQ, beside what PostgreSQL can do with the same rows.
//!
//! `cargo bench -p benches --bench reference -- [--orders N] [--in-flight N]… [--bus rabbitmq|local]… [--limit-seconds N]`
//! runs all services in this process, as `ecom up` with URLs in its environment does, each on a database of its own:
//! quorum queues, confirms, manual acknowledgements, and whatever the server's `fsync` and `synchronous_commit` say. It
//! uses the servers that `TEST_DATABASE_URL` and `TEST_AMQP_URL` name, else those on this machine's usual ports, and
//! removes what it made there. Prints one line of JSON for the limits and one for each run.

use std::sync::Arc;
use std::time::Duration;

use benches::databases::{Databases, Namespace};
use benches::limit;
use benches::shop::{Bench, Failed, Measured};
use ecom_services::config::BusConfig;
use serde_json::{Value, json};

/// Orders before the measured ones.
const WARM_UP: u32 = 500;

struct Arguments {
    orders: u32,
    in_flight: Vec<u32>,
    buses: Vec<String>,
    limit: Duration,
}

fn arguments() -> Result<Arguments, Failed> {
    let mut told = Arguments { orders: 10_000, in_flight: vec![], buses: vec![], limit: Duration::from_secs(6) };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
        match word.as_str() {
            "--orders" => told.orders = value()?.parse()?,
            "--in-flight" => told.in_flight.push(value()?.parse()?),
            "--bus" => told.buses.push(value()?),
            "--limit-seconds" => told.limit = Duration::from_secs(value()?.parse()?),
            // Cargo adds this one.
            "--bench" => {}
            other => return Err(format!("unknown argument {other}").into()),
        }
    }
    if told.in_flight.is_empty() {
        told.in_flight = vec![1, 16, 64, 256, 1_000];
    }
    if told.buses.is_empty() {
        told.buses = vec!["rabbitmq".to_owned(), "local".to_owned()];
    }
    Ok(told)
}

/// Sagas per second that SQL alone makes of the same rows.
#[derive(Clone, Copy)]
struct Limits {
    /// A hundred in each transaction, eight writers.
    sets: f64,
    /// One in each transaction, sixteen writers.
    singles: f64,
}

fn main() -> Result<(), Failed> {
    let told = arguments()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let limits = Limits {
            sets: limit::measure(8, 100, told.limit).await?,
            singles: limit::measure(16, 1, told.limit).await?,
        };
        let line = json!({
            "bench": "saga_raw_sql", "transactions_per_saga": limit::transactions(),
            "sets_of_100_sagas_per_second": limits.sets.round(), "one_by_one_sagas_per_second": limits.singles.round(),
        });
        println!("{line}");
        for bus in &told.buses {
            for in_flight in &told.in_flight {
                // What one alone does not do in the time of many.
                let orders = told.orders.min(in_flight.saturating_mul(200).max(500));
                println!("{}", run(bus, orders, *in_flight, limits).await?);
            }
        }
        Ok(())
    })
}

/// One shop, made for this run alone.
async fn run(bus: &str, orders: u32, in_flight: u32, limits: Limits) -> Result<Value, Failed> {
    let namespace = Namespace::fresh();
    let config = match bus {
        "rabbitmq" => namespace.bus(),
        "local" => BusConfig::default(),
        other => return Err(format!("{other} is no bus: rabbitmq or local").into()),
    };
    let databases = Databases::create(bus).await?;
    let bench = Arc::new(Bench::prepare(databases.materials(config)?).await?);
    let measured = async {
        bench.measure(WARM_UP, in_flight).await?;
        databases.checkpoint().await?;
        bench.measure(orders, in_flight).await
    };
    let measured = measured.await;
    let drained = bench.drained().await;
    if let Ok(bench) = Arc::try_unwrap(bench) {
        bench.stop().await;
    }
    if bus == "rabbitmq" {
        namespace.delete().await?;
    }
    databases.delete().await?;
    Ok(line(bus, in_flight, &measured?, drained, limits))
}

fn line(bus: &str, in_flight: u32, measured: &Measured, drained: bool, limits: Limits) -> Value {
    let ratio = |limit: f64| (measured.rate() / limit * 1e3).round() / 1e3;
    json!({
        "bench": "saga_postgres", "bus": bus, "in_flight": in_flight, "orders": measured.orders,
        "sagas_per_second": measured.rate().round(),
        "accepted_p50_ms": measured.accepted(50), "accepted_p99_ms": measured.accepted(99),
        "completed_p50_ms": measured.completed(50), "completed_p99_ms": measured.completed(99),
        "own_cpu_ms_per_saga": measured.each(measured.own_cpu),
        "machine_cpu_ms_per_saga": measured.each(measured.all_cpu),
        "raw_sql_sets_of_100": limits.sets.round(), "ratio_to_sets": ratio(limits.sets),
        "raw_sql_one_by_one": limits.singles.round(), "ratio_to_one_by_one": ratio(limits.singles),
        "outbox_drained": drained,
    })
}
