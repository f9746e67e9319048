//! Loads the rows that a batch needs.

use ecom_core::notification::{NotificationScope, NotificationSnapshot};
use sqlx::PgConnection;

use crate::postgres::rows::{statements, uuids};
use crate::sql::fields::Fields;
use crate::sql::notification::{take_notices, take_users};

statements! {
    ADMINISTRATORS = "SELECT user_id FROM contacts WHERE is_admin";
    /// Contacts are locked: whoever writes a notice for a user decides by his contact, and two copies that handle repeats
    /// of one end while it changes would each choose a channel of their own, and so tell him twice.
    USERS = "
        WITH c AS (SELECT * FROM contacts WHERE user_id = ANY ($1) ORDER BY user_id FOR UPDATE)
        SELECT asked.user_id, c.version IS NOT NULL AS has_contact, c.state, c.user_version, c.email, c.first_name,
               c.is_admin, c.version AS contact_version, p.version IS NOT NULL AS has_preferences, p.email_enabled,
               p.email_address, p.sms_enabled, p.sms_number, p.push_enabled, p.push_endpoint, p.version
        FROM unnest($1::UUID[]) AS asked (user_id)
        LEFT JOIN c ON c.user_id = asked.user_id
        LEFT JOIN preferences AS p ON p.user_id = asked.user_id";
    NOTICES = "
        SELECT * FROM notices WHERE id IN (
            SELECT unnest($1::UUID[])
            UNION SELECT id FROM notices WHERE state = 'deferred' AND user_id = ANY ($2))
        ORDER BY id FOR UPDATE";
}

/// The rows in scope.
pub(super) async fn snapshot(
    connection: &mut PgConnection,
    scope: &NotificationScope,
) -> Result<NotificationSnapshot, sqlx::Error> {
    let mut snapshot = NotificationSnapshot::default();
    load_users(connection, scope, &mut snapshot).await?;
    if !scope.notices.is_empty() || !scope.deferred_of.is_empty() {
        let rows = sqlx::query(NOTICES)
            .bind(uuids(scope.notices.iter().map(|id| id.0)))
            .bind(uuids(scope.deferred_of.iter().map(|id| id.0)))
            .fetch_all(connection)
            .await?;
        take_notices(&rows, &mut snapshot)?;
    }
    Ok(snapshot)
}

/// Contacts and preferences; a user may have either without the other.
async fn load_users(
    connection: &mut PgConnection,
    scope: &NotificationScope,
    snapshot: &mut NotificationSnapshot,
) -> Result<(), sqlx::Error> {
    let mut users = scope.users.clone();
    if scope.administrators {
        let rows = sqlx::query(ADMINISTRATORS).fetch_all(&mut *connection).await?;
        for row in &rows {
            users.insert(row.id("user_id")?);
        }
    }
    if users.is_empty() {
        return Ok(());
    }
    let rows = sqlx::query(USERS).bind(uuids(users.iter().map(|id| id.0))).fetch_all(connection).await?;
    take_users(&rows, snapshot)
}
