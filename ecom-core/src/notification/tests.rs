//! The rules of notices, as tables and properties.

mod delivery;
mod occasion;
mod preferences;

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::*;
use crate::decide::{Because, BoundedContext};
use crate::email::Email;
use crate::engine::{EffectRow, Loaded, Message, Origin, Outcome, Writes, fold};
use crate::event::sample::sample;
use crate::event::{
    Event, EventType, FailureCode, OrderCancelled, OrderCompleted, OrderFailed, PasswordResetRequested,
    PaymentRefunded, Service, StockLow, UserChanged, UserDeactivated,
};
use crate::fleet;
use crate::id::{CorrelationId, MessageId, OrderId, PaymentId, ProductId, RefundId, UserId};
use crate::money::{Currency, Money};
use crate::policy::Policy;
use crate::time::Timestamp;

const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

fn user(n: u128) -> UserId {
    UserId(Uuid::from_u128(n))
}

fn order(n: u128) -> OrderId {
    OrderId(Uuid::from_u128(0x1000 + n))
}

fn changed(n: u128, version: u64) -> UserChanged {
    UserChanged {
        user_id: user(n),
        version,
        email: Email::parse(&format!("v{version}@example.com")).unwrap(),
        first_name: "Ada".to_owned(),
        last_name: "Lovelace".to_owned(),
        is_admin: false,
    }
}

fn registered(n: u128) -> Input {
    Input::UserRegistered(changed(n, 1))
}

fn updated(n: u128, version: u64) -> Input {
    Input::UserUpdated(changed(n, version))
}

fn admin(n: u128) -> Input {
    Input::UserUpdated(UserChanged { is_admin: true, ..changed(n, 1) })
}

fn deactivated(n: u128, version: u64) -> Input {
    Input::UserDeactivated(UserDeactivated { user_id: user(n), version })
}

fn completed(n: u128) -> Input {
    let total_amount = Money::new(300, Currency::EUR);
    Input::OrderCompleted(OrderCompleted { order_id: order(n), user_id: user(1), total_amount, items: vec![] })
}

fn failed(n: u128, user_id: Option<UserId>, reason: FailureCode) -> Input {
    Input::OrderFailed(OrderFailed { order_id: order(n), user_id, reason, detail: String::new() })
}

fn cancelled(n: u128) -> Input {
    Input::OrderCancelled(OrderCancelled { order_id: order(n), user_id: user(1), reason: "x\r\nBcc: y".to_owned() })
}

fn refunded(n: u128, undo: bool) -> Input {
    Input::PaymentRefunded(PaymentRefunded {
        order_id: order(1),
        user_id: user(1),
        payment_id: PaymentId(Uuid::from_u128(7)),
        refund_id: RefundId(Uuid::from_u128(0x2000 + n)),
        amount: Money::new(100, Currency::EUR),
        reason: String::new(),
        full: false,
        undo,
    })
}

fn reset(token: &str, version: u64, expires_at: Timestamp) -> Input {
    Input::PasswordResetRequested(PasswordResetRequested {
        user_id: user(1),
        version,
        email: Email::parse("account@example.com").unwrap(),
        token: token.to_owned(),
        expires_at,
    })
}

fn stock_low() -> Input {
    Input::StockLow(StockLow {
        product_id: ProductId(Uuid::from_u128(9)),
        sku: "TEA\r\nBcc: all@example.com".to_owned(),
        available: 2,
        threshold: 5,
    })
}

fn choose(email: bool, sms: Option<&str>, push: Option<&str>) -> Input {
    Input::SetPreferences(SetPreferences {
        user_id: user(1),
        choices: Choices {
            email: EmailChoice { enabled: email, address: None },
            sms: SmsChoice { enabled: sms.is_some(), number: sms.map(str::to_owned) },
            push: PushChoice { enabled: push.is_some(), endpoint: push.map(str::to_owned) },
        },
    })
}

/// Notices with everything that is owed.
#[derive(Clone, Default)]
struct World {
    snapshot: NotificationSnapshot,
    owed: BTreeMap<MessageId, EffectRow<Effect>>,
    messages: u128,
    policy: Policy,
}

impl World {
    fn with(inputs: Vec<Input>) -> Self {
        let mut world = Self::default();
        world.run(inputs);
        world
    }

    /// Handles the inputs in one batch. The answer of a channel is for an effect that is owed.
    fn run(&mut self, inputs: Vec<Input>) -> Writes<NotificationContext> {
        let messages: Vec<_> = inputs.into_iter().map(|input| self.message(input)).collect();
        let loaded = Loaded {
            snapshot: self.snapshot.clone(),
            seen: BTreeSet::new(),
            kept: BTreeMap::new(),
            armed: BTreeSet::new(),
            owed: self.owed.iter().map(|(id, row)| (*id, row.attempts)).collect(),
            now: NOW,
        };
        let writes = fold(loaded, &messages, &self.policy);
        for change in &writes.changes {
            NotificationContext::apply(&mut self.snapshot, change);
        }
        for (id, row) in &writes.effects {
            match row {
                Some(row) => self.owed.insert(*id, row.clone()),
                None => self.owed.remove(id),
            };
        }
        writes
    }

    fn message(&mut self, input: Input) -> Message<NotificationContext> {
        self.messages += 1;
        let origin = match &input {
            Input::Answered { letter, attempts, .. } => {
                Origin::Answer { effect: MessageId(letter.notice_id.0), attempt: *attempts }
            }
            _ => Origin::Event,
        };
        let correlation = CorrelationId(Uuid::from_u128(self.messages));
        let id = MessageId(Uuid::from_u128(self.messages << 32));
        Message { id, origin, correlation, causation: None, traceparent: None, input }
    }

    /// The only letter that is owed, with the attempt that its call is.
    fn letter(&self) -> (Letter, u32) {
        assert_eq!(self.owed.len(), 1, "{:?}", self.owed);
        let row = self.owed.values().next().unwrap();
        let Effect::Send(letter) = &row.effect;
        (letter.clone(), row.attempts)
    }

    /// The channel's answer to the only letter that is owed, called now.
    fn answer(&mut self, answer: EffectAnswer) -> Writes<NotificationContext> {
        let (letter, called) = self.letter();
        // A delayed call is counted when it is claimed.
        let attempts = if self.owed.values().all(|row| row.due <= NOW) { called } else { called + 1 };
        self.owed.values_mut().for_each(|row| row.attempts = attempts);
        self.run(vec![Input::Answered { letter, attempts, answer }])
    }

    /// Template, channel and status of each notice.
    fn notices(&self) -> Vec<(&'static str, &'static str, &'static str)> {
        let mut notices: Vec<_> = self
            .snapshot
            .notices
            .values()
            .map(|notice| (notice.template.name(), notice.channel.name(), notice.state.status()))
            .collect();
        notices.sort_unstable();
        notices
    }
}

fn names(writes: &Writes<NotificationContext>) -> Vec<&'static str> {
    writes.outbox.iter().map(|envelope| envelope.event.event_type().name()).collect()
}

#[test]
fn exactly_the_events_of_the_fleet_are_consumed() {
    let role = fleet::role(Service::Notification).unwrap();
    for event_type in EventType::ALL {
        let consumed = NotificationContext::on_event(&sample(*event_type)).is_some();
        assert_eq!(consumed, role.consumes.contains(event_type), "{}", event_type.name());
    }
}
