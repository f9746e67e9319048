//! The payment provider: under one key money moves once, whatever happens; what it says is what happened.

use std::collections::BTreeMap;

use ecom_core::engine::{EffectRow, Message, Origin};
use ecom_core::id::{CorrelationId, MessageId, OrderId, PaymentId};
use ecom_core::money::{Currency, Money};
use ecom_core::payment::{Effect, Input, News, Notice, PaymentContext, ProviderAnswer, Refusal, SANDBOX, notice_id};

use super::OutsideWorld;
use crate::facts::Fact;

/// The provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Provider {
    keys: BTreeMap<MessageId, Settled>,
    movements: Vec<Movement>,
    /// Requests under a known key that asked for something else than the first one.
    reused: u32,
    /// The refunds that were refused, each with the last attempt of which that was said. What was sent before that one is
    /// refused as well; what is sent after it is as new.
    refused: BTreeMap<MessageId, u32>,
    /// What the last call came to, until it is told or dropped.
    news: Option<Told>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Settled {
    effect: Effect,
    answer: ProviderAnswer,
}

/// What the provider can tell of its own accord.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Told {
    key: MessageId,
    effect: Effect,
    answer: ProviderAnswer,
    /// The attempt that was refused; under one key there may be several. Money moves once.
    refused: Option<u32>,
}

/// Money that moved.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Movement {
    /// Under which key.
    pub key: MessageId,
    /// For which order.
    pub order_id: OrderId,
    /// Of which payment.
    pub payment_id: PaymentId,
    /// How much; below zero when it went back.
    pub amount: i64,
    /// The name of the charge.
    pub charge: String,
}

impl Provider {
    /// All movements, in order.
    pub fn movements(&self) -> &[Movement] {
        &self.movements
    }

    /// Requests that used a known key for something else.
    pub const fn reused(&self) -> u32 {
        self.reused
    }

    /// How many refunds it has refused for a while.
    pub fn refusals(&self) -> usize {
        self.refused.len()
    }

    /// What was taken for an order and what went back, in the smallest unit, and how often money was taken.
    pub fn balance(&self, order: OrderId) -> (i64, i64, usize) {
        let own = || self.movements.iter().filter(|it| it.order_id == order);
        let taken = own().map(|it| it.amount.max(0)).sum();
        let returned = own().map(|it| -it.amount.min(0)).sum();
        (taken, returned, own().filter(|it| it.amount > 0).count())
    }

    fn carry_out(&mut self, key: MessageId, effect: &Effect) -> ProviderAnswer {
        let (order_id, payment_id) = match effect {
            Effect::Charge(asked) => (asked.order_id, asked.payment_id),
            Effect::Refund(asked) => (asked.order_id, asked.payment_id),
        };
        match effect {
            Effect::Charge(asked) => {
                if let Some(code) = refusal(&asked.token) {
                    refused(code)
                } else {
                    let charge = format!("ch_{:x}", key.0.as_u128() as u32);
                    let amount = asked.amount.minor();
                    self.movements.push(Movement { key, order_id, payment_id, amount, charge: charge.clone() });
                    ProviderAnswer::Succeeded { reference: charge }
                }
            }
            Effect::Refund(asked) if self.left(&asked.charge) >= asked.amount.minor() && is_positive(asked.amount) => {
                let (amount, charge) = (-asked.amount.minor(), asked.charge.clone());
                self.movements.push(Movement { key, order_id, payment_id, amount, charge });
                ProviderAnswer::Succeeded { reference: format!("re_{:x}", key.0.as_u128() as u32) }
            }
            Effect::Refund(_) => refused(Refusal::Invalid),
        }
    }

    /// So much in the currency in which that order was paid.
    pub fn money(&self, order: OrderId, minor: i64) -> Money {
        let key = self.movements.iter().find(|it| it.order_id == order).and_then(|it| self.keys.get(&it.key));
        let currency = key.map_or(Currency::EUR, |settled| match &settled.effect {
            Effect::Charge(asked) => asked.amount.currency(),
            Effect::Refund(asked) => asked.amount.currency(),
        });
        Money::new(minor, currency)
    }

    fn left(&self, charge: &str) -> i64 {
        self.movements.iter().filter(|it| it.charge == charge).map(|it| it.amount).sum()
    }
}

impl OutsideWorld<PaymentContext> for Provider {
    fn facts(&self, named: &str) -> Vec<Fact> {
        let mut orders: Vec<OrderId> = self.movements.iter().map(|it| it.order_id).collect();
        orders.sort_unstable();
        orders.dedup();
        let mut facts = vec![];
        for order in orders {
            let ((taken, returned, charges), subject) = (self.balance(order), format!("{named}: order {order}"));
            let times = if charges > 1 { format!(" in {charges} charges") } else { String::new() };
            facts.push(Fact::new(subject.clone(), "taken", format!("{}{times}", self.money(order, taken))));
            facts.push(Fact::new(subject, "given back", self.money(order, returned).to_string()));
        }
        facts
    }

