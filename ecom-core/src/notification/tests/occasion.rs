//! What users are told of, and that they are told once.

use proptest::prelude::*;

use super::*;

const FAILED: FailureCode = FailureCode::PaymentDeclined;

#[test]
fn each_occasion_has_its_notice() {
    let later = NOW.after(std::time::Duration::from_secs(60));
    for (input, template) in [
        (completed(1), "order_completed"),
        (failed(1, Some(user(1)), FAILED), "order_failed"),
        (cancelled(1), "order_cancelled"),
        (refunded(1, false), "payment_refunded"),
        (reset("secret", 1, later), "password_reset"),
    ] {
        let mut world = World::with(vec![updated(1, 1)]);
        let writes = world.run(vec![input.clone()]);
        assert_eq!(writes.outcomes, [Outcome::Applied(None)]);
        assert_eq!(world.notices(), [(template, "email", "queued")]);
        let (letter, attempts) = world.letter();
        assert_eq!(attempts, 1);
        assert!(letter.body.0.starts_with("Hello Ada,"), "{}", letter.body.0);
        assert!(!format!("{letter:?}").contains("secret"), "what a letter says is not shown by accident");
        let again = world.run(vec![input]);
        assert_eq!(again.outcomes, [Outcome::Stayed(Because::AlreadyKnown, None)], "a new event, the same occasion");
        assert!(again.effects.is_empty());
    }
}

#[test]
fn what_concerns_no_user_has_no_notice() {
    for input in
        [failed(1, None, FAILED), failed(1, Some(user(1)), FailureCode::UnknownOrder), refunded(1, true), stock_low()]
    {
        let mut world = World::with(vec![updated(1, 1)]);
        let writes = world.run(vec![input]);
        assert_eq!(writes.outcomes, [Outcome::Stayed(Because::NotConcerned, None)]);
        assert!(world.notices().is_empty());
    }
}

#[test]
fn a_second_end_of_an_order_is_not_told() {
    let mut world = World::with(vec![updated(1, 1), completed(1)]);
    let writes = world.run(vec![failed(1, Some(user(1)), FAILED), cancelled(1)]);
    assert_eq!(writes.outcomes, vec![Outcome::Stayed(Because::AlreadyEnded, None); 2]);
    assert_eq!(world.notices(), [("order_completed", "email", "queued")]);
}

#[test]
fn a_channel_that_is_chosen_later_does_not_tell_again() {
    let mut world = World::with(vec![updated(1, 1), completed(1), choose(false, Some("+4915112345678"), None)]);
    let writes = world.run(vec![completed(1)]);
    assert_eq!(writes.outcomes, [Outcome::Stayed(Because::AlreadyKnown, None)]);
}

#[test]
fn a_notice_waits_for_its_users_contact() {
    let mut world = World::with(vec![completed(1), failed(2, Some(user(1)), FAILED)]);
    assert!(world.owed.is_empty());
    assert_eq!(world.notices(), [("order_completed", "email", "queued"), ("order_failed", "email", "queued")]);
    world.run(vec![registered(1)]);
    let mut sent: Vec<_> = world
        .owed
        .values()
        .map(|row| {
            let Effect::Send(letter) = &row.effect;
            (letter.template.name(), letter.to.as_str(), letter.correlation.0.as_u128())
        })
        .collect();
    sent.sort_unstable();
    // What waited belongs to its own order's story, not to the user's arrival.
    assert_eq!(
        sent,
        [
            ("order_completed", "v1@example.com", 1),
            ("order_failed", "v1@example.com", 2),
            ("user_registered", "v1@example.com", 3)
        ]
    );
    let bodies_kept =
        world.snapshot.notices.values().any(|notice| matches!(notice.state, NoticeState::Deferred { .. }));
    assert!(!bodies_kept);
}

