use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::event::EventType;
use crate::testing::sample;

const LATER: Option<Timestamp> = Some(Timestamp::from_micros(15_000_000));

fn rows(numbers: std::ops::Range<u64>) -> Vec<Arc<Envelope>> {
    numbers.map(|number| sample::envelope(EventType::OrderCreated, number)).collect()
}

fn ids(numbers: std::ops::Range<u64>) -> Vec<MessageId> {
    rows(numbers).iter().map(|row| row.event_id).collect()
}

fn fault() -> Completion {
    Completion::Failed(Fault::Unavailable("away".to_owned()))
}

fn claimed(numbers: std::ops::Range<u64>, next: Option<Timestamp>) -> Completion {
    Completion::Claimed(Claimed { items: rows(numbers), next })
}

const fn claim() -> Request {
    Request::Claim { limit: 4 }
}

fn relay() -> Relay {
    let relay = Relay::new(Limits { batch_max: 4, deletes_max: 3 });
    assert_eq!(relay.start(), claim());
    relay
}

/// A relay that found nothing and waits.
fn waiting() -> Relay {
    let mut relay = relay();
    assert_eq!(relay.resume(claimed(0..0, LATER)), Request::Wait { until: LATER });
    relay
}

#[track_caller]
fn pause(request: &Request) -> Duration {
    let Request::Pause { delay } = request else { panic!("no pause: {request:?}") };
    *delay
}

#[test]
fn what_has_just_committed_is_published_from_memory_and_deleted_when_confirmed() {
    let mut relay = waiting();
    assert_eq!(relay.resume(Completion::Rows(rows(0..2))), Request::Publish { rows: rows(0..2) });
    assert!(!relay.is_idle());
    let confirmed = Completion::Published(vec![Published::Confirmed; 2]);
    assert_eq!(relay.resume(confirmed), Request::Delete { ids: ids(0..2) });
    assert_eq!(relay.resume(Completion::Deleted), Request::Wait { until: LATER });
    assert!(relay.is_idle());
}

#[test]
fn what_a_crash_left_is_claimed_batch_by_batch() {
    let mut relay = relay();
    assert_eq!(relay.resume(claimed(0..4, None)), Request::Publish { rows: rows(0..4) });
    relay.resume(Completion::Published(vec![Published::Confirmed; 4]));
    assert_eq!(relay.resume(Completion::Deleted), claim(), "a full batch: there may be more");
    relay.resume(claimed(4..5, LATER));
    relay.resume(Completion::Published(vec![Published::Confirmed]));
    assert_eq!(relay.resume(Completion::Deleted), Request::Wait { until: LATER });
    assert_eq!(relay.resume(Completion::Woken), claim());
}

#[test]
fn only_confirmed_rows_are_deleted_and_the_others_are_come_back_for() {
    let unknown = || Published::Unknown("timeout".to_owned());
    let cases = [
        (vec![Published::Confirmed, unknown(), Published::Unroutable], 0..1),
        (vec![unknown(), Published::Confirmed, unknown()], 1..2),
        (vec![Published::Confirmed], 0..1),
    ];
    for (results, deleted) in cases {
        let mut relay = waiting();
        relay.resume(Completion::Rows(rows(0..3)));
        assert_eq!(relay.resume(Completion::Published(results)), Request::Delete { ids: ids(deleted) });
        assert_eq!(relay.resume(Completion::Deleted), claim(), "it must learn when the lease of the others ends");
    }
}

#[test]
fn when_nothing_is_confirmed_it_slows_down() {
    let mut relay = waiting();
    let mut request = relay.resume(Completion::Rows(rows(0..2)));
    let mut pauses = vec![];
    for _ in 0..8 {
        assert!(matches!(request, Request::Publish { .. }));
        pauses.push(pause(&relay.resume(Completion::Published(vec![Published::Unroutable, Published::Unroutable]))));
        assert_eq!(relay.resume(Completion::Rested), claim());
        request = relay.resume(claimed(0..2, LATER));
    }
    assert!(pauses.is_sorted() && pauses[0] < pauses[7], "{pauses:?}");
    relay.resume(Completion::Published(vec![Published::Confirmed; 2]));
    relay.resume(Completion::Deleted);
    relay.resume(Completion::Rows(rows(0..1)));
    assert_eq!(pause(&relay.resume(Completion::Published(vec![Published::Unroutable]))), pauses[0], "it forgets");
}

#[test]
fn a_failed_claim_is_tried_again() {
    let mut relay = relay();
    let first = pause(&relay.resume(fault()));
    assert_eq!(relay.resume(Completion::Rested), claim());
    assert!(pause(&relay.resume(fault())) > first);
}

#[test]
fn a_failed_delete_is_tried_again_and_then_left() {
    let mut relay = waiting();
    relay.resume(Completion::Rows(rows(0..1)));
    relay.resume(Completion::Published(vec![Published::Confirmed]));
    for _ in 0..2 {
        pause(&relay.resume(fault()));
        assert_eq!(relay.resume(Completion::Rested), Request::Delete { ids: ids(0..1) });
    }
    pause(&relay.resume(fault()));
    assert_eq!(relay.resume(Completion::Rested), claim(), "published once more under the same id, which is harmless");
}

#[test]
fn a_result_that_nobody_asked_for_changes_nothing() {
    let mut relay = waiting();
    let before = relay.clone();
    for stray in [Completion::Deleted, Completion::Rested, Completion::Published(vec![]), Completion::Rows(vec![])] {
        assert_eq!(relay.resume(stray), Request::Wait { until: LATER });
    }
    assert_eq!(relay, before);
}

proptest! {
    #[test]
    fn no_row_is_deleted_before_it_was_confirmed(draws in prop::collection::vec(any::<u8>(), 300)) {
        let mut relay = relay();
        let (mut outbox, mut confirmed) = (rows(0..40), BTreeSet::new());
        let mut request = relay.start();
        for draw in draws {
            let completion = match &request {
                Request::Claim { .. } | Request::Delete { .. } if draw.is_multiple_of(5) => fault(),
                Request::Claim { limit } => {
                    let start = usize::from(draw) % (outbox.len() + 1);
                    let items = outbox[start..].iter().take(*limit).cloned().collect();
                    Completion::Claimed(Claimed { items, next: LATER })
                }
                Request::Wait { .. } if draw.is_multiple_of(2) => Completion::Woken,
                Request::Wait { .. } => Completion::Rows(outbox.iter().take(usize::from(draw) % 6).cloned().collect()),
                Request::Publish { rows } => Completion::Published((0..).zip(rows).map(|(index, row)| {
                    match (u32::from(draw) + index) % 3 {
                        0 => Published::Unroutable,
                        1 => Published::Unknown("lost".to_owned()),
                        _ => { confirmed.insert(row.event_id); Published::Confirmed }
                    }
                }).collect()),
                Request::Delete { ids } => {
                    prop_assert!(!ids.is_empty() && ids.iter().all(|id| confirmed.contains(id)));
                    outbox.retain(|row| !ids.contains(&row.event_id));
                    Completion::Deleted
                }
                Request::Pause { .. } => Completion::Rested,
            };
            request = relay.resume(completion);
        }
    }
}
