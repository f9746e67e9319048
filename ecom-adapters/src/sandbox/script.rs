//! What the sandbox does with a call. Pure: the past of a key and the call give the result and the answer.

use std::time::Duration;

use ecom_core::id::MessageId;
use ecom_core::money::Money;
use ecom_core::payment::{Effect, ProviderAnswer, Refusal};

use super::token::Token;

/// How long the slow token takes.
const SLOW: Duration = Duration::from_secs(3);

/// How often the flaky token fails.
const FLAKY_FAILURES: u32 = 2;

/// Money moved, now.
pub(super) const SUCCEEDED: &str = "succeeded";

/// A call under an idempotency key.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// The key.
    pub(super) key: MessageId,
    /// What is asked.
    pub(super) effect: Effect,
}

/// What happened under a key before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Past {
    /// How often it was asked.
    pub(super) calls: u32,
    /// What was asked first: the amount, below zero for a refund.
    pub(super) asked: Option<Money>,
    /// The result that all later calls get too.
    pub(super) settled: Option<Settled>,
}

/// A result that does not change any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Settled {
    /// Money moved under this name.
    Moved(String),
    /// The charge was refused with this word.
    Refused(Refusal),
}

/// What is known of a charge that is to be refunded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Charged {
    /// What was taken.
    pub(super) taken: Money,
    /// What went back.
    pub(super) returned: Money,
}

/// What becomes of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// The word in the log.
    pub(super) result: &'static str,
    /// The name of what happened, when money moved under the key, now or before.
    pub(super) reference: Option<String>,
    /// The answer.
    pub(super) reply: Reply,
}

/// When the answer comes, if ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// At once.
    Now(ProviderAnswer),
    /// At once, and told by webhook before and after it.
    Told(ProviderAnswer),
    /// After that time.
    After(Duration, ProviderAnswer),
    /// It is lost.
    Never,
}

/// The word in the log for a refusal.
pub(super) const fn word(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Declined => "payment_declined",
        Refusal::InsufficientFunds => "insufficient_funds",
        Refusal::Invalid => "payment_method_invalid",
    }
}

/// The amount as the log's key remembers it: a charge above zero, a refund below.
pub(super) fn signed(effect: &Effect) -> Money {
    match effect {
        Effect::Charge(charge) => charge.amount,
        Effect::Refund(refund) => Money::new(-refund.amount.minor(), refund.amount.currency()),
    }
}

/// The name of a charge.
pub(super) fn charge_name(key: MessageId) -> String {
    format!("ch_{}", key.0.simple())
}

/// The key of the charge with that name.
pub(super) fn charge_key(name: &str) -> Option<MessageId> {
    name.strip_prefix("ch_")?.parse().ok()
}

/// What a charge or refund becomes. `charged` is the charge that a refund is of.
pub(super) fn decide(call: &Call, past: &Past, charged: Option<Charged>) -> Verdict {
    if past.asked.is_some_and(|asked| asked != signed(&call.effect)) {
        return refused("key_reused", Refusal::Invalid, "the idempotency key was used for another request");
    }
    match (&past.settled, &call.effect) {
        (Some(Settled::Moved(reference)), _) => moved("repeated", reference.clone()),
        (Some(Settled::Refused(refusal)), _) => decline(*refusal),
        (None, Effect::Charge(charge)) => match Token::parse(&charge.token) {
            Some(token) => play(token, past.calls + 1, charge_name(call.key)),
            None => decline(Refusal::Invalid),
        },
        (None, Effect::Refund(refund)) => match charged {
            Some(charge) if fits(charge, refund.amount) => moved(SUCCEEDED, format!("re_{}", call.key.0.simple())),
            Some(_) => refused("refused", Refusal::Invalid, "more than is left of the charge"),
            None => refused("refused", Refusal::Invalid, "no such charge"),
        },
    }
}

/// A charge that has no result yet; `call` counts from 1.
fn play(token: Token, call: u32, reference: String) -> Verdict {
    let success = moved(SUCCEEDED, reference);
    match token {
        Token::Visa => success,
        Token::DuplicateWebhook => Verdict { reply: told(success.reply), ..success },
        Token::Declined => decline(Refusal::Declined),
        Token::InsufficientFunds => decline(Refusal::InsufficientFunds),
        Token::Slow => Verdict { reply: later(success.reply), ..success },
        Token::TimeoutCharged => Verdict { reply: Reply::Never, ..success },
        Token::TimeoutNotCharged if call > 1 => success,
        Token::TimeoutNotCharged => Verdict { result: "timed_out", reference: None, reply: Reply::Never },
        Token::Flaky if call > FLAKY_FAILURES => success,
        Token::Flaky => {
            let detail = "try again in a moment".to_owned();
            Verdict { result: "transient", reference: None, reply: Reply::Now(ProviderAnswer::Transient { detail }) }
        }
    }
}

/// A charge is refused for good.
fn decline(refusal: Refusal) -> Verdict {
    let detail = match refusal {
        Refusal::Declined => "the card was declined",
        Refusal::InsufficientFunds => "the card has insufficient funds",
        Refusal::Invalid => "the token is unknown",
    };
    refused(word(refusal), refusal, detail)
}

fn later(reply: Reply) -> Reply {
    match reply {
        Reply::Now(answer) | Reply::Told(answer) | Reply::After(_, answer) => Reply::After(SLOW, answer),
        Reply::Never => Reply::Never,
    }
}

fn told(reply: Reply) -> Reply {
    match reply {
        Reply::Now(answer) | Reply::Told(answer) | Reply::After(_, answer) => Reply::Told(answer),
        Reply::Never => Reply::Never,
    }
}

fn fits(charge: Charged, amount: Money) -> bool {
    let after = charge.returned.checked_add(amount).and_then(|returned| charge.taken.checked_sub(returned));
    amount.minor() > 0 && after.is_ok_and(|left| !left.is_negative())
}

fn moved(result: &'static str, reference: String) -> Verdict {
    let answer = ProviderAnswer::Succeeded { reference: reference.clone() };
    Verdict { result, reference: Some(reference), reply: Reply::Now(answer) }
}

fn refused(result: &'static str, code: Refusal, detail: &str) -> Verdict {
    let answer = ProviderAnswer::Refused { code, detail: detail.to_owned() };
    Verdict { result, reference: None, reply: Reply::Now(answer) }
}
