//! Signing in, exchanging tokens, signing out, a new password.

use proptest::prelude::*;

use super::*;
use crate::user::{ChangePassword, EndCause, SESSION_GRACE, SESSION_LIFE, SessionState};

fn new_password(world: &World, user: u128, session: u128) -> ChangePassword {
    ChangePassword {
        user_id: user_id(user),
        session_id: session_id(session),
        verified: world.user(user).password_hash.clone(),
        password_hash: hash("second"),
    }
}

fn deactivate(world: &mut World, user: u128) {
    world.moved(&Input::Deactivate { actor: user_id(1), user_id: user_id(user) });
}

#[test]
fn a_session_opens_for_an_active_user_whose_password_is_still_the_one_that_was_checked() {
    let mut world = World::peopled();
    let command = opening(world.user(2), 10);
    let step = world.moved(&Input::OpenSession(command.clone()));
    assert!(world.is_live(10));
    let session = world.all.sessions[&session_id(10)].clone();
    assert_eq!(session.expires_at, world.now.after(SESSION_LIFE));
    assert_eq!(step.reply, Some(Reply::SignedIn { user: world.user(2).clone(), session }));
    let changed_meanwhile = OpenSession { verified: hash("older"), session_id: session_id(11), ..command.clone() };
    assert_eq!(world.rejected(&Input::OpenSession(changed_meanwhile)), Rejection::InvalidCredentials);
    let unknown = OpenSession { user_id: user_id(99), session_id: session_id(11), ..command.clone() };
    assert_eq!(world.rejected(&Input::OpenSession(unknown)), Rejection::InvalidCredentials);
    deactivate(&mut world, 2);
    let inactive = OpenSession { session_id: session_id(11), ..command };
    assert_eq!(world.rejected(&Input::OpenSession(inactive)), Rejection::InvalidCredentials);
}

#[test]
fn a_retry_of_a_sign_in_finds_its_session_and_nobody_elses() {
    let mut world = World::peopled();
    world.sign_in(2, 10);
    let command = opening(world.user(2), 10);
    assert_eq!(world.stayed(&Input::OpenSession(command.clone())).0, Because::AlreadyKnown);
    let other_user = OpenSession { user_id: user_id(3), ..command.clone() };
    let other_token = OpenSession { token: token(99, 0), ..command };
    for command in [other_user, other_token] {
        assert_eq!(world.rejected(&Input::OpenSession(command)), Rejection::IdTaken);
    }
}

#[test]
fn an_outdated_hash_is_replaced_at_sign_in_and_other_sessions_go_on() {
    let mut world = World::peopled();
    world.sign_in(2, 10);
    let command = OpenSession { renewed: Some(hash("same, slower")), ..opening(world.user(2), 11) };
    world.moved(&Input::OpenSession(command));
    assert_eq!(world.user(2).password_hash, hash("same, slower"));
    assert!(world.is_live(10) && world.is_live(11));
}

#[test]
fn a_token_is_exchanged_once_and_answered_again_for_a_while() {
    let mut world = World::peopled();
    world.sign_in(2, 10);
    let step = world.moved(&rotation(10, 0));
    assert!(matches!(step.reply, Some(Reply::SignedIn { .. })));
    assert!(step.events.is_empty());
    for _ in 0..3 {
        let (because, reply) = world.stayed(&rotation(10, 0));
        assert_eq!((because, &reply), (Because::AlreadyKnown, &step.reply), "the same successor");
    }
    world.pass(SESSION_GRACE);
    assert_eq!(world.stayed(&rotation(10, 0)).1, step.reply, "the last moment");
    world.moved(&rotation(10, 1));
}

#[test]
fn a_token_that_is_used_again_later_ends_its_session() {
    let after_the_grace = |world: &mut World| world.pass(SESSION_GRACE + Duration::from_micros(1));
    let after_its_successor = |world: &mut World| drop(world.moved(&rotation(10, 1)));
    for meanwhile in [&after_the_grace as &dyn Fn(&mut World), &after_its_successor] {
        let mut world = World::peopled();
        world.sign_in(2, 10);
        world.sign_in(2, 11);
        world.moved(&rotation(10, 0));
        meanwhile(&mut world);
        let step = world.moved(&rotation(10, 0));
        assert_eq!(step.reply, Some(Reply::TokenReused { session_id: session_id(10) }));
        assert_eq!(step.history.len(), 1, "for the audit");
        let ended = SessionState::Ended { at: world.now, cause: EndCause::TokenReused };
        assert_eq!(world.all.sessions[&session_id(10)].state, ended);
        for generation in 0..4 {
            assert_eq!(world.rejected(&rotation(10, generation)), Rejection::InvalidRefreshToken);
        }
        assert!(world.is_live(11), "another sign-in of the same user goes on");
    }
}

