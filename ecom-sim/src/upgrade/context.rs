//! The rows as texts, and a rule for each release that reads them.

use std::collections::{BTreeMap, BTreeSet};
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use ecom_core::decide::{self, Answer, BoundedContext, Context, Decision, Move, Timer};
use ecom_core::engine::Message;
use ecom_core::event::{Event, ProductChanged, Service};
use ecom_core::id::{MessageId, ProductId};
use ecom_core::money::{Currency, Money};
use ecom_core::port::{Body, Delivery};
use ecom_core::saga::stored::Unknown;
use ecom_core::saga::{Addressed, Hosted, Instance, Saga as _, SagaContext, SagaReply, Signal};
use thiserror::Error;
use uuid::Uuid;

use super::{Bug, Desk, Effect, Input, NEW, OLD, Old, Releases};
use crate::mutant::Mutable;
use crate::port::{RowKey, Simulated};

/// The context of two releases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rolling<R>(PhantomData<R>);

/// A row as a database keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Row {
    /// The saga.
    pub id: Uuid,
    /// The version of the definition that wrote it.
    pub definition: u32,
    /// The version of the instance.
    pub version: u64,
    /// The instance as text.
    pub text: Arc<str>,
    /// The highest version that ever wrote it, for whoever checks.
    pub highest: u32,
    /// The release that began it, for whoever checks.
    pub begun_by: u8,
    /// The release that wrote it last, for whoever checks.
    pub written_by: u8,
}

/// A signal and who handles it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Told {
    release: u8,
    said: Addressed<Input>,
}

impl Told {
    /// A signal that whoever gets it handles.
    pub const fn new(saga: Uuid, input: Input) -> Self {
        Self { release: OLD, said: Addressed { saga, signal: Signal::Input(input) } }
    }
}

/// It was not handled, and its row is as it was.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct NotHandled(String);

impl<R: Releases> BoundedContext for Rolling<R> {
    const SERVICE: Service = Service::Order;
    type Input = Told;
    type Scope = BTreeSet<Uuid>;
    type Snapshot = BTreeMap<Uuid, Row>;
    type Change = Row;
    type Effect = Effect;
    type EffectAnswer = bool;
    type Reply = SagaReply;
    type Rejection = NotHandled;

    fn scope(input: &Told, scope: &mut BTreeSet<Uuid>) {
        scope.insert(input.said.saga);
    }

    fn decide(rows: &Self::Snapshot, told: &Told, context: &Context<'_>) -> Result<Decision<Self>, NotHandled> {
        if told.release == OLD { by::<R, Old>(rows, told, context) } else { by::<R, R::New>(rows, told, context) }
    }

    fn apply(rows: &mut Self::Snapshot, row: &Row) {
        rows.insert(row.id, row.clone());
    }

    fn row(row: &Row) -> Option<decide::Row> {
        Some(decide::Row { kind: Old::NAME, key: row.id, version: row.version })
    }

    /// Only the newer release publishes any.
    fn on_event(event: &Event) -> Option<Told> {
        let Event::ProductUpdated(told) = event else { return None };
        Some(Told::new(told.product_id.0, Input::Confirmed))
    }

    fn on_timer(timer: &Timer) -> Option<Told> {
        let signal = Signal::Deadline { kind: timer.kind.clone(), epoch: timer.epoch };
        Some(Told { release: OLD, said: Addressed { saga: timer.subject, signal } })
    }

    fn on_answer(_: MessageId, effect: Effect, attempts: u32, answer: bool) -> Told {
        let (saga, input) = Old::on_answer(effect, attempts, answer);
        Told::new(saga, input)
    }

    fn answer(reply: &SagaReply) -> Answer {
        SagaContext::<Old>::answer(reply)
    }
}

