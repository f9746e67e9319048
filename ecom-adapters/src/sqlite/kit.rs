//! Reading and writing the rows that every service has: one statement for each kind of row and batch.

use std::collections::{BTreeMap, BTreeSet};

use ecom_core::decide::{Answer, BoundedContext, Timer};
use ecom_core::engine::{HistoryRow, Idempotency, KeptAnswer, Loaded, Message, Origin, Writes};
use ecom_core::id::MessageId;
use ecom_core::time::Timestamp;
use serde_json::json as value;
use sqlx::SqliteConnection;

use super::rows::{column, json, parse, text_list};
use super::tables::Tables;

/// Reads what [`ecom_core::engine::fold`] needs for the batch.
pub(super) async fn load<C: BoundedContext, T: Tables<C>>(
    connection: &mut SqliteConnection,
    messages: &[Message<C>],
    now: Timestamp,
) -> Result<Loaded<C>, sqlx::Error> {
    let (mut events, mut keys, mut timers, mut effects) = (vec![], vec![], vec![], vec![]);
    let mut scope = C::Scope::default();
    for message in messages {
        C::scope(&message.input, &mut scope);
        match &message.origin {
            Origin::Event => events.push(message.id),
            Origin::Command(key) => keys.extend(key.as_ref()),
            Origin::Timer(timer) => timers.push(timer),
            Origin::Answer { effect, .. } => effects.push(*effect),
        }
    }
    Ok(Loaded {
        seen: seen(connection, &events).await?,
        kept: kept(connection, &keys).await?,
        armed: armed(connection, &timers).await?,
        owed: owed(connection, &effects).await?,
        snapshot: T::load(connection, &scope).await?,
        now,
    })
}

async fn seen(connection: &mut SqliteConnection, ids: &[MessageId]) -> Result<BTreeSet<MessageId>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(BTreeSet::new());
    }
    let rows = sqlx::query("SELECT message_id FROM inbox WHERE message_id IN (SELECT value FROM json_each(?1))")
        .bind(text_list(ids))
        .fetch_all(connection)
        .await?;
    rows.iter().map(|row| parse(row, "message_id")).collect()
}

async fn kept(
    connection: &mut SqliteConnection,
    keys: &[&Idempotency],
) -> Result<BTreeMap<(String, String), KeptAnswer>, sqlx::Error> {
    if keys.is_empty() {
        return Ok(BTreeMap::new());
    }
    let asked: Vec<_> = keys.iter().map(|key| value!({"scope": key.scope, "key": key.key})).collect();
    let rows = sqlx::query(
        "SELECT k.scope, k.key, k.fingerprint, k.status, k.resource, k.body FROM json_each(?1) AS asked
         JOIN kept_answers AS k ON k.scope = asked.value->>'scope' AND k.key = asked.value->>'key'",
    )
    .bind(json(&asked)?)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            let (scope, key): (String, String) = (column(row, "scope")?, column(row, "key")?);
            let answer = Answer {
                status: column(row, "status")?,
                resource: parse(row, "resource")?,
                body: column(row, "body")?,
            };
            let fingerprint = column(row, "fingerprint")?;
            Ok(((scope.clone(), key.clone()), KeptAnswer { key: Idempotency { scope, key, fingerprint }, answer }))
        })
        .collect()
}

async fn armed(connection: &mut SqliteConnection, timers: &[&Timer]) -> Result<BTreeSet<Timer>, sqlx::Error> {
    if timers.is_empty() {
        return Ok(BTreeSet::new());
    }
    let rows =
        sqlx::query("SELECT subject, kind, epoch FROM timers WHERE subject IN (SELECT value FROM json_each(?1))")
            .bind(text_list(timers.iter().map(|timer| timer.subject)))
            .fetch_all(connection)
            .await?;
    rows.iter().map(timer).collect()
}

/// A timer from its row.
pub(super) fn timer(row: &sqlx::sqlite::SqliteRow) -> Result<Timer, sqlx::Error> {
    let (kind, epoch): (String, i64) = (column(row, "kind")?, column(row, "epoch")?);
    Ok(Timer { subject: parse(row, "subject")?, kind: kind.into(), epoch: epoch.cast_unsigned() })
}

async fn owed(connection: &mut SqliteConnection, ids: &[MessageId]) -> Result<BTreeMap<MessageId, u32>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = sqlx::query("SELECT id, attempts FROM effects WHERE id IN (SELECT value FROM json_each(?1))")
        .bind(text_list(ids))
        .fetch_all(connection)
        .await?;
    rows.iter().map(|row| Ok((parse(row, "id")?, column(row, "attempts")?))).collect()
}

/// Writes everything but the context's own rows. What is written for the writer to drive is leased until `lease`.
pub(super) async fn save<C: BoundedContext>(
    connection: &mut SqliteConnection,
    writes: &Writes<C>,
    now: Timestamp,
    lease: Timestamp,
) -> Result<(), sqlx::Error> {
    save_inbox(connection, &writes.inbox, now).await?;
    save_outbox(connection, writes, lease).await?;
    save_effects(connection, writes, now, lease).await?;
    save_timers(connection, writes).await?;
    save_history(connection, &writes.history).await?;
    save_kept(connection, &writes.kept, now).await
}

