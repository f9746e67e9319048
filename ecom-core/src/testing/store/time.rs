//! Cases: timers are rows.

use std::time::Duration;

use super::Fixture;
use super::script::{applied, batch, commit, counter, event, fire, must, one, past, tick, total};
use crate::decide::Because;
use crate::engine::Outcome;
use crate::testing::counter::{Counters, Input};

const STALE: Outcome<Counters> = Outcome::Stayed(Because::StaleTimer, None);

/// Not before its time, then until it is handled, and once.
pub async fn a_timer_fires_once_when_it_is_due(fixture: &dyn Fixture) {
    let store = &*fixture.fresh().await;
    let (id, after) = (counter(1), Duration::from_millis(300));
    let armed = commit(store, batch(vec![event(1, Input::Arm { id, epoch: 1, after })], true)).await;
    assert!(armed.next_due.is_some(), "nobody would come when it is due");
    let early = must(store.due_timers(10).await);
    assert_eq!((early.items, early.next), (vec![], armed.next_due));
    commit(store, batch(vec![event(2, Input::Arm { id: counter(2), epoch: 1, after: Duration::ZERO })], true)).await;
    assert_eq!(must(store.due_timers(10).await).items, [tick(counter(2), 1)]);
    fixture.sleep(past(after)).await;
    assert_eq!(must(store.due_timers(10).await).items, [tick(counter(2), 1), tick(id, 1)], "the earliest first");
    assert_eq!(must(store.due_timers(1).await).items, [tick(counter(2), 1)], "up to the limit");
    applied(&one(store, fire(&tick(id, 1))).await);
    assert_eq!(one(store, fire(&tick(id, 1))).await, STALE, "it fired twice");
    applied(&one(store, fire(&tick(counter(2), 1))).await);
    assert_eq!(total(store, id).await, 100);
    let none = must(store.due_timers(10).await);
    assert_eq!((none.items, none.next), (vec![], None));
}

/// One subject has one timer of a kind: a new epoch replaces the old one.
pub async fn a_timer_armed_anew_fences_the_old_one(fixture: &dyn Fixture) {
    let store = &*fixture.fresh().await;
    let id = counter(1);
    let arm = |epoch| Input::Arm { id, epoch, after: Duration::ZERO };
    commit(store, batch(vec![event(1, arm(1))], true)).await;
    commit(store, batch(vec![event(2, arm(2)), event(3, arm(3))], true)).await;
    assert_eq!(must(store.due_timers(10).await).items, [tick(id, 3)]);
    assert_eq!(one(store, fire(&tick(id, 1))).await, STALE);
    assert_eq!(one(store, fire(&tick(id, 2))).await, STALE);
    applied(&one(store, fire(&tick(id, 3))).await);
    assert_eq!(total(store, id).await, 100);
}

/// Cancelled before it was handled, though it was due.
pub async fn a_cancelled_timer_never_fires(fixture: &dyn Fixture) {
    let store = &*fixture.fresh().await;
    let id = counter(1);
    let arm = event(1, Input::Arm { id, epoch: 1, after: Duration::ZERO });
    commit(store, batch(vec![arm], true)).await;
    commit(store, batch(vec![event(2, Input::Disarm { id })], true)).await;
    assert_eq!(must(store.due_timers(10).await).items, []);
    assert_eq!(one(store, fire(&tick(id, 1))).await, STALE);
    let both = vec![
        event(3, Input::Arm { id, epoch: 2, after: Duration::ZERO }),
        event(4, Input::Disarm { id }),
        event(5, Input::Arm { id, epoch: 3, after: Duration::ZERO }),
    ];
    commit(store, batch(both, true)).await;
    assert_eq!(must(store.due_timers(10).await).items, [tick(id, 3)], "the last word of a batch counts");
}