/// Otherwise a waiting notice and the arrival of the contact could pass each other in two transactions.
#[test]
fn every_waiting_notice_writes_the_contacts_row() {
    let mut world = World::default();
    for n in 1..=3 {
        world.run(vec![completed(u128::from(n))]);
        let contact = &world.snapshot.contacts[&user(1)];
        assert_eq!((&contact.state, contact.version), (&ContactState::Awaited, n));
    }
}

/// Otherwise two transactions that find no contact, and between which the user's wishes change, could both tell him.
#[test]
fn who_wants_nothing_and_is_not_known_is_awaited_once() {
    let mut world = World::with(vec![choose(false, None, None)]);
    for n in 1..=2 {
        world.run(vec![completed(n)]);
        let contact = &world.snapshot.contacts[&user(1)];
        assert_eq!((&contact.state, contact.version), (&ContactState::Awaited, 1));
    }
    assert_eq!(world.notices(), [("order_completed", "log", "suppressed"), ("order_completed", "log", "suppressed")]);
}

/// Otherwise one of two transactions could write, and the other one, later, find that the request has expired.
#[test]
fn a_password_reset_of_somebody_who_is_not_known_makes_him_awaited() {
    for expires in [NOW, NOW.after(std::time::Duration::from_secs(60))] {
        let world = World::with(vec![reset("a", 1, expires)]);
        assert_eq!(world.snapshot.contacts[&user(1)].state, ContactState::Awaited);
    }
}

#[test]
fn a_channel_turned_off_while_a_notice_waited_is_not_used() {
    let mut world = World::with(vec![completed(1), choose(false, None, None)]);
    world.run(vec![updated(1, 1)]);
    assert_eq!(world.notices(), [("order_completed", "email", "suppressed")]);
    assert!(world.owed.is_empty());
}

#[test]
fn a_deactivated_user_gets_nothing() {
    let mut world = World::with(vec![completed(1), deactivated(1, 2)]);
    assert_eq!(world.notices(), [("order_completed", "email", "suppressed")]);
    world.run(vec![completed(2), registered(1)]);
    assert_eq!(
        world.notices(),
        [
            ("order_completed", "email", "suppressed"),
            ("order_completed", "log", "suppressed"),
            ("user_registered", "log", "suppressed")
        ]
    );
    assert!(world.owed.is_empty());
}

#[test]
fn older_versions_of_a_user_change_nothing() {
    for (known, told, outcome) in [
        (updated(1, 3), updated(1, 2), Outcome::Stayed(Because::Stale, None)),
        (updated(1, 3), updated(1, 3), Outcome::Stayed(Because::Stale, None)),
        (updated(1, 3), deactivated(1, 3), Outcome::Stayed(Because::Stale, None)),
        (deactivated(1, 3), updated(1, 2), Outcome::Stayed(Because::Stale, None)),
        (deactivated(1, 3), deactivated(1, 3), Outcome::Stayed(Because::Stale, None)),
        (deactivated(1, 3), updated(1, 4), Outcome::Applied(None)),
        (updated(1, 3), deactivated(1, 4), Outcome::Applied(None)),
    ] {
        let mut world = World::with(vec![known]);
        assert_eq!(world.run(vec![told]).outcomes, [outcome]);
    }
}

#[test]
fn a_late_registration_still_welcomes_at_the_newer_address() {
    let mut world = World::with(vec![updated(1, 2)]);
    world.run(vec![registered(1)]);
    assert_eq!(world.letter().0.to, "v2@example.com");
    assert_eq!(world.run(vec![registered(1)]).outcomes, [Outcome::Stayed(Because::AlreadyKnown, None)]);
}

#[test]
fn each_chosen_channel_gets_its_notice_and_none_leaves_a_note() {
    let mut world = World::with(vec![
        updated(1, 1),
        choose(true, Some("+4915112345678"), Some("https://push.example.com/1")),
        completed(1),
    ]);
    let mut to: Vec<_> = world
        .owed
        .values()
        .map(|row| {
            let Effect::Send(letter) = &row.effect;
            letter.to.clone()
        })
        .collect();
    to.sort_unstable();
    assert_eq!(to, ["+4915112345678", "https://push.example.com/1", "v1@example.com"]);
    world.run(vec![choose(false, None, None), completed(2)]);
    assert!(world.notices().contains(&("order_completed", "log", "suppressed")));
    assert_eq!(world.owed.len(), 3);
}

