//! What users choose.

use super::*;

#[test]
fn preferences_are_checked() {
    let address = |text: &str| {
        let mut input = choose(true, None, None);
        let Input::SetPreferences(command) = &mut input else { panic!() };
        command.choices.email.address = Some(text.to_owned());
        input
    };
    let sms_without_number = || {
        let mut input = choose(true, None, None);
        let Input::SetPreferences(command) = &mut input else { panic!() };
        command.choices.sms.enabled = true;
        input
    };
    let push_without_endpoint = || {
        let mut input = choose(true, None, None);
        let Input::SetPreferences(command) = &mut input else { panic!() };
        command.choices.push.enabled = true;
        input
    };
    for (input, expected) in [
        (address(" Ada@Example.com "), "accepted"),
        (address("a\r\nBcc: b@example.com"), "address_invalid"),
        (sms_without_number(), "number_required"),
        (choose(true, Some("+4915112345678"), None), "accepted"),
        (choose(true, Some("015112345678"), None), "number_invalid"),
        (choose(true, Some("+0151123456"), None), "number_invalid"),
        (choose(true, Some("+491511234567890123"), None), "number_invalid"),
        (choose(true, Some("+49151\r\n12345"), None), "number_invalid"),
        (push_without_endpoint(), "endpoint_required"),
        (choose(true, None, Some("https://push.example.com/1")), "accepted"),
        (choose(true, None, Some("http://push.example.com/1")), "endpoint_invalid"),
        (choose(true, None, Some("https:///1")), "endpoint_invalid"),
        (choose(true, None, Some("https://")), "endpoint_invalid"),
        (choose(true, None, Some("https://a b")), "endpoint_invalid"),
        (choose(true, None, Some("https://a\r\nX: y")), "endpoint_invalid"),
    ] {
        let outcomes = World::default().run(vec![input.clone()]).outcomes;
        let code = match &outcomes[0] {
            Outcome::Rejected(rejection) => rejection.code(),
            _ => "accepted",
        };
        assert_eq!(code, expected, "{input:?}");
    }
}

#[test]
fn an_address_of_his_own_is_kept_in_canonical_form_and_used() {
    let mut input = choose(true, None, None);
    let Input::SetPreferences(command) = &mut input else { panic!() };
    command.choices.email.address = Some(" Other@Example.com ".to_owned());
    let world = World::with(vec![updated(1, 1), input, completed(1)]);
    assert_eq!(world.letter().0.to, "other@example.com");
}

#[test]
fn the_same_choice_again_is_answered_and_writes_nothing() {
    let mut world = World::default();
    let writes = world.run(vec![choose(true, None, None)]);
    assert!(matches!(writes.outcomes[0], Outcome::Stayed(Because::AlreadyKnown, Some(_))), "that is the default");
    let first = world.run(vec![choose(false, None, None)]);
    let Outcome::Applied(Some(Reply::Preferences(preferences))) = &first.outcomes[0] else { panic!() };
    assert_eq!(preferences.version, 1);
    assert!(world.run(vec![choose(false, None, None)]).changes.is_empty());
}

#[test]
fn the_body_is_as_promised() {
    let answer = NotificationContext::answer(&Reply::Preferences(Preferences::untouched(user(1))));
    let body = "{\"email\":{\"enabled\":true,\"address\":null},\"sms\":{\"enabled\":false,\"number\":null},\
                \"push\":{\"enabled\":false,\"endpoint\":null}}";
    assert_eq!((answer.status, answer.body.as_str()), (200, body));
    let read: Choices =
        serde_json::from_str("{\"email\":{\"enabled\":true},\"sms\":{\"enabled\":false},\"push\":{\"enabled\":false}}")
            .unwrap();
    assert_eq!(read, Choices::default());
    assert!(serde_json::from_str::<Choices>("{\"email\":{\"enabled\":true},\"fax\":{}}").is_err());
}
