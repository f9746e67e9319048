//! Cases: what fails is counted, given up, kept, and taken out again.

use super::Fixture;
use super::script::{add, applied, counter, event, message_id, must, one};
use crate::engine::DeadLetter;

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
    must(store.bury(letter(2, "refused")).await);
    assert_eq!(must(store.dead_letters(10).await), [letter(2, "refused"), letter(1, "broken")], "the newest first");
    assert_eq!(must(store.dead_letters(1).await).len(), 1, "up to the limit");
    must(store.bury(letter(2, "refused")).await);
    assert_eq!(must(store.dead_letters(10).await).len(), 2, "one letter for a message that is buried twice");

    assert_eq!(must(store.exhume(message_id(1), "ada", "fixed").await), Some(letter(1, "broken")));
    assert_eq!(must(store.exhume(message_id(1), "ada", "fixed").await), None, "taken out twice");
    assert_eq!(must(store.dead_letters(10).await), [letter(2, "refused")]);
    applied(&one(store, event(1, add(counter(1), 1))).await);
    must(store.count_attempt("a.events", message_id(1)).await);
    must(store.bury(letter(1, "again")).await);
    assert_eq!(must(store.count_attempt("a.events", message_id(1)).await), 1, "a replay climbs the ladder anew");
    assert_eq!(must(store.dead_letters(10).await).len(), 2, "it may be buried again");
}
