//! Cases: every message is handled once, or not at all.

use super::Fixture;
use super::script::{add, applied, batch, counter, event, handle, keyed, one, outbox_depth, total};
use crate::decide::Because;
use crate::engine::{Fault, Outcome, Transacted};
use crate::testing::counter::{Input, Refused};

/// A message that comes twice, in one batch or in two, is a duplicate and writes nothing.
pub async fn a_second_delivery_changes_nothing(fixture: &dyn Fixture) {
    let store = &*fixture.fresh().await;
    let input = Input::Add { id: counter(1), amount: 5, events: 1 };
    let outcomes = handle(store, vec![event(1, input.clone()), event(1, input.clone())]).await;
    applied(&outcomes[0]);
    assert_eq!(outcomes[1], Outcome::Duplicate, "twice in one batch");
    assert_eq!(one(store, event(1, input)).await, Outcome::Duplicate, "twice in two batches");
    assert_eq!(total(store, counter(1)).await, 5);
    assert_eq!(outbox_depth(store).await, 1, "a duplicate emitted");
}

/// A refusal harms no other message of the batch, and the refused message may come again.
pub async fn a_refused_message_leaves_no_trace(fixture: &dyn Fixture) {
    let store = &*fixture.fresh().await;
    let id = counter(1);
    let outcomes =
        handle(store, vec![event(1, add(id, 1)), event(2, Input::Refuse { id }), event(3, add(id, 1))]).await;
    applied(&outcomes[0]);
    assert_eq!(outcomes[1], Outcome::Rejected(Refused));
    applied(&outcomes[2]);
    assert_eq!(total(store, id).await, 2);
    assert_eq!(one(store, event(2, Input::Refuse { id })).await, Outcome::Rejected(Refused), "it was remembered");
    applied(&one(store, event(2, add(id, 1))).await);
}

/// Nothing changed, but the message was handled: its second delivery is a duplicate.
pub async fn a_stayed_message_is_remembered(fixture: &dyn Fixture) {
    let store = &*fixture.fresh().await;
    let read = event(1, Input::Read { id: counter(1) });
    let first = one(store, read.clone()).await;
    assert!(matches!(first, Outcome::Stayed(Because::AlreadyKnown, Some(_))), "{first:?}");
    assert_eq!(one(store, read).await, Outcome::Duplicate);
}

/// A row that the tables refuse rolls everything back, and says so.
pub async fn a_broken_batch_leaves_nothing(fixture: &dyn Fixture) {
    let store = &*fixture.fresh().await;
    let (id, other) = (counter(1), counter(2));
    let good = Input::Add { id, amount: 1, events: 1 };
    let mut broken = batch(vec![event(1, good.clone()), event(2, Input::Break { id: other })], true);
    let known =
        super::script::commit(store, batch(vec![event(9, Input::Add { id, amount: 0, events: 1 })], true)).await;
    broken.delivered = known.outbox.iter().map(|row| row.event_id).collect();
    match store.transact(broken).await {
        Transacted::RolledBack(Fault::Broken(_)) => {}
        other => panic!("a broken batch ended as {other:?}"),
    }
    assert_eq!((total(store, id).await, total(store, other).await), (0, 0));
    assert_eq!(outbox_depth(store).await, 1, "it deleted or wrote an outbox row");
    applied(&one(store, event(1, good)).await);
}

/// The same key and body give the first answer, byte for byte; another body is refused; a refusal frees the key.
pub async fn an_idempotency_key_replays_the_first_answer(fixture: &dyn Fixture) {
    let store = &*fixture.fresh().await;
    let id = counter(1);
    applied(&one(store, keyed(1, "ada", "k", "body", add(id, 7))).await);
    let replayed = one(store, keyed(2, "ada", "k", "body", add(id, 7))).await;
    let Outcome::Replayed(answer) = replayed else { panic!("not replayed: {replayed:?}") };
    assert_eq!((answer.status, answer.resource, &*answer.body), (201, id, r#"{"version":1,"total":7}"#));
    assert_eq!(one(store, keyed(3, "ada", "k", "other body", add(id, 7))).await, Outcome::KeyReused);
    assert_eq!(total(store, id).await, 7);
    applied(&one(store, keyed(4, "bob", "k", "body", add(id, 1))).await);

    assert_eq!(one(store, keyed(5, "ada", "r", "body", Input::Refuse { id })).await, Outcome::Rejected(Refused));
    applied(&one(store, keyed(6, "ada", "r", "another body", add(id, 1))).await);

    let twice = vec![keyed(7, "ada", "t", "body", add(id, 1)), keyed(8, "ada", "t", "body", add(id, 1))];
    let outcomes = handle(store, twice).await;
    applied(&outcomes[0]);
    assert!(matches!(outcomes[1], Outcome::Replayed(_)), "twice in one batch: {:?}", outcomes[1]);
    assert_eq!(total(store, id).await, 10);
}
