//! Password resets.

use super::*;
use crate::secret::Secret;
use crate::user::{ChangePassword, ConfirmReset, RESET_LIFE, RequestReset};

fn request(user: u128, number: u8) -> Input {
    Input::RequestReset(RequestReset {
        email: email(user),
        token: Secret::new(format!("token {number}")),
        token_hash: TokenHash([number; 32]),
    })
}

fn confirm(number: u8) -> Input {
    Input::ConfirmReset(ConfirmReset { token_hash: TokenHash([number; 32]), password_hash: hash("reset") })
}

const QUIET: Option<Reply> = Some(Reply::Done { user_id: None });

#[test]
fn a_reset_sends_its_token_once_and_sets_a_new_password_once() {
    let mut world = World::peopled();
    world.sign_in(2, 10);
    let changed_at = world.user(2).updated_at;
    world.pass(Duration::from_secs(1));
    let step = world.moved(&request(2, 1));
    let Event::PasswordResetRequested(event) = &step.events[0].event else { panic!("{step:?}") };
    assert_eq!((event.token.as_str(), &event.email), ("token 1", &email(2)));
    assert_eq!(event.expires_at, world.now.after(RESET_LIFE));
    assert_eq!(world.user(2).updated_at, changed_at, "nothing about the user has changed");
    assert!(world.is_live(10), "to ask ends nothing");
    assert_eq!(world.stayed(&request(2, 1)), (Because::AlreadyKnown, QUIET));
    world.moved(&confirm(1));
    assert_eq!(world.user(2).password_hash, hash("reset"));
    assert!(!world.is_live(10));
    assert_eq!(world.rejected(&confirm(1)), Rejection::InvalidResetToken);
}

#[test]
fn the_reply_does_not_tell_whether_the_account_exists() {
    let mut world = World::peopled();
    world.moved(&Input::Deactivate { actor: user_id(1), user_id: user_id(3) });
    assert_eq!(world.stayed(&request(99, 1)), (Because::NotConcerned, QUIET));
    assert_eq!(world.stayed(&request(3, 1)), (Because::NotConcerned, QUIET));
    assert_eq!(world.moved(&request(2, 1)).reply, QUIET);
}

#[test]
fn a_reset_works_for_half_an_hour() {
    let mut world = World::peopled();
    assert_eq!(world.rejected(&confirm(1)), Rejection::InvalidResetToken, "unknown");
    world.moved(&request(2, 1));
    world.pass(RESET_LIFE);
    assert_eq!(world.rejected(&confirm(1)), Rejection::InvalidResetToken, "expired");
    world.moved(&request(2, 2));
    world.pass(RESET_LIFE.saturating_sub(Duration::from_micros(1)));
    world.moved(&confirm(2));
}

#[test]
fn whatever_ends_the_sessions_ends_open_resets_too() {
    let mut world = World::peopled();
    world.sign_in(2, 10);
    world.moved(&request(2, 1));
    world.moved(&request(2, 2));
    world.moved(&Input::ChangePassword(ChangePassword {
        user_id: user_id(2),
        session_id: session_id(10),
        verified: hash("first"),
        password_hash: hash("second"),
    }));
    assert_eq!(world.rejected(&confirm(1)), Rejection::InvalidResetToken);
    world.moved(&request(2, 3));
    world.moved(&request(2, 4));
    world.moved(&confirm(4));
    assert_eq!(world.rejected(&confirm(3)), Rejection::InvalidResetToken, "the other one");
    world.moved(&request(3, 5));
    world.moved(&Input::Deactivate { actor: user_id(1), user_id: user_id(3) });
    assert_eq!(world.rejected(&confirm(5)), Rejection::InvalidResetToken, "deactivated");
}

#[test]
fn nobody_can_fill_a_mailbox_and_the_first_token_still_works() {
    let mut world = World::peopled();
    for number in 0..5 {
        world.pass(Duration::from_secs(60));
        world.moved(&request(2, number));
    }
    for number in 5..50 {
        assert_eq!(world.stayed(&request(2, number)), (Because::AlreadyKnown, QUIET));
    }
    world.moved(&request(3, 50));
    let mut patient = world.clone();
    patient.pass(RESET_LIFE.saturating_sub(Duration::from_secs(4 * 60)));
    patient.moved(&request(2, 51));
    world.moved(&confirm(0));
}
