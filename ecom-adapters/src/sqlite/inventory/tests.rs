//! The tables against a real file.

use sqlx::SqlitePool as Pool;

use super::SqliteInventoryReader as Reader;
use super::*;
use crate::sqlite::testing::Home;

#[path = "../../sql/tests/inventory.rs"]
mod shared;

/// What must never be.
const REFUSED: &[&str] = &[
    "UPDATE stock SET reserved = on_hand + 1",
    "UPDATE stock SET reserved = -1",
    "UPDATE stock SET on_hand = -1",
    "UPDATE stock SET on_hand = reserved - 1",
    "UPDATE stock SET on_hand = 1000000001",
    "UPDATE stock SET committed = -1",
    "UPDATE products SET price_minor = -1",
    "UPDATE products SET sku = ''",
    "UPDATE products SET is_active = 2",
    "INSERT INTO products SELECT replace(id, '0001', '0007'), sku, name, description, price_minor, currency,
             is_active, version, created_at, updated_at FROM products",
    "DELETE FROM products",
    "UPDATE reservations SET state = 'held' WHERE state = 'committed'",
    "UPDATE reservations SET state = 'refused' WHERE state = 'held'",
    "UPDATE reservations SET state = 'sold' WHERE state = 'held'",
    "UPDATE reservations SET lines = NULL WHERE state = 'held'",
    "UPDATE reservations SET reason = 'out_of_stock' WHERE state = 'held'",
    "INSERT INTO reservations (order_id, state, lines, created_at, version) VALUES ('x', 'barred', '[]', 1, 1)",
    "DELETE FROM reservations",
    "UPDATE movements SET delta = 1",
    "DELETE FROM movements",
    "INSERT INTO movements SELECT product_id, at + 1, id, kind, delta, reason, actor, order_id FROM movements
             WHERE kind = 'commit'",
    "INSERT INTO movements SELECT product_id, at + 1, id, kind, delta, reason, actor, order_id FROM movements
             WHERE kind = 'initial'",
    "INSERT INTO movements VALUES ('nothing', 1, 'x', 'adjustment', 1, 'x', NULL, NULL)",
    "INSERT INTO movements SELECT product_id, at + 1, 'x', 'adjustment', 0, 'x', NULL, NULL FROM movements",
];

/// On hand, reserved and committed of each product, what its log adds up to, and what its holds do.
const SUMS: &str = "SELECT s.on_hand, s.reserved, s.committed,
                (SELECT sum(delta) FROM movements AS m WHERE m.product_id = s.product_id) AS moved,
                (SELECT sum(line.value->>'quantity') FROM reservations AS r, json_each(r.lines) AS line
                 WHERE r.state = 'held' AND line.value->>'product_id' = s.product_id) AS held
         FROM stock AS s ORDER BY s.product_id";
