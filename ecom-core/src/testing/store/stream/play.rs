//! Plays operations on all stores and compares what they say.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::script::{Handle, commit, counter, must, totals};
use super::draw::COUNTERS;
use crate::decide::Because;
use crate::engine::{Batch, Committed, DeadLetter, EffectRow, Fault, Outcome, Retention, Transacted};
use crate::event::Envelope;
use crate::id::MessageId;
use crate::port::{Claimed, PageRequest, Store};
use crate::testing::both;
use crate::testing::counter::{Counters, Ring};

/// A store that is compared.
pub(super) struct Subject<'a> {
    pub(super) name: &'a str,
    pub(super) store: Arc<dyn Store<Counters>>,
    /// Another handle on the same database.
    pub(super) other: Arc<dyn Store<Counters>>,
    /// A handle on a database that is away.
    pub(super) away: Arc<dyn Store<Counters>>,
}

/// What is done.
#[derive(Clone, Debug)]
pub(super) enum Operation {
    Transact(Batch<Counters>),
    /// Two at the same time, each as often as it takes.
    Race(Batch<Counters>, Batch<Counters>),
    ClaimEvents(usize),
    Delivered(Vec<MessageId>),
    ClaimCalls(usize),
    FindTimers(usize),
    Count(&'static str, MessageId),
    Bury(DeadLetter),
    List(u32),
    Look(MessageId),
    Exhume(MessageId),
    Purge(Retention, usize),
    Depth,
    Ready,
    VoidLeases,
    /// The same on a database that is away.
    Away(Box<Self>),
}

/// What a store said.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Answer {
    /// In one text.
    text: String,
    /// The ways in which the operation ended.
    ways: Vec<&'static str>,
    /// Rows of the outbox that it named.
    pub(super) rows: Vec<MessageId>,
    /// Calls that it named.
    pub(super) calls: Vec<EffectRow<Ring>>,
}

/// How often each operation ended in which way.
#[derive(Debug, Default)]
pub(super) struct Tally(pub(super) BTreeMap<String, u32>);

impl Tally {
    pub(super) fn has(&self, word: &str) -> bool {
        self.0.contains_key(word)
    }
}

