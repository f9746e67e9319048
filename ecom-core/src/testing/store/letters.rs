//! Cases: what fails is counted, given up, kept, and taken out again; what is old goes.

use super::Fixture;
use std::time::Duration;

use super::script::{Handle, add, applied, counter, event, keyed, message_id, must, one, past, total};
use crate::engine::{DeadLetter, Outcome, Retention};
use crate::port::PageRequest;

/// By queue and message, and in the database, not in the process.
pub async fn attempts_are_counted_for_each_message(fixture: &dyn Fixture) {
    let store = &*fixture.fresh().await;
    for expected in 1..=3 {
        assert_eq!(must(store.count_attempt("a.events", message_id(1)).await), expected);
    }
    assert_eq!(must(store.count_attempt("a.events", message_id(2)).await), 1, "another message");
    assert_eq!(must(store.count_attempt("b.events", message_id(1)).await), 1, "another queue");
    let other = &*fixture.again().await;
    assert_eq!(must(other.count_attempt("a.events", message_id(1)).await), 4, "another process");
}

/// The count is of attempts to handle it, which are over.
pub async fn a_handled_message_leaves_no_count(fixture: &dyn Fixture) {
    let store = &*fixture.fresh().await;
    for number in [1, 2] {
        must(store.count_attempt("a.events", message_id(number)).await);
    }
    applied(&one(store, event(1, add(counter(1), 1))).await);
    assert_eq!(must(store.count_attempt("a.events", message_id(1)).await), 1, "its count was left");
    assert_eq!(must(store.count_attempt("a.events", message_id(2)).await), 2, "another one's count was lost");
}

/// The open letters of the first page.
async fn open(store: Handle<'_>, limit: u32) -> Vec<DeadLetter> {
    let Some(request) = PageRequest::new(limit, None) else { panic!("no page has {limit} rows") };
    must(store.dead_letters(request).await).items.into_iter().map(|row| row.letter).collect()
}

/// Burying writes no inbox row: the replayed message is handled. Burying twice keeps one letter.
pub async fn dead_letters_are_kept_until_they_are_taken_out(fixture: &dyn Fixture) {
    let store = &*fixture.fresh().await;
    let letter = |number: u128, reason: &str| DeadLetter {
        id: message_id(number),
        queue: "a.events".to_owned(),
        event_type: "stock.low".to_owned(),
        body: r#"{"name":"körbe"}"#.to_owned(),
        reason: reason.to_owned(),
        attempts: 10,
    };
    must(store.bury(letter(1, "broken")).await);
    fixture.sleep(Duration::from_millis(20)).await;
    must(store.bury(letter(2, "refused")).await);
    assert_eq!(open(store, 10).await, [letter(2, "refused"), letter(1, "broken")], "the newest first");
    assert_eq!(open(store, 1).await, [letter(2, "refused")], "up to the limit");
    let first = PageRequest::new(1, None).unwrap_or_default();
    let rest = PageRequest::new(1, must(store.dead_letters(first).await).next).unwrap_or_default();
    let rest = must(store.dead_letters(rest).await);
    assert_eq!((rest.items.len(), rest.next), (1, None), "the second page is the last");
    assert_eq!(rest.items[0].letter, letter(1, "broken"));
    must(store.bury(letter(2, "refused")).await);
    assert_eq!(open(store, 10).await.len(), 2, "one letter for a message that is buried twice");
    assert_eq!(must(store.dead_letter(message_id(2)).await), Some(letter(2, "refused")));

    assert_eq!(must(store.exhume(message_id(1), "ada", "fixed").await), Some(letter(1, "broken")));
    assert_eq!(must(store.exhume(message_id(1), "ada", "fixed").await), None, "taken out twice");
    assert_eq!(must(store.dead_letter(message_id(1)).await), None, "it is not open any more");
    assert_eq!(open(store, 10).await, [letter(2, "refused")]);
    applied(&one(store, event(1, add(counter(1), 1))).await);
    must(store.count_attempt("a.events", message_id(1)).await);
    must(store.bury(letter(1, "again")).await);
    assert_eq!(must(store.count_attempt("a.events", message_id(1)).await), 1, "a replay climbs the ladder anew");
    assert_eq!(open(store, 10).await.len(), 2, "it may be buried again");
}

/// By the database's clock, so many at a time, and only what guards against repetition.
pub async fn what_is_old_is_purged_and_nothing_else(fixture: &dyn Fixture) {
    let store = &*fixture.fresh().await;
    let (id, age) = (counter(1), Duration::from_secs(1));
    let keep = Retention { inbox: age, answers: age, attempts: age };
    for number in [1, 2] {
        applied(&one(store, event(number, add(id, 1))).await);
        applied(&one(store, keyed(10 + number, "ada", &number.to_string(), "body", add(id, 1))).await);
        must(store.count_attempt("a.events", message_id(20 + number)).await);
    }
    assert_eq!(must(store.purge(Retention::default(), 100).await), 0, "nothing is old yet");
    fixture.sleep(past(age)).await;
    applied(&one(store, event(3, add(id, 1))).await);
    applied(&one(store, keyed(13, "ada", "3", "body", add(id, 1))).await);
    must(store.count_attempt("a.events", message_id(22)).await);
    assert_eq!(must(store.purge(keep, 1).await), 3, "one of each kind: the first message, answer and count");
    assert_eq!(must(store.purge(keep, 1).await), 2, "the second count was renewed meanwhile");
    assert_eq!(must(store.purge(keep, 1).await), 0);
    assert_eq!(one(store, event(3, add(id, 1))).await, Outcome::Duplicate);
    let replayed = one(store, keyed(14, "ada", "3", "body", add(id, 1))).await;
    assert!(matches!(replayed, Outcome::Replayed(_)), "{replayed:?}");
    assert_eq!(must(store.count_attempt("a.events", message_id(22)).await), 3);
    assert_eq!(must(store.count_attempt("a.events", message_id(21)).await), 1);
    applied(&one(store, event(1, add(id, 1))).await);
    applied(&one(store, keyed(15, "ada", "1", "body", add(id, 1))).await);
    assert_eq!(total(store, id).await, 8, "the rows of the context are not touched");
}
