//! From a batch of messages to everything that one transaction writes. Pure: a store loads, calls this, writes.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::message::{EffectRow, HistoryRow, KeptAnswer, Message, Origin, Outcome};
use crate::decide::{BoundedContext, Context, DeadlineChange, Decision, Move, Timer};
use crate::event::Envelope;
use crate::id::{CorrelationId, MessageId, derive};
use crate::policy::Policy;
use crate::time::Timestamp;

/// What a store has read for a batch.
#[derive(Clone, Debug)]
pub struct Loaded<C: BoundedContext> {
    /// The rows in the batch's scope.
    pub snapshot: C::Snapshot,
    /// Those of the batch's event ids that the inbox knows.
    pub seen: BTreeSet<MessageId>,
    /// The answers kept for the batch's idempotency keys, by scope and key.
    pub kept: BTreeMap<(String, String), KeptAnswer>,
    /// Those of the batch's timers that are armed with the same epoch.
    pub armed: BTreeSet<Timer>,
    /// Those of the batch's effects, answered or watched, that are still owed, with their attempts.
    pub owed: BTreeMap<MessageId, u32>,
    /// The time of the transaction.
    pub now: Timestamp,
}

/// What the transaction writes.
#[derive(Clone, Debug)]
pub struct Writes<C: BoundedContext> {
    /// One for each message.
    pub outcomes: Vec<Outcome<C>>,
    /// Row changes in order; a later change of the same row builds on the earlier one.
    pub changes: Vec<C::Change>,
    /// Event ids for the inbox.
    pub inbox: Vec<MessageId>,
    /// Events for the outbox.
    pub outbox: Vec<Arc<Envelope>>,
    /// Effects to write, or, where `None`, to delete.
    pub effects: BTreeMap<MessageId, Option<EffectRow<C::Effect>>>,
    /// Timers to set (epoch and due time), or, where `None`, to delete; by subject and kind.
    pub timers: BTreeMap<(Uuid, Cow<'static, str>), Option<(u64, Timestamp)>>,
    /// Lines of history.
    pub history: Vec<HistoryRow>,
    /// Answers to keep.
    pub kept: Vec<KeptAnswer>,
}

/// Handles the messages in order, each on the state that the earlier ones left.
///
/// A message that is refused leaves no trace, so others of the batch are not harmed by it. The result depends on the
/// arguments alone: a store may call it again on a conflict.
pub fn fold<C: BoundedContext>(mut loaded: Loaded<C>, messages: &[Message<C>], policy: &Policy) -> Writes<C> {
    fold_into(&mut loaded, messages, policy)
}

/// As [`fold`], and leaves in `loaded` what the next messages would see: for a store whose rows are that snapshot.
pub fn fold_into<C: BoundedContext>(loaded: &mut Loaded<C>, messages: &[Message<C>], policy: &Policy) -> Writes<C> {
    let mut folding = Folding { loaded, policy, writes: Writes::default() };
    for message in messages {
        let outcome = folding.handle(message);
        folding.writes.outcomes.push(outcome);
    }
    folding.writes
}

impl<C: BoundedContext> Default for Writes<C> {
    fn default() -> Self {
        Self {
            outcomes: vec![],
            changes: vec![],
            inbox: vec![],
            outbox: vec![],
            effects: BTreeMap::new(),
            timers: BTreeMap::new(),
            history: vec![],
            kept: vec![],
        }
    }
}

impl<C: BoundedContext> Writes<C> {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
            && self.inbox.is_empty()
            && self.outbox.is_empty()
            && self.effects.is_empty()
            && self.timers.is_empty()
            && self.history.is_empty()
            && self.kept.is_empty()
    }

    /// The earliest time at which something of this is due later than `now`, or a timer is due at all.
    pub fn next_due(&self, now: Timestamp) -> Option<Timestamp> {
        let effects = self.effects.values().flatten().map(|row| row.due).filter(|due| *due > now);
        let timers = self.timers.values().flatten().map(|(_, due)| *due);
        effects.chain(timers).min()
    }

    /// The subjects of the history.
    pub fn touched(&self) -> Vec<Uuid> {
        self.history.iter().map(|row| row.entry.subject).collect()
    }

    /// The effects that are due at `now`.
    pub fn due_effects(&self, now: Timestamp) -> Vec<EffectRow<C::Effect>> {
        self.effects.values().flatten().filter(|row| row.due <= now).cloned().collect()
    }
}

struct Folding<'a, C: BoundedContext> {
    loaded: &'a mut Loaded<C>,
    policy: &'a Policy,
    writes: Writes<C>,
}