/// Plays an operation on each; they must say the same.
pub(super) async fn everywhere(subjects: &[Subject<'_>], what: &Operation, at: &str, tally: &mut Tally) -> Answer {
    let mut first: Option<(&str, Answer)> = None;
    for subject in subjects {
        let answer = match what {
            Operation::Away(inner) => play(&*subject.away, inner).await,
            Operation::Race(left, right) => {
                let race = both(commit(&*subject.store, left.clone()), commit(&*subject.other, right.clone()));
                let (left, right) = race.await;
                said(&(left.outcomes.len(), right.outcomes.len()), "both done")
            }
            other => play(&*subject.store, other).await,
        };
        match &first {
            None => first = Some((subject.name, answer)),
            Some((name, expected)) => {
                let differ = format!("{at}: {} and {name} differ after {what:?}", subject.name);
                assert_eq!(answer, *expected, "{differ}");
            }
        }
    }
    let (_, answer) = first.unwrap_or_default();
    let name = what.name();
    for way in &answer.ways {
        *tally.0.entry(format!("{name}: {way}")).or_default() += 1;
    }
    answer
}

/// What can be seen without changing anything is the same in all.
pub(super) async fn rows_are_equal(subjects: &[Subject<'_>], at: &str) {
    let mut first: Option<(&str, String)> = None;
    for subject in subjects {
        let rows = rows(&*subject.store).await;
        match &first {
            None => first = Some((subject.name, rows)),
            Some((name, expected)) => assert_eq!(rows, *expected, "{at}: {} and {name} hold other rows", subject.name),
        }
    }
}

async fn rows(store: Handle<'_>) -> String {
    let totals = totals(store, (0..COUNTERS).map(counter)).await;
    let letters = must(store.dead_letters(PageRequest::new(100, None).unwrap_or_default()).await);
    let mut timers = must(store.due_timers(100).await);
    timers.items.sort();
    format!("{totals:?} {} {letters:?} {timers:?}", must(store.outbox_depth().await))
}

impl Operation {
    fn name(&self) -> &'static str {
        match self {
            Self::Transact(_) => "transact",
            Self::Race(..) => "race",
            Self::ClaimEvents(_) => "claim events",
            Self::Delivered(_) => "delivered",
            Self::ClaimCalls(_) => "claim calls",
            Self::FindTimers(_) => "find timers",
            Self::Count(..) => "count",
            Self::Bury(_) => "bury",
            Self::List(_) => "list letters",
            Self::Look(_) => "look at a letter",
            Self::Exhume(_) => "exhume",
            Self::Purge(..) => "purge",
            Self::Depth => "depth",
            Self::Ready => "ready",
            Self::VoidLeases => "void leases",
            Self::Away(inner) => inner.name(),
        }
    }
}

async fn play(store: Handle<'_>, what: &Operation) -> Answer {
    match attempt(store, what).await {
        Ok(answer) => answer,
        Err(fault) => {
            let way = match fault {
                Fault::Unavailable(_) => "unavailable",
                Fault::Conflict => "conflict",
                Fault::Broken(_) => "broken",
            };
            Answer { ways: vec![way], ..Answer::default() }
        }
    }
}

async fn attempt(store: Handle<'_>, what: &Operation) -> Result<Answer, Fault> {
    Ok(match what {
        Operation::Transact(batch) => match store.transact(batch.clone()).await {
            Transacted::Committed(committed) => committed_answer(committed),
            Transacted::RolledBack(fault) => return Err(fault),
            Transacted::Unknown => said(&"unknown", "unknown"),
        },
        Operation::ClaimEvents(limit) => claim_events(store, *limit).await?,
        Operation::Delivered(ids) => {
            let before = store.outbox_depth().await?;
            store.delivered(ids.clone()).await?;
            let gone = before - store.outbox_depth().await?;
            said(&gone, if gone > 0 { "known" } else { "unknown" })
        }
        Operation::ClaimCalls(limit) => claim_calls(store, *limit).await?,
        Operation::FindTimers(limit) => {
            let mut found = store.due_timers(*limit).await?;
            let way = if found.items.is_empty() { "none" } else { "some" };
            if found.items.len() == *limit {
                // Of several that are due at the same time any may be the last.
                said(&(found.items.len(), found.next), way)
            } else {
                found.items.sort();
                said(&found, way)
            }
        }
        Operation::Count(queue, id) => {
            let count = store.count_attempt(queue, *id).await?;
            said(&count, if count == 1 { "first" } else { "again" })
        }
        Operation::Bury(letter) => {
            let known = store.dead_letter(letter.id).await?.is_some();
            store.bury(letter.clone()).await?;
            said(&known, if known { "again" } else { "new" })
        }
        Operation::List(limit) => {
            let page = store.dead_letters(PageRequest::new(*limit, None).unwrap_or_default()).await?;
            let way = match (page.items.is_empty(), page.next.is_some()) {
                (true, _) => "none",
                (false, true) => "a page of more",
                (false, false) => "some",
            };
            said(&page, way)
        }
        Operation::Look(id) => there(store.dead_letter(*id).await?.as_ref()),
        Operation::Exhume(id) => there(store.exhume(*id, "ada", "fixed").await?.as_ref()),
        Operation::Purge(keep, limit) => {
            let count = store.purge(*keep, *limit).await?;
            // Of several of the same age any may have gone: what is left of them goes as well.
            while store.purge(*keep, 100).await? > 0 {}
            said(&count, if count > 0 { "some" } else { "none" })
        }
        Operation::Depth => {
            let depth = store.outbox_depth().await?;
            said(&depth, if depth > 0 { "some" } else { "none" })
        }
        Operation::Ready => said(&store.ready().await?, "yes"),
        Operation::VoidLeases => said(&store.void_leases().await?, "done"),
        // Neither is for one handle.
        Operation::Away(_) | Operation::Race(..) => Answer::default(),
    })
}

fn said(what: &dyn std::fmt::Debug, way: &'static str) -> Answer {
    Answer { text: format!("{what:?}"), ways: vec![way], ..Answer::default() }
}

fn there(letter: Option<&DeadLetter>) -> Answer {
    said(&letter, if letter.is_some() { "there" } else { "not there" })
}

fn committed_answer(committed: Committed<Counters>) -> Answer {
    let Committed { outcomes, outbox, effects, next_due, mut touched } = committed;
    touched.sort_unstable();
    let mut calls = effects;
    calls.sort_by_key(|row| row.id);
    let ways = outcomes.iter().map(|outcome| match outcome {
        Outcome::Applied(_) => "applied",
        Outcome::Stayed(Because::StaleTimer, _) => "stale timer",
        Outcome::Stayed(..) => "stayed",
        Outcome::Duplicate => "duplicate",
        Outcome::Replayed(_) => "replayed",
        Outcome::KeyReused => "key reused",
        Outcome::Rejected(_) => "rejected",
    });
    let text = format!("{outcomes:?} {outbox:?} {calls:?} {next_due:?} {touched:?}");
    Answer { text, ways: ways.collect(), rows: outbox.iter().map(|row| row.event_id).collect(), calls }
}

/// Up to the limit, and then the rest: of several that are equally old any may come first.
async fn claim_events(store: Handle<'_>, limit: usize) -> Result<Answer, Fault> {
    let Claimed { mut items, .. } = store.claim_outbox(limit).await?;
    let way = match items.len() {
        0 => "none",
        count if count == limit => "up to the limit",
        _ => "some",
    };
    let first = items.len();
    let rest = store.claim_outbox(100).await?;
    items.extend(rest.items);
    items.sort_by_key(|row| row.event_id);
    let ids = |rows: &[Arc<Envelope>]| rows.iter().map(|row| row.event_id).collect();
    Ok(Answer { rows: ids(&items), ..said(&(first, &items, rest.next), way) })
}

async fn claim_calls(store: Handle<'_>, limit: usize) -> Result<Answer, Fault> {
    let Claimed { mut items, .. } = store.claim_effects(limit).await?;
    let (first, way) = (items.len(), if items.is_empty() { "none" } else { "some" });
    let rest = store.claim_effects(100).await?;
    items.extend(rest.items);
    items.sort_by_key(|row| row.id);
    let seen: Vec<_> = items.iter().map(|row| (row.id, row.correlation, row.effect, row.attempts)).collect();
    let answer = said(&(first, seen, rest.next), way);
    // When a call was due is not told by all: nobody relies on it.
    let epoch = crate::time::Timestamp::EPOCH;
    Ok(Answer { calls: items.into_iter().map(|row| EffectRow { due: epoch, ..row }).collect(), ..answer })
}
