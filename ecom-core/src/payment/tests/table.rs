//! Every state against every input.

use super::super::{Barrier, Refusal};
use super::*;
use crate::event::Event;

/// How each state is reached.
const STATES: &[(&str, &[&str])] = &[
    ("none", &[]),
    ("barred", &["ended"]),
    ("charging", &["reserved"]),
    ("unknown", &["reserved", "charge ?"]),
    ("undo owed", &["reserved", "ended"]),
    ("undo owed, unknown", &["reserved", "charge ?", "ended"]),
    ("failed", &["reserved", "charge -"]),
    ("nothing due", &["reserved free"]),
    ("captured", &["reserved", "charge +"]),
    ("part pending", &["reserved", "charge +", "refund"]),
    ("part refunded", &["reserved", "charge +", "refund", "refund +"]),
    ("refunding", &["reserved", "charge +", "ended"]),
    ("waiting", &["reserved", "charge +", "refund", "ended"]),
    ("refunded", &["reserved", "charge +", "ended", "undo +"]),
    ("voided", &["reserved free", "ended"]),
    ("voided, called", &["reserved", "ended", "charge ~"]),
];

/// Answers: `+` succeeded, `-` refused, `~` transient, `?` unknown.
const INPUTS: &[&str] = &[
    "reserved", "ended", "refund", "charge +", "charge -", "charge ~", "charge ?", "refund +", "refund -", "refund ~",
    "refund ?", "undo +", "undo -", "undo ~", "undo ?",
];

/// What the provider tells of its own accord: `+` succeeded, `-` refused, `++` succeeded under another name, `$` succeeded
/// with another amount.
const NOTICES: &[&str] = &[
    "charge +",
    "charge -",
    "charge ++",
    "charge $",
    "refund +",
    "refund -",
    "refund ++",
    "refund $",
    "undo +",
    "undo -",
    "undo ++",
    "undo $",
];

fn notice(name: &str) -> Input {
    let (of, word) = name.split_once(' ').unwrap();
    let admin = RefundId(Uuid::from_u128(30));
    let (refund_id, minor) = match of {
        "charge" => (None, 100),
        "refund" => (Some(admin), 30),
        _ => (Some(super::super::undo_refund_id(payment())), 100),
    };
    let key = refund_id
        .map_or_else(|| super::super::charge_key(payment()), |refund| super::super::refund_key(payment(), refund));
    let named = |reference: &str| News::Succeeded { reference: reference.to_owned() };
    let news = match word {
        "-" => News::Refused { code: Refusal::Declined, detail: "no".to_owned() },
        "++" => named("ch_2"),
        _ => named("ch_1"),
    };
    let amount = euro(if word == "$" { minor + 1 } else { minor });
    Input::Noticed(Notice { provider: "sandbox".to_owned(), key, payment_id: payment(), refund_id, amount, news })
}

fn input(name: &str) -> Input {
    let answer = |word: &str| match word {
        "+" => succeeded(),
        "-" => ProviderAnswer::Refused { code: Refusal::Declined, detail: "no".to_owned() },
        "~" => ProviderAnswer::Transient { detail: "later".to_owned() },
        _ => ProviderAnswer::Unknown { detail: "lost".to_owned() },
    };
    let asked = |refund_id, minor| {
        let amount = euro(minor);
        Effect::Refund(super::super::RefundRequest {
            order_id: ORDER,
            payment_id: payment(),
            refund_id,
            charge: "ch_1".to_owned(),
            amount,
        })
    };
    let charge = Effect::Charge(super::super::ChargeRequest {
        order_id: ORDER,
        payment_id: payment(),
        token: "tok_visa".to_owned(),
        amount: euro(100),
        harmless: 0,
    });
    let undo = super::super::undo_refund_id(payment());
    let admin = RefundId(Uuid::from_u128(30));
    let key = |refund| super::super::refund_key(payment(), refund);
    match name.split_once(' ') {
        None if name == "reserved" => reserved(100, None),
        None if name == "ended" => ended(),
        None => Input::Refund(refund(if name == "refund" { 30 } else { 31 }, Some(30))),
        Some((_, "free")) => reserved(0, None),
        Some(("charge", word)) => {
            PaymentContext::on_answer(super::super::charge_key(payment()), charge, 1, answer(word))
        }
        Some(("refund", word)) => PaymentContext::on_answer(key(admin), asked(admin, 30), 1, answer(word)),
        Some((_, word)) => PaymentContext::on_answer(key(undo), asked(undo, 100), 1, answer(word)),
    }
}

