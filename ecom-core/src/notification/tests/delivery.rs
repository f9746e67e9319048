//! What the channels answer.

use super::*;

fn transient() -> EffectAnswer {
    EffectAnswer::NotSent { transient: true, detail: "busy".to_owned() }
}

fn queued() -> World {
    World::with(vec![updated(1, 1), completed(1)])
}

#[test]
fn a_sent_notice_is_told_in_its_orders_story() {
    let mut world = queued();
    let writes = world.answer(EffectAnswer::Sent);
    assert_eq!(names(&writes), ["notification.sent"]);
    assert_eq!(writes.outbox[0].correlation_id.0.as_u128(), 2);
    let Event::NotificationSent(event) = &writes.outbox[0].event else { panic!() };
    assert_eq!(
        (event.order_id, event.channel.as_str(), event.template.as_str()),
        (Some(order(1)), "email", "order_completed")
    );
    let notice = world.snapshot.notices.values().next().unwrap();
    assert_eq!((&notice.state, notice.attempts, notice.version), (&NoticeState::Sent { at: NOW }, 1, 2));
    assert!(world.owed.is_empty());
}

#[test]
fn a_channel_that_fails_for_a_while_is_asked_again_and_then_given_up() {
    for answer in [transient(), EffectAnswer::Unknown { detail: "no answer".to_owned() }] {
        let mut world = queued();
        for delay in world.policy.notice_retry {
            let writes = world.answer(answer.clone());
            assert!(writes.outbox.is_empty());
            let due = world.owed.values().next().unwrap().due;
            assert_eq!(due, NOW.after(delay));
        }
        let writes = world.answer(answer);
        assert_eq!(names(&writes), ["notification.failed"]);
        assert_eq!(world.notices(), [("order_completed", "email", "failed")]);
        assert_eq!(world.snapshot.notices.values().next().unwrap().attempts, 6);
        assert!(world.owed.is_empty());
    }
}

#[test]
fn a_later_attempt_can_succeed() {
    let mut world = queued();
    world.answer(transient());
    world.answer(EffectAnswer::Sent);
    assert_eq!(world.notices(), [("order_completed", "email", "sent")]);
    assert_eq!(world.snapshot.notices.values().next().unwrap().attempts, 2);
}

#[test]
fn a_channel_that_refuses_for_good_is_not_asked_again() {
    let mut world = queued();
    let writes = world.answer(EffectAnswer::NotSent { transient: false, detail: "x".repeat(1_000) });
    assert_eq!(names(&writes), ["notification.failed"]);
    let notice = world.snapshot.notices.values().next().unwrap();
    assert_eq!(notice.state, NoticeState::Failed { detail: "x".repeat(500) });
}

#[test]
fn a_user_deactivated_meanwhile_is_not_tried_again() {
    let mut world = queued();
    world.run(vec![deactivated(1, 2)]);
    let writes = world.answer(transient());
    assert!(writes.outbox.is_empty());
    assert_eq!(world.notices(), [("order_completed", "email", "suppressed")]);
    assert!(world.owed.is_empty());
}

#[test]
fn an_answer_to_a_notice_that_has_ended_changes_nothing() {
    let mut world = queued();
    let (letter, attempts) = world.letter();
    world.answer(EffectAnswer::Sent);
    let input = Input::Answered { letter, attempts, answer: transient() };
    let context = crate::decide::Context {
        now: NOW,
        cause: MessageId(Uuid::from_u128(1)),
        correlation: CorrelationId(Uuid::from_u128(1)),
        policy: &world.policy,
        calls: None,
    };
    let decision = NotificationContext::decide(&world.snapshot, &input, &context).unwrap();
    assert!(matches!(decision, crate::decide::Decision::Stay { because: Because::AlreadyEnded, .. }));
}
