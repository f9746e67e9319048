//! Cases: what a commit leaves to be done is leased to one worker at a time.

use std::sync::Arc;
use std::time::Duration;

use super::Fixture;
use super::script::{answer, applied, batch, commit, counter, event, message_id, must, one, outbox_depth, past, total};
use crate::engine::Outcome;
use crate::event::Envelope;
use crate::id::{MessageId, derive};
use crate::testing::counter::{Bell, Counters, Input};

fn told(number: u128, events: u32) -> crate::engine::Message<Counters> {
    event(number, Input::Add { id: counter(number), amount: 1, events })
}

/// Nobody relies on the order of rows.
fn by_id(mut rows: Vec<Arc<Envelope>>) -> Vec<Arc<Envelope>> {
    rows.sort_by_key(|row| row.event_id);
    rows
}

/// Exactly what the commit returned is in the outbox, whole, under ids that a retry would repeat.
pub async fn outbox_rows_appear_with_their_commit(fixture: &dyn Fixture) {
    let store = &*fixture.fresh().await;
    let committed = commit(store, batch(vec![told(1, 2), told(2, 1)], false)).await;
    assert_eq!(outbox_depth(store).await, 3);
    let claimed = must(store.claim_outbox(10).await).items;
    assert_eq!(by_id(claimed), by_id(committed.outbox.clone()), "the outbox differs from what the commit returned");
    let second = &committed.outbox[1];
    let expected = derive("inventory-service", message_id(1).0, "stock.low", counter(1), 1);
    assert_eq!((second.event_id, second.causation_id), (MessageId(expected), message_id(1)));
    assert!(second.traceparent.is_some(), "the trace context was lost");
}

/// Rows are born leased to their writer if he wants it; a claim leases them; an ended lease frees them.
pub async fn an_outbox_row_is_claimed_once_until_its_lease_ends(fixture: &dyn Fixture) {
    let store = &*fixture.fresh().await;
    commit(store, batch(vec![told(2, 3)], false)).await;
    commit(store, batch(vec![told(1, 1)], true)).await;
    fixture.sleep(Duration::from_millis(20)).await;
    let counters = |rows: Vec<Arc<Envelope>>| {
        let mut counters: Vec<_> = rows.iter().map(|row| row.aggregate_id).collect();
        counters.sort_unstable();
        counters
    };
    assert_eq!(counters(must(store.claim_outbox(2).await).items), [counter(2); 2], "up to the limit");
    assert_eq!(counters(must(store.claim_outbox(10).await).items), [counter(2)], "its writer holds the other");
    let none = must(store.claim_outbox(10).await);
    assert_eq!((none.items.len(), none.next.is_some()), (0, true), "nobody would come back when the leases end");
    fixture.sleep(past(fixture.lease())).await;
    let first = counters(must(store.claim_outbox(1).await).items);
    assert_eq!(first, [counter(1)], "the one that has been free the longest comes first, so that none is starved");
    assert_eq!(counters(must(store.claim_outbox(10).await).items), [counter(2); 3]);
}

/// Deleted rows do not come back; ids that are not there are no error; a delivery may ride in a transaction.
pub async fn a_delivered_row_is_gone(fixture: &dyn Fixture) {
    let store = &*fixture.fresh().await;
    let rows = commit(store, batch(vec![told(1, 3)], false)).await.outbox;
    must(store.delivered(vec![rows[0].event_id, message_id(999)]).await);
    must(store.delivered(vec![]).await);
    assert_eq!(outbox_depth(store).await, 2);
    let mut next = batch(vec![event(2, Input::Read { id: counter(1) })], false);
    next.delivered = vec![rows[1].event_id, message_id(998)];
    commit(store, next).await;
    assert_eq!(must(store.claim_outbox(10).await).items, [Arc::clone(&rows[2])]);
    let mut empty = batch(vec![], false);
    empty.delivered = vec![rows[2].event_id];
    commit(store, empty).await;
    let claimed = must(store.claim_outbox(10).await);
    assert_eq!((claimed.items, claimed.next), (vec![], None), "an empty outbox has nothing to wait for");
}

/// At the start of the sole process on a database nobody holds a lease.
pub async fn voided_leases_free_everything(fixture: &dyn Fixture) {
    let store = &*fixture.fresh().await;
    let ring = Input::Ring { id: counter(2), effect: message_id(50), after: Duration::ZERO };
    commit(store, batch(vec![told(1, 1), event(2, ring)], true)).await;
    assert_eq!(must(store.claim_effects(10).await).items, [], "its writer holds the lease");
    must(store.void_leases().await);
    assert_eq!(must(store.claim_outbox(10).await).items.len(), 1);
    assert_eq!(must(store.claim_effects(10).await).items.len(), 1);
    must(store.ready().await);
}

