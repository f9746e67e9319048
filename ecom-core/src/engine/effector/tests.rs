use uuid::Uuid;

use super::*;

const LATER: Option<Timestamp> = Some(Timestamp::from_micros(15_000_000));
const LIMITS: Limits =
    Limits { batch_max: 4, lease: Duration::from_secs(15), call_max: Duration::from_secs(5), transacts_max: 3 };

fn tickets(effects: std::ops::Range<u128>) -> Vec<Ticket> {
    effects.map(|effect| Ticket { effect: MessageId(Uuid::from_u128(effect)), attempt: 1 }).collect()
}

fn claimed(effects: std::ops::Range<u128>) -> Completion {
    Completion::Claimed(Claimed { items: tickets(effects), next: LATER })
}

fn begin(effects: std::ops::Range<u128>) -> Request {
    Request::Begin { tickets: tickets(effects) }
}

const fn claim(limit: usize) -> Request {
    Request::Claim { limit }
}

fn fault() -> Fault {
    Fault::Unavailable("away".to_owned())
}

#[test]
fn what_is_owed_is_claimed_and_begun() {
    let mut effector = Effector::new(LIMITS, 100);
    assert_eq!(effector.start(), claim(4));
    assert_eq!(effector.resume(claimed(0..4)), begin(0..4));
    assert!(!effector.is_idle());
    assert_eq!(effector.resume(Completion::Begun { room: 96 }), claim(4), "a full batch: there may be more");
    assert_eq!(effector.resume(claimed(4..5)), begin(4..5));
    assert_eq!(effector.resume(Completion::Begun { room: 95 }), Request::Wait { until: LATER });
    assert_eq!(effector.resume(Completion::Woken { room: 100 }), claim(4));
    assert_eq!(effector.resume(claimed(0..0)), Request::Wait { until: LATER });
}

#[test]
fn no_more_is_claimed_than_there_is_room_for() {
    let mut effector = Effector::new(LIMITS, 2);
    assert_eq!(effector.start(), claim(2));
    effector.resume(claimed(0..2));
    assert_eq!(effector.resume(Completion::Begun { room: 0 }), Request::Room);
    assert_eq!(effector.resume(Completion::Woken { room: 0 }), Request::Room);
    assert_eq!(effector.resume(Completion::Woken { room: 1 }), claim(1));
    assert_eq!(Effector::new(LIMITS, 0).start(), Request::Room);
}

#[test]
fn an_effect_that_is_due_earlier_shortens_the_sleep() {
    let mut effector = Effector::new(LIMITS, 9);
    effector.resume(claimed(0..0));
    let soon = Timestamp::from_micros(1);
    assert_eq!(effector.resume(Completion::Sooner(soon)), Request::Wait { until: Some(soon) });
    assert_eq!(effector.resume(Completion::Sooner(LATER.unwrap())), Request::Wait { until: Some(soon) });
}

#[test]
fn a_failed_claim_is_tried_again() {
    let mut effector = Effector::new(LIMITS, 9);
    let Request::Pause { delay: first } = effector.resume(Completion::Failed(fault())) else { panic!("no pause") };
    assert_eq!(effector.resume(Completion::Rested), claim(4));
    let Request::Pause { delay: second } = effector.resume(Completion::Failed(fault())) else { panic!("no pause") };
    assert!(second > first);
}

/// A call that was answered, about to commit the answer.
fn answered() -> (Call, Ticket) {
    let ticket = tickets(7..8)[0];
    let mut call = Call::new(ticket, LIMITS);
    assert_eq!(call.start(), CallRequest::Turn);
    assert_eq!(call.resume(&CallCompletion::Turn { held: Duration::ZERO }), CallRequest::Perform(ticket));
    assert_eq!(call.resume(&CallCompletion::Answered), CallRequest::Transact(ticket));
    (call, ticket)
}

#[test]
fn a_call_ends_when_its_answer_is_durable() {
    let (mut call, _) = answered();
    assert_eq!(call.resume(&CallCompletion::Committed), CallRequest::End(Ending::Committed));
    assert_eq!(call.resume(&CallCompletion::Rested), CallRequest::End(Ending::Committed), "the end is the end");
}

#[test]
fn no_call_begins_with_less_lease_left_than_it_may_take() {
    for (held, begins) in [(0, true), (10, true), (11, false), (u64::MAX, false)] {
        let ticket = tickets(7..8)[0];
        let mut call = Call::new(ticket, LIMITS);
        let request = call.resume(&CallCompletion::Turn { held: Duration::from_secs(held) });
        let expected = if begins { CallRequest::Perform(ticket) } else { CallRequest::End(Ending::Left) };
        assert_eq!(request, expected, "held for {held} s");
    }
}

#[test]
fn an_answer_that_does_not_commit_is_tried_again_then_left_and_never_called_again_from_here() {
    let failures = [
        CallCompletion::RolledBack(fault()),
        CallCompletion::RolledBack(Fault::Conflict),
        CallCompletion::RolledBack(Fault::Broken("constraint".to_owned())),
        CallCompletion::Unknown,
    ];
    for failure in failures {
        let (mut call, ticket) = answered();
        for _ in 0..2 {
            assert!(matches!(call.resume(&failure), CallRequest::Pause { .. }));
            assert_eq!(call.resume(&CallCompletion::Rested), CallRequest::Transact(ticket));
        }
        assert_eq!(call.resume(&failure), CallRequest::End(Ending::Left));
    }
}

#[test]
fn a_call_without_an_answer_is_left() {
    let mut call = Call::new(tickets(7..8)[0], LIMITS);
    call.resume(&CallCompletion::Turn { held: Duration::ZERO });
    assert_eq!(call.resume(&CallCompletion::Lost), CallRequest::End(Ending::Left));
}

#[test]
fn a_result_that_nobody_asked_for_changes_nothing() {
    let mut effector = Effector::new(LIMITS, 9);
    let before = effector.clone();
    assert_eq!(effector.resume(Completion::Begun { room: 3 }), claim(4));
    assert_eq!(effector.resume(Completion::Rested), claim(4));
    assert_eq!(effector, before);
    let (mut call, ticket) = answered();
    assert_eq!(call.resume(&CallCompletion::Answered), CallRequest::Transact(ticket));
    assert_eq!(call.resume(&CallCompletion::Lost), CallRequest::Transact(ticket));
}