/// What a release does: reads the row as it can, decides by its own rules, and writes as it does.
fn by<R, S>(rows: &BTreeMap<Uuid, Row>, told: &Told, context: &Context<'_>) -> Result<Decision<Rolling<R>>, NotHandled>
where
    R: Releases,
    S: Hosted<Effect = Effect, EffectAnswer = bool, Input = Input>,
{
    let Told { release, said } = told;
    if R::BUG == Bug::DropsEvents && *release == OLD && said.signal == Signal::Input(Input::Confirmed) {
        return Ok(Decision::stay(decide::Because::NotConcerned));
    }
    if let Signal::Deadline { kind, epoch } = &said.signal {
        let timer = Timer { subject: said.saga, kind: kind.clone(), epoch: *epoch };
        if SagaContext::<S>::on_timer(&timer).is_none() {
            return Err(NotHandled(format!("the timer {kind} is of another release")));
        }
    }
    let (row, mut own) = (rows.get(&said.saga), BTreeMap::new());
    if let Some(row) = row {
        match Instance::<S>::from_stored(row.definition, &row.text) {
            Ok(mut instance) => {
                if R::BUG == Bug::DropsFields {
                    instance.unknown = Unknown::default();
                }
                own.insert(row.id, instance);
            }
            Err(_) if R::BUG == Bug::BeginsAnew => {}
            Err(error) => return Err(NotHandled(error.to_string())),
        }
    }
    let refused = |error: &dyn std::error::Error| NotHandled(error.to_string());
    let step = match SagaContext::<S>::decide(&own, said, context).map_err(|error| refused(&error))? {
        Decision::Stay { because, reply } => return Ok(Decision::Stay { because, reply }),
        Decision::Move(step) => *step,
    };
    let Move { changes, events, effects, deadlines, history, reply, correlation, withdrawn } = step;
    let mut written = vec![];
    for instance in changes {
        written.push(Row {
            id: instance.id,
            definition: instance.definition_version,
            version: instance.version,
            text: instance.to_stored().map_err(|error| refused(&error))?.into(),
            highest: row.map_or(0, |row| row.highest).max(instance.definition_version),
            begun_by: row.map_or(*release, |row| row.begun_by),
            written_by: *release,
        });
    }
    let mut moved = Move { changes: written, events, effects, deadlines, history, reply, correlation, withdrawn };
    if R::TELLS && *release == NEW && row.is_none() {
        moved = moved.emit(said.saga, 1, told_by_the_newer(said.saga));
    }
    Ok(moved.done())
}

/// What the newer release tells of a new saga.
fn told_by_the_newer(saga: Uuid) -> Event {
    let price = Money::new(1, Currency::EUR);
    let (sku, name) = (String::new(), String::new());
    Event::ProductUpdated(ProductChanged { product_id: ProductId(saga), version: 1, sku, name, price, is_active: true })
}

impl<R: Releases> Mutable for Rolling<R> {}

impl<R: Releases> crate::coverage::Covered for Rolling<R> {}

impl<R: Releases> Simulated for Rolling<R> {
    type Outside = Desk;

    fn locks(scope: &BTreeSet<Uuid>, _rows: &BTreeMap<Uuid, Row>) -> Vec<RowKey> {
        scope.iter().map(|id| (Old::NAME, *id)).collect()
    }

    fn release(copy: u8, before: Option<u8>) -> u8 {
        match before {
            None if copy == 0 => OLD,
            Some(NEW) if copy == 0 || R::ROLLS_BACK => OLD,
            None | Some(_) => NEW,
        }
    }

    fn release_at(release: u8, since: Duration) -> u8 {
        if since > R::ENDS { NEW } else { release }
    }

    fn newest() -> u8 {
        NEW
    }

    fn hand_to(message: &mut Message<Self>, release: u8) {
        message.input.release = release;
    }

    fn read_as(delivery: Delivery, release: u8) -> Delivery {
        match delivery.body {
            Body::Event(envelope) if release == OLD && R::TELLS && R::BUG != Bug::DropsEvents => {
                let event_type = envelope.event.event_type().name().to_owned();
                let error = format!("unknown event {event_type} version 2");
                let body = Body::Unreadable { id: envelope.event_id, event_type, raw: envelope.to_json(), error };
                Delivery { body, ..delivery }
            }
            body => Delivery { body, ..delivery },
        }
    }
}