/// Each claim counts a call before it returns; only the answer of the latest call is taken, and taken once.
pub async fn effects_count_their_calls(fixture: &dyn Fixture) {
    let store = &*fixture.fresh().await;
    let (id, effect) = (counter(1), message_id(50));
    let ring = event(1, Input::Ring { id, effect, after: Duration::ZERO });
    let first = commit(store, batch(vec![ring], true)).await.effects;
    assert_eq!((first.len(), first[0].id, first[0].attempts), (1, effect, 1), "due at once: its writer calls it");
    assert_eq!(must(store.claim_effects(10).await).items, [], "its writer holds the lease");
    fixture.sleep(past(fixture.lease())).await;
    let second = must(store.claim_effects(10).await).items;
    assert_eq!((second.len(), second[0].id, second[0].attempts), (1, effect, 2));
    assert_eq!(second[0].traceparent, first[0].traceparent, "the trace context was lost");
    assert!(second[0].traceparent.is_some(), "the trace context was lost");
    assert_eq!(one(store, answer(&first[0], Bell::Rang)).await, Outcome::Duplicate, "the answer of an older call");

    let silent = answer(&second[0], Bell::Silent(Duration::ZERO));
    let third = commit(store, batch(vec![silent], true)).await.effects;
    assert_eq!((third.len(), third[0].attempts), (1, 3), "asked again at once");
    applied(&one(store, answer(&third[0], Bell::Rang)).await);
    assert_eq!(one(store, answer(&third[0], Bell::Rang)).await, Outcome::Duplicate, "the same answer twice");
    assert_eq!(total(store, id).await, 1);
    let none = must(store.claim_effects(10).await);
    assert_eq!((none.items, none.next), (vec![], None), "an answered effect is still owed");
}

/// What is requested for later is not called before, and then by whoever claims it, though its writer takes leases.
pub async fn later_effects_wait_for_their_time(fixture: &dyn Fixture) {
    let store = &*fixture.fresh().await;
    let (after, effect) = (fixture.lease() / 3, message_id(50));
    let ring = event(1, Input::Ring { id: counter(1), effect, after });
    let committed = commit(store, batch(vec![ring], true)).await;
    assert_eq!(committed.effects, [], "it is not due");
    assert!(committed.next_due.is_some(), "nobody would come when it is due");
    let early = must(store.claim_effects(10).await);
    assert_eq!((early.items, early.next), (vec![], committed.next_due));
    fixture.sleep(past(after)).await;
    let due = must(store.claim_effects(10).await).items;
    assert_eq!((due.len(), due[0].attempts), (1, 1), "the first call");
    applied(&one(store, answer(&due[0], Bell::Rang)).await);
}

/// A call that waits for its time is taken back for good; one that somebody has claimed is not, and its answer counts.
pub async fn a_call_is_withdrawn_only_while_nobody_makes_it(fixture: &dyn Fixture) {
    let store = &*fixture.fresh().await;
    let (id, after) = (counter(1), fixture.lease() / 3);
    let ring = |n, effect| event(n, Input::Ring { id, effect: message_id(effect), after });
    let hush = |n, effect| event(n, Input::Hush { id, effect: message_id(effect) });
    commit(store, batch(vec![ring(1, 50), ring(2, 51)], true)).await;
    applied(&one(store, hush(3, 50)).await);
    stayed(&one(store, hush(4, 50)).await, "it is owed no more");
    // Also within one batch, as the messages before it left it.
    commit(store, batch(vec![ring(5, 52), hush(6, 52)], true)).await;
    fixture.sleep(past(after)).await;
    let due = must(store.claim_effects(10).await).items;
    assert_eq!((due.len(), due[0].id, due[0].attempts), (1, message_id(51), 1), "the others are withdrawn");
    stayed(&one(store, hush(7, 51)).await, "somebody makes it");
    applied(&one(store, answer(&due[0], Bell::Rang)).await);
    assert_eq!(total(store, id).await, 1);
}

fn stayed(outcome: &Outcome<Counters>, why: &str) {
    assert!(matches!(outcome, Outcome::Stayed(..)), "{why}: {outcome:?}");
}
