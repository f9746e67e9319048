//! Loads the rows that a batch needs.

use ecom_core::notification::{NotificationScope, NotificationSnapshot};
use sqlx::SqliteConnection;

use crate::sql::notification::{take_notices, take_users};
use crate::sqlite::rows::{parse, text_list};

/// The rows in scope.
pub(super) async fn snapshot(
    connection: &mut SqliteConnection,
    scope: &NotificationScope,
) -> Result<NotificationSnapshot, sqlx::Error> {
    let mut snapshot = NotificationSnapshot::default();
    load_users(connection, scope, &mut snapshot).await?;
    if !scope.notices.is_empty() {
        let rows = sqlx::query("SELECT * FROM notices WHERE id IN (SELECT value FROM json_each(?1))")
            .bind(text_list(&scope.notices))
            .fetch_all(&mut *connection)
            .await?;
        take_notices(&rows, &mut snapshot)?;
    }
    if !scope.deferred_of.is_empty() {
        let rows = sqlx::query(
            "SELECT * FROM notices WHERE state = 'deferred' AND user_id IN (SELECT value FROM json_each(?1))",
        )
        .bind(text_list(&scope.deferred_of))
        .fetch_all(connection)
        .await?;
        take_notices(&rows, &mut snapshot)?;
    }
    Ok(snapshot)
}

/// Contacts and preferences; a user may have either without the other.
async fn load_users(
    connection: &mut SqliteConnection,
    scope: &NotificationScope,
    snapshot: &mut NotificationSnapshot,
) -> Result<(), sqlx::Error> {
    let mut users = scope.users.clone();
    if scope.administrators {
        let rows = sqlx::query("SELECT user_id FROM contacts WHERE is_admin = 1").fetch_all(&mut *connection).await?;
        for row in &rows {
            users.insert(parse(row, "user_id")?);
        }
    }
    if users.is_empty() {
        return Ok(());
    }
    let rows = sqlx::query(
        "SELECT asked.value AS user_id, c.version IS NOT NULL AS has_contact, c.state, c.user_version, c.email,
                c.first_name, c.is_admin, c.version AS contact_version, p.version IS NOT NULL AS has_preferences,
                p.email_enabled, p.email_address, p.sms_enabled, p.sms_number, p.push_enabled, p.push_endpoint,
                p.version
         FROM json_each(?1) AS asked
         LEFT JOIN contacts AS c ON c.user_id = asked.value
         LEFT JOIN preferences AS p ON p.user_id = asked.value",
    )
    .bind(text_list(&users))
    .fetch_all(connection)
    .await?;
    take_users(&rows, snapshot)
}
