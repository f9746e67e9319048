//! The tables against a real server.

use sqlx::PgPool as Pool;

use super::PgNotificationReader as Reader;
use super::*;
use crate::postgres::tests::world::Home;

#[path = "../../sql/tests/notification.rs"]
mod shared;

/// What must never be.
const REFUSED: &[&str] = &[
    "UPDATE notices SET state = 'queued', sent_at = NULL WHERE state = 'sent'",
    "UPDATE notices SET subject = E'a\\r\\nBcc: b' WHERE state = 'queued'",
    "UPDATE notices SET body = 'kept' WHERE state = 'queued'",
    "UPDATE notices SET state = 'sent' WHERE state = 'queued'",
    "UPDATE notices SET channel = 'fax' WHERE state = 'queued'",
    "UPDATE notices SET body = NULL WHERE state = 'deferred'",
    "DELETE FROM notices",
    "UPDATE contacts SET email = NULL WHERE state = 'active'",
    "UPDATE contacts SET email = 'a@example.com' WHERE state = 'deactivated'",
    "UPDATE preferences SET sms_enabled = true, sms_number = NULL",
    "UPDATE preferences SET push_enabled = true, push_endpoint = NULL",
];