async fn save_inbox(connection: &mut SqliteConnection, ids: &[MessageId], now: Timestamp) -> Result<(), sqlx::Error> {
    if ids.is_empty() {
        return Ok(());
    }
    sqlx::query("INSERT INTO inbox (message_id, at) SELECT value, ?2 FROM json_each(?1)")
        .bind(text_list(ids))
        .bind(now.as_micros())
        .execute(&mut *connection)
        .await?;
    // Whoever counts attempts counts those of messages that are not handled yet.
    sqlx::query("DELETE FROM attempts WHERE message_id IN (SELECT value FROM json_each(?1))")
        .bind(text_list(ids))
        .execute(connection)
        .await?;
    Ok(())
}

async fn save_outbox<C: BoundedContext>(
    connection: &mut SqliteConnection,
    writes: &Writes<C>,
    lease: Timestamp,
) -> Result<(), sqlx::Error> {
    if writes.outbox.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = writes
        .outbox
        .iter()
        .map(|event| value!({"id": event.event_id, "body": event.to_json(), "trace": event.traceparent}))
        .collect();
    sqlx::query(
        "INSERT INTO outbox (event_id, body, traceparent, lease_until)
         SELECT value->>'id', value->>'body', value->>'trace', ?2 FROM json_each(?1)",
    )
    .bind(json(&rows)?)
    .bind(lease.as_micros())
    .execute(connection)
    .await?;
    Ok(())
}

async fn save_effects<C: BoundedContext>(
    connection: &mut SqliteConnection,
    writes: &Writes<C>,
    now: Timestamp,
    lease: Timestamp,
) -> Result<(), sqlx::Error> {
    let done: Vec<_> = writes.effects.iter().filter(|(_, row)| row.is_none()).map(|(id, _)| *id).collect();
    if !done.is_empty() {
        sqlx::query("DELETE FROM effects WHERE id IN (SELECT value FROM json_each(?1))")
            .bind(text_list(done))
            .execute(&mut *connection)
            .await?;
    }
    let mut rows = vec![];
    for row in writes.effects.values().flatten() {
        let effect = serde_json::to_string(&row.effect).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
        let ready_at = if row.due <= now { lease } else { row.due };
        rows.push(value!({
            "id": row.id, "correlation": row.correlation, "effect": effect, "attempts": row.attempts,
            "ready_at": ready_at.as_micros(),
        }));
    }
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO effects (id, correlation, effect, attempts, ready_at)
         SELECT value->>'id', value->>'correlation', value->>'effect', value->>'attempts', value->>'ready_at'
         FROM json_each(?1) WHERE true
         ON CONFLICT (id) DO UPDATE SET effect = excluded.effect, attempts = excluded.attempts, ready_at = excluded.ready_at",
    )
    .bind(json(&rows)?)
    .execute(connection)
    .await?;
    Ok(())
}

async fn save_timers<C: BoundedContext>(
    connection: &mut SqliteConnection,
    writes: &Writes<C>,
) -> Result<(), sqlx::Error> {
    let (mut set, mut gone) = (vec![], vec![]);
    for ((subject, kind), armed) in &writes.timers {
        match armed {
            Some((epoch, due)) => {
                set.push(value!({"subject": subject, "kind": kind, "epoch": epoch, "due": due.as_micros()}));
            }
            None => gone.push(value!({"subject": subject, "kind": kind})),
        }
    }
    if !gone.is_empty() {
        sqlx::query(
            "DELETE FROM timers WHERE (subject, kind) IN
             (SELECT value->>'subject', value->>'kind' FROM json_each(?1))",
        )
        .bind(json(&gone)?)
        .execute(&mut *connection)
        .await?;
    }
    if !set.is_empty() {
        sqlx::query(
            "INSERT INTO timers (subject, kind, epoch, due)
             SELECT value->>'subject', value->>'kind', value->>'epoch', value->>'due' FROM json_each(?1) WHERE true
             ON CONFLICT (subject, kind) DO UPDATE SET epoch = excluded.epoch, due = excluded.due",
        )
        .bind(json(&set)?)
        .execute(connection)
        .await?;
    }
    Ok(())
}

async fn save_history(connection: &mut SqliteConnection, history: &[HistoryRow]) -> Result<(), sqlx::Error> {
    if history.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = history
        .iter()
        .map(|row| {
            value!({
                "subject": row.entry.subject, "at": row.at.as_micros(), "message_id": row.message_id,
                "causation_id": row.causation_id, "event": row.entry.event, "from": row.entry.from,
                "to": row.entry.to, "detail": row.entry.detail,
            })
        })
        .collect();
    sqlx::query(
        "INSERT INTO history (subject, at, message_id, causation_id, event, from_state, to_state, detail)
         SELECT value->>'subject', value->>'at', value->>'message_id', value->>'causation_id', value->>'event',
                value->>'from', value->>'to', value->>'detail' FROM json_each(?1)",
    )
    .bind(json(&rows)?)
    .execute(connection)
    .await?;
    Ok(())
}

async fn save_kept(connection: &mut SqliteConnection, kept: &[KeptAnswer], now: Timestamp) -> Result<(), sqlx::Error> {
    if kept.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = kept
        .iter()
        .map(|KeptAnswer { key, answer }| {
            value!({
                "scope": key.scope, "key": key.key, "fingerprint": key.fingerprint, "status": answer.status,
                "resource": answer.resource, "body": answer.body,
            })
        })
        .collect();
    sqlx::query(
        "INSERT INTO kept_answers (scope, key, fingerprint, status, resource, body, at)
         SELECT value->>'scope', value->>'key', value->>'fingerprint', value->>'status', value->>'resource',
                value->>'body', ?2 FROM json_each(?1)",
    )
    .bind(json(&rows)?)
    .bind(now.as_micros())
    .execute(connection)
    .await?;
    Ok(())
}