impl<C: BoundedContext> Folding<'_, C> {
    fn handle(&mut self, message: &Message<C>) -> Outcome<C> {
        if let Some(outcome) = self.known(message) {
            return outcome;
        }
        let context = Context {
            now: self.loaded.now,
            cause: message.id,
            correlation: message.correlation,
            policy: self.policy,
            calls: C::watch(&message.input).and_then(|effect| self.calls(effect)),
        };
        let decision = match C::decide(&self.loaded.snapshot, &message.input, &context) {
            Ok(decision) => decision,
            Err(rejection) => return Outcome::Rejected(rejection),
        };
        self.settle_origin(message);
        match decision {
            Decision::Stay { because, reply } => {
                self.keep_answer(message, reply.as_ref());
                Outcome::Stayed(because, reply)
            }
            Decision::Move(step) => {
                let Move { changes, events, effects, withdrawn, deadlines, history, reply, correlation } = *step;
                let correlation = correlation.unwrap_or(message.correlation);
                for change in changes {
                    C::apply(&mut self.loaded.snapshot, &change);
                    self.writes.changes.push(change);
                }
                self.emit(message, correlation, events);
                for request in effects {
                    self.request(message, correlation, request);
                }
                for effect in withdrawn {
                    self.loaded.owed.remove(&effect);
                    self.writes.effects.insert(effect, None);
                }
                self.set_timers(deadlines);
                self.writes.history.extend(history.into_iter().map(|entry| HistoryRow {
                    at: self.loaded.now,
                    message_id: message.id,
                    causation_id: message.causation,
                    entry,
                }));
                self.keep_answer(message, reply.as_ref());
                Outcome::Applied(reply)
            }
        }
    }

    /// How many calls of an effect have begun, as the earlier messages left it.
    fn calls(&self, effect: MessageId) -> Option<u32> {
        match self.writes.effects.get(&effect) {
            Some(row) => row.as_ref().map(|row| row.attempts),
            None => self.loaded.owed.get(&effect).copied(),
        }
    }

    /// The outcome of a message that must not reach the rules.
    fn known(&self, message: &Message<C>) -> Option<Outcome<C>> {
        match &message.origin {
            Origin::Event => self.loaded.seen.contains(&message.id).then_some(Outcome::Duplicate),
            Origin::Command(None) => None,
            Origin::Command(Some(key)) => {
                let kept = self.loaded.kept.get(&(key.scope.clone(), key.key.clone()))?;
                Some(if kept.key.fingerprint == key.fingerprint {
                    Outcome::Replayed(kept.answer.clone())
                } else {
                    Outcome::KeyReused
                })
            }
            Origin::Timer(timer) => (!self.loaded.armed.contains(timer))
                .then_some(Outcome::Stayed(crate::decide::Because::StaleTimer, None)),
            Origin::Answer { effect, attempt } => {
                (self.loaded.owed.get(effect) != Some(attempt)).then_some(Outcome::Duplicate)
            }
        }
    }

    /// Notes that the message was handled, where its origin will look for that.
    fn settle_origin(&mut self, message: &Message<C>) {
        match &message.origin {
            Origin::Event => {
                self.loaded.seen.insert(message.id);
                self.writes.inbox.push(message.id);
            }
            Origin::Command(_) => {}
            Origin::Timer(timer) => {
                self.loaded.armed.remove(timer);
                self.writes.timers.insert((timer.subject, timer.kind.clone()), None);
            }
            Origin::Answer { effect, .. } => {
                self.loaded.owed.remove(effect);
                self.writes.effects.insert(*effect, None);
            }
        }
    }

    fn emit(&mut self, message: &Message<C>, correlation: CorrelationId, events: Vec<crate::decide::Emit>) {
        for (ordinal, emit) in (0_u32..).zip(events) {
            let kind = emit.event.event_type().name();
            let id = derive(C::SERVICE.name(), message.id.0, kind, emit.aggregate_id, ordinal);
            self.writes.outbox.push(Arc::new(Envelope {
                event_id: MessageId(id),
                occurred_at: self.loaded.now,
                correlation_id: correlation,
                causation_id: message.id,
                aggregate_id: emit.aggregate_id,
                aggregate_version: emit.aggregate_version,
                source: C::SERVICE,
                traceparent: message.traceparent.clone(),
                event: emit.event,
            }));
        }
    }

    fn request(
        &mut self,
        message: &Message<C>,
        correlation: CorrelationId,
        request: crate::decide::EffectRequest<C::Effect>,
    ) {
        let called = match &message.origin {
            Origin::Answer { effect, attempt } if *effect == request.id => *attempt,
            Origin::Answer { .. } | Origin::Event | Origin::Command(_) | Origin::Timer(_) => 0,
        };
        let now = request.after == Duration::ZERO;
        self.writes.effects.insert(
            request.id,
            Some(EffectRow {
                id: request.id,
                correlation,
                effect: request.effect,
                attempts: if now { called + 1 } else { called },
                due: self.loaded.now.after(request.after),
                traceparent: message.traceparent.clone(),
            }),
        );
    }

    fn set_timers(&mut self, deadlines: Vec<DeadlineChange>) {
        for change in deadlines {
            let (subject, kind, armed) = match change {
                DeadlineChange::Arm { timer, after } => {
                    (timer.subject, timer.kind, Some((timer.epoch, self.loaded.now.after(after))))
                }
                DeadlineChange::Disarm { subject, kind } => (subject, kind, None),
            };
            self.loaded.armed.retain(|timer| timer.subject != subject || timer.kind != kind);
            if let Some((epoch, _)) = armed {
                self.loaded.armed.insert(Timer { subject, kind: kind.clone(), epoch });
            }
            self.writes.timers.insert((subject, kind), armed);
        }
    }

    fn keep_answer(&mut self, message: &Message<C>, reply: Option<&C::Reply>) {
        if let (Origin::Command(Some(key)), Some(reply)) = (&message.origin, reply) {
            let kept = KeptAnswer { key: key.clone(), answer: C::answer(reply) };
            self.loaded.kept.insert((key.scope.clone(), key.key.clone()), kept.clone());
            self.writes.kept.push(kept);
        }
    }
}
