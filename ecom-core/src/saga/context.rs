//! A saga as a bounded context of its own: the engine gives it tables, timers, retries and calls to the outside.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::hash::Hash;
use std::marker::PhantomData;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::definition::{Label, Saga};
use super::instance::{Advance, Handled, Instance, OWED, Refused, Signal};
use crate::decide::{Answer, Because, BoundedContext, Context, Decision, Move, Row, Timer};
use crate::event::{Event, Service};
use crate::id::{MessageId, derive};

/// What a saga needs beside its rules to live on the engine alone. Its outputs are calls to the outside.
pub trait Hosted: Saga<Output = Call<<Self as Hosted>::Effect>> {
    /// The service whose database holds it.
    const SERVICE: Service;
    /// The kinds of all timers that any version of it ever armed.
    const WAITS: &'static [&'static str];
    /// A call to the outside, as data.
    type Effect: Clone + Debug + PartialEq + Eq + Hash + Serialize + DeserializeOwned + Send + Sync + 'static;
    /// How such a call ended.
    type EffectAnswer: Clone + Debug + PartialEq + Send + Sync + 'static;

    /// The first state and what to tell others, when `input` begins a saga.
    fn begin(input: &Self::Input, context: &Context<'_>) -> Option<(Self::Running, Vec<Self::Output>)>;

    /// The saga and input that an event of the catalogue is.
    fn on_event(event: &Event) -> Option<(Uuid, Self::Input)>;

    /// The saga and input that the answer of a call is. `attempts` counts the calls so far.
    fn on_answer(effect: Self::Effect, attempts: u32, answer: Self::EffectAnswer) -> (Uuid, Self::Input);
}

/// A call to the outside. Its id, the idempotency key of the call, follows from saga, key and round: every retry of
/// the same call has the same one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Call<E> {
    /// Names the call within its saga.
    pub key: &'static str,
    /// 1, or the round of the debt that it settles.
    pub round: u32,
    /// Not before this delay.
    pub after: Duration,
    /// What to do.
    pub effect: E,
}

/// A signal with its addressee.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Addressed<I> {
    /// The saga.
    pub saga: Uuid,
    /// What comes to it.
    pub signal: Signal<I>,
}

/// What a waiting caller is told.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SagaReply {
    /// The saga.
    pub saga: Uuid,
    /// Its version.
    pub version: u64,
    /// Its state.
    pub state: String,
}

/// The context of a saga.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SagaContext<S>(PhantomData<S>);

impl<S: Hosted> BoundedContext for SagaContext<S> {
    const SERVICE: Service = S::SERVICE;
    type Input = Addressed<S::Input>;
    type Scope = BTreeSet<Uuid>;
    type Snapshot = BTreeMap<Uuid, Instance<S>>;
    /// The complete new row.
    type Change = Instance<S>;
    type Effect = S::Effect;
    type EffectAnswer = S::EffectAnswer;
    type Reply = SagaReply;
    type Rejection = Refused<S::Rejection>;

    fn scope(input: &Self::Input, scope: &mut Self::Scope) {
        scope.insert(input.saga);
    }

    fn decide(
        snapshot: &Self::Snapshot,
        input: &Self::Input,
        context: &Context<'_>,
    ) -> Result<Decision<Self>, Self::Rejection> {
        if let Some(instance) = snapshot.get(&input.saga) {
            return Ok(match instance.handle(&input.signal, context)? {
                Handled::Advanced(advance) => commit(*advance),
                Handled::Stayed(because) => Decision::Stay { because, reply: Some(reply(instance)) },
            });
        }
        let Signal::Input(first) = &input.signal else { return Ok(Decision::stay(Because::NotConcerned)) };
        let Some((state, outputs)) = S::begin(first, context) else { return Err(Refused::Unknown(input.saga)) };
        Ok(commit(Instance::begin(input.saga, first.label(), state, outputs, context.policy)))
    }

    fn apply(snapshot: &mut Self::Snapshot, change: &Self::Change) {
        snapshot.insert(change.id, change.clone());
    }

    fn row(change: &Self::Change) -> Option<Row> {
        Some(Row { kind: S::NAME, key: change.id, version: change.version })
    }

    fn on_event(event: &Event) -> Option<Self::Input> {
        S::on_event(event).map(|(saga, input)| Addressed { saga, signal: Signal::Input(input) })
    }

    fn on_timer(timer: &Timer) -> Option<Self::Input> {
        let known = timer.kind == OWED || S::WAITS.contains(&&*timer.kind);
        let signal = Signal::Deadline { kind: timer.kind.clone(), epoch: timer.epoch };
        known.then_some(Addressed { saga: timer.subject, signal })
    }

    fn on_answer(_: MessageId, effect: Self::Effect, attempts: u32, answer: Self::EffectAnswer) -> Self::Input {
        let (saga, input) = S::on_answer(effect, attempts, answer);
        Addressed { saga, signal: Signal::Input(input) }
    }

    fn answer(reply: &Self::Reply) -> Answer {
        let body = serde_json::json!({"id": reply.saga, "state": reply.state, "version": reply.version});
        Answer { status: 202, resource: reply.saga, body: body.to_string().into() }
    }
}

fn reply<S: Saga>(instance: &Instance<S>) -> SagaReply {
    SagaReply { saga: instance.id, version: instance.version, state: instance.state.label().to_owned() }
}

fn commit<S: Hosted>(advance: Advance<S>) -> Decision<SagaContext<S>> {
    let Advance { instance, outputs, deadlines, history } = advance;
    let (id, answer) = (instance.id, reply(&instance));
    let mut step = Move { deadlines, ..Move::with(instance) }.note(history).reply(answer);
    for call in outputs {
        let key = derive(S::NAME, id, call.key, id, call.round);
        step = step.effect(MessageId(key), call.after, call.effect);
    }
    step.done()
}
