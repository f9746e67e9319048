//! Payment methods, the choice among them, and administrators' refunds.

use super::super::{METHODS_MAX, RefundStatus, State, charge_key};
use super::*;
use crate::decide::Because;
use crate::event::{Event, FailureCode};

/// The token that is charged, or why none is.
fn charged(play: &Play, method: Option<PaymentMethodId>) -> Result<String, FailureCode> {
    let step = play.clone().moved(&reserved(100, method));
    match (step.effects.first().map(|asked| &asked.effect), step.events.first().map(|emit| &emit.event)) {
        (Some(Effect::Charge(charge)), None) => Ok(charge.token.clone()),
        (None, Some(Event::PaymentFailed(failed))) => Err(failed.reason),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_given_method_is_charged_else_the_default_else_the_sandbox_token() {
    let mut play = Play::default();
    assert_eq!(charged(&play, None), Ok("tok_visa".to_owned()));
    play.policy.sandbox_default_method = false;
    assert_eq!(charged(&play, None), Err(FailureCode::NoPaymentMethod));
    play.moved(&add(1, USER, "tok_first").unwrap());
    play.moved(&add(2, USER, "tok_second").unwrap());
    play.moved(&add(3, ADMIN, "tok_of_another").unwrap());
    assert_eq!(charged(&play, None), Ok("tok_first".to_owned()), "the first one is the default");
    assert_eq!(charged(&play, Some(method(2))), Ok("tok_second".to_owned()));
    for unusable in [method(3), method(4)] {
        assert_eq!(charged(&play, Some(unusable)), Err(FailureCode::PaymentMethodInvalid));
    }
    play.moved(&Input::SetDefaultMethod { id: method(2), user_id: USER });
    assert_eq!(charged(&play, None), Ok("tok_second".to_owned()));
    play.moved(&Input::RemoveMethod { id: method(2), user_id: USER });
    assert_eq!(charged(&play, Some(method(2))), Err(FailureCode::PaymentMethodInvalid));
    assert_eq!(charged(&play, None), Err(FailureCode::NoPaymentMethod), "no card takes the place by itself");
    play.moved(&add(5, USER, "tok_third").unwrap());
    assert_eq!(charged(&play, None), Ok("tok_third".to_owned()), "added without a default, it becomes the default");
}

#[test]
fn a_user_has_one_default_and_touches_no_other_users_methods() {
    let mut play = Play::default();
    for n in 1..=3 {
        play.moved(&add(n, USER, "tok_visa").unwrap());
    }
    for n in [2, 3, 1] {
        play.moved(&Input::SetDefaultMethod { id: method(n), user_id: USER });
        let defaults: Vec<_> = play.snapshot.wallet(USER).filter(|kept| kept.is_default).map(|kept| kept.id).collect();
        assert_eq!(defaults, [method(n)]);
    }
    let again = play.decide(&Input::SetDefaultMethod { id: method(1), user_id: USER }).unwrap();
    assert!(matches!(again, Decision::Stay { because: Because::AlreadyKnown, reply: Some(_) }));
    let removed = Input::RemoveMethod { id: method(1), user_id: USER };
    for foreign in [
        Input::RemoveMethod { id: method(1), user_id: ADMIN },
        Input::SetDefaultMethod { id: method(1), user_id: ADMIN },
        Input::RemoveMethod { id: method(9), user_id: USER },
        add(1, ADMIN, "tok_visa").unwrap(),
    ] {
        assert_eq!(play.hear(&foreign).unwrap_err(), Rejection::MethodNotFound);
    }
    play.moved(&removed);
    assert_eq!(play.hear(&removed).unwrap_err(), Rejection::MethodNotFound);
}

#[test]
fn the_same_command_again_adds_nothing() {
    let mut play = Play::default();
    let command = add(1, USER, "tok_visa").unwrap();
    let first = play.moved(&command).reply;
    let Decision::Stay { reply, .. } = play.decide(&command).unwrap() else { panic!("it moved") };
    assert_eq!(reply, first);
    let mut play = captured();
    let command = Input::Refund(refund(1, Some(30)));
    let first = play.moved(&command).reply;
    let Decision::Stay { reply, .. } = play.decide(&command).unwrap() else { panic!("it moved") };
    assert_eq!(reply, first);
}

#[test]
fn tokens_that_are_unknown_or_card_numbers_are_refused() {
    assert_eq!(add(1, USER, "tok_4242 4242 4242 4242").unwrap_err().code(), "card_number_refused");
    assert_eq!(add(1, USER, "4242424242424242").unwrap_err().code(), "card_number_refused");
    assert_eq!(add(1, USER, "pm_unknown").unwrap_err().code(), "payment_method_invalid");
    let mut play = Play::default();
    for n in 0..METHODS_MAX as u128 {
        play.moved(&add(n, USER, "tok_visa").unwrap());
    }
    let one_more = add(99, USER, "tok_visa").unwrap();
    assert_eq!(play.hear(&one_more).unwrap_err().code(), "too_many_payment_methods");
}

#[test]
fn pending_refunds_count_and_nothing_exceeds_what_was_captured() {
    let mut play = captured();
    play.moved(&Input::Refund(refund(1, Some(60))));
    let first = play.answer(succeeded());
    let exceeds = |play: &Play, minor| play.decide(&Input::Refund(refund(9, minor))).unwrap_err().code();
    assert_eq!(exceeds(&play, Some(41)), "refund_exceeds_captured");
    play.moved(&Input::Refund(refund(2, None)));
    assert_eq!(play.payment().pending, euro(100));
    assert_eq!(exceeds(&play, Some(1)), "refund_exceeds_captured");
    assert_eq!(exceeds(&play, None), "refund_exceeds_captured");
    let refused = play.answer(no());
    play.moved(&refused);
    assert_eq!(play.snapshot.refunds[&RefundId(Uuid::from_u128(2))].status.word(), "failed");
    assert_eq!(play.payment().pending, euro(60), "what was refused can be asked for again");
    let step = play.moved(&first);
    let Some(Event::PaymentRefunded(told)) = step.events.first().map(|emit| &emit.event) else { panic!("{step:?}") };
    assert_eq!((told.amount, told.full, told.undo), (euro(60), false, false));
    play.moved(&Input::Refund(refund(3, None)));
    let last = play.answer(succeeded());
    let step = play.moved(&last);
    let Some(Event::PaymentRefunded(told)) = step.events.first().map(|emit| &emit.event) else { panic!("{step:?}") };
    assert_eq!((told.amount, told.full, told.undo), (euro(40), true, false));
    assert!(matches!(play.payment().state, State::Refunded { .. }));
}

fn no() -> ProviderAnswer {
    ProviderAnswer::Refused { code: super::super::Refusal::Invalid, detail: "no".to_owned() }
}

#[test]
fn refunds_that_make_no_sense_are_refused() {
    let play = captured();
    let with_reason = |reason: &str| RequestRefund { reason: reason.to_owned(), ..refund(1, Some(1)) };
    let yen = Some(Money::new(1, Currency::from_code("JPY").unwrap()));
    for (command, code) in [
        (refund(1, Some(0)), "refund_not_positive"),
        (refund(1, Some(-1)), "refund_not_positive"),
        (refund(1, Some(101)), "refund_exceeds_captured"),
        (RequestRefund { amount: yen, ..refund(1, None) }, "currency_mismatch"),
        (RequestRefund { payment_id: PaymentId(Uuid::nil()), ..refund(1, None) }, "payment_not_found"),
        (with_reason(""), "reason_length"),
        (with_reason("  "), "reason_length"),
        (with_reason(&"é".repeat(501)), "reason_length"),
        (with_reason("card 4242 4242 4242 4242"), "card_number_refused"),
    ] {
        assert_eq!(play.decide(&Input::Refund(command)).unwrap_err().code(), code);
    }
    assert!(play.decide(&Input::Refund(with_reason(&"é".repeat(500)))).is_ok());
}

#[test]
fn an_undo_that_is_refused_is_asked_for_again_and_says_so_once() {
    let mut play = captured();
    play.moved(&ended());
    let refusal = play.answer(no());
    let first = play.moved(&refusal);
    assert!(matches!(&play.payment().state, State::Refunding { refusal: Some(_), .. }));
    assert_eq!(first.effects[0].id, play.effects[1].0, "the same key");
    assert!(first.changes.len() > 1);
    let second = play.moved(&refusal);
    assert!(second.changes.is_empty(), "the second refusal is no news");
    assert_eq!(second.effects.len(), 1);
    assert_eq!(second.effects[0].after, play.policy.provider_retry[4]);
    let back = play.answer(succeeded());
    play.moved(&back);
    assert!(matches!(play.payment().state, State::Refunded { .. }));
}

#[test]
fn an_undo_gives_back_what_an_administrators_refund_left() {
    for (answer, rest) in [(succeeded(), 70), (no(), 100)] {
        let mut play = captured();
        play.moved(&Input::Refund(refund(1, Some(30))));
        let admin = play.answer(answer);
        assert!(play.moved(&ended()).effects.is_empty(), "how much is left is not known yet");
        let step = play.moved(&admin);
        let Some(Effect::Refund(undo)) = step.effects.first().map(|asked| &asked.effect) else { panic!("{step:?}") };
        assert_eq!(undo.amount, euro(rest));
        let back = play.answer(succeeded());
        let step = play.moved(&back);
        let Some(Event::PaymentRefunded(told)) = step.events.first().map(|emit| &emit.event) else { panic!() };
        assert_eq!((told.amount, told.full, told.undo), (euro(rest), true, true));
        let undo = &play.snapshot.refunds[&told.refund_id];
        assert!(matches!(undo.status, RefundStatus::Succeeded { .. }));
    }
}

#[test]
fn an_undo_with_nothing_left_is_answered_by_the_administrators_refund() {
    let mut play = captured();
    play.moved(&Input::Refund(refund(1, None)));
    play.moved(&ended());
    let admin = play.answer(succeeded());
    let step = play.moved(&admin);
    let told: Vec<_> = step
        .events
        .iter()
        .map(|emit| match &emit.event {
            Event::PaymentRefunded(told) => (told.refund_id, told.amount, told.full, told.undo),
            other => panic!("{other:?}"),
        })
        .collect();
    let refund = RefundId(Uuid::from_u128(1));
    let expected = [(refund, euro(100), true, false), (refund, euro(100), true, true)];
    assert_eq!(told, expected, "the customer has one notice of the administrator's refund, and the order its end");
    assert!(step.effects.is_empty());
}

#[test]
fn the_ladder_paces_the_questions_and_has_no_end() {
    let mut play = Play::default();
    play.moved(&reserved(100, None));
    let (key, effect) = play.effects[0].clone();
    for (attempts, rung) in [(1, 0), (2, 1), (5, 4), (6, 4), (1_000, 4)] {
        for answer in
            [ProviderAnswer::Transient { detail: String::new() }, ProviderAnswer::Unknown { detail: String::new() }]
        {
            let step = play.moved(&PaymentContext::on_answer(key, effect.clone(), attempts, answer));
            let asked = &step.effects[0];
            assert!(matches!(&asked.effect, Effect::Charge(charge) if charge.token == "tok_visa"));
            assert_eq!((asked.id, asked.after), (key, play.policy.provider_retry[rung]));
        }
    }
}

#[test]
fn an_ended_order_is_not_charged_once_all_calls_are_known_to_have_taken_nothing() {
    let transient = || ProviderAnswer::Transient { detail: "later".to_owned() };
    // Each call that was begun, and whether its answer came.
    for (answers, voided) in [(vec![1], true), (vec![1, 2], true), (vec![2], false), (vec![1, 3], false)] {
        let mut play = Play::default();
        play.moved(&reserved(100, None));
        for (index, attempt) in answers.iter().enumerate() {
            if index + 1 == answers.len() {
                play.moved(&ended());
            }
            let (key, effect) = play.effects.last().unwrap().clone();
            let step = play.moved(&PaymentContext::on_answer(key, effect, *attempt, transient()));
            let last = index + 1 == answers.len();
            assert_eq!(step.effects.is_empty(), last && voided, "{answers:?}");
        }
        let state = &play.payment().state;
        assert_eq!(*state == State::Voided { end: End::Cancelled }, voided, "{answers:?}: {state:?}");
    }
}

#[test]
fn an_end_withdraws_a_charge_that_nobody_makes_and_no_other() {
    let transient = || ProviderAnswer::Transient { detail: "later".to_owned() };
    // How many calls were answered with "later", how many have begun, and whether the charge is withdrawn.
    for (answered, begun, withdrawn) in [
        (0, Some(1), false),
        (1, Some(1), true),
        (1, Some(2), false),
        (1, None, false),
        (2, Some(2), true),
        (2, Some(3), false),
    ] {
        let mut play = Play::default();
        play.moved(&reserved(100, None));
        for attempt in 1..=answered {
            let (key, effect) = play.effects.last().unwrap().clone();
            play.moved(&PaymentContext::on_answer(key, effect, attempt, transient()));
        }
        play.calls = begun;
        let step = play.moved(&ended());
        assert_eq!(
            step.withdrawn,
            if withdrawn { vec![charge_key(payment())] } else { vec![] },
            "{answered} {begun:?}"
        );
        let state = &play.payment().state;
        assert_eq!(*state == State::Voided { end: End::Cancelled }, withdrawn, "{answered} {begun:?}: {state:?}");
        assert_eq!(step.events.len(), usize::from(withdrawn));
    }
    let mut play = Play::default();
    play.moved(&reserved(100, None));
    let (key, effect) = play.effects.last().unwrap().clone();
    let lost = ProviderAnswer::Unknown { detail: "lost".to_owned() };
    play.moved(&PaymentContext::on_answer(key, effect, 1, lost));
    play.calls = Some(1);
    assert_eq!(play.moved(&ended()).withdrawn, [], "it may have taken the money");
}

#[test]
fn a_negative_total_is_refused() {
    assert_eq!(Play::default().decide(&reserved(-1, None)).unwrap_err().code(), "amount_negative");
}
