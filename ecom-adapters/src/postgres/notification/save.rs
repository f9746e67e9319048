//! Changes into rows.

use ecom_core::notification::{Change, Contact, ContactState, Notice, NoticeState, Preferences};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::postgres::fault::expect_rows;
use crate::postgres::rows::{Moment, column, printable, statements};
use crate::sql::latest::{Latest, Written};

statements! {
    INSERT_CONTACTS = "
        INSERT INTO contacts (user_id, state, user_version, email, first_name, is_admin, version)
        SELECT user_id, state, user_version, email, first_name, is_admin, version
        FROM unnest($1::UUID[], $2::TEXT[], $3::BIGINT[], $4::TEXT[], $5::TEXT[], $6::BOOLEAN[], $7::BIGINT[])
            AS new (user_id, state, user_version, email, first_name, is_admin, version)";
    UPDATE_CONTACTS = "
        UPDATE contacts SET state = new.state, user_version = new.user_version, email = new.email,
               first_name = new.first_name, is_admin = new.is_admin, version = new.version
        FROM unnest($1::UUID[], $2::TEXT[], $3::BIGINT[], $4::TEXT[], $5::TEXT[], $6::BOOLEAN[], $7::BIGINT[],
                    $8::BIGINT[])
            AS new (user_id, state, user_version, email, first_name, is_admin, version, base)
        WHERE contacts.user_id = new.user_id AND contacts.version = new.base";
    INSERT_PREFERENCES = "
        INSERT INTO preferences (user_id, email_enabled, email_address, sms_enabled, sms_number, push_enabled,
                                 push_endpoint, version)
        SELECT user_id, email_enabled, email_address, sms_enabled, sms_number, push_enabled, push_endpoint, version
        FROM unnest($1::UUID[], $2::BOOLEAN[], $3::TEXT[], $4::BOOLEAN[], $5::TEXT[], $6::BOOLEAN[], $7::TEXT[],
                    $8::BIGINT[])
            AS new (user_id, email_enabled, email_address, sms_enabled, sms_number, push_enabled, push_endpoint, version)";
    UPDATE_PREFERENCES = "
        UPDATE preferences SET email_enabled = new.email_enabled, email_address = new.email_address,
               sms_enabled = new.sms_enabled, sms_number = new.sms_number, push_enabled = new.push_enabled,
               push_endpoint = new.push_endpoint, version = new.version
        FROM unnest($1::UUID[], $2::BOOLEAN[], $3::TEXT[], $4::BOOLEAN[], $5::TEXT[], $6::BOOLEAN[], $7::TEXT[],
                    $8::BIGINT[], $9::BIGINT[])
            AS new (user_id, email_enabled, email_address, sms_enabled, sms_number, push_enabled, push_endpoint, version,
                    base)
        WHERE preferences.user_id = new.user_id AND preferences.version = new.base";
    INSERT_NOTICES = "
        INSERT INTO notices (id, state, body, correlation, detail, attempts, sent_at, version, user_id, channel, template,
                             subject_id, order_id, subject, created_at)
        SELECT id, state, body, correlation, detail, attempts, sent_at, version, user_id, channel, template, subject_id,
               order_id, subject, created_at
        FROM unnest($1::UUID[], $2::TEXT[], $3::TEXT[], $4::UUID[], $5::TEXT[], $6::BIGINT[], $7::TIMESTAMPTZ[],
                    $8::BIGINT[], $9::UUID[], $10::TEXT[], $11::TEXT[], $12::UUID[], $13::UUID[], $14::TEXT[],
                    $15::TIMESTAMPTZ[])
            AS new (id, state, body, correlation, detail, attempts, sent_at, version, user_id, channel, template,
                    subject_id, order_id, subject, created_at)";
    /// Only how far a notice is changes.
    UPDATE_NOTICES = "
        UPDATE notices SET state = new.state, body = new.body, correlation = new.correlation, detail = new.detail,
               attempts = new.attempts, sent_at = new.sent_at, version = new.version
        FROM unnest($1::UUID[], $2::TEXT[], $3::TEXT[], $4::UUID[], $5::TEXT[], $6::BIGINT[], $7::TIMESTAMPTZ[],
                    $8::BIGINT[], $9::BIGINT[])
            AS new (id, state, body, correlation, detail, attempts, sent_at, version, base)
        WHERE notices.id = new.id AND notices.version = new.base";
}

/// Writes the changes: one statement for each kind of row and whether it is new.
pub(super) async fn changes(connection: &mut PgConnection, changes: &[Change]) -> Result<(), sqlx::Error> {
    let (mut contacts, mut preferences, mut notices) = (Latest::new(), Latest::new(), Latest::new());
    for change in changes {
        match change {
            Change::PutContact(row) => contacts.put(row.user_id, row.version, row),
            Change::PutPreferences(row) => preferences.put(row.user_id, row.version, row),
            Change::PutNotice(row) => notices.put(row.id, row.version, row),
        }
    }
    let (new, changed) = contacts.split();
    put_contacts(connection, INSERT_CONTACTS, &new).await?;
    put_contacts(connection, UPDATE_CONTACTS, &changed).await?;
    let (new, changed) = preferences.split();
    put_preferences(connection, INSERT_PREFERENCES, &new).await?;
    put_preferences(connection, UPDATE_PREFERENCES, &changed).await?;
    let (new, changed) = notices.split();
    put_notices(connection, INSERT_NOTICES, &new).await?;
    put_notices(connection, UPDATE_NOTICES, &changed).await
}

