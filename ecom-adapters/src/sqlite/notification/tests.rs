//! The tables against a real file.

use sqlx::SqlitePool as Pool;

use super::SqliteNotificationReader as Reader;
use super::*;
use crate::sqlite::testing::Home;

#[path = "../../sql/tests/notification.rs"]
mod shared;

/// What must never be.
const REFUSED: &[&str] = &[
    "UPDATE notices SET state = 'queued', sent_at = NULL WHERE state = 'sent'",
    "UPDATE notices SET subject = 'a' || char(13) || char(10) || 'Bcc: b' WHERE state = 'queued'",
    "UPDATE notices SET body = 'kept' WHERE state = 'queued'",
    "UPDATE notices SET state = 'sent' WHERE state = 'queued'",
    "UPDATE notices SET channel = 'fax' WHERE state = 'queued'",
    "UPDATE notices SET body = NULL WHERE state = 'deferred'",
    "DELETE FROM notices",
    "UPDATE contacts SET email = NULL WHERE state = 'active'",
    "UPDATE contacts SET email = 'a@example.com' WHERE state = 'deactivated'",
    "UPDATE preferences SET sms_enabled = 1, sms_number = NULL",
    "UPDATE preferences SET push_enabled = 1, push_endpoint = NULL",
];
