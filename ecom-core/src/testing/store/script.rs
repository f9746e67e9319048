//! Short words for what the cases do.

use std::time::Duration;

use uuid::Uuid;

use crate::decide::Timer;
use crate::engine::{Batch, Committed, EffectRow, Fault, Idempotency, Message, Origin, Outcome, Transacted};
use crate::id::{CorrelationId, MessageId, derive};
use crate::port::Store;
use crate::testing::counter::{Bell, Counters, Input, Reply, Ring, TIMER};

pub(super) type Handle<'a> = &'a dyn Store<Counters>;

/// The id of counter number `number`.
pub(super) fn counter(number: u128) -> Uuid {
    Uuid::from_u128(0xc0de << 100 | number)
}

/// The id of message number `number`.
pub(super) fn message_id(number: u128) -> MessageId {
    MessageId(Uuid::from_u128(0xabba << 100 | number))
}

pub(super) const fn add(id: Uuid, amount: i64) -> Input {
    Input::Add { id, amount, events: 0 }
}

pub(super) fn message(id: MessageId, origin: Origin, input: Input) -> Message<Counters> {
    let traceparent = Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned());
    Message { id, origin, correlation: CorrelationId(id.0), causation: None, traceparent, input }
}

/// An event that came over the bus.
pub(super) fn event(number: u128, input: Input) -> Message<Counters> {
    message(message_id(number), Origin::Event, input)
}

/// A command with an idempotency key.
pub(super) fn keyed(number: u128, scope: &str, key: &str, body: &str, input: Input) -> Message<Counters> {
    let key = Idempotency { scope: scope.to_owned(), key: key.to_owned(), fingerprint: body.to_owned() };
    message(message_id(number), Origin::Command(Some(key)), input)
}

pub(super) fn tick(id: Uuid, epoch: u64) -> Timer {
    Timer { subject: id, kind: TIMER.into(), epoch }
}

pub(super) fn fire(timer: &Timer) -> Message<Counters> {
    let Some(message) = Message::from_timer(timer) else { panic!("no input for {timer:?}") };
    message
}

pub(super) fn answer(row: &EffectRow<Ring>, bell: Bell) -> Message<Counters> {
    Message::from_answer(row.clone(), bell)
}

pub(super) fn batch(messages: Vec<Message<Counters>>, leased: bool) -> Batch<Counters> {
    Batch { messages, delivered: vec![], leased }
}

/// Transacts as often as it takes; panics when the store cannot.
///
/// An unknown commit is sent again: every message of the suite is safe to repeat.
pub(super) async fn commit(store: Handle<'_>, batch: Batch<Counters>) -> Committed<Counters> {
    for _ in 0..100 {
        match store.transact(batch.clone()).await {
            Transacted::Committed(committed) => {
                assert_eq!(committed.outcomes.len(), batch.messages.len(), "not one outcome for each message");
                return committed;
            }
            Transacted::RolledBack(Fault::Conflict | Fault::Unavailable(_)) | Transacted::Unknown => {}
            Transacted::RolledBack(fault @ Fault::Broken(_)) => panic!("a sound batch broke: {fault}"),
        }
    }
    panic!("a hundred attempts to commit one batch were not enough")
}

/// Handles messages in one leased transaction.
pub(super) async fn handle(store: Handle<'_>, messages: Vec<Message<Counters>>) -> Vec<Outcome<Counters>> {
    commit(store, batch(messages, true)).await.outcomes
}

/// Handles one message.
pub(super) async fn one(store: Handle<'_>, message: Message<Counters>) -> Outcome<Counters> {
    let mut outcomes = handle(store, vec![message]).await;
    outcomes.remove(0)
}

/// The counter's total, read through a message that changes nothing.
pub(super) async fn total(store: Handle<'_>, id: Uuid) -> i64 {
    totals(store, [id].into_iter()).await[0]
}

/// The totals of counters.
pub(super) async fn totals(store: Handle<'_>, ids: impl Iterator<Item = Uuid>) -> Vec<i64> {
    let id_of = |id| MessageId(derive("suite", id, "read", id, 0));
    let reads = ids.map(|id| message(id_of(id), Origin::Command(None), Input::Read { id }));
    let total = |outcome| match outcome {
        Outcome::Stayed(_, Some(Reply(counter))) => counter.total,
        other => panic!("a read did not stay: {other:?}"),
    };
    handle(store, reads.collect()).await.into_iter().map(total).collect()
}

#[track_caller]
pub(super) fn applied(outcome: &Outcome<Counters>) {
    assert!(matches!(outcome, Outcome::Applied(_)), "not applied: {outcome:?}");
}

pub(super) async fn outbox_depth(store: Handle<'_>) -> u64 {
    must(store.outbox_depth().await)
}

#[track_caller]
pub(super) fn must<T>(result: Result<T, Fault>) -> T {
    match result {
        Ok(value) => value,
        Err(fault) => panic!("the store failed: {fault}"),
    }
}

/// A little more than `time`, so that what ends then has ended.
pub(super) fn past(time: Duration) -> Duration {
    time + Duration::from_millis(50)
}
