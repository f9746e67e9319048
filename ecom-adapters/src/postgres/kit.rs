//! Reading and writing the rows that every service has: one statement reads the common case, one writes everything.

use std::collections::{BTreeMap, BTreeSet};

use ecom_core::decide::{Answer, BoundedContext, Timer};
use ecom_core::engine::{EffectRow, Idempotency, KeptAnswer, Loaded, Message, Origin, Writes};
use ecom_core::id::MessageId;
use ecom_core::time::Timestamp;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{PgConnection, Postgres, Row};
use uuid::Uuid;

use super::rows::{Moment, column, printable, statements, uuids};
use super::tables::Tables;
use crate::sql::fields::Fields;

type Statement<'q> = Query<'q, Postgres, PgArguments>;

statements! {
    /// What the inbox knows of a batch, and the time.
    SEEN = "SELECT coalesce($1, clock_timestamp()) AS now,
            ARRAY(SELECT message_id FROM inbox WHERE message_id = ANY ($2)) AS seen";
    KEPT = "SELECT k.scope, k.key, k.fingerprint, k.status, k.resource, k.body
            FROM unnest($1::TEXT[], $2::TEXT[]) AS asked (scope, key)
            JOIN kept_answers AS k ON k.scope = asked.scope AND k.key = asked.key";
    ARMED = "SELECT subject, kind, epoch FROM timers WHERE subject = ANY ($1) ORDER BY subject, kind FOR UPDATE";
    OWED = "SELECT id, attempts FROM effects WHERE id = ANY ($1) ORDER BY id FOR UPDATE";
    /// Everything that a batch writes beside its context's rows. No two parts of it touch the same row.
    SAVE = "
        WITH handled AS (
            INSERT INTO inbox (message_id, at) SELECT id, $2 FROM unnest($1::UUID[]) AS id
        ), counted AS (
            DELETE FROM attempts WHERE message_id = ANY ($1)
        ), delivered AS (
            DELETE FROM outbox WHERE event_id = ANY ($3)
        ), told AS (
            INSERT INTO outbox (event_id, body, traceparent, lease_until)
            SELECT id, body, traceparent, $7 FROM unnest($4::UUID[], $5::TEXT[], $6::TEXT[]) AS t (id, body, traceparent)
        ), answered AS (
            DELETE FROM effects WHERE id = ANY ($8)
        ), owed AS (
            INSERT INTO effects (id, correlation, effect, attempts, ready_at, traceparent)
            SELECT id, correlation, effect::JSON, attempts, ready_at, traceparent
            FROM unnest($9::UUID[], $10::UUID[], $11::TEXT[], $12::BIGINT[], $13::TIMESTAMPTZ[], $34::TEXT[])
                AS e (id, correlation, effect, attempts, ready_at, traceparent)
            ON CONFLICT (id) DO UPDATE SET correlation = excluded.correlation, effect = excluded.effect,
                attempts = excluded.attempts, ready_at = excluded.ready_at, traceparent = excluded.traceparent
        ), disarmed AS (
            DELETE FROM timers USING unnest($14::UUID[], $15::TEXT[]) AS gone (subject, kind)
            WHERE timers.subject = gone.subject AND timers.kind = gone.kind
        ), armed AS (
            INSERT INTO timers (subject, kind, epoch, due)
            SELECT subject, kind, epoch, due
            FROM unnest($16::UUID[], $17::TEXT[], $18::BIGINT[], $19::TIMESTAMPTZ[]) AS t (subject, kind, epoch, due)
            ON CONFLICT (subject, kind) DO UPDATE SET epoch = excluded.epoch, due = excluded.due
        ), told_of AS (
            INSERT INTO history (subject, at, message_id, causation_id, event, from_state, to_state, detail)
            SELECT subject, at, message_id, causation_id, event, from_state, to_state, detail
            FROM unnest($20::UUID[], $21::TIMESTAMPTZ[], $22::UUID[], $23::UUID[], $24::TEXT[], $25::TEXT[],
                        $26::TEXT[], $27::TEXT[])
                AS h (subject, at, message_id, causation_id, event, from_state, to_state, detail)
        )
        INSERT INTO kept_answers (scope, key, fingerprint, status, resource, body, at)
        SELECT scope, key, fingerprint, status, resource, body, $2
        FROM unnest($28::TEXT[], $29::TEXT[], $30::TEXT[], $31::BIGINT[], $32::UUID[], $33::TEXT[])
            AS k (scope, key, fingerprint, status, resource, body)";
}

