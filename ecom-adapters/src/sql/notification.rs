//! Contacts, preferences and notices as rows.

use ecom_core::email::Email;
use ecom_core::notification::{
    Channel, Choices, Contact, ContactState, EmailChoice, Notice, NoticeState, NotificationSnapshot, Preferences,
    PushChoice, SmsChoice, Template, Text,
};

use super::Inconsistent;
use super::fields::Fields;

/// Contacts and preferences from rows with the columns of both; a user may have either without the other.
pub(crate) fn take_users<F: Fields>(rows: &[F], snapshot: &mut NotificationSnapshot) -> Result<(), sqlx::Error> {
    for row in rows {
        if row.is("has_contact")? {
            let contact = contact(row)?;
            snapshot.contacts.insert(contact.user_id, contact);
        }
        if row.is("has_preferences")? {
            let preferences = preferences(row)?;
            snapshot.preferences.insert(preferences.user_id, preferences);
        }
    }
    Ok(())
}

/// Notices from their rows.
pub(crate) fn take_notices<F: Fields>(rows: &[F], snapshot: &mut NotificationSnapshot) -> Result<(), sqlx::Error> {
    for row in rows {
        let notice = notice(row)?;
        snapshot.notices.insert(notice.id, notice);
    }
    Ok(())
}

fn contact<F: Fields>(row: &F) -> Result<Contact, sqlx::Error> {
    let state = match row.word("state")? {
        "awaited" => ContactState::Awaited,
        "active" => ContactState::Active {
            user_version: row.count("user_version")?,
            email: row.known("email", |text| Email::parse(text).ok())?,
            first_name: row.string("first_name")?,
            is_admin: row.is("is_admin")?,
        },
        "deactivated" => ContactState::Deactivated { user_version: row.count("user_version")? },
        other => return Err(Inconsistent::new("state", other).into()),
    };
    Ok(Contact { user_id: row.id("user_id")?, state, version: row.count("contact_version")? })
}

/// Preferences from their columns.
pub(crate) fn preferences<F: Fields>(row: &F) -> Result<Preferences, sqlx::Error> {
    Ok(Preferences {
        user_id: row.id("user_id")?,
        choices: Choices {
            email: EmailChoice { enabled: row.is("email_enabled")?, address: row.string_if_any("email_address")? },
            sms: SmsChoice { enabled: row.is("sms_enabled")?, number: row.string_if_any("sms_number")? },
            push: PushChoice { enabled: row.is("push_enabled")?, endpoint: row.string_if_any("push_endpoint")? },
        },
        version: row.count("version")?,
    })
}

/// A notice from its columns.
pub(crate) fn notice<F: Fields>(row: &F) -> Result<Notice, sqlx::Error> {
    Ok(Notice {
        id: row.id("id")?,
        user_id: row.id("user_id")?,
        channel: row.known("channel", Channel::from_name)?,
        template: row.known("template", Template::from_name)?,
        subject_id: row.id("subject_id")?,
        order_id: row.id_if_any("order_id")?,
        subject: row.string("subject")?,
        state: state(row)?,
        attempts: row.count("attempts")?,
        created_at: row.moment("created_at")?,
        version: row.count("version")?,
    })
}

fn state<F: Fields>(row: &F) -> Result<NoticeState, sqlx::Error> {
    Ok(match row.word("state")? {
        "deferred" => NoticeState::Deferred { body: Text(row.string("body")?), correlation: row.id("correlation")? },
        "queued" => NoticeState::Queued,
        "sent" => NoticeState::Sent { at: row.moment("sent_at")? },
        "failed" => NoticeState::Failed { detail: row.string("detail")? },
        "suppressed" => NoticeState::Suppressed,
        other => return Err(Inconsistent::new("state", other).into()),
    })
}
