//! From what arrives to a [`Message`]: deliveries, timers that fire, answers of effects.

use super::consumer::Verdict;
use super::effector::Ticket;
use super::message::{DeadLetter, EffectRow, Message, Origin, Outcome};
use crate::decide::{BoundedContext, Timer};
use crate::event::Envelope;
use crate::id::{CorrelationId, MessageId, derive};
use crate::port::{Body, Delivery};

impl<C: BoundedContext> Message<C> {
    /// The message that an event is for this context; `None` when the context does not consume it.
    pub fn from_event(envelope: &Envelope) -> Option<Self> {
        Some(Self {
            id: envelope.event_id,
            origin: Origin::Event,
            correlation: envelope.correlation_id,
            causation: Some(envelope.causation_id),
            traceparent: envelope.traceparent.clone(),
            input: C::on_event(&envelope.event)?,
        })
    }

    /// The message that the firing of a timer is; `None` for a kind that no version ever armed.
    ///
    /// Its id is derived from subject, kind and epoch: a timer that fires twice says the same twice. The subject
    /// stands for the correlation, which a timer does not keep.
    pub fn from_timer(timer: &Timer) -> Option<Self> {
        let kind = format!("timer {} {}", timer.kind, timer.epoch);
        Some(Self {
            id: MessageId(derive(C::SERVICE.name(), timer.subject, &kind, timer.subject, 0)),
            origin: Origin::Timer(timer.clone()),
            correlation: CorrelationId(timer.subject),
            causation: None,
            traceparent: None,
            input: C::on_timer(timer)?,
        })
    }

    /// The message that the answer of an effect is. Its id is derived from the effect and the number of the call:
    /// committing the same answer twice says the same twice.
    pub fn from_answer(row: EffectRow<C::Effect>, answer: C::EffectAnswer) -> Self {
        let EffectRow { id, correlation, effect, attempts, due: _, traceparent } = row;
        Self {
            id: MessageId(derive(C::SERVICE.name(), id.0, "effect.answered", id.0, attempts)),
            origin: Origin::Answer { effect: id, attempt: attempts },
            correlation,
            causation: Some(id),
            traceparent,
            input: C::on_answer(id, effect, attempts, answer),
        }
    }
}

impl Delivery {
    /// The message's id.
    pub fn id(&self) -> MessageId {
        match &self.body {
            Body::Event(envelope) => envelope.event_id,
            Body::Unreadable { id, .. } => *id,
        }
    }
}

impl DeadLetter {
    /// The letter of a message that is given up.
    pub fn new(queue: &str, body: &Body, reason: String, attempts: u32) -> Self {
        let (id, event_type, body) = match body {
            Body::Event(envelope) => {
                (envelope.event_id, envelope.event.event_type().name().to_owned(), envelope.to_json())
            }
            Body::Unreadable { id, event_type, raw, error: _ } => (*id, event_type.clone(), raw.clone()),
        };
        Self { id, queue: queue.to_owned(), event_type, body, reason, attempts }
    }
}

impl<C: BoundedContext> From<&Outcome<C>> for Verdict {
    fn from(outcome: &Outcome<C>) -> Self {
        match outcome {
            Outcome::Applied(_) => Self::Done,
            Outcome::Stayed(..) => Self::Stayed,
            Outcome::Duplicate | Outcome::Replayed(_) => Self::Duplicate,
            Outcome::KeyReused => {
                Self::Refused { reason: "the idempotency key was used for another request".to_owned() }
            }
            Outcome::Rejected(rejection) => Self::Refused { reason: rejection.to_string() },
        }
    }
}

impl<E> From<&EffectRow<E>> for Ticket {
    fn from(row: &EffectRow<E>) -> Self {
        Self { effect: row.id, attempt: row.attempts }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use uuid::Uuid;

    use super::*;
    use crate::event::EventType;
    use crate::testing::counter::{Bell, Counters, Input, Ring, TIMER};
    use crate::testing::sample;
    use crate::time::Timestamp;

    #[test]
    fn an_event_keeps_its_ids_and_one_that_is_not_consumed_is_no_message() {
        let envelope = sample::envelope(EventType::StockLow, 1);
        let message = Message::<Counters>::from_event(&envelope).unwrap();
        assert_eq!((message.id, message.correlation), (envelope.event_id, envelope.correlation_id));
        assert_eq!((message.causation, message.origin), (Some(envelope.causation_id), Origin::Event));
        assert_eq!(message.traceparent, envelope.traceparent);
        assert_eq!(Message::<Counters>::from_event(&sample::envelope(EventType::OrderCreated, 1)), None);
    }

    #[test]
    fn a_timer_gives_the_same_message_each_time_and_another_for_each_epoch() {
        let timer = |subject, epoch| Timer { subject: Uuid::from_u128(subject), kind: TIMER.into(), epoch };
        let message = |timer| Message::<Counters>::from_timer(&timer).unwrap();
        assert_eq!(message(timer(1, 1)), message(timer(1, 1)));
        let ids = [timer(1, 1), timer(1, 2), timer(2, 1)].map(|timer| message(timer).id);
        assert!(ids[0] != ids[1] && ids[0] != ids[2], "{ids:?}");
        let unknown = Timer { kind: "nobody".into(), ..timer(1, 1) };
        assert_eq!(Message::<Counters>::from_timer(&unknown), None);
    }

    #[test]
    fn an_answer_gives_the_same_message_each_time_and_another_for_each_call() {
        let (id, counter) = (MessageId(Uuid::from_u128(1)), Uuid::from_u128(2));
        let row = |attempts| EffectRow {
            id,
            correlation: CorrelationId(Uuid::from_u128(3)),
            effect: Ring { id: counter },
            attempts,
            due: Timestamp::EPOCH,
            traceparent: Some("00-t-s-01".to_owned()),
        };
        let bell = Bell::Silent(Duration::ZERO);
        let message = |attempts| Message::<Counters>::from_answer(row(attempts), bell);
        assert_eq!(message(1), message(1));
        assert_ne!(message(1).id, message(2).id);
        assert_eq!(message(1).traceparent.as_deref(), Some("00-t-s-01"), "the trace ends with the call");
        assert_eq!(message(2).origin, Origin::Answer { effect: id, attempt: 2 });
        assert_eq!(message(1).input, Input::Rang { id: counter, effect: id, answer: bell });
        assert_eq!(Ticket::from(&row(3)), Ticket { effect: id, attempt: 3 });
    }
}