/// What a decision does, in words: `= reason` stays, `! code` refuses, else the new state, `+event`, `>effect`,
/// `!` for what somebody must look at.
fn outcome(play: &Play, input: &Input) -> String {
    let step = match play.decide(input) {
        Err(rejection) => return format!("! {}", rejection.code()),
        Ok(Decision::Stay { because, .. }) => return format!("= {because:?}"),
        Ok(Decision::Move(step)) => *step,
    };
    let mut after = play.clone();
    after.moved(input);
    let version = match after.snapshot.records.get(&payment()) {
        None => 0,
        Some(Record::Barrier(_)) => Barrier::VERSION,
        Some(Record::Payment(payment)) => payment.version,
    };
    let mut words = vec![
        match after.snapshot.records.get(&payment()) {
            None => "none",
            Some(Record::Barrier(_)) => "barred",
            Some(Record::Payment(payment)) => payment.state.word(),
        }
        .to_owned(),
    ];
    for emit in &step.events {
        assert_eq!((emit.aggregate_id, emit.aggregate_version), (ORDER.0, version));
        let undone = matches!(&emit.event, Event::PaymentRefunded(told) if told.undo && told.full);
        words.push(format!("+{}{}", emit.event.event_type().name(), if undone { " (undo)" } else { "" }));
    }
    words.extend(step.effects.iter().map(|asked| match &asked.effect {
        Effect::Charge(_) => ">charge".to_owned(),
        Effect::Refund(refund) => format!(">refund {}", refund.amount.minor()),
    }));
    words.extend(step.history.iter().filter(|line| line.event == "provider.contradicts").map(|_| "!".to_owned()));
    words.join(" ")
}

/// Every state against these inputs.
fn table(names: &[&str], input_of: impl Fn(&str) -> Input) -> Vec<String> {
    let mut lines = vec![];
    for (state, way) in STATES {
        let mut play = Play::default();
        for step in *way {
            play.moved(&input(step));
        }
        let mut outcomes: Vec<(String, Vec<&str>)> = vec![];
        for name in names {
            let outcome = outcome(&play, &input_of(name));
            match outcomes.iter_mut().find(|(known, _)| *known == outcome) {
                Some((_, names)) => names.push(name),
                None => outcomes.push((outcome, vec![name])),
            }
        }
        lines
            .extend(outcomes.into_iter().map(|(outcome, names)| format!("{state}: {outcome} <- {}", names.join(", "))));
    }
    lines
}

#[track_caller]
fn compare(lines: &[String], expected: &str) {
    let expected: Vec<_> = expected.trim().lines().collect();
    for (number, line) in lines.iter().enumerate() {
        assert_eq!(Some(line.as_str()), expected.get(number).copied());
    }
    assert_eq!(lines.len(), expected.len());
}

#[test]
fn every_state_says_what_it_does_with_every_input() {
    // A command in the table is a new one; the way to the state has used number 30.
    let lines = table(INPUTS, |name| input(if name == "refund" { "another" } else { name }));
    compare(&lines, TABLE);
}

#[test]
fn every_state_says_what_it_does_with_every_notice_of_the_provider() {
    let lines = table(NOTICES, notice);
    compare(&lines, NOTICE_TABLE);
}

