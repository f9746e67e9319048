//! The tables against a real server: what is saved is loaded, what must never be is refused.

use sqlx::Row;

use self::shared::{ADA, Bench, place};
use super::{OrderTables, PgOrderReader as Reader};
use crate::postgres::tests::world::Home;
use crate::postgres::{PgStore as Store, Tables};

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
        "UPDATE orders SET settled = true",
        "UPDATE orders SET total = -1",
        "UPDATE orders SET total = 'NaN'",
        "UPDATE orders SET payment_status = 'maybe'",
        "UPDATE orders SET version = 0",
        "UPDATE orders SET correlation_id = '00000000-0000-0000-0000-000000000000'",
        "UPDATE orders SET metadata = to_json(repeat('x', 4095))",
        "UPDATE orders SET saga = NULL",
        "UPDATE order_items SET quantity = 5, line_total = 5 * unit_price",
        "INSERT INTO order_items SELECT order_id, gen_random_uuid(), 100, id, sku, name, 1, 1, 1 FROM order_items LIMIT 1",
        "INSERT INTO order_items SELECT order_id, gen_random_uuid(), 9, id, sku, name, 0, 1, 0 FROM order_items LIMIT 1",
        "INSERT INTO order_items SELECT order_id, gen_random_uuid(), 9, id, sku, name, 2, 1, 1 FROM order_items LIMIT 1",
        "INSERT INTO order_items SELECT order_id, gen_random_uuid(), 9, id, sku, name, 1, -1, -1 FROM order_items LIMIT 1",
        "INSERT INTO order_items SELECT gen_random_uuid(), product_id, position, id, sku, name, quantity, unit_price,
                line_total FROM order_items LIMIT 1",
        "UPDATE catalogue SET price = -1",
        "UPDATE catalogue SET version = 0",
        "UPDATE catalogue SET is_active = NULL",
    ] {
        let error = bench.home.refuses(sql).await.unwrap_or_else(|| panic!("accepted: {sql}"));
        assert!(error.contains("constraint") || error.contains("never changed"), "{sql}: {error}");
    }
    assert_eq!(bench.home.refuses("DELETE FROM orders").await, None);
    let mut connection = bench.home.connection().await;
    let left = sqlx::query("SELECT count(*) AS n FROM order_items").fetch_one(&mut connection).await.unwrap();
    assert_eq!(left.get::<i64, _>("n"), 0, "lines go with their order");
}

/// The amounts are what anybody who looks at the tables takes them for; the times are kept whoever changes a row.
#[tokio::test]
async fn the_tables_say_what_they_mean() {
    let mut bench = Bench::new().await;
    bench.hear([place(1, ADA)]).await;
    let mut connection = bench.home.connection().await;
    let row = sqlx::query("SELECT total::TEXT, created_at::TEXT FROM orders").fetch_one(&mut connection).await.unwrap();
    assert_eq!(row.get::<String, _>("total"), "55.0000");
    let created: String = row.get("created_at");
    sqlx::raw_sql("UPDATE orders SET created_at = now() + interval '1 day', payment_status = 'failed'")
        .execute(&mut connection)
        .await
        .unwrap();
    let after = "SELECT created_at::TEXT, updated_at > now() - interval '1 minute' AS touched FROM orders";
    let row = sqlx::query(after).fetch_one(&mut connection).await.unwrap();
    assert_eq!((row.get::<String, _>("created_at"), row.get::<bool, _>("touched")), (created, true));
}