/// Reads what [`ecom_core::engine::fold`] needs for the batch.
///
/// The context's rows come first, with their locks: what is read after them is what those wrote who held them before.
pub(super) async fn load<C: BoundedContext, T: Tables<C>>(
    connection: &mut PgConnection,
    messages: &[Message<C>],
    given: Option<Timestamp>,
) -> Result<Loaded<C>, sqlx::Error> {
    let (mut events, mut keys, mut timers, mut effects) = (vec![], vec![], vec![], vec![]);
    let mut scope = C::Scope::default();
    for message in messages {
        C::scope(&message.input, &mut scope);
        effects.extend(C::watch(&message.input));
        match &message.origin {
            Origin::Event => events.push(message.id),
            Origin::Command(key) => keys.extend(key.as_ref()),
            Origin::Timer(timer) => timers.push(timer),
            Origin::Answer { effect, .. } => effects.push(*effect),
        }
    }
    let snapshot = T::load(connection, &scope).await?;
    let armed = armed(connection, &timers).await?;
    let owed = owed(connection, &effects).await?;
    let kept = kept(connection, &keys).await?;
    let row = sqlx::query(SEEN).bind(given.map(Moment)).bind(ids(events)).fetch_one(connection).await?;
    let seen = row.try_get::<Vec<Uuid>, _>("seen")?.into_iter().map(MessageId).collect();
    Ok(Loaded { seen, kept, armed, owed, snapshot, now: row.moment("now")? })
}

/// Message ids in key order.
pub(super) fn ids(ids: impl IntoIterator<Item = MessageId>) -> Vec<Uuid> {
    uuids(ids.into_iter().map(|id| id.0))
}

async fn kept(
    connection: &mut PgConnection,
    keys: &[&Idempotency],
) -> Result<BTreeMap<(String, String), KeptAnswer>, sqlx::Error> {
    if keys.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = sqlx::query(KEPT)
        .bind(column(keys, |key| key.scope.as_str()))
        .bind(column(keys, |key| key.key.as_str()))
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| {
            let (scope, key) = (row.string("scope")?, row.string("key")?);
            let answer = Answer {
                status: row.count("status")?,
                resource: row.id("resource")?,
                body: row.string("body")?.into(),
            };
            let fingerprint = row.string("fingerprint")?;
            Ok(((scope.clone(), key.clone()), KeptAnswer { key: Idempotency { scope, key, fingerprint }, answer }))
        })
        .collect()
}

async fn armed(connection: &mut PgConnection, timers: &[&Timer]) -> Result<BTreeSet<Timer>, sqlx::Error> {
    if timers.is_empty() {
        return Ok(BTreeSet::new());
    }
    let subjects = uuids(timers.iter().map(|timer| timer.subject));
    let rows = sqlx::query(ARMED).bind(subjects).fetch_all(connection).await?;
    rows.iter().map(timer).collect()
}

/// A timer from its row.
pub(super) fn timer(row: &PgRow) -> Result<Timer, sqlx::Error> {
    Ok(Timer { subject: row.id("subject")?, kind: row.string("kind")?.into(), epoch: row.count("epoch")? })
}

async fn owed(connection: &mut PgConnection, effects: &[MessageId]) -> Result<BTreeMap<MessageId, u32>, sqlx::Error> {
    if effects.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = sqlx::query(OWED).bind(ids(effects.iter().copied())).fetch_all(connection).await?;
    rows.iter().map(|row| Ok((row.id("id")?, row.count("attempts")?))).collect()
}

/// Writes everything but the context's own rows, and deletes the outbox rows that are known to be delivered. What is
/// written for the writer to drive is leased until `lease`.
pub(super) async fn save<C: BoundedContext>(
    connection: &mut PgConnection,
    writes: &Writes<C>,
    delivered: &[MessageId],
    now: Timestamp,
    lease: Timestamp,
) -> Result<(), sqlx::Error> {
    let statement = sqlx::query(SAVE)
        .bind(ids(writes.inbox.iter().copied()))
        .bind(Moment(now))
        .bind(ids(delivered.iter().copied()));
    let statement = bind_outbox(statement, writes, lease);
    let statement = bind_effects(statement, writes, now, lease)?;
    let statement = bind_timers(statement, writes);
    let statement = bind_history(statement, writes);
    let traces: Vec<_> = writes.effects.values().flatten().map(|row| row.traceparent.as_deref()).collect();
    bind_kept(statement, writes).bind(traces).execute(connection).await?;
    Ok(())
}