/// A contact's state as columns.
struct ContactColumns<'a> {
    state: &'static str,
    user_version: Option<u64>,
    known: Option<(&'a str, &'a str, bool)>,
}

fn contact(row: &Contact) -> ContactColumns<'_> {
    match &row.state {
        ContactState::Awaited => ContactColumns { state: "awaited", user_version: None, known: None },
        ContactState::Active { user_version, email, first_name, is_admin } => ContactColumns {
            state: "active",
            user_version: Some(*user_version),
            known: Some((email.as_str(), first_name, *is_admin)),
        },
        ContactState::Deactivated { user_version } => {
            ContactColumns { state: "deactivated", user_version: Some(*user_version), known: None }
        }
    }
}

async fn put_contacts(
    connection: &mut PgConnection,
    statement: &'static str,
    rows: &[Written<'_, Contact>],
) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let columns = column(rows, |new| contact(new.row));
    let query = sqlx::query(statement)
        .bind(column(rows, |new| new.row.user_id.0))
        .bind(column(&columns, |row| row.state))
        .bind(column(&columns, |row| row.user_version.map(u64::cast_signed)))
        .bind(column(&columns, |row| row.known.map(|(email, ..)| email)))
        .bind(column(&columns, |row| row.known.map(|(_, name, _)| printable(name).into_owned())))
        .bind(column(&columns, |row| row.known.map(|(.., is_admin)| is_admin)))
        .bind(column(rows, |new| new.row.version.cast_signed()));
    let query =
        if statement == UPDATE_CONTACTS { query.bind(column(rows, |new| new.base.cast_signed())) } else { query };
    expect_rows(&query.execute(connection).await?, rows.len(), "contacts")
}

async fn put_preferences(
    connection: &mut PgConnection,
    statement: &'static str,
    rows: &[Written<'_, Preferences>],
) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let query = sqlx::query(statement)
        .bind(column(rows, |new| new.row.user_id.0))
        .bind(column(rows, |new| new.row.choices.email.enabled))
        .bind(column(rows, |new| new.row.choices.email.address.as_deref()))
        .bind(column(rows, |new| new.row.choices.sms.enabled))
        .bind(column(rows, |new| new.row.choices.sms.number.as_deref()))
        .bind(column(rows, |new| new.row.choices.push.enabled))
        .bind(column(rows, |new| new.row.choices.push.endpoint.as_deref()))
        .bind(column(rows, |new| new.row.version.cast_signed()));
    let query =
        if statement == UPDATE_PREFERENCES { query.bind(column(rows, |new| new.base.cast_signed())) } else { query };
    expect_rows(&query.execute(connection).await?, rows.len(), "preferences")
}

/// A notice's state as columns.
#[derive(Default)]
struct NoticeColumns<'a> {
    state: &'static str,
    deferred: Option<(&'a str, Uuid)>,
    detail: Option<&'a str>,
    sent_at: Option<Moment>,
}

fn notice(row: &Notice) -> NoticeColumns<'_> {
    let columns = NoticeColumns::default();
    match &row.state {
        NoticeState::Deferred { body, correlation } => {
            NoticeColumns { state: "deferred", deferred: Some((&body.0, correlation.0)), ..columns }
        }
        NoticeState::Queued => NoticeColumns { state: "queued", ..columns },
        NoticeState::Sent { at } => NoticeColumns { state: "sent", sent_at: Some(Moment(*at)), ..columns },
        NoticeState::Failed { detail } => NoticeColumns { state: "failed", detail: Some(detail), ..columns },
        NoticeState::Suppressed => NoticeColumns { state: "suppressed", ..columns },
    }
}

async fn put_notices(
    connection: &mut PgConnection,
    statement: &'static str,
    rows: &[Written<'_, Notice>],
) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let columns = column(rows, |new| notice(new.row));
    let query = sqlx::query(statement)
        .bind(column(rows, |new| new.row.id.0))
        .bind(column(&columns, |row| row.state))
        .bind(column(&columns, |row| row.deferred.map(|(body, _)| printable(body).into_owned())))
        .bind(column(&columns, |row| row.deferred.map(|(_, correlation)| correlation)))
        .bind(column(&columns, |row| row.detail.map(|detail| printable(detail).into_owned())))
        .bind(column(rows, |new| i64::from(new.row.attempts)))
        .bind(column(&columns, |row| row.sent_at))
        .bind(column(rows, |new| new.row.version.cast_signed()));
    let query = if statement == INSERT_NOTICES {
        query
            .bind(column(rows, |new| new.row.user_id.0))
            .bind(column(rows, |new| new.row.channel.name()))
            .bind(column(rows, |new| new.row.template.name()))
            .bind(column(rows, |new| new.row.subject_id))
            .bind(column(rows, |new| new.row.order_id.map(|id| id.0)))
            .bind(column(rows, |new| printable(&new.row.subject).into_owned()))
            .bind(column(rows, |new| Moment(new.row.created_at)))
    } else {
        query.bind(column(rows, |new| new.base.cast_signed()))
    };
    expect_rows(&query.execute(connection).await?, rows.len(), "notices")
}
