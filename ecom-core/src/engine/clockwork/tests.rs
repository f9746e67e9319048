use uuid::Uuid;

use super::*;

const LATER: Option<Timestamp> = Some(Timestamp::from_micros(60_000_000));

fn timers(subjects: std::ops::Range<u128>) -> Vec<Timer> {
    subjects.map(|subject| Timer { subject: Uuid::from_u128(subject), kind: "deadline".into(), epoch: 1 }).collect()
}

fn clockwork() -> Clockwork {
    let clockwork = Clockwork::new(Limits { batch_max: 4, conflicts_max: 2, aside_max: 3 });
    assert_eq!(clockwork.start(), find(4));
    clockwork
}

const fn find(limit: usize) -> Request {
    Request::Find { limit }
}

fn found(subjects: std::ops::Range<u128>) -> Completion {
    Completion::Found(Claimed { items: timers(subjects), next: LATER })
}

fn fire(subjects: std::ops::Range<u128>) -> Request {
    Request::Transact { timers: timers(subjects) }
}

fn fault() -> Completion {
    Completion::Failed(Fault::Unavailable("away".to_owned()))
}

fn broken() -> Completion {
    Completion::Failed(Fault::Broken("constraint".to_owned()))
}

#[track_caller]
fn paused(request: &Request) {
    assert!(matches!(request, Request::Pause { .. }), "no pause: {request:?}");
}

#[test]
fn what_is_due_fires_and_then_it_sleeps_until_the_next() {
    let mut clockwork = clockwork();
    assert_eq!(clockwork.resume(found(0..2)), fire(0..2));
    assert!(!clockwork.is_idle());
    assert_eq!(clockwork.resume(Completion::Transacted(vec![Verdict::Done, Verdict::Stayed])), find(4));
    assert_eq!(clockwork.resume(found(0..0)), Request::Wait { until: LATER, at_most: None });
    assert_eq!(clockwork.resume(Completion::Woken), find(4));
}

#[test]
fn an_earlier_timer_shortens_the_sleep_and_a_later_one_does_not() {
    let (soon, late) = (Timestamp::from_micros(1), Timestamp::from_micros(90_000_000));
    let mut clockwork = clockwork();
    clockwork.resume(found(0..0));
    assert_eq!(clockwork.resume(Completion::Sooner(late)), Request::Wait { until: LATER, at_most: None });
    assert_eq!(clockwork.resume(Completion::Sooner(soon)), Request::Wait { until: Some(soon), at_most: None });
    clockwork.resume(Completion::Woken);
    clockwork.resume(Completion::Found(Claimed { items: vec![], next: None }));
    assert_eq!(clockwork.resume(Completion::Sooner(late)), Request::Wait { until: Some(late), at_most: None });
}

#[test]
fn a_timer_that_cannot_be_handled_holds_up_no_other() {
    for verdict in [Verdict::Refused { reason: "no".to_owned() }, Verdict::NotConcerned] {
        let mut clockwork = clockwork();
        clockwork.resume(found(0..2));
        assert_eq!(clockwork.resume(Completion::Transacted(vec![verdict, Verdict::Done])), find(5), "one set aside");
        assert_eq!(clockwork.resume(found(0..3)), fire(1..3));
        clockwork.resume(Completion::Transacted(vec![Verdict::Done; 2]));
        let sleep = Request::Wait { until: LATER, at_most: Some(BACKOFF_MAX) };
        assert_eq!(clockwork.resume(found(0..1)), sleep, "it is tried again later, not at once");
        assert_eq!(clockwork.resume(Completion::Woken), find(4));
        assert_eq!(clockwork.resume(found(0..1)), fire(0..1));
    }
}

#[test]
fn a_broken_transaction_is_taken_apart() {
    let mut clockwork = clockwork();
    clockwork.resume(found(0..3));
    assert_eq!(clockwork.resume(broken()), fire(0..1));
    assert_eq!(clockwork.resume(Completion::Transacted(vec![Verdict::Done])), fire(1..2));
    assert_eq!(clockwork.resume(broken()), fire(2..3));
    assert_eq!(clockwork.resume(Completion::Transacted(vec![Verdict::Done])), find(5));
}

#[test]
fn a_lost_race_is_run_again_then_taken_apart_then_set_aside() {
    let conflict = || Completion::Failed(Fault::Conflict);
    let mut clockwork = clockwork();
    clockwork.resume(found(0..2));
    for _ in 0..2 {
        assert_eq!(clockwork.resume(conflict()), fire(0..2));
    }
    assert_eq!(clockwork.resume(conflict()), fire(0..1));
    for _ in 0..2 {
        assert_eq!(clockwork.resume(conflict()), fire(0..1));
    }
    assert_eq!(clockwork.resume(conflict()), fire(1..2));
}

#[test]
fn a_database_that_is_away_or_says_nothing_is_asked_again() {
    let mut clockwork = clockwork();
    paused(&clockwork.resume(fault()));
    assert_eq!(clockwork.resume(Completion::Rested), find(4));
    for completion in [fault(), Completion::Unknown] {
        assert_eq!(clockwork.resume(found(0..2)), fire(0..2));
        paused(&clockwork.resume(completion));
        assert_eq!(clockwork.resume(Completion::Rested), find(4));
    }
}

#[test]
fn when_nothing_can_be_handled_it_does_not_spin() {
    let mut clockwork = clockwork();
    clockwork.resume(found(0..4));
    paused(&clockwork.resume(Completion::Transacted(vec![Verdict::NotConcerned; 4])));
    assert_eq!(clockwork.resume(Completion::Rested), find(4));
}

#[test]
fn a_result_that_nobody_asked_for_changes_nothing() {
    let mut clockwork = clockwork();
    let before = clockwork.clone();
    for stray in [Completion::Woken, Completion::Rested, Completion::Unknown, Completion::Transacted(vec![])] {
        assert_eq!(clockwork.resume(stray), find(4));
    }
    assert_eq!(clockwork, before);
}
