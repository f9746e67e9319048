//! Who comes, who goes, who may do what.

use super::*;
use crate::user::{ChangeProfile, Role, UserView};

fn change(actor: u128, user: u128) -> ChangeProfile {
    ChangeProfile {
        actor: user_id(actor),
        user_id: user_id(user),
        first_name: None,
        last_name: None,
        role: None,
        is_active: None,
    }
}

fn renamed(actor: u128, user: u128) -> Input {
    Input::ChangeProfile(ChangeProfile { first_name: Some(name("Grace")), ..change(actor, user) })
}

fn role(actor: u128, user: u128, role: Role) -> Input {
    Input::ChangeProfile(ChangeProfile { role: Some(role), ..change(actor, user) })
}

fn activity(actor: u128, user: u128, is_active: bool) -> Input {
    Input::ChangeProfile(ChangeProfile { is_active: Some(is_active), ..change(actor, user) })
}

fn deactivation(actor: u128, user: u128) -> Input {
    Input::Deactivate { actor: user_id(actor), user_id: user_id(user) }
}

fn event_names(step: &Move<UserContext>) -> Vec<&'static str> {
    step.events.iter().map(|emit| emit.event.event_type().name()).collect()
}

#[test]
fn who_registers_is_an_active_customer_and_is_announced() {
    let mut world = World::peopled();
    let step = world.moved(&Input::Register(newcomer(4)));
    assert_eq!((world.user(4).role, world.user(4).is_active), (Role::Customer, true));
    assert_eq!(event_names(&step), ["user.registered"]);
    assert_eq!(step.reply, Some(Reply::Registered(world.user(4).clone())));
    assert_eq!(step.history[0].to, "active customer");
}

#[test]
fn an_address_belongs_to_one_account_for_ever() {
    let mut world = World::peopled();
    let twin = || NewUser { email: email(2), ..newcomer(4) };
    assert_eq!(world.rejected(&Input::Register(twin())), Rejection::EmailTaken);
    world.moved(&deactivation(2, 2));
    for input in [Input::Register(twin()), Input::CreateAdmin(twin())] {
        assert_eq!(world.rejected(&input), Rejection::EmailTaken);
    }
}

#[test]
fn a_retry_with_the_same_id_finds_its_first_attempt() {
    let mut world = World::peopled();
    let (because, reply) = world.stayed(&Input::Register(newcomer(2)));
    assert_eq!((because, reply), (Because::AlreadyKnown, Some(Reply::Registered(world.user(2).clone()))));
    let other = NewUser { email: email(9), ..newcomer(2) };
    assert_eq!(world.rejected(&Input::Register(other)), Rejection::IdTaken);
}

#[test]
fn the_first_administrator_is_created_once() {
    let mut world = World::default();
    world.moved(&Input::Register(newcomer(2)));
    let taken = NewUser { email: email(2), ..newcomer(1) };
    assert_eq!(world.rejected(&Input::BootstrapAdmin(taken)), Rejection::EmailTaken);
    world.moved(&Input::BootstrapAdmin(newcomer(1)));
    assert!(world.user(1).is_active_admin());
    assert_eq!(world.stayed(&Input::BootstrapAdmin(newcomer(3))), (Because::AlreadyKnown, None));
}

#[test]
fn everyone_changes_his_own_names_and_an_administrator_anybodys() {
    for actor in [2, 1] {
        let mut world = World::peopled();
        let step = world.moved(&renamed(actor, 2));
        assert_eq!(world.user(2).first_name, name("Grace"));
        assert_eq!(event_names(&step), ["user.updated"]);
        assert_eq!(step.history[0].detail.is_some(), actor == 1, "the audit names another actor");
        assert_eq!(world.stayed(&renamed(actor, 2)).0, Because::AlreadyKnown);
    }
}

#[test]
fn nobody_else_may() {
    let mut world = World::peopled();
    world.moved(&Input::Register(newcomer(5)));
    world.moved(&deactivation(5, 5));
    let table = [
        (renamed(2, 3), Rejection::NotFound(user_id(3))),
        (deactivation(2, 3), Rejection::NotFound(user_id(3))),
        (renamed(2, 99), Rejection::NotFound(user_id(99))),
        (renamed(1, 99), Rejection::NotFound(user_id(99))),
        (role(2, 2, Role::Admin), Rejection::Forbidden),
        (role(2, 2, Role::Customer), Rejection::Forbidden),
        (activity(2, 2, false), Rejection::Forbidden),
        (role(2, 3, Role::Admin), Rejection::NotFound(user_id(3))),
        (renamed(5, 5), Rejection::AccountInactive(user_id(5))),
        (deactivation(5, 5), Rejection::AccountInactive(user_id(5))),
        (renamed(99, 2), Rejection::AccountInactive(user_id(99))),
    ];
    for (input, rejection) in table {
        assert_eq!(world.rejected(&input), rejection, "{input:?}");
    }
}