#[test]
fn a_successor_that_is_not_the_one_given_before_is_not_given_again() {
    let mut world = World::peopled();
    world.sign_in(2, 10);
    world.moved(&rotation(10, 0));
    let other = RotateToken { session_id: session_id(10), presented: token(10, 0), successor: token(99, 9) };
    let step = world.moved(&Input::RotateToken(other));
    assert_eq!(step.reply, Some(Reply::TokenReused { session_id: session_id(10) }));
}

#[test]
fn no_token_works_of_a_session_that_is_unknown_expired_or_signed_out() {
    let mut world = World::peopled();
    assert_eq!(world.rejected(&rotation(99, 0)), Rejection::InvalidRefreshToken);
    world.sign_in(2, 10);
    world.pass(SESSION_LIFE.saturating_sub(Duration::from_micros(1)));
    world.moved(&rotation(10, 0));
    world.pass(Duration::from_micros(1));
    assert_eq!(world.rejected(&rotation(10, 1)), Rejection::InvalidRefreshToken, "rotation does not prolong it");
    world.sign_in(2, 11);
    world.moved(&Input::Logout { session_id: session_id(11) });
    assert_eq!(world.rejected(&rotation(11, 0)), Rejection::InvalidRefreshToken);
    for session in [99, 10, 11] {
        let (because, reply) = world.stayed(&Input::Logout { session_id: session_id(session) });
        assert_eq!((because, reply), (Because::AlreadyEnded, Some(Reply::Done { user_id: None })));
    }
}

#[test]
fn a_new_password_ends_all_other_sessions() {
    let mut world = World::peopled();
    for session in [10, 11, 12] {
        world.sign_in(2, session);
    }
    let command = new_password(&world, 2, 11);
    world.moved(&Input::ChangePassword(command.clone()));
    assert_eq!([10, 11, 12].map(|session| world.is_live(session)), [false, true, false]);
    assert_eq!(world.user(2).password_hash, hash("second"));
    world.moved(&rotation(11, 0));
    assert_eq!(world.rejected(&Input::ChangePassword(command.clone())), Rejection::InvalidCredentials);
    let ended = ChangePassword { session_id: session_id(10), ..new_password(&world, 2, 10) };
    assert_eq!(world.rejected(&Input::ChangePassword(ended)), Rejection::SessionEnded(session_id(10)));
    let anothers = new_password(&world, 3, 11);
    assert_eq!(world.rejected(&Input::ChangePassword(anothers)), Rejection::SessionEnded(session_id(11)));
}

/// One step of whoever holds tokens of a session: present generation `back` before the newest, after a while.
#[derive(Clone, Copy, Debug)]
struct Step {
    back: u8,
    wait_seconds: u64,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (0..4_u8, 0..25_u64).prop_map(|(back, wait_seconds)| Step { back, wait_seconds });
    prop::collection::vec(step, 0..60)
}

proptest! {
    /// Against the simplest model: the newest token moves on, the one before repeats for ten seconds, all else ends it.
    #[test]
    fn a_chain_of_rotations_gives_each_token_one_successor_and_ends_at_the_first_misuse(steps in steps()) {
        let mut world = World::peopled();
        world.sign_in(2, 10);
        let (mut newest, mut rotated_at, mut ended) = (0_u8, None, false);
        for Step { back, wait_seconds } in steps {
            world.pass(Duration::from_secs(wait_seconds));
            let presented = newest.saturating_sub(back);
            let outcome = world.run(&rotation(10, presented));
            let in_grace = rotated_at.is_some_and(|at| world.now.since(at) <= SESSION_GRACE);
            if ended {
                prop_assert!(matches!(outcome, Err(Rejection::InvalidRefreshToken)));
            } else if presented == newest {
                let Ok(Decision::Move(step)) = outcome else { panic!("{outcome:?}") };
                let renewed = matches!(step.reply, Some(Reply::SignedIn { .. }));
                prop_assert!(renewed, "{:?}", step.reply);
                (newest, rotated_at) = (newest + 1, Some(world.now));
            } else if presented + 1 == newest && in_grace {
                let repeated =
                    matches!(outcome, Ok(Decision::Stay { reply: Some(Reply::SignedIn { .. }), .. }));
                prop_assert!(repeated, "{:?}", outcome);
            } else {
                let Ok(Decision::Move(step)) = outcome else { panic!("{outcome:?}") };
                prop_assert_eq!(step.reply, Some(Reply::TokenReused { session_id: session_id(10) }));
                ended = true;
            }
            prop_assert_eq!(world.is_live(10), !ended);
        }
    }
}
