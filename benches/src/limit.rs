//! What PostgreSQL itself can do: the rows of a saga in our own tables, written by nothing but SQL.
//!
//! Each of the eleven transactions of a saga is one statement, so one round trip, for as many sagas at once as one asks
//! for. No rule decides anything, nothing is read, and no two writers touch the same product: no shop on these tables can
//! be faster.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use ecom_core::event::Service;
use ecom_core::event::Service::{Inventory, Notification, Order, Payment};
use ecom_services::compose::migrate;
use ecom_services::config::BusConfig;
use sqlx::{AssertSqlSafe, PgConnection};

use crate::databases::Databases;
use crate::shop::Failed;

/// Products of each writer.
const PRODUCTS: i64 = 125;

/// Numbers of sagas that one writer has for itself.
const NUMBERS: i64 = 1_000_000_000;

/// An event, as long as they are on average.
const BODY: &str = "repeat('x', 640)";

/// The state of an order's saga, as long as it is.
const SAGA: &str = "to_json(repeat('s', 420))";

/// The state of a payment.
const STATE: &str = "to_json(repeat('s', 300))";

/// A service and the statement of one transaction.
type Step = (Service, String);

/// The statement of one transaction: `batch` are the numbers of its sagas, with the id of each order and its products.
fn step(service: Service, parts: &[String]) -> Step {
    let mut sql = format!(
        "WITH batch AS MATERIALIZED (
             SELECT n, ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::UUID AS id
             FROM generate_series($1::BIGINT, $1::BIGINT + $2::BIGINT - 1) AS n
         ), line AS MATERIALIZED (
             SELECT n, id, position, ('00000000-0000-7000-9000-' || lpad(to_hex(
                 n / {NUMBERS} * {PRODUCTS} + (n * 2 + position) % {PRODUCTS}), 12, '0'))::UUID AS product_id
             FROM batch, generate_series(0, 1) AS position
         )"
    );
    for (number, part) in (0_u8..).zip(parts) {
        sql = format!("{sql}, part_{number} AS ({part})");
    }
    (service, sql + " SELECT 1")
}

fn heard(event: &str) -> String {
    format!("INSERT INTO inbox (message_id, at) SELECT md5(n || '{event}')::UUID, now() FROM batch")
}

fn told(event: &str) -> String {
    format!(
        "INSERT INTO outbox (event_id, body, lease_until)
         SELECT md5(n || '{event}')::UUID, {BODY}, now() + INTERVAL '15 seconds' FROM batch"
    )
}

/// What was published is deleted by the way: that of the same sagas, or that of the batch before.
fn published(event: &str, before: bool) -> String {
    let number = if before { "n - $2" } else { "n" };
    format!("DELETE FROM outbox WHERE event_id IN (SELECT md5(({number}) || '{event}')::UUID FROM batch)")
}

fn history(event: &str) -> String {
    format!(
        "INSERT INTO history (subject, at, message_id, event, from_state, to_state)
         SELECT id, now(), md5(n || '{event}')::UUID, '{event}', 'pending', 'processing' FROM batch"
    )
}

fn armed(kind: &str) -> String {
    format!(
        "INSERT INTO timers (subject, kind, epoch, due) SELECT id, '{kind}', 1, now() + INTERVAL '10 minutes' FROM batch
         ON CONFLICT (subject, kind) DO UPDATE SET epoch = timers.epoch + 1, due = excluded.due"
    )
}

fn disarmed(kind: &str) -> String {
    format!("DELETE FROM timers WHERE subject IN (SELECT id FROM batch) AND kind = '{kind}'")
}

fn owed() -> String {
    "INSERT INTO effects (id, correlation, effect, attempts, ready_at)
     SELECT md5(n || 'call')::UUID, id, to_json(repeat('e', 300)), 1, now() + INTERVAL '15 seconds' FROM batch"
        .to_owned()
}

fn answered() -> String {
    "DELETE FROM effects WHERE id IN (SELECT md5(n || 'call')::UUID FROM batch)".to_owned()
}

fn order(status: &str, version: u8) -> String {
    let settled = version == 4;
    format!(
        "UPDATE orders SET status = '{status}', payment_status = 'processed', saga = {SAGA}, settled = {settled},
                updated_at = now(), version = {version}
         WHERE id IN (SELECT id FROM batch) AND version = {version} - 1"
    )
}

