//! The payment context: methods and refunds by example, every state against every input by table, everything by chance.

mod chance;
mod commands;
mod provider;
mod table;
mod wire;

use super::{
    AddMethod, Card, Effect, End, Input, MethodCatalogue, News, Notice, Payment, PaymentContext, PaymentSnapshot,
    Price, ProviderAnswer, Record, Rejection, RequestRefund, payment_id,
};
use crate::decide::{BoundedContext, Context, Decision, Move};
use crate::id::{CorrelationId, MessageId, OrderId, PaymentId, PaymentMethodId, RefundId, UserId};
use crate::money::{Currency, Money};
use crate::policy::Policy;
use crate::time::Timestamp;
use uuid::Uuid;

const ORDER: OrderId = OrderId(Uuid::from_u128(0x0190_b0a2_0000_7000_8000_0000_0000_0001));
const USER: UserId = UserId(Uuid::from_u128(7));
const ADMIN: UserId = UserId(Uuid::from_u128(9));

fn euro(minor: i64) -> Money {
    Money::new(minor, Currency::EUR)
}

fn payment() -> PaymentId {
    payment_id(ORDER)
}

/// A snapshot that inputs are played on, and the effects that they asked for.
#[derive(Clone, Debug, Default)]
struct Play {
    snapshot: PaymentSnapshot,
    effects: Vec<(MessageId, Effect)>,
    clock: i64,
    policy: Policy,
    /// The calls of the charge that have begun.
    calls: Option<u32>,
}

impl Play {
    fn decide(&self, input: &Input) -> Result<Decision<PaymentContext>, Rejection> {
        let context = Context {
            now: Timestamp::from_micros(self.clock),
            cause: MessageId(Uuid::from_u128(1)),
            correlation: CorrelationId(Uuid::from_u128(2)),
            policy: &self.policy,
            calls: self.calls,
        };
        PaymentContext::decide(&self.snapshot, input, &context)
    }

    fn hear(&mut self, input: &Input) -> Result<Option<Move<PaymentContext>>, Rejection> {
        self.clock += 1;
        match self.decide(input)? {
            Decision::Stay { .. } => Ok(None),
            Decision::Move(step) => {
                step.changes.iter().for_each(|change| PaymentContext::apply(&mut self.snapshot, change));
                self.effects.extend(step.effects.iter().map(|asked| (asked.id, asked.effect.clone())));
                Ok(Some(*step))
            }
        }
    }

    /// Hears an input that changes something.
    fn moved(&mut self, input: &Input) -> Move<PaymentContext> {
        self.hear(input).unwrap().unwrap()
    }

    /// The answer to the last effect.
    fn answer(&self, answer: ProviderAnswer) -> Input {
        let (key, effect) = self.effects.last().unwrap().clone();
        PaymentContext::on_answer(key, effect, 1, answer)
    }

    fn payment(&self) -> &Payment {
        match self.snapshot.records.get(&payment()) {
            Some(Record::Payment(payment)) => payment,
            other => panic!("no payment but {other:?}"),
        }
    }
}

fn reserved(minor: i64, method: Option<PaymentMethodId>) -> Input {
    Input::Reserved(Price { order_id: ORDER, user_id: USER, total: euro(minor), payment_method_id: method })
}

fn ended() -> Input {
    Input::Ended { order_id: ORDER, end: End::Cancelled }
}

fn refund(n: u128, minor: Option<i64>) -> RequestRefund {
    RequestRefund {
        id: RefundId(Uuid::from_u128(n)),
        payment_id: payment(),
        amount: minor.map(euro),
        reason: "damaged".to_owned(),
        actor: ADMIN,
    }
}

fn succeeded() -> ProviderAnswer {
    ProviderAnswer::Succeeded { reference: "ch_1".to_owned() }
}

fn captured() -> Play {
    let mut play = Play::default();
    play.moved(&reserved(100, None));
    let answer = play.answer(succeeded());
    play.moved(&answer);
    play
}

struct Tokens;

impl MethodCatalogue for Tokens {
    fn provider(&self) -> &'static str {
        "sandbox"
    }

    fn describe(&self, token: &str) -> Option<Card> {
        let card = Card { brand: "visa".to_owned(), last4: "4242".to_owned(), exp_month: 12, exp_year: 2039 };
        token.starts_with("tok_").then_some(card)
    }
}

fn method(n: u128) -> PaymentMethodId {
    PaymentMethodId(Uuid::from_u128(n))
}

fn add(n: u128, user: UserId, token: &str) -> Result<Input, Rejection> {
    AddMethod::new(&Tokens, method(n), user, token).map(Input::AddMethod)
}
