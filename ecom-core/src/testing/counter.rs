//! The smallest context that uses everything a store does: counters that can add, emit, call, arm and break.
//!
//! A store that runs the suite keeps one table for it:
//!
//! ```sql
//! CREATE TABLE counters (id TEXT PRIMARY KEY, version INTEGER NOT NULL, total INTEGER NOT NULL CHECK (total >= 0));
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::decide::{Answer, Because, BoundedContext, Context, Decision, HistoryEntry, Move, Row, Timer};
use crate::event::{Event, Service, StockLow};
use crate::id::{MessageId, ProductId};

/// The context.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Counters;

/// One row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Counter {
    /// Its key.
    pub id: Uuid,
    /// Begins with 1 and rises by 1 with each change.
    pub version: u64,
    /// Never below zero: the table has a check.
    pub total: i64,
}

/// What can happen to a counter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// Changes the total and emits so many events.
    Add {
        /// Which counter.
        id: Uuid,
        /// How much.
        amount: i64,
        /// How many events.
        events: u32,
    },
    /// Is refused by a rule.
    Refuse {
        /// Which counter.
        id: Uuid,
    },
    /// Changes nothing and tells the total.
    Read {
        /// Which counter.
        id: Uuid,
    },
    /// Decides on a row that the table refuses.
    Break {
        /// Which counter.
        id: Uuid,
    },
    /// Owes a call.
    Ring {
        /// Which counter.
        id: Uuid,
        /// The effect's id.
        effect: MessageId,
        /// When.
        after: Duration,
    },
    /// The call's answer: a bell that rang adds 1, one that did not is rung again.
    Rang {
        /// Which counter.
        id: Uuid,
        /// The effect's id.
        effect: MessageId,
        /// The answer.
        answer: Bell,
    },
    /// Takes back a call, if nobody has begun it.
    Hush {
        /// Which counter.
        id: Uuid,
        /// The effect's id.
        effect: MessageId,
    },
    /// Sets a timer.
    Arm {
        /// Which counter.
        id: Uuid,
        /// Of which epoch.
        epoch: u64,
        /// When.
        after: Duration,
    },
    /// Cancels the timer.
    Disarm {
        /// Which counter.
        id: Uuid,
    },
    /// The timer: adds 100.
    Fired {
        /// Which counter.
        id: Uuid,
    },
}

/// The call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Ring {
    /// For which counter.
    pub id: Uuid,
}

/// How the call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bell {
    /// It rang.
    Rang,
    /// It did not; ring again after that time.
    Silent(Duration),
}

/// Why an input is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("refused by the rule that refuses")]
pub struct Refused;

/// The counter after the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reply(pub Counter);

/// The kind of the one timer that a counter has.
pub const TIMER: &str = "tick";

impl Input {
    /// The counter it is about.
    pub const fn counter(&self) -> Uuid {
        match self {
            Self::Add { id, .. }
            | Self::Refuse { id }
            | Self::Read { id }
            | Self::Break { id }
            | Self::Ring { id, .. }
            | Self::Rang { id, .. }
            | Self::Hush { id, .. }
            | Self::Arm { id, .. }
            | Self::Disarm { id }
            | Self::Fired { id } => *id,
        }
    }
}

impl BoundedContext for Counters {
    const SERVICE: Service = Service::Inventory;
    type Input = Input;
    type Scope = BTreeSet<Uuid>;
    type Snapshot = BTreeMap<Uuid, Counter>;
    type Change = Counter;
    type Effect = Ring;
    type EffectAnswer = Bell;
    type Reply = Reply;
    type Rejection = Refused;

    fn scope(input: &Input, scope: &mut BTreeSet<Uuid>) {
        scope.insert(input.counter());
    }

    fn decide(
        snapshot: &BTreeMap<Uuid, Counter>,
        input: &Input,
        context: &Context<'_>,
    ) -> Result<Decision<Self>, Refused> {
        let id = input.counter();
        let counter = snapshot.get(&id).copied().unwrap_or(Counter { id, version: 0, total: 0 });
        Ok(match input {
            Input::Add { amount, events, .. } => add(counter, *amount, *events).done(),
            Input::Refuse { .. } => return Err(Refused),
            Input::Read { .. } => Decision::Stay { because: Because::AlreadyKnown, reply: Some(Reply(counter)) },
            Input::Break { .. } => Move::with(counter.with(-1)).done(),
            Input::Ring { effect, after, .. } => add(counter, 0, 0).effect(*effect, *after, Ring { id }).done(),
            Input::Rang { answer: Bell::Rang, .. } => add(counter, 1, 0).done(),
            Input::Rang { answer: Bell::Silent(after), effect, .. } => {
                add(counter, 0, 0).effect(*effect, *after, Ring { id }).done()
            }
            Input::Hush { effect, .. } if context.calls == Some(0) => add(counter, 0, 0).withdraw(*effect).done(),
            Input::Hush { .. } => Decision::stay(Because::NotConcerned),
            Input::Arm { epoch, after, .. } => add(counter, 0, 0).arm(id, TIMER, *epoch, *after).done(),
            Input::Disarm { .. } => add(counter, 0, 0).disarm(id, TIMER).done(),
            Input::Fired { .. } => add(counter, 100, 0).done(),
        })
    }

    fn apply(snapshot: &mut BTreeMap<Uuid, Counter>, change: &Counter) {
        snapshot.insert(change.id, *change);
    }

    fn row(change: &Counter) -> Option<Row> {
        Some(Row { kind: "counter", key: change.id, version: change.version })
    }

    fn watch(input: &Input) -> Option<MessageId> {
        match input {
            Input::Hush { effect, .. } => Some(*effect),
            Input::Add { .. }
            | Input::Refuse { .. }
            | Input::Read { .. }
            | Input::Break { .. }
            | Input::Ring { .. }
            | Input::Rang { .. }
            | Input::Arm { .. }
            | Input::Disarm { .. }
            | Input::Fired { .. } => None,
        }
    }

    fn on_event(event: &Event) -> Option<Input> {
        let Event::StockLow(low) = event else { return None };
        Some(Input::Add { id: low.product_id.0, amount: i64::from(low.available), events: 0 })
    }

    fn on_timer(timer: &Timer) -> Option<Input> {
        (timer.kind == TIMER).then_some(Input::Fired { id: timer.subject })
    }

    fn on_answer(id: MessageId, effect: Ring, _attempts: u32, answer: Bell) -> Input {
        Input::Rang { id: effect.id, effect: id, answer }
    }

    fn answer(reply: &Reply) -> Answer {
        let Reply(Counter { id, version, total }) = reply;
        Answer { status: 201, resource: *id, body: format!(r#"{{"version":{version},"total":{total}}}"#).into() }
    }
}

impl Counter {
    const fn with(self, total: i64) -> Self {
        Self { id: self.id, version: self.version + 1, total }
    }
}

fn add(before: Counter, amount: i64, events: u32) -> Move<Counters> {
    let after = before.with(before.total + amount);
    let mut step = Move::with(after).reply(Reply(after)).note(HistoryEntry {
        subject: after.id,
        event: "add".into(),
        from: before.total.to_string().into(),
        to: after.total.to_string().into(),
        detail: None,
    });
    for ordinal in 0..events {
        let event = StockLow {
            product_id: ProductId(after.id),
            sku: "counter".to_owned(),
            available: ordinal,
            threshold: events,
        };
        step = step.emit(after.id, after.version, Event::StockLow(event));
    }
    step
}
