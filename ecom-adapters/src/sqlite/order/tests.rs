//! The tables against a real file: what is saved is loaded, what must never be is refused, lists use their indexes.

use sqlx::Row;

use self::shared::{ADA, Bench, place};
use super::OrderTables;
use super::SqliteOrderReader as Reader;
use crate::sqlite::testing::Home;
use crate::sqlite::{SqliteStore as Store, Tables};

#[path = "../../sql/tests/order.rs"]
mod shared;

#[tokio::test]
async fn the_database_refuses_what_must_never_be() {
    let mut bench = Bench::new().await;
    bench.hear([place(1, ADA), place(2, ADA)]).await;
    for sql in [
        "UPDATE orders SET status = 'lost'",
        "UPDATE orders SET status = 'failed'",
        "UPDATE orders SET failure_code = 'out_of_stock'",
        "UPDATE orders SET settled = 1",
        "UPDATE orders SET total_minor = -1",
        "UPDATE orders SET payment_status = 'maybe'",
        "UPDATE orders SET version = 0",
        "UPDATE orders SET correlation_id = '00000000-0000-0000-0000-000000000000'",
        "UPDATE orders SET metadata = hex(zeroblob(2049))",
        "UPDATE order_items SET quantity = 0, line_total_minor = 0",
        "UPDATE order_items SET line_total_minor = 1",
        "UPDATE order_items SET unit_price_minor = -1, line_total_minor = -quantity",
        "INSERT INTO order_items SELECT 'nobody', product_id, position, id, sku, name, quantity, unit_price_minor,
                line_total_minor FROM order_items LIMIT 1",
        "UPDATE catalogue SET price_minor = -1",
        "UPDATE catalogue SET is_active = 2",
    ] {
        let error = bench.home.refuses(sql).await.unwrap_or_else(|| panic!("accepted: {sql}"));
        assert!(error.contains("constraint failed"), "{sql}: {error}");
    }
    assert_eq!(bench.home.refuses("DELETE FROM orders").await, None);
    let left = sqlx::query("SELECT count(*) AS n FROM order_items")
        .fetch_one(&mut bench.home.connection().await)
        .await
        .unwrap();
    assert_eq!(left.get::<i64, _>("n"), 0, "lines go with their order");
}

/// However many orders there are: no statement of the shop reads all of them.
#[tokio::test]
async fn no_query_scans_the_orders() {
    let bench = Bench::new().await;
    for (query, index) in super::read::QUERIES.iter().chain(super::save::STATEMENTS) {
        let plan = sqlx::query(sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {query}")))
            .fetch_all(&mut bench.home.connection().await)
            .await
            .unwrap();
        let steps: Vec<String> = plan.iter().map(|row| row.get("detail")).collect();
        assert!(steps.iter().any(|step| step.contains(index)), "{index} is not used: {steps:?}");
        let scans = steps.iter().any(|step| step.starts_with("SCAN o") && !step.contains("INDEX"));
        assert!(!scans && !steps.iter().any(|step| step.contains("TEMP B-TREE")), "{steps:?}");
    }
}
