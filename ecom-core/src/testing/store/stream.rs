//! One random stream of operations against several stores: equal answers and equal rows after each.
//!
//! What the cases of the suite do not think of, a stream comes across; and what one store does and another does not is
//! a difference that code would come to rely on. A stream goes on until every kind of operation has ended in every way
//! that it can end in one process after the other.

mod draw;
mod play;

use std::collections::BTreeMap;
use std::time::Duration;

use super::Fixture;
use draw::Stream;
use play::{Subject, Tally};

/// Steps of a stream after which every kind must have occurred.
const STEPS_MAX: u32 = 10_000;

/// Every operation with every way in which it can end. Two are missing, which no store lets happen at will: a conflict,
/// which a race may meet or not, and an unknown end of a commit; each adapter's own tests bring them about.
pub const EVERYTHING: &[&str] = &[
    "transact: applied",
    "transact: stayed",
    "transact: stale timer",
    "transact: duplicate",
    "transact: replayed",
    "transact: key reused",
    "transact: rejected",
    "transact: broken",
    "transact: unavailable",
    "race: both done",
    "claim events: some",
    "claim events: up to the limit",
    "claim events: none",
    "claim events: unavailable",
    "delivered: known",
    "delivered: unknown",
    "delivered: unavailable",
    "claim calls: some",
    "claim calls: none",
    "claim calls: unavailable",
    "find timers: some",
    "find timers: none",
    "find timers: unavailable",
    "count: first",
    "count: again",
    "count: unavailable",
    "bury: new",
    "bury: again",
    "bury: unavailable",
    "list letters: some",
    "list letters: a page of more",
    "list letters: none",
    "list letters: unavailable",
    "look at a letter: there",
    "look at a letter: not there",
    "look at a letter: unavailable",
    "exhume: there",
    "exhume: not there",
    "exhume: unavailable",
    "depth: some",
    "depth: none",
    "depth: unavailable",
    "purge: some",
    "purge: none",
    "purge: unavailable",
    "void leases: done",
    "void leases: unavailable",
    "ready: yes",
    "ready: unavailable",
];

/// Plays the stream of that seed on a fresh database of each fixture, at least `steps` of it, and until [`EVERYTHING`]
/// has occurred. Panics where answers or rows differ. Returns how often each way occurred.
///
/// The clocks of the fixtures must begin at the same time and stand still but for [`Fixture::sleep`].
pub async fn compare(fixtures: &[(&str, &dyn Fixture)], seed: u64, steps: u32) -> BTreeMap<String, u32> {
    let mut subjects = vec![];
    for (name, fixture) in fixtures {
        // `away` may make a database of its own: `again` means the last one.
        let away = fixture.away().await;
        let (store, other) = (fixture.fresh().await, fixture.again().await);
        subjects.push(Subject { name, store, other, away });
    }
    let lease = fixtures.first().map_or(Duration::ZERO, |(_, fixture)| fixture.lease());
    let (mut stream, mut tally) = (Stream::new(seed, lease), Tally::default());
    for step in 1.. {
        let (operation, pause) = (stream.operation(), stream.pause());
        let at = format!("seed {seed}, step {step}");
        let answer = play::everywhere(&subjects, &operation, &at, &mut tally).await;
        stream.hear(&answer);
        play::rows_are_equal(&subjects, &at).await;
        if step >= steps && EVERYTHING.iter().all(|word| tally.has(word)) {
            break;
        }
        let missing = || EVERYTHING.iter().filter(|word| !tally.has(word)).collect::<Vec<_>>();
        assert!(step < STEPS_MAX, "{at}: this never occurred: {:?}", missing());
        for (_, fixture) in fixtures {
            fixture.sleep(pause).await;
        }
    }
    tally.0
}
