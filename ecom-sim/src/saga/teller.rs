//! Another service that tells a saga what happened: through its own outbox and the broker, with all that can go wrong there.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::marker::PhantomData;

use ecom_core::decide::{Answer, BoundedContext, Context, Decision, Move, NoEffect, Row, Timer};
use ecom_core::event::{Event, Service};
use ecom_core::id::MessageId;
use ecom_core::saga::Hosted;
use uuid::Uuid;

use crate::coverage::Covered;
use crate::facts::Fact;
use crate::mutant::Mutable;
use crate::port::{NoOutside, RowKey, Simulated};

/// Publishes what it is asked to. It keeps nothing beside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Teller<S>(PhantomData<S>);

/// An event, and the saga that it is about.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Telling {
    pub(super) about: Uuid,
    pub(super) event: Event,
}

impl<S: Hosted> BoundedContext for Teller<S> {
    const SERVICE: Service = if matches!(S::SERVICE, Service::Gateway) { Service::User } else { Service::Gateway };
    type Input = Telling;
    type Scope = ();
    type Snapshot = BTreeMap<Uuid, Infallible>;
    type Change = Infallible;
    type Effect = NoEffect;
    type EffectAnswer = NoEffect;
    type Reply = Uuid;
    type Rejection = Infallible;

    fn scope(_: &Telling, (): &mut ()) {}

    fn decide(_: &Self::Snapshot, told: &Telling, _: &Context<'_>) -> Result<Decision<Self>, Infallible> {
        let Telling { about, event } = told;
        Ok(Move::default().emit(*about, 1, event.clone()).reply(*about).done())
    }

    fn apply(_: &mut Self::Snapshot, change: &Infallible) {
        match *change {}
    }

    fn row(change: &Infallible) -> Option<Row> {
        match *change {}
    }

    fn on_event(_: &Event) -> Option<Telling> {
        None
    }

    fn on_timer(_: &Timer) -> Option<Telling> {
        None
    }

    fn on_answer(_: MessageId, effect: NoEffect, _: u32, _: NoEffect) -> Telling {
        match effect {}
    }

    fn answer(about: &Uuid) -> Answer {
        Answer { status: 202, resource: *about, body: String::new().into() }
    }
}

impl<S: Hosted> Mutable for Teller<S> {}

impl<S: Hosted> Covered for Teller<S> {}

impl<S: Hosted> Simulated for Teller<S> {
    type Outside = NoOutside;

    fn facts(_: &Self::Snapshot) -> Vec<Fact> {
        vec![]
    }

    fn locks((): &(), _: &Self::Snapshot) -> Vec<RowKey> {
        vec![]
    }
}
