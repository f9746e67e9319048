//! Changes into rows.

use ecom_core::notification::{Change, Contact, ContactState, Notice, NoticeState, Preferences};
use serde_json::{Value, json as value};

use crate::sqlite::latest::{Latest, split};
use crate::sqlite::script::Script;

/// Writes the changes: one statement for each kind of row and whether it is new.
pub(super) fn changes(script: &mut Script, changes: &[Change]) -> Result<(), sqlx::Error> {
    let (mut contacts, mut preferences, mut notices) = (Latest::new(), Latest::new(), Latest::new());
    for change in changes {
        match change {
            Change::PutContact(row) => contacts.put(row.user_id, row.version, row),
            Change::PutPreferences(row) => preferences.put(row.user_id, row.version, row),
            Change::PutNotice(row) => notices.put(row.id, row.version, row),
        }
    }
    save_contacts(script, split(contacts, |row| Ok(contact(row)))?)?;
    save_preferences(script, split(preferences, |row| Ok(preferences_row(row)))?)?;
    save_notices(script, split(notices, |row| Ok(notice(row)))?)
}

type NewAndChanged = (Vec<Value>, Vec<Value>);

fn save_contacts(script: &mut Script, (new, changed): NewAndChanged) -> Result<(), sqlx::Error> {
    script.put(
        "contacts",
        "INSERT INTO contacts (user_id, state, user_version, email, first_name, is_admin, version)
             SELECT value->>'user_id', value->>'state', value->>'user_version', value->>'email', value->>'first_name',
                    value->>'is_admin', value->>'version'
             FROM jsonb_each(?)",
        &new,
    )?;
    script.put(
        "contacts",
        "UPDATE contacts SET state = value->>'state', user_version = value->>'user_version',
                    email = value->>'email', first_name = value->>'first_name', is_admin = value->>'is_admin',
                    version = value->>'version'
             FROM jsonb_each(?) AS row
             WHERE contacts.user_id = row.value->>'user_id' AND contacts.version = row.value->>'base'",
        &changed,
    )?;
    Ok(())
}

fn save_preferences(script: &mut Script, (new, changed): NewAndChanged) -> Result<(), sqlx::Error> {
    script.put(
        "preferences",
        "INSERT INTO preferences (user_id, email_enabled, email_address, sms_enabled, sms_number, push_enabled,
                                      push_endpoint, version)
             SELECT value->>'user_id', value->>'email_enabled', value->>'email_address', value->>'sms_enabled',
                    value->>'sms_number', value->>'push_enabled', value->>'push_endpoint', value->>'version'
             FROM jsonb_each(?)",
        &new,
    )?;
    script.put(
        "preferences",
        "UPDATE preferences SET email_enabled = value->>'email_enabled', email_address = value->>'email_address',
                    sms_enabled = value->>'sms_enabled', sms_number = value->>'sms_number',
                    push_enabled = value->>'push_enabled', push_endpoint = value->>'push_endpoint',
                    version = value->>'version'
             FROM jsonb_each(?) AS row
             WHERE preferences.user_id = row.value->>'user_id' AND preferences.version = row.value->>'base'",
        &changed,
    )?;
    Ok(())
}

fn save_notices(script: &mut Script, (new, changed): NewAndChanged) -> Result<(), sqlx::Error> {
    script.put(
        "notices",
        "INSERT INTO notices (id, user_id, channel, template, subject_id, order_id, subject, state, body,
                                  correlation, detail, attempts, created_at, sent_at, version)
             SELECT value->>'id', value->>'user_id', value->>'channel', value->>'template', value->>'subject_id',
                    value->>'order_id', value->>'subject', value->>'state', value->>'body', value->>'correlation',
                    value->>'detail', value->>'attempts', value->>'created_at', value->>'sent_at', value->>'version'
             FROM jsonb_each(?)",
        &new,
    )?;
    // Only how far a notice is changes.
    script.put(
        "notices",
        "UPDATE notices SET state = value->>'state', body = value->>'body', correlation = value->>'correlation',
                    detail = value->>'detail', attempts = value->>'attempts', sent_at = value->>'sent_at',
                    version = value->>'version'
             FROM jsonb_each(?) AS row
             WHERE notices.id = row.value->>'id' AND notices.version = row.value->>'base'",
        &changed,
    )?;
    Ok(())
}

fn contact(row: &Contact) -> Value {
    let mut value = value!({"user_id": row.user_id, "version": row.version});
    match &row.state {
        ContactState::Awaited => value["state"] = value!("awaited"),
        ContactState::Active { user_version, email, first_name, is_admin } => {
            value["state"] = value!("active");
            value["user_version"] = value!(user_version);
            value["email"] = value!(email);
            value["first_name"] = value!(first_name);
            value["is_admin"] = value!(i64::from(*is_admin));
        }
        ContactState::Deactivated { user_version } => {
            value["state"] = value!("deactivated");
            value["user_version"] = value!(user_version);
        }
    }
    value
}

fn preferences_row(row: &Preferences) -> Value {
    let (email, sms, push) = (&row.choices.email, &row.choices.sms, &row.choices.push);
    value!({
        "user_id": row.user_id, "email_enabled": i64::from(email.enabled), "email_address": email.address,
        "sms_enabled": i64::from(sms.enabled), "sms_number": sms.number, "push_enabled": i64::from(push.enabled),
        "push_endpoint": push.endpoint, "version": row.version,
    })
}

fn notice(row: &Notice) -> Value {
    let mut value = value!({
        "id": row.id, "user_id": row.user_id, "channel": row.channel.name(), "template": row.template.name(),
        "subject_id": row.subject_id, "order_id": row.order_id, "subject": row.subject, "attempts": row.attempts,
        "created_at": row.created_at.as_micros(), "version": row.version,
    });
    match &row.state {
        NoticeState::Deferred { body, correlation } => {
            value["state"] = value!("deferred");
            value["body"] = value!(body);
            value["correlation"] = value!(correlation);
        }
        NoticeState::Queued => value["state"] = value!("queued"),
        NoticeState::Sent { at } => {
            value["state"] = value!("sent");
            value["sent_at"] = value!(at.as_micros());
        }
        NoticeState::Failed { detail } => {
            value["state"] = value!("failed");
            value["detail"] = value!(detail);
        }
        NoticeState::Suppressed => value["state"] = value!("suppressed"),
    }
    value
}