fn stock(change: &str) -> String {
    format!(
        "UPDATE stock SET {change}, version = version + 1
         FROM (SELECT product_id, count(*) AS pieces FROM line GROUP BY product_id) AS sold
         WHERE stock.product_id = sold.product_id"
    )
}

fn sql(text: &str) -> String {
    text.to_owned()
}

/// The transactions of a saga, in order.
static STEPS: LazyLock<Vec<Step>> = LazyLock::new(|| {
    let placed = format!(
        "INSERT INTO orders (id, user_id, status, total, currency, payment_status, correlation_id,
                             saga_definition_version, saga, settled, created_at, updated_at, version)
         SELECT id, md5((n % 200)::TEXT)::UUID, 'pending', 25, 'EUR', 'pending', md5(n || 'c')::UUID, 1, {SAGA}, false,
                now(), now(), 1 FROM batch"
    );
    let lines =
        sql("INSERT INTO order_items (order_id, product_id, position, id, sku, name, quantity, unit_price, line_total)
         SELECT id, product_id, position, md5(n || '-' || position)::UUID, 'BENCH-0001', 'Product 1', 1, 12.5, 12.5
         FROM line");
    let held =
        sql("INSERT INTO reservations (order_id, state, user_id, reservation_id, lines, total, currency, alarm_at,
                                   correlation, created_at, version)
         SELECT id, 'held', md5((n % 200)::TEXT)::UUID, md5(n || 'r')::UUID, to_json(repeat('l', 180)), 25, 'EUR',
                now() + INTERVAL '1 hour', md5(n || 'c')::UUID, now(), 1 FROM batch");
    let committed =
        sql("UPDATE reservations SET state = 'committed', version = 2 WHERE order_id IN (SELECT id FROM batch)");
    let moved = sql("INSERT INTO movements (product_id, at, id, kind, delta, reason, order_id)
         SELECT product_id, now(), md5(n || '-' || position)::UUID, 'commit', -1, 'sold', id FROM line");
    let charging = format!(
        "INSERT INTO payments (id, order_id, correlation_id, user_id, provider, currency, amount, captured, refunded,
                               pending, status, state, created_at, updated_at, version)
         SELECT id, id, md5(n || 'c')::UUID, md5((n % 200)::TEXT)::UUID, 'sandbox', 'EUR', 25, 0, 0, 0, 'charging',
                {STATE}, now(), now(), 1 FROM batch"
    );
    let captured = format!(
        "UPDATE payments SET captured = amount, status = 'captured', state = {STATE}, updated_at = now(), version = 2
         WHERE id IN (SELECT id FROM batch)"
    );
    let transaction = |status: &str| {
        format!(
            "INSERT INTO transactions (payment_id, id, kind, status, amount, currency, at)
             SELECT id, md5(n || '{status}')::UUID, 'charge', '{status}', 25, 'EUR', now() FROM batch"
        )
    };
    let posted = sql("INSERT INTO postings (payment_id, transaction_id, debit, credit, amount, currency, at)
         SELECT id, md5(n || 'succeeded')::UUID, 'provider_receivable', 'customer_funds', 25, 'EUR', now() FROM batch");
    let asked = sql(
        "INSERT INTO sandbox.calls (at, key, operation, order_id, payment_id, amount_minor, currency, result, reference)
         SELECT 0, md5(n || 'call')::UUID, 'charge', id, id, 2500, 'EUR', 'succeeded', 'sbx_' || n FROM batch",
    );
    let notice = sql(
        "INSERT INTO notices (id, user_id, channel, template, subject_id, order_id, subject, state, attempts, created_at,
                              version)
         SELECT id, md5((n % 200)::TEXT)::UUID, 'email', 'order_completed', id, id, 'Your order is complete', 'queued', 0,
                now(), 1 FROM batch",
    );
    let sent = sql("UPDATE notices SET state = 'sent', attempts = 1, sent_at = now(), version = 2
         WHERE id IN (SELECT id FROM batch)");
    vec![
        step(Order, &[placed, lines, armed("inventory"), history("order.placed"), told("order.created")]),
        step(
            Inventory,
            &[
                heard("order.created"),
                held,
                stock("reserved = reserved + pieces"),
                armed("alarm"),
                history("order.created"),
                told("inventory.reserved"),
                published("inventory.committed", true),
            ],
        ),
        step(
            Order,
            &[
                heard("inventory.reserved"),
                order("processing", 2),
                disarmed("inventory"),
                armed("payment"),
                history("inventory.reserved"),
                published("order.created", false),
            ],
        ),
        step(
            Payment,
            &[
                heard("inventory.reserved"),
                charging,
                transaction("pending"),
                owed(),
                history("inventory.reserved"),
                published("payment.processed", true),
            ],
        ),
        step(Payment, &[asked]),
        step(
            Payment,
            &[captured, transaction("succeeded"), posted, answered(), history("charged"), told("payment.processed")],
        ),
        step(
            Order,
            &[
                heard("payment.processed"),
                order("completed", 3),
                disarmed("payment"),
                armed("owed"),
                history("payment.processed"),
                told("order.completed"),
            ],
        ),
        step(
            Inventory,
            &[
                heard("order.completed"),
                committed,
                stock("on_hand = on_hand - pieces, reserved = reserved - pieces, committed = committed + pieces"),
                moved,
                disarmed("alarm"),
                history("order.completed"),
                told("inventory.committed"),
                published("inventory.reserved", false),
            ],
        ),
        step(
            Notification,
            &[
                heard("order.completed"),
                notice,
                owed(),
                history("order.completed"),
                published("notification.sent", true),
            ],
        ),
        step(Notification, &[sent, answered(), history("sent"), told("notification.sent")]),
        step(
            Order,
            &[
                heard("inventory.committed"),
                heard("notification.sent"),
                order("completed", 4),
                disarmed("owed"),
                history("inventory.committed"),
                history("notification.sent"),
                published("order.completed", false),
            ],
        ),
    ]
});

/// How many transactions a saga takes.
pub fn transactions() -> usize {
    STEPS.len()
}

/// Sagas per second by SQL alone: so many writers beside each other, so many sagas in each transaction.
pub async fn measure(writers: i64, batch: i64, lasts: Duration) -> Result<f64, Failed> {
    let databases = Databases::create(&format!("limit{batch}")).await?;
    let measured = write(&databases, writers, batch, lasts).await;
    databases.delete().await?;
    measured
}

async fn write(databases: &Databases, writers: i64, batch: i64, lasts: Duration) -> Result<f64, Failed> {
    migrate(databases.materials(BusConfig::default())?).await?;
    fill(databases, writers).await?;
    databases.checkpoint().await?;
    let (count, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let mut tasks = tokio::task::JoinSet::new();
    for writer in 0..writers {
        let mut connections = vec![];
        for service in Service::ALL {
            connections.push((service, databases.connect(service).await?));
        }
        let (count, stop) = (Arc::clone(&count), Arc::clone(&stop));
        tasks.spawn(async move {
            let mut number = writer * NUMBERS;
            while !stop.load(Ordering::Relaxed) {
                sagas(&mut connections, number, batch).await?;
                number += batch;
                count.fetch_add(batch.unsigned_abs(), Ordering::Relaxed);
            }
            Ok::<_, Failed>(())
        });
    }
    // Not the first statements, which are planned, nor the last, which run out.
    tokio::time::sleep(lasts / 4).await;
    let (begun, first) = (Instant::now(), count.load(Ordering::Relaxed));
    tokio::time::sleep(lasts).await;
    let rate = (count.load(Ordering::Relaxed) - first) as f64 / begun.elapsed().as_secs_f64();
    stop.store(true, Ordering::Relaxed);
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    Ok(rate)
}

/// All transactions of a batch of sagas, one after the other.
async fn sagas(connections: &mut [(Service, PgConnection)], first: i64, batch: i64) -> Result<(), Failed> {
    for (service, statement) in STEPS.iter() {
        let (_, connection) = connections.iter_mut().find(|(other, _)| other == service).ok_or("no such database")?;
        sqlx::query(statement.as_str()).bind(first).bind(batch).execute(connection).await?;
    }
    Ok(())
}

/// Products for every writer.
async fn fill(databases: &Databases, writers: i64) -> Result<(), Failed> {
    let products = writers * PRODUCTS;
    let mut connection = databases.connect(Service::Inventory).await?;
    for statement in [
        format!(
            "INSERT INTO products (id, sku, name, description, price, currency, is_active, version)
             SELECT ('00000000-0000-7000-9000-' || lpad(to_hex(n), 12, '0'))::UUID, 'BENCH-' || n, 'Product', '', 12.5,
                    'EUR', true, 1 FROM generate_series(0, {products} - 1) AS n"
        ),
        sql("INSERT INTO stock (product_id, on_hand, reserved, committed, version)
             SELECT id, 100000000, 0, 0, 1 FROM products"),
        sql("ANALYZE"),
    ] {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await?;
    }
    Ok(())
}
