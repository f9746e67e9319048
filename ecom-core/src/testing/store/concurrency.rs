//! Cases: many at once are as good as one after the other.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Fixture;
use super::script::{
    Handle, add, applied, batch, commit, counter, event, handle, keyed, must, one, outbox_depth, tick, total,
};
use crate::engine::{Message, Outcome};
use crate::testing::counter::{Counters, Input};
use crate::testing::join_all;

/// Outcomes, state and outbox do not tell whether messages came as one batch or one by one.
pub async fn a_batch_is_its_messages_one_after_the_other(fixture: &dyn Fixture) {
    let (a, b) = (counter(1), counter(2));
    let told = |id, amount| Input::Add { id, amount, events: 2 };
    let soon = Duration::ZERO;
    let messages: Vec<Message<Counters>> = vec![
        event(1, told(a, 1)),
        event(2, Input::Refuse { id: a }),
        event(3, told(b, 10)),
        event(1, told(a, 1)),
        keyed(4, "ada", "k", "body", told(a, 100)),
        keyed(5, "ada", "k", "body", told(a, 100)),
        event(6, Input::Arm { id: b, epoch: 1, after: soon }),
        event(7, Input::Read { id: b }),
        event(8, Input::Arm { id: b, epoch: 2, after: soon }),
        event(9, Input::Ring { id: b, effect: super::script::message_id(50), after: soon }),
    ];
    let mut results = vec![];
    for in_one in [true, false] {
        let store = &*fixture.fresh().await;
        let mut outcomes = vec![];
        if in_one {
            outcomes = commit(store, batch(messages.clone(), false)).await.outcomes;
        } else {
            for message in &messages {
                outcomes.extend(commit(store, batch(vec![message.clone()], false)).await.outcomes);
            }
        }
        let rows = must(store.claim_outbox(100).await).items;
        let told = rows.iter().map(|row| (row.event_id, (row.aggregate_version, row.causation_id)));
        let events: BTreeMap<_, _> = told.collect();
        let timers = must(store.due_timers(10).await).items;
        let effects: Vec<_> = must(store.claim_effects(10).await).items.iter().map(|row| row.id).collect();
        results.push((outcomes, events, timers, effects, total(store, a).await, total(store, b).await));
    }
    assert_eq!(results[0], results[1]);
    assert_eq!(results[0].2, [tick(b, 2)]);
    assert_eq!((results[0].4, results[0].5), (101, 10));
}

/// Another handle, as another process has one, sees all of a commit.
pub async fn what_is_committed_is_there_for_others(fixture: &dyn Fixture) {
    let store = &*fixture.fresh().await;
    let messages: Vec<_> =
        (0..300).map(|n| event(n, Input::Add { id: counter(n % 70), amount: 1, events: 1 })).collect();
    handle(store, messages).await.iter().for_each(applied);
    let other = &*fixture.again().await;
    assert_eq!(total(other, counter(1)).await, 5);
    assert_eq!(outbox_depth(other).await, 300);
    assert_eq!(one(other, event(7, add(counter(7), 1))).await, Outcome::Duplicate);
}

/// Many writers of the same rows, in different orders, on two handles: no update is lost and nobody waits for ever.
pub async fn concurrent_batches_lose_no_update(fixture: &dyn Fixture) {
    const WRITERS: u128 = 12;
    const ROUNDS: u128 = 5;
    let (store, other) = (fixture.fresh().await, fixture.again().await);
    let writer = |number: u128| {
        let store: Handle<'_> = if number.is_multiple_of(2) { &*store } else { &*other };
        async move {
            for round in 0..ROUNDS {
                let first = (number * ROUNDS + round) * 10;
                let mut ids = [counter(1), counter(2), counter(3)];
                ids.rotate_left((number % 3) as usize);
                let messages = ids.iter().zip(first..).map(|(id, number)| event(number, add(*id, 1))).collect();
                handle(store, messages).await.iter().for_each(applied);
            }
        }
    };
    join_all((0..WRITERS).map(|number| Box::pin(writer(number)) as _).collect()).await;
    for number in 1..=3 {
        assert_eq!(total(&*store, counter(number)).await, i64::try_from(WRITERS * ROUNDS).unwrap_or(0));
    }
}

/// Two consumers of one event, at the same time: one applies it, the other finds a duplicate.
pub async fn one_event_on_two_handles_counts_once(fixture: &dyn Fixture) {
    let (store, other) = (fixture.fresh().await, fixture.again().await);
    for number in 0..20 {
        let told = || event(number, Input::Add { id: counter(1), amount: 1, events: 1 });
        let (left, right): (Handle<'_>, Handle<'_>) = (&*store, &*other);
        let outcomes = join_all(vec![Box::pin(one(left, told())), Box::pin(one(right, told()))]).await;
        let duplicates = outcomes.iter().filter(|outcome| **outcome == Outcome::Duplicate).count();
        assert_eq!(duplicates, 1, "{outcomes:?}");
    }
    assert_eq!(total(&*store, counter(1)).await, 20);
    assert_eq!(outbox_depth(&*store).await, 20);
}
