//! Reading and writing the rows that every service has: one statement for each kind of row and batch.

use std::collections::{BTreeMap, BTreeSet};

use ecom_core::decide::{Answer, BoundedContext, Timer};
use ecom_core::engine::{HistoryRow, Idempotency, KeptAnswer, Loaded, Message, Origin, Writes};
use ecom_core::id::MessageId;
use ecom_core::time::Timestamp;
use serde_json::json as value;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::claims;
use super::rows::{column, json, parse, text_list};
use super::script::Script;
use super::tables::Tables;

/// What every batch asks before its context's own rows: who has been here, which answers are kept, which timers are
/// armed, which calls are owed.
#[derive(Default)]
pub(super) struct Opening {
    seen: BTreeSet<MessageId>,
    kept: BTreeMap<(String, String), KeptAnswer>,
    armed: BTreeSet<Timer>,
    owed: BTreeMap<MessageId, u32>,
}

/// Begins the transaction, deletes what was delivered, and asks what every batch asks, in one hand-over.
pub(super) async fn open<C: BoundedContext>(
    connection: &mut SqliteConnection,
    messages: &[Message<C>],
    delivered: &[MessageId],
) -> Result<Opening, sqlx::Error> {
    let (mut events, mut keys, mut timers, mut effects) = (vec![], vec![], vec![], vec![]);
    for message in messages {
        effects.extend(C::watch(&message.input));
        match &message.origin {
            Origin::Event => events.push(message.id),
            Origin::Command(key) => keys.extend(key.as_ref().map(|key| value!({"scope": key.scope, "key": key.key}))),
            Origin::Timer(timer) => timers.push(timer.subject),
            Origin::Answer { effect, .. } => effects.push(*effect),
        }
    }
    let mut script = Script::default();
    script.push("BEGIN IMMEDIATE");
    if !delivered.is_empty() {
        script.push(claims::DELETE_DELIVERED).bind(text_list(delivered))?;
    }
    let mut asked = vec![];
    let mut ask = |what: Asked, some: bool, sql, list: String| {
        if some {
            asked.push(what);
            script.push(sql).bind(list)?;
        }
        Ok::<_, sqlx::Error>(())
    };
    ask(Asked::Seen, !events.is_empty(), SEEN, text_list(events))?;
    ask(Asked::Kept, !keys.is_empty(), KEPT, json(&keys)?)?;
    ask(Asked::Armed, !timers.is_empty(), ARMED, text_list(timers))?;
    ask(Asked::Owed, !effects.is_empty(), OWED, text_list(effects))?;
    let mut opening = Opening::default();
    let sets = script.run(connection).await?;
    // The last ones are the answers; before them stand statements that return nothing.
    for (what, rows) in asked.into_iter().rev().zip(sets.into_iter().rev()) {
        match what {
            Asked::Seen => opening.seen = rows.iter().map(|row| parse(row, "message_id")).collect::<Result<_, _>>()?,
            Asked::Kept => opening.kept = rows.iter().map(kept).collect::<Result<_, _>>()?,
            Asked::Armed => opening.armed = rows.iter().map(timer).collect::<Result<_, _>>()?,
            Asked::Owed => {
                let owed = |row| Ok::<_, sqlx::Error>((parse(row, "id")?, column(row, "attempts")?));
                opening.owed = rows.iter().map(owed).collect::<Result<_, _>>()?;
            }
        }
    }
    Ok(opening)
}

/// A question of an opening.
#[derive(Clone, Copy)]
enum Asked {
    Seen,
    Kept,
    Armed,
    Owed,
}

const SEEN: &str = "SELECT message_id FROM inbox WHERE message_id IN (SELECT value FROM json_each(?))";
const KEPT: &str = "SELECT k.scope, k.key, k.fingerprint, k.status, k.resource, k.body FROM jsonb_each(?) AS asked
    JOIN kept_answers AS k ON k.scope = asked.value->>'scope' AND k.key = asked.value->>'key'";
const ARMED: &str = "SELECT subject, kind, epoch FROM timers WHERE subject IN (SELECT value FROM json_each(?))";
const OWED: &str = "SELECT id, attempts FROM effects WHERE id IN (SELECT value FROM json_each(?))";

/// Reads what [`ecom_core::engine::fold`] needs for the batch.
pub(super) async fn load<C: BoundedContext, T: Tables<C>>(
    connection: &mut SqliteConnection,
    opening: Opening,
    messages: &[Message<C>],
    now: Timestamp,
) -> Result<Loaded<C>, sqlx::Error> {
    let mut scope = C::Scope::default();
    for message in messages {
        C::scope(&message.input, &mut scope);
    }
    let Opening { seen, kept, armed, owed } = opening;
    Ok(Loaded { seen, kept, armed, owed, snapshot: T::load(connection, &scope).await?, now })
}

fn kept(row: &SqliteRow) -> Result<((String, String), KeptAnswer), sqlx::Error> {
    let (scope, key): (String, String) = (column(row, "scope")?, column(row, "key")?);
    let answer = Answer {
        status: column(row, "status")?,
        resource: parse(row, "resource")?,
        body: column::<String>(row, "body")?.into(),
    };
    let fingerprint = column(row, "fingerprint")?;
    Ok(((scope.clone(), key.clone()), KeptAnswer { key: Idempotency { scope, key, fingerprint }, answer }))
}

