//! The tables against a real server.

use sqlx::PgPool as Pool;

use super::PgInventoryReader as Reader;
use super::*;
use crate::postgres::tests::world::Home;

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
    "UPDATE products SET price = -1",
    "UPDATE products SET price = 'NaN'",
    "UPDATE products SET sku = ''",
    "UPDATE products SET is_active = NULL",
    "INSERT INTO products SELECT gen_random_uuid(), sku, name, description, price, currency, is_active, version,
         created_at, updated_at FROM products",
    "DELETE FROM products",
    "UPDATE reservations SET state = 'held' WHERE state = 'committed'",
    "UPDATE reservations SET state = 'refused' WHERE state = 'held'",
    "UPDATE reservations SET state = 'sold' WHERE state = 'held'",
    "UPDATE reservations SET lines = NULL WHERE state = 'held'",
    "UPDATE reservations SET reason = 'out_of_stock' WHERE state = 'held'",
    "INSERT INTO reservations (order_id, state, lines, version) VALUES (gen_random_uuid(), 'barred', '[]', 1)",
    "DELETE FROM reservations",
    "UPDATE movements SET delta = 1",
    "DELETE FROM movements",
    "INSERT INTO movements SELECT product_id, now(), id, kind, delta, reason, actor, order_id FROM movements
         WHERE kind = 'commit'",
    "INSERT INTO movements SELECT product_id, now(), id, kind, delta, reason, actor, order_id FROM movements
         WHERE kind = 'initial'",
    "INSERT INTO movements VALUES (gen_random_uuid(), now(), gen_random_uuid(), 'adjustment', 1, 'x', NULL, NULL)",
    "INSERT INTO movements SELECT product_id, now(), gen_random_uuid(), 'adjustment', 0, 'x', NULL, NULL FROM movements",
];

/// On hand, reserved and committed of each product, what its log adds up to, and what its holds do.
const SUMS: &str = "
    SELECT s.on_hand, s.reserved, s.committed,
           (SELECT sum(delta) FROM movements AS m WHERE m.product_id = s.product_id)::BIGINT AS moved,
           (SELECT sum((line ->> 'quantity')::BIGINT) FROM reservations AS r, json_array_elements(r.lines) AS line
            WHERE r.state = 'held' AND line ->> 'product_id' = s.product_id::TEXT)::BIGINT AS held
    FROM stock AS s ORDER BY s.product_id";