/// State: what it does <- with which inputs.
const TABLE: &str = "
none: charging >charge <- reserved
none: barred +payment.voided <- ended
none: ! payment_not_found <- refund
none: = NotConcerned <- charge +, charge -, charge ~, charge ?, refund +, refund -, refund ~, refund ?, undo +, undo -, undo ~, undo ?
barred: = Barred <- reserved
barred: barred +payment.voided <- ended
barred: ! payment_not_found <- refund
barred: = NotConcerned <- charge +, charge -, charge ~, charge ?, refund +, refund -, refund ~, refund ?, undo +, undo -, undo ~, undo ?
charging: = AlreadyKnown <- reserved
charging: charging <- ended
charging: ! payment_not_captured <- refund
charging: captured +payment.processed <- charge +
charging: failed +payment.failed <- charge -
charging: charging >charge <- charge ~, charge ?
charging: = NotConcerned <- refund +, refund -, refund ~, refund ?, undo +, undo -, undo ~, undo ?
unknown: = AlreadyKnown <- reserved
unknown: charging <- ended
unknown: ! payment_not_captured <- refund
unknown: captured +payment.processed <- charge +
unknown: failed +payment.failed <- charge -
unknown: charging >charge <- charge ~, charge ?
unknown: = NotConcerned <- refund +, refund -, refund ~, refund ?, undo +, undo -, undo ~, undo ?
undo owed: = AlreadyKnown <- reserved, ended
undo owed: ! payment_not_captured <- refund
undo owed: refunding >refund 100 <- charge +
undo owed: failed +payment.voided <- charge -
undo owed: voided +payment.voided <- charge ~
undo owed: charging >charge <- charge ?
undo owed: = NotConcerned <- refund +, refund -, refund ~, refund ?, undo +, undo -, undo ~, undo ?
undo owed, unknown: = AlreadyKnown <- reserved, ended
undo owed, unknown: ! payment_not_captured <- refund
undo owed, unknown: refunding >refund 100 <- charge +
undo owed, unknown: failed +payment.voided <- charge -
undo owed, unknown: charging >charge <- charge ~, charge ?
undo owed, unknown: = NotConcerned <- refund +, refund -, refund ~, refund ?, undo +, undo -, undo ~, undo ?
failed: = AlreadyKnown <- reserved, charge +, charge -, charge ~, charge ?
failed: failed +payment.voided <- ended
failed: ! payment_not_captured <- refund
failed: = NotConcerned <- refund +, refund -, refund ~, refund ?, undo +, undo -, undo ~, undo ?
nothing due: = AlreadyKnown <- reserved, charge +, charge -, charge ~, charge ?
nothing due: voided +payment.voided <- ended
nothing due: ! refund_exceeds_captured <- refund
nothing due: = NotConcerned <- refund +, refund -, refund ~, refund ?, undo +, undo -, undo ~, undo ?
captured: = AlreadyKnown <- reserved, charge +, charge -, charge ~, charge ?
captured: refunding >refund 100 <- ended
captured: captured >refund 30 <- refund
captured: = NotConcerned <- refund +, refund -, refund ~, refund ?, undo +, undo -, undo ~, undo ?
part pending: = AlreadyKnown <- reserved, charge +, charge -, charge ~, charge ?
part pending: refunding <- ended
part pending: captured >refund 30 <- refund, refund ~, refund ?
part pending: captured +payment.refunded <- refund +
part pending: captured <- refund -
part pending: = NotConcerned <- undo +, undo -, undo ~, undo ?
part refunded: = AlreadyKnown <- reserved, charge +, charge -, charge ~, charge ?, refund +, refund -, refund ~, refund ?
part refunded: refunding >refund 70 <- ended
part refunded: captured >refund 30 <- refund
part refunded: = NotConcerned <- undo +, undo -, undo ~, undo ?
refunding: = AlreadyKnown <- reserved, ended, charge +, charge -, charge ~, charge ?
refunding: ! refund_exceeds_captured <- refund
refunding: = NotConcerned <- refund +, refund -, refund ~, refund ?
refunding: refunded +payment.refunded (undo) <- undo +
refunding: refunding >refund 100 <- undo -, undo ~, undo ?
waiting: = AlreadyKnown <- reserved, ended, charge +, charge -, charge ~, charge ?
waiting: ! refund_exceeds_captured <- refund
waiting: refunding +payment.refunded >refund 70 <- refund +
waiting: refunding >refund 100 <- refund -
waiting: refunding >refund 30 <- refund ~, refund ?
waiting: = NotConcerned <- undo +, undo -, undo ~, undo ?
refunded: = AlreadyKnown <- reserved, charge +, charge -, charge ~, charge ?, undo +, undo -, undo ~, undo ?
refunded: refunded +payment.refunded (undo) <- ended
refunded: ! refund_exceeds_captured <- refund
refunded: = NotConcerned <- refund +, refund -, refund ~, refund ?
voided: = AlreadyKnown <- reserved, charge +, charge -, charge ~, charge ?
voided: voided +payment.voided <- ended
voided: ! payment_not_captured <- refund
voided: = NotConcerned <- refund +, refund -, refund ~, refund ?, undo +, undo -, undo ~, undo ?
voided, called: = AlreadyKnown <- reserved, charge +, charge -, charge ~, charge ?
voided, called: voided +payment.voided <- ended
voided, called: ! payment_not_captured <- refund
voided, called: = NotConcerned <- refund +, refund -, refund ~, refund ?, undo +, undo -, undo ~, undo ?
";

