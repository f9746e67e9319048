//! Rules told as *given, when, then*, over the same [`fold`] that the stores call.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use uuid::Uuid;

use crate::decide::{Because, BoundedContext, Timer};
use crate::engine::{EffectRow, Loaded, Message, Origin, Outcome, Writes, fold};
use crate::event::{Event, EventType};
use crate::id::{CorrelationId, MessageId};
use crate::policy::Policy;
use crate::time::Timestamp;

/// A story about one context: state that is given, inputs that come, and what is expected to follow.
///
/// ```
/// use ecom_core::testing::{Scenario, counter::{Counters, Input}};
/// # let id = uuid::Uuid::from_u128(1);
/// Scenario::<Counters>::new()
///     .when(Input::Add { id, amount: 2, events: 1 })
///     .then_emits(&[ecom_core::event::EventType::StockLow])
///     .then(|snapshot| assert_eq!(snapshot[&id].total, 2));
/// ```
#[derive(Debug)]
pub struct Scenario<C: BoundedContext> {
    snapshot: C::Snapshot,
    timers: BTreeMap<Timer, Timestamp>,
    effects: BTreeMap<MessageId, EffectRow<C::Effect>>,
    policy: Policy,
    now: Timestamp,
    steps: u128,
    last: Writes<C>,
}

impl<C: BoundedContext> Default for Scenario<C> {
    fn default() -> Self {
        Self {
            snapshot: C::Snapshot::default(),
            timers: BTreeMap::new(),
            effects: BTreeMap::new(),
            policy: Policy::default(),
            now: Timestamp::from_micros(1_700_000_000_000_000),
            steps: 0,
            last: Writes::default(),
        }
    }
}