#[test]
fn an_administrator_who_was_demoted_has_no_power_left_whatever_his_token_says() {
    let mut world = World::peopled();
    world.moved(&role(1, 2, Role::Admin));
    world.moved(&renamed(2, 3));
    world.moved(&role(1, 2, Role::Customer));
    assert_eq!(world.rejected(&deactivation(2, 3)), Rejection::NotFound(user_id(3)));
}

#[test]
fn the_last_active_administrator_stays() {
    let mut world = World::peopled();
    for input in [role(1, 1, Role::Customer), activity(1, 1, false), deactivation(1, 1)] {
        assert_eq!(world.rejected(&input), Rejection::LastAdmin);
    }
    world.moved(&role(1, 2, Role::Admin));
    world.moved(&deactivation(1, 1));
    assert_eq!(world.rejected(&deactivation(2, 2)), Rejection::LastAdmin);
    assert_eq!(world.rejected(&role(2, 2, Role::Customer)), Rejection::LastAdmin);
}

#[test]
fn a_new_role_and_a_deactivation_end_all_sessions_and_a_new_name_none() {
    let table = [
        (renamed(1, 2), true),
        (role(1, 2, Role::Admin), false),
        (activity(1, 2, false), false),
        (deactivation(1, 2), false),
        (deactivation(2, 2), false),
    ];
    for (input, survives) in table {
        let mut world = World::peopled();
        world.sign_in(2, 10);
        world.sign_in(2, 11);
        world.sign_in(3, 12);
        world.moved(&input);
        assert_eq!((world.is_live(10), world.is_live(11), world.is_live(12)), (survives, survives, true), "{input:?}");
        if !survives {
            assert_eq!(world.rejected(&rotation(10, 0)), Rejection::InvalidRefreshToken);
        }
    }
}

#[test]
fn sessions_of_before_stay_dead_when_a_user_comes_back() {
    let mut world = World::peopled();
    world.sign_in(2, 10);
    assert_eq!(event_names(&world.moved(&activity(1, 2, false))), ["user.deactivated"]);
    assert_eq!(event_names(&world.moved(&activity(1, 2, true))), ["user.updated"]);
    assert_eq!(world.rejected(&rotation(10, 0)), Rejection::InvalidRefreshToken);
    world.sign_in(2, 11);
}

#[test]
fn who_is_inactive_is_never_announced_as_active() {
    let mut world = World::peopled();
    world.moved(&deactivation(1, 2));
    assert_eq!(event_names(&world.moved(&renamed(1, 2))), ["user.deactivated"]);
    assert_eq!(world.stayed(&deactivation(1, 2)).0, Because::AlreadyEnded);
    let step = world.moved(&Input::Resync(vec![user_id(1), user_id(2), user_id(99)]));
    assert_eq!(event_names(&step), ["user.updated", "user.deactivated"]);
    assert!(step.changes.is_empty());
    assert_eq!(world.stayed(&Input::Resync(vec![user_id(99)])).0, Because::NotConcerned);
}

#[test]
fn what_clients_see_has_the_fields_of_the_contract_and_no_hash() {
    let world = World::peopled();
    let view = serde_json::to_value(UserView::from(world.user(1))).unwrap();
    let names: Vec<&str> = view.as_object().unwrap().keys().map(String::as_str).collect();
    let wanted = ["created_at", "email", "first_name", "id", "is_active", "last_name", "role", "updated_at"];
    assert_eq!(names, wanted);
    assert_eq!(view["role"], "admin");
    assert!(!format!("{:?}", world.user(1)).contains("first\""), "no hash in logs");
}

#[test]
fn answers_have_the_status_of_the_contract() {
    let world = World::peopled();
    let user = world.user(1).clone();
    let table = [
        (Reply::Registered(user.clone()), 201, user_id(1).0, false),
        (Reply::Current(user), 200, user_id(1).0, false),
        (Reply::TokenReused { session_id: session_id(7) }, 204, session_id(7).0, true),
        (Reply::Done { user_id: Some(user_id(1)) }, 204, user_id(1).0, true),
        (Reply::Done { user_id: None }, 204, Uuid::nil(), true),
    ];
    for (reply, status, resource, empty) in table {
        let answer = UserContext::answer(&reply);
        assert_eq!((answer.status, answer.resource, answer.body.is_empty()), (status, resource, empty));
    }
}
