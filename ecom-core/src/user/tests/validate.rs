//! What is taken as a name, a password, a registration.

use crate::user::{Name, NameProblem, Password, PasswordProblem, Registration, RegistrationBody};

#[test]
fn names_are_trimmed_and_anything_that_hides_or_breaks_out_is_refused() {
    let long = "\u{e4}".repeat(100);
    for (text, taken) in
        [(" Ada ", "Ada"), ("d'Arc-M\u{fc}ller", "d'Arc-M\u{fc}ller"), (&long, &long), ("\u{5f20}", "\u{5f20}")]
    {
        assert_eq!(Name::parse(text).unwrap().as_str(), taken);
    }
    let table = [
        ("", NameProblem::Blank),
        ("  \u{a0}", NameProblem::Blank),
        ("\u{200b}\u{200d}", NameProblem::Blank),
        (&"x".repeat(101), NameProblem::TooLong),
        ("a\r\nBcc: x@y.de", NameProblem::ControlCharacter),
        ("a\0b", NameProblem::ControlCharacter),
        ("a\u{7f}b", NameProblem::ControlCharacter),
        ("a\u{202e}b", NameProblem::ControlCharacter),
        ("a\u{2066}b", NameProblem::ControlCharacter),
        ("a\u{2028}b", NameProblem::ControlCharacter),
    ];
    for (text, problem) in table {
        assert_eq!(Name::parse(text), Err(problem), "{text:?}");
        assert!(!problem.code().is_empty());
    }
    assert!(serde_json::from_str::<Name>("\"\"").is_err(), "not by way of JSON either");
}

#[test]
fn passwords_are_8_to_128_characters_of_any_kind_but_not_common_ones() {
    let emoji = "\u{1f600}\u{1f601}".repeat(64);
    for text in ["abcdefg9", "        x", "correct horse battery staple", &emoji, "\0\0\0\0\0\0\0\x01"] {
        assert_eq!(Password::parse(text).unwrap().reveal(), text);
    }
    let long = format!("{emoji}x");
    let table = [
        ("", PasswordProblem::TooShort),
        ("abcdef9", PasswordProblem::TooShort),
        ("\u{1f600}\u{1f601}\u{1f602}", PasswordProblem::TooShort),
        (&long, PasswordProblem::TooLong),
        ("password", PasswordProblem::TooCommon),
        ("PassWord1", PasswordProblem::TooCommon),
        ("12345678", PasswordProblem::TooCommon),
        ("qwertyuiop", PasswordProblem::TooCommon),
        ("aaaaaaaaaaaa", PasswordProblem::TooCommon),
    ];
    for (text, problem) in table {
        assert_eq!(Password::parse(text), Err(problem), "{text:?}");
        assert!(!problem.code().is_empty());
    }
    assert!(!format!("{:?}", Password::parse("correct horse").unwrap()).contains("horse"));
}

#[test]
fn a_registration_names_every_field_that_is_wrong() {
    let body = |email: &str, password: &str, first: &str, last: &str| RegistrationBody {
        email: email.to_owned(),
        password: password.to_owned(),
        first_name: first.to_owned(),
        last_name: last.to_owned(),
    };
    let good = Registration::parse(&body(" Ada@Example.com", "correct horse", "Ada ", "L")).unwrap();
    assert_eq!((good.email.as_str(), good.first_name.as_str()), ("ada@example.com", "Ada"));
    let errors = Registration::parse(&body("ada", "short", "", "a\0")).unwrap_err();
    let found: Vec<(&str, &str)> = errors.iter().map(|error| (error.pointer.as_str(), error.code)).collect();
    let wanted = [
        ("/email", "invalid_email"),
        ("/password", "too_short"),
        ("/first_name", "blank"),
        ("/last_name", "control_character"),
    ];
    assert_eq!(found, wanted);
    let one = Registration::parse(&body("a@b.de", "correct horse", "", "L")).unwrap_err();
    assert_eq!(one.len(), 1);
}

#[test]
fn a_registration_with_a_role_is_no_registration() {
    let text = r#"{"email":"a@b.de","password":"correct horse","first_name":"A","last_name":"B","role":"admin"}"#;
    assert!(serde_json::from_str::<RegistrationBody>(text).is_err());
}
