//! The tables against a real server.

use sqlx::PgPool as Pool;

use super::{PaymentTables, PgPaymentReader as Reader, Tables};
use crate::postgres::tests::world::Home;

#[path = "../../sql/tests/payment.rs"]
mod shared;

/// The cents that were taken.
const CAPTURED: &str = "SELECT (sum(captured) * 100)::BIGINT FROM payments";

/// The cents that the ledger does not account for.
const LEDGER: &str = "SELECT (sum(amount) * 100)::BIGINT FROM ledger_entries";

/// What must never be, once there is a payment.
const REFUSED: &[&str] = &[
    "DELETE FROM payments",
    "DELETE FROM transactions",
    "UPDATE transactions SET detail = 'x'",
    "UPDATE postings SET amount = 1",
    "DELETE FROM postings",
    "UPDATE payments SET captured = 'NaN'",
    "UPDATE payments SET amount = NULL",
    "UPDATE payments SET user_id = NULL",
    "UPDATE payments SET refunded = 10.01",
    "INSERT INTO postings SELECT payment_id, gen_random_uuid(), debit, credit, amount, currency, at FROM postings",
    "INSERT INTO postings SELECT payment_id, id, 'refunds', 'refunds', 1, 'EUR', at FROM transactions
         WHERE status = 'pending'",
];
