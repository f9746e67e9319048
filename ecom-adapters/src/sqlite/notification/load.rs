//! Rows into entities.

use ecom_core::email::Email;
use ecom_core::id::OrderId;
use ecom_core::notification::{
    Channel, Choices, Contact, ContactState, EmailChoice, Notice, NoticeState, NotificationScope, NotificationSnapshot,
    Preferences, PushChoice, SmsChoice, Template, Text,
};
use ecom_core::time::Timestamp;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use crate::sql::Inconsistent;
use crate::sqlite::latest::count;
use crate::sqlite::rows::{column, parse, text_list};

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
    for row in &rows {
        if column(row, "has_contact")? {
            let contact = contact(row)?;
            snapshot.contacts.insert(contact.user_id, contact);
        }
        if column(row, "has_preferences")? {
            let preferences = preferences(row)?;
            snapshot.preferences.insert(preferences.user_id, preferences);
        }
    }
    Ok(())
}

fn take_notices(rows: &[SqliteRow], snapshot: &mut NotificationSnapshot) -> Result<(), sqlx::Error> {
    for row in rows {
        let notice = notice(row)?;
        snapshot.notices.insert(notice.id, notice);
    }
    Ok(())
}

fn contact(row: &SqliteRow) -> Result<Contact, sqlx::Error> {
    let state: String = column(row, "state")?;
    let user_version = || count(column(row, "user_version")?, "user_version");
    let state = match state.as_str() {
        "awaited" => ContactState::Awaited,
        "active" => {
            let email: String = column(row, "email")?;
            ContactState::Active {
                user_version: user_version()?,
                email: Email::parse(&email).map_err(|_| Inconsistent { column: "email", value: email })?,
                first_name: column(row, "first_name")?,
                is_admin: column(row, "is_admin")?,
            }
        }
        "deactivated" => ContactState::Deactivated { user_version: user_version()? },
        _ => return Err(Inconsistent { column: "state", value: state }.into()),
    };
    let version = count(column(row, "contact_version")?, "contact_version")?;
    Ok(Contact { user_id: parse(row, "user_id")?, state, version })
}

/// Preferences from their columns.
pub(super) fn preferences(row: &SqliteRow) -> Result<Preferences, sqlx::Error> {
    Ok(Preferences {
        user_id: parse(row, "user_id")?,
        choices: Choices {
            email: EmailChoice { enabled: column(row, "email_enabled")?, address: column(row, "email_address")? },
            sms: SmsChoice { enabled: column(row, "sms_enabled")?, number: column(row, "sms_number")? },
            push: PushChoice { enabled: column(row, "push_enabled")?, endpoint: column(row, "push_endpoint")? },
        },
        version: count(column(row, "version")?, "version")?,
    })
}

/// A notice from its columns.
pub(super) fn notice(row: &SqliteRow) -> Result<Notice, sqlx::Error> {
    let (channel, template): (String, String) = (column(row, "channel")?, column(row, "template")?);
    let order_id: Option<String> = column(row, "order_id")?;
    Ok(Notice {
        id: parse(row, "id")?,
        user_id: parse(row, "user_id")?,
        channel: Channel::from_name(&channel).ok_or(Inconsistent { column: "channel", value: channel })?,
        template: Template::from_name(&template).ok_or(Inconsistent { column: "template", value: template })?,
        subject_id: parse::<uuid::Uuid>(row, "subject_id")?,
        order_id: order_id.map(|_| parse::<OrderId>(row, "order_id")).transpose()?,
        subject: column(row, "subject")?,
        state: state(row)?,
        attempts: column(row, "attempts")?,
        created_at: column(row, "created_at").map(Timestamp::from_micros)?,
        version: count(column(row, "version")?, "version")?,
    })
}

fn state(row: &SqliteRow) -> Result<NoticeState, sqlx::Error> {
    let state: String = column(row, "state")?;
    Ok(match state.as_str() {
        "deferred" => {
            NoticeState::Deferred { body: Text(column(row, "body")?), correlation: parse(row, "correlation")? }
        }
        "queued" => NoticeState::Queued,
        "sent" => NoticeState::Sent { at: column(row, "sent_at").map(Timestamp::from_micros)? },
        "failed" => NoticeState::Failed { detail: column(row, "detail")? },
        "suppressed" => NoticeState::Suppressed,
        _ => return Err(Inconsistent { column: "state", value: state }.into()),
    })
}