/// State: what it does <- with which notices.
const NOTICE_TABLE: &str = "
none: ! notice_unknown <- charge +, charge -, charge ++, charge $, refund +, refund -, refund ++, refund $, undo +, undo -, undo ++, undo $
barred: ! notice_unknown <- charge +, charge -, charge ++, charge $, refund +, refund -, refund ++, refund $, undo +, undo -, undo ++, undo $
charging: captured +payment.processed <- charge +, charge ++
charging: failed +payment.failed <- charge -
charging: charging ! <- charge $
charging: ! notice_unknown <- refund +, refund -, refund ++, refund $, undo +, undo -, undo ++, undo $
unknown: captured +payment.processed <- charge +, charge ++
unknown: failed +payment.failed <- charge -
unknown: charging ! <- charge $
unknown: ! notice_unknown <- refund +, refund -, refund ++, refund $, undo +, undo -, undo ++, undo $
undo owed: refunding >refund 100 <- charge +, charge ++
undo owed: failed +payment.voided <- charge -
undo owed: charging ! <- charge $
undo owed: ! notice_unknown <- refund +, refund -, refund ++, refund $, undo +, undo -, undo ++, undo $
undo owed, unknown: refunding >refund 100 <- charge +, charge ++
undo owed, unknown: failed +payment.voided <- charge -
undo owed, unknown: charging ! <- charge $
undo owed, unknown: ! notice_unknown <- refund +, refund -, refund ++, refund $, undo +, undo -, undo ++, undo $
failed: refunding >refund 100 <- charge +, charge ++
failed: = AlreadyKnown <- charge -
failed: failed ! <- charge $
failed: ! notice_unknown <- refund +, refund -, refund ++, refund $, undo +, undo -, undo ++, undo $
nothing due: ! notice_unknown <- charge +, charge -, charge ++, charge $, refund +, refund -, refund ++, refund $, undo +, undo -, undo ++, undo $
captured: = AlreadyKnown <- charge +
captured: captured ! <- charge -, charge ++, charge $
captured: ! notice_unknown <- refund +, refund -, refund ++, refund $, undo +, undo -, undo ++, undo $
part pending: = AlreadyKnown <- charge +, refund -
part pending: captured ! <- charge -, charge ++, charge $, refund $
part pending: captured +payment.refunded <- refund +, refund ++
part pending: ! notice_unknown <- undo +, undo -, undo ++, undo $
part refunded: = AlreadyKnown <- charge +, refund +
part refunded: captured ! <- charge -, charge ++, charge $, refund -, refund ++, refund $
part refunded: ! notice_unknown <- undo +, undo -, undo ++, undo $
refunding: = AlreadyKnown <- charge +
refunding: refunding ! <- charge -, charge ++, charge $, undo $
refunding: ! notice_unknown <- refund +, refund -, refund ++, refund $
refunding: refunded +payment.refunded (undo) <- undo +, undo ++
refunding: refunding <- undo -
waiting: = AlreadyKnown <- charge +, refund -
waiting: refunding ! <- charge -, charge ++, charge $, refund $
waiting: refunding +payment.refunded >refund 70 <- refund +, refund ++
waiting: ! notice_unknown <- undo +, undo -, undo ++, undo $
refunded: = AlreadyKnown <- charge +, undo +, undo -
refunded: refunded ! <- charge -, charge ++, charge $, undo ++, undo $
refunded: ! notice_unknown <- refund +, refund -, refund ++, refund $
voided: ! notice_unknown <- charge +, charge -, charge ++, charge $, refund +, refund -, refund ++, refund $, undo +, undo -, undo ++, undo $
voided, called: refunding >refund 100 <- charge +, charge ++
voided, called: = AlreadyKnown <- charge -
voided, called: voided ! <- charge $
voided, called: ! notice_unknown <- refund +, refund -, refund ++, refund $, undo +, undo -, undo ++, undo $
";