fn bind_outbox<'q, C: BoundedContext>(
    statement: Statement<'q>,
    writes: &'q Writes<C>,
    lease: Timestamp,
) -> Statement<'q> {
    let rows = &writes.outbox;
    statement
        .bind(column(rows, |event| event.event_id.0))
        .bind(column(rows, |event| event.to_json()))
        .bind(column(rows, |event| event.traceparent.as_deref()))
        .bind(Moment(lease))
}

fn bind_effects<'q, C: BoundedContext>(
    statement: Statement<'q>,
    writes: &'q Writes<C>,
    now: Timestamp,
    lease: Timestamp,
) -> Result<Statement<'q>, sqlx::Error> {
    let done = writes.effects.iter().filter(|(_, row)| row.is_none()).map(|(id, _)| *id);
    let rows: Vec<&EffectRow<C::Effect>> = writes.effects.values().flatten().collect();
    let texts = rows.iter().map(|row| serde_json::to_string(&row.effect)).collect::<Result<Vec<_>, _>>();
    let ready_at = |row: &EffectRow<C::Effect>| if row.due <= now { lease } else { row.due };
    Ok(statement
        .bind(ids(done))
        .bind(column(&rows, |row| row.id.0))
        .bind(column(&rows, |row| row.correlation.0))
        .bind(texts.map_err(|error| sqlx::Error::Encode(Box::new(error)))?)
        .bind(column(&rows, |row| i64::from(row.attempts)))
        .bind(column(&rows, |row| Moment(ready_at(row)))))
}

fn bind_timers<'q, C: BoundedContext>(statement: Statement<'q>, writes: &'q Writes<C>) -> Statement<'q> {
    let gone: Vec<_> = writes.timers.iter().filter(|(_, armed)| armed.is_none()).map(|(key, _)| key).collect();
    let set: Vec<_> = writes.timers.iter().filter_map(|(key, armed)| armed.map(|armed| (key, armed))).collect();
    statement
        .bind(column(&gone, |(subject, _)| *subject))
        .bind(column(&gone, |(_, kind)| kind.to_string()))
        .bind(column(&set, |((subject, _), _)| *subject))
        .bind(column(&set, |((_, kind), _)| kind.to_string()))
        .bind(column(&set, |(_, (epoch, _))| epoch.cast_signed()))
        .bind(column(&set, |(_, (_, due))| Moment(*due)))
}

fn bind_history<'q, C: BoundedContext>(statement: Statement<'q>, writes: &'q Writes<C>) -> Statement<'q> {
    let rows = &writes.history;
    statement
        .bind(column(rows, |row| row.entry.subject))
        .bind(column(rows, |row| Moment(row.at)))
        .bind(column(rows, |row| row.message_id.0))
        .bind(column(rows, |row| row.causation_id.map(|id| id.0)))
        .bind(column(rows, |row| &*row.entry.event))
        .bind(column(rows, |row| &*row.entry.from))
        .bind(column(rows, |row| &*row.entry.to))
        .bind(column(rows, |row| row.entry.detail.as_deref().map(|detail| printable(detail).into_owned())))
}

fn bind_kept<'q, C: BoundedContext>(statement: Statement<'q>, writes: &'q Writes<C>) -> Statement<'q> {
    let mut rows: Vec<&KeptAnswer> = writes.kept.iter().collect();
    rows.sort_by(|left, right| (&left.key.scope, &left.key.key).cmp(&(&right.key.scope, &right.key.key)));
    statement
        .bind(column(&rows, |row| row.key.scope.as_str()))
        .bind(column(&rows, |row| row.key.key.as_str()))
        .bind(column(&rows, |row| row.key.fingerprint.as_str()))
        .bind(column(&rows, |row| i64::from(row.answer.status)))
        .bind(column(&rows, |row| row.answer.resource))
        .bind(column(&rows, |row| row.answer.body.as_str()))
}