/// A timer from its row.
pub(super) fn timer(row: &SqliteRow) -> Result<Timer, sqlx::Error> {
    let (kind, epoch): (String, i64) = (column(row, "kind")?, column(row, "epoch")?);
    Ok(Timer { subject: parse(row, "subject")?, kind: kind.into(), epoch: epoch.cast_unsigned() })
}

/// Adds what writes everything but the context's own rows. What is written for the writer to drive is leased until
/// `lease`.
pub(super) fn save<C: BoundedContext>(
    script: &mut Script,
    writes: &Writes<C>,
    now: Timestamp,
    lease: Timestamp,
) -> Result<(), sqlx::Error> {
    if !writes.inbox.is_empty() {
        script.push("INSERT INTO inbox (at, message_id) SELECT ?, value FROM json_each(?)");
        script.bind(now.as_micros())?.bind(text_list(&writes.inbox))?;
        // Whoever counts attempts counts those of messages that are not handled yet.
        script.push("DELETE FROM attempts WHERE message_id IN (SELECT value FROM json_each(?))");
        script.bind(text_list(&writes.inbox))?;
    }
    save_outbox(script, writes, lease)?;
    save_effects(script, writes, now, lease)?;
    save_timers(script, writes)?;
    save_history(script, &writes.history)?;
    save_kept(script, &writes.kept, now)
}

fn save_outbox<C: BoundedContext>(
    script: &mut Script,
    writes: &Writes<C>,
    lease: Timestamp,
) -> Result<(), sqlx::Error> {
    let lease = lease.as_micros();
    let rows: Vec<_> =
        writes.outbox.iter().map(|event| (event.event_id, event.to_json(), &event.traceparent, lease)).collect();
    script.put(
        "outbox",
        "INSERT INTO outbox (event_id, body, traceparent, lease_until)
         SELECT value->>0, value->>1, value->>2, value->>3 FROM jsonb_each(?)",
        &rows,
    )
}

fn save_effects<C: BoundedContext>(
    script: &mut Script,
    writes: &Writes<C>,
    now: Timestamp,
    lease: Timestamp,
) -> Result<(), sqlx::Error> {
    let done: Vec<_> = writes.effects.iter().filter(|(_, row)| row.is_none()).map(|(id, _)| *id).collect();
    if !done.is_empty() {
        script.push("DELETE FROM effects WHERE id IN (SELECT value FROM json_each(?))").bind(text_list(done))?;
    }
    let mut rows = vec![];
    for row in writes.effects.values().flatten() {
        let effect = serde_json::to_string(&row.effect).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
        let ready_at = if row.due <= now { lease } else { row.due };
        rows.push((row.id, row.correlation, effect, row.attempts, ready_at.as_micros(), &row.traceparent));
    }
    script.put(
        "effects",
        "INSERT INTO effects (id, correlation, effect, attempts, ready_at, traceparent)
         SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5 FROM jsonb_each(?) WHERE true
         ON CONFLICT (id) DO UPDATE SET correlation = excluded.correlation, effect = excluded.effect,
             attempts = excluded.attempts, ready_at = excluded.ready_at, traceparent = excluded.traceparent",
        &rows,
    )
}

fn save_timers<C: BoundedContext>(script: &mut Script, writes: &Writes<C>) -> Result<(), sqlx::Error> {
    let (mut set, mut gone) = (vec![], vec![]);
    for ((subject, kind), armed) in &writes.timers {
        match armed {
            Some((epoch, due)) => set.push((subject, kind, epoch, due.as_micros())),
            None => gone.push((subject, kind)),
        }
    }
    if !gone.is_empty() {
        script
            .push("DELETE FROM timers WHERE (subject, kind) IN (SELECT value->>0, value->>1 FROM jsonb_each(?))")
            .bind(json(&gone)?)?;
    }
    script.put(
        "timers",
        "INSERT INTO timers (subject, kind, epoch, due)
         SELECT value->>0, value->>1, value->>2, value->>3 FROM jsonb_each(?) WHERE true
         ON CONFLICT (subject, kind) DO UPDATE SET epoch = excluded.epoch, due = excluded.due",
        &set,
    )
}

fn save_history(script: &mut Script, history: &[HistoryRow]) -> Result<(), sqlx::Error> {
    let rows: Vec<_> = history
        .iter()
        .map(|HistoryRow { at, message_id, causation_id, entry }| {
            let (at, detail) = (at.as_micros(), &entry.detail);
            (entry.subject, at, message_id, causation_id, &entry.event, &entry.from, &entry.to, detail)
        })
        .collect();
    script.put(
        "history",
        "INSERT INTO history (subject, at, message_id, causation_id, event, from_state, to_state, detail)
         SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6, value->>7
         FROM jsonb_each(?)",
        &rows,
    )
}

fn save_kept(script: &mut Script, kept: &[KeptAnswer], now: Timestamp) -> Result<(), sqlx::Error> {
    let now = now.as_micros();
    let rows: Vec<_> = kept
        .iter()
        .map(|KeptAnswer { key, answer }| {
            (&key.scope, &key.key, &key.fingerprint, answer.status, answer.resource, &*answer.body, now)
        })
        .collect();
    script.put(
        "kept_answers",
        "INSERT INTO kept_answers (scope, key, fingerprint, status, resource, body, at)
         SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6 FROM jsonb_each(?)",
        &rows,
    )
}