impl<C: BoundedContext> Scenario<C> {
    /// Nothing is given yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Other durations and limits than the defaults.
    pub fn under(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// These rows exist.
    pub fn given(mut self, changes: impl IntoIterator<Item = C::Change>) -> Self {
        changes.into_iter().for_each(|change| C::apply(&mut self.snapshot, &change));
        self
    }

    /// Time passes; timers do not fire by themselves.
    pub fn after(mut self, time: Duration) -> Self {
        self.now = self.now.after(time);
        self
    }

    /// An input comes, each under an id of its own.
    pub fn when(self, input: C::Input) -> Self {
        self.handle(Origin::Event, input)
    }

    /// The armed timer of that kind fires, at the time at which it is due.
    pub fn when_timer_fires(mut self, kind: &str) -> Self {
        let armed = self.timers.iter().find(|(timer, _)| timer.kind == kind).map(|(timer, due)| (timer.clone(), *due));
        let Some((timer, due)) = armed else { panic!("no timer {kind:?} is armed, but {:?}", self.timers) };
        self.now = self.now.max(due);
        let Some(input) = C::on_timer(&timer) else { panic!("no input for timer {kind:?}") };
        self.handle(Origin::Timer(timer), input)
    }

    /// The effect that is owed is called and answered. There *must* be exactly one.
    pub fn when_answered(self, answer: C::EffectAnswer) -> Self {
        let mut owed = self.effects.values();
        let (Some(row), None) = (owed.next().cloned(), owed.next()) else {
            panic!("not exactly one effect is owed: {:?}", self.effects);
        };
        let attempt = row.attempts;
        let input = C::on_answer(row.id, row.effect, attempt.max(1), answer);
        self.handle(Origin::Answer { effect: row.id, attempt }, input)
    }

    /// The last input changed state and emitted exactly these events, in this order.
    pub fn then_emits(self, expected: &[EventType]) -> Self {
        assert!(matches!(self.outcome(), Some(Outcome::Applied(_))), "not applied: {:?}", self.outcome());
        let emitted: Vec<EventType> = self.events().map(Event::event_type).collect();
        assert_eq!(emitted, expected, "other events were emitted");
        self
    }

    /// The last input changed nothing, for that reason.
    pub fn then_stays(self, because: Because) -> Self {
        let stayed = matches!(self.outcome(), Some(Outcome::Stayed(reason, _)) if *reason == because);
        assert!(stayed, "not {because:?}: {:?}", self.outcome());
        self
    }

    /// The last input was refused, and left no trace.
    pub fn then_refused(self, rejection: &C::Rejection) -> Self {
        let refused = matches!(self.outcome(), Some(Outcome::Rejected(reason)) if reason == rejection);
        assert!(refused, "not refused with {rejection:?}: {:?}", self.outcome());
        assert!(self.last.is_empty(), "a refused input left a trace: {:?}", self.last);
        self
    }

    /// The rows are now as they should be.
    pub fn then(self, check: impl FnOnce(&C::Snapshot)) -> Self {
        check(&self.snapshot);
        self
    }

    /// What the last input wrote is as it should be.
    pub fn then_wrote(self, check: impl FnOnce(&Writes<C>)) -> Self {
        check(&self.last);
        self
    }

    /// Exactly these kinds of timers are armed now, over all subjects.
    pub fn then_armed(self, kinds: &[&str]) -> Self {
        let armed: BTreeSet<&str> = self.timers.keys().map(|timer| &*timer.kind).collect();
        assert_eq!(armed, kinds.iter().copied().collect(), "other timers are armed");
        self
    }

    /// Exactly so many calls are owed now.
    pub fn then_owes(self, calls: usize) -> Self {
        assert_eq!(self.effects.len(), calls, "other calls are owed: {:?}", self.effects);
        self
    }

    fn events(&self) -> impl Iterator<Item = &Event> {
        self.last.outbox.iter().map(|envelope| &envelope.event)
    }

    fn outcome(&self) -> Option<&Outcome<C>> {
        self.last.outcomes.first()
    }

    fn handle(mut self, origin: Origin, input: C::Input) -> Self {
        self.steps += 1;
        let message = Message {
            id: MessageId(Uuid::from_u128(self.steps)),
            origin,
            correlation: CorrelationId(Uuid::from_u128(0xc0)),
            causation: None,
            traceparent: None,
            input,
        };
        let loaded = Loaded {
            snapshot: self.snapshot.clone(),
            seen: BTreeSet::new(),
            kept: BTreeMap::new(),
            armed: self.timers.keys().cloned().collect(),
            owed: self.effects.values().map(|row| (row.id, row.attempts)).collect(),
            now: self.now,
        };
        let writes = fold(loaded, &[message], &self.policy);
        writes.changes.iter().for_each(|change| C::apply(&mut self.snapshot, change));
        for ((subject, kind), armed) in &writes.timers {
            self.timers.retain(|timer, _| timer.subject != *subject || timer.kind != *kind);
            if let Some((epoch, due)) = armed {
                self.timers.insert(Timer { subject: *subject, kind: kind.clone(), epoch: *epoch }, *due);
            }
        }
        for (id, row) in &writes.effects {
            match row {
                Some(row) => self.effects.insert(*id, row.clone()),
                None => self.effects.remove(id),
            };
        }
        self.last = writes;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::counter::{Bell, Counters, Input, Refused, TIMER};

    #[test]
    fn a_story_runs_through_messages_timers_and_answers() {
        let (id, effect) = (Uuid::from_u128(1), MessageId(Uuid::from_u128(2)));
        let soon = Duration::from_secs(5);
        Scenario::<Counters>::new()
            .when(Input::Add { id, amount: 2, events: 2 })
            .then_emits(&[EventType::StockLow, EventType::StockLow])
            .when(Input::Refuse { id })
            .then_refused(&Refused)
            .when(Input::Read { id })
            .then_stays(Because::AlreadyKnown)
            .when(Input::Arm { id, epoch: 1, after: soon })
            .then_armed(&[TIMER])
            .when_timer_fires(TIMER)
            .then_armed(&[])
            .when(Input::Ring { id, effect, after: Duration::ZERO })
            .then_owes(1)
            .when_answered(Bell::Silent(soon))
            .then_owes(1)
            .when_answered(Bell::Rang)
            .then_owes(0)
            .then(|snapshot| assert_eq!(snapshot[&id].total, 103));
    }
}
