//! The tables against a real file.

use sqlx::SqlitePool as Pool;

use super::{PaymentTables, SqlitePaymentReader as Reader, Tables};
use crate::sqlite::testing::Home;

#[path = "../../sql/tests/payment.rs"]
mod shared;

/// The cents that were taken.
const CAPTURED: &str = "SELECT sum(captured_minor) FROM payments";

/// The cents that the ledger does not account for.
const LEDGER: &str = "SELECT sum(amount_minor) FROM ledger_entries";

/// What must never be, once there is a payment.
const REFUSED: &[&str] = &["DELETE FROM payments", "DELETE FROM transactions", "UPDATE postings SET amount_minor = 1"];