#[test]
fn a_password_reset_goes_to_the_account_alone() {
    let later = NOW.after(std::time::Duration::from_secs(60));
    for (before, input, expected) in [
        (vec![], reset("a", 1, later), ("email", "queued")),
        (vec![updated(1, 1), choose(false, None, None)], reset("a", 1, later), ("email", "queued")),
        (vec![updated(1, 1)], reset("a", 1, NOW), ("log", "suppressed")),
        (vec![deactivated(1, 2)], reset("a", 2, later), ("log", "suppressed")),
        (vec![deactivated(1, 2)], reset("a", 3, later), ("email", "queued")),
    ] {
        let mut world = World::with(before);
        world.run(vec![input]);
        assert_eq!(world.notices(), [("password_reset", expected.0, expected.1)]);
        if expected.1 == "queued" {
            assert_eq!(world.letter().0.to, "account@example.com");
        }
    }
    let mut world = World::with(vec![updated(1, 1), reset("a", 1, later), reset("b", 1, later)]);
    assert_eq!(world.owed.len(), 2, "each request has its token");
    assert_eq!(world.run(vec![reset("a", 1, later)]).outcomes, [Outcome::Stayed(Because::AlreadyKnown, None)]);
}

#[test]
fn little_stock_is_told_to_every_active_administrator() {
    let mut world = World::with(vec![updated(1, 1), admin(2), admin(3), admin(4), deactivated(4, 2)]);
    world.run(vec![stock_low()]);
    let told: Vec<_> =
        world.snapshot.notices.values().map(|notice| notice.user_id).collect::<BTreeSet<_>>().into_iter().collect();
    assert_eq!(told, [user(2), user(3)]);
    world.run(vec![stock_low()]);
    assert_eq!(world.owed.len(), 4, "each fall is an occasion of its own");
}

#[test]
fn no_subject_line_breaks_whatever_comes_in() {
    let mut world = World::with(vec![admin(1), stock_low(), cancelled(1)]);
    world.run(vec![completed(2)]);
    for notice in world.snapshot.notices.values() {
        assert!(!notice.subject.chars().any(char::is_control), "{:?}", notice.subject);
        assert!(notice.subject.chars().count() <= 150);
    }
}

fn any_input() -> impl Strategy<Value = Input> {
    prop_oneof![
        (0_u128..3).prop_map(completed),
        (0_u128..3).prop_map(|n| failed(n, Some(user(1)), FAILED)),
        (0_u128..3).prop_map(cancelled),
        Just(registered(1)),
        (1_u64..5).prop_map(|version| updated(1, version)),
        (1_u64..5).prop_map(|version| deactivated(1, version)),
        (any::<bool>(), any::<bool>()).prop_map(|(email, sms)| choose(email, sms.then_some("+4915112345678"), None)),
    ]
}

proptest! {
    #[test]
    fn an_order_has_one_end_and_nothing_is_dropped(inputs in prop::collection::vec(any_input(), 1..25)) {
        let mut world = World::default();
        for input in inputs {
            world.run(vec![input]);
            for n in 0..3 {
                let of_order = || world.snapshot.notices.values().filter(|notice| notice.order_id == Some(order(n)));
                let ends: BTreeSet<_> = of_order().map(|notice| notice.template).collect();
                prop_assert!(ends.len() <= 1, "{:?}", ends);
            }
            for notice in world.snapshot.notices.values() {
                let owed = world.owed.contains_key(&MessageId(notice.id.0));
                prop_assert_eq!(owed, notice.state == NoticeState::Queued, "{:?}", notice);
                if let NoticeState::Deferred { .. } = notice.state {
                    prop_assert_eq!(&world.snapshot.contacts[&notice.user_id].state, &ContactState::Awaited);
                }
            }
        }
    }
}