    fn call(&mut self, row: &EffectRow<Effect>) -> Option<ProviderAnswer> {
        if let Some(settled) = self.keys.get(&row.id) {
            if is_same(&settled.effect, &row.effect) {
                return Some(settled.answer.clone());
            }
            self.reused += 1;
            return Some(refused(Refusal::Invalid));
        }
        if self.refused.get(&row.id).is_some_and(|last| row.attempts <= *last) {
            return Some(refused(Refusal::Declined));
        }
        let answer = self.carry_out(row.id, &row.effect);
        let refused_refund = matches!((&row.effect, &answer), (Effect::Refund(_), ProviderAnswer::Refused { .. }));
        if !refused_refund {
            // A refused refund may be tried again.
            self.keys.insert(row.id, Settled { effect: row.effect.clone(), answer: answer.clone() });
            self.news = Some(Told { key: row.id, effect: row.effect.clone(), answer: answer.clone(), refused: None });
        }
        Some(answer)
    }

    fn may_refuse(&self, row: &EffectRow<Effect>) -> bool {
        matches!(row.effect, Effect::Refund(_)) && !self.keys.contains_key(&row.id)
    }

    fn refuse(&mut self, row: &EffectRow<Effect>) -> Option<ProviderAnswer> {
        let last = self.refused.entry(row.id).or_default();
        *last = row.attempts.max(*last);
        let answer = refused(Refusal::Declined);
        let (effect, refused) = (row.effect.clone(), Some(row.attempts));
        self.news = Some(Told { key: row.id, effect, answer: answer.clone(), refused });
        Some(answer)
    }

    fn has_news(&self) -> bool {
        self.news.is_some()
    }

    fn drop_news(&mut self) {
        self.news = None;
    }

    fn news(&mut self) -> Option<Message<PaymentContext>> {
        let Told { key, effect, answer, refused } = self.news.take()?;
        let (payment_id, refund_id, amount) = match &effect {
            Effect::Charge(asked) => (asked.payment_id, None, asked.amount),
            Effect::Refund(asked) => (asked.payment_id, Some(asked.refund_id), asked.amount),
        };
        let news = match answer {
            ProviderAnswer::Succeeded { reference } => News::Succeeded { reference },
            ProviderAnswer::Refused { code, detail } => News::Refused { code, detail },
            ProviderAnswer::Transient { .. } | ProviderAnswer::Unknown { .. } => return None,
        };
        let notice = Notice { provider: SANDBOX.to_owned(), key, payment_id, refund_id, amount, news };
        Some(Message {
            id: notice_id(
                SANDBOX,
                &refused.map_or_else(|| key.to_string(), |attempt| format!("{key} refused {attempt}")),
            ),
            origin: Origin::Event,
            correlation: CorrelationId(key.0),
            causation: None,
            traceparent: None,
            input: Input::Noticed(notice),
        })
    }

    fn unknown(&self) -> Option<ProviderAnswer> {
        Some(ProviderAnswer::Unknown { detail: "no answer in time".to_owned() })
    }

    fn transient(&self) -> Option<ProviderAnswer> {
        Some(ProviderAnswer::Transient { detail: "try again in a moment".to_owned() })
    }
}

/// Whether the same is asked for: what a caller counts beside it does not matter.
fn is_same(first: &Effect, second: &Effect) -> bool {
    match (first, second) {
        (Effect::Charge(first), Effect::Charge(second)) => {
            (first.payment_id, &first.token, first.amount) == (second.payment_id, &second.token, second.amount)
        }
        (Effect::Refund(first), Effect::Refund(second)) => {
            (first.refund_id, &first.charge, first.amount) == (second.refund_id, &second.charge, second.amount)
        }
        (Effect::Charge(_), Effect::Refund(_)) | (Effect::Refund(_), Effect::Charge(_)) => false,
    }
}

const fn is_positive(amount: Money) -> bool {
    amount.minor() > 0
}

fn refusal(token: &str) -> Option<Refusal> {
    match token {
        "tok_declined" => Some(Refusal::Declined),
        "tok_insufficient_funds" => Some(Refusal::InsufficientFunds),
        "tok_unknown" => Some(Refusal::Invalid),
        _ => None,
    }
}

fn refused(code: Refusal) -> ProviderAnswer {
    ProviderAnswer::Refused { code, detail: "refused".to_owned() }
}
