//! One way in which a saga is used.

use std::hash::Hash;

use ecom_core::engine::{Idempotency, Message, Origin};
use ecom_core::event::Event;
use ecom_core::id::{CorrelationId, MessageId};
use ecom_core::saga::{Addressed, Hosted, Label, SagaContext, Signal};
use uuid::Uuid;

use super::teller::{Teller, Telling};
use crate::port::{Calls, Desk};
use crate::scenario::Scenario;
use crate::world::{Client, Command, Fleet, Service, Settings};

/// How often a client sends an input again whose end it does not know.
const RETRIES: u32 = 12;

/// One way in which a saga is used: what is outside at first, and who sends and tells what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story<S: Hosted, D> {
    desk: D,
    clients: Vec<Vec<Said<S::Input>>>,
}

/// What comes to a saga.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Said<I> {
    /// From a caller who waits.
    Input(Uuid, I),
    /// From another service, by the broker.
    Event(Event),
}

impl<S: Hosted<EffectAnswer: Hash>, D: Desk<S>> Story<S, D> {
    /// A story in which that is outside, and one client who says nothing yet.
    pub fn new(desk: D) -> Self {
        Self { desk, clients: vec![vec![]] }
    }

    /// The client sends an input to a saga, once he has heard how the one before ended.
    #[must_use]
    pub fn send(self, saga: Uuid, input: S::Input) -> Self {
        self.say(Said::Input(saga, input))
    }

    /// Another service has that event in its outbox, once the one before is sent or told. From there the broker brings it to
    /// the saga: late, twice, before what was told earlier. What [`fleet`](ecom_core::fleet) does not bind to the queue of
    /// the saga's service does not arrive, and that is told.
    #[must_use]
    pub fn tell(self, event: Event) -> Self {
        self.say(Said::Event(event))
    }

    fn say(mut self, said: Said<S::Input>) -> Self {
        match self.clients.last_mut() {
            Some(client) => client.push(said),
            None => self.clients.push(vec![said]),
        }
        self
    }

    /// From here on another client sends, who does not wait for those before.
    #[must_use]
    pub fn meanwhile(mut self) -> Self {
        self.clients.push(vec![]);
        self
    }

    /// The world of the story.
    pub(super) fn scenario(&self, settings: Settings) -> Scenario {
        let service = Service::<SagaContext<S>>::new().with_outside(Calls::to(self.desk.clone()));
        let name = if settings.copies > 1 { format!("{}x{}", S::NAME, settings.copies) } else { S::NAME.to_owned() };
        let mut fleet = Fleet::default().with_service(service);
        if self.clients.iter().flatten().any(|said| matches!(said, Said::Event(_))) {
            fleet = fleet.with::<Teller<S>>();
        }
        let clients = (0_u32..).zip(&self.clients).map(|(number, all)| {
            let commands = (0_u32..).zip(all).map(|(which, said)| match said {
                Said::Input(saga, input) => send::<S>(number, which, *saga, input),
                Said::Event(event) => tell::<S>(number, which, event),
            });
            Client::new(false, commands.collect::<Vec<_>>())
        });
        Scenario::new(&name, &fleet, settings, vec![], clients.collect())
    }
}

fn send<S: Hosted<EffectAnswer: Hash>>(client: u32, which: u32, saga: Uuid, input: &S::Input) -> Command {
    let input = input.clone();
    Command::new::<SagaContext<S>>(input.label(), RETRIES, move |known| Message {
        id: id(client, which, known.attempt),
        origin: Origin::Command(Some(key(client, which, format!("{saga} {input:?}")))),
        correlation: CorrelationId(saga),
        causation: None,
        traceparent: None,
        input: Addressed { saga, signal: Signal::Input(input.clone()) },
    })
}

fn tell<S: Hosted<EffectAnswer: Hash>>(client: u32, which: u32, event: &Event) -> Command {
    let event = event.clone();
    let about = S::on_event(&event).map_or(Uuid::nil(), |(saga, _)| saga);
    Command::new::<Teller<S>>(event.event_type().name(), RETRIES, move |known| Message {
        id: id(client, which, known.attempt),
        origin: Origin::Command(Some(key(client, which, format!("{event:?}")))),
        correlation: CorrelationId(about),
        causation: None,
        traceparent: None,
        input: Telling { about, event: event.clone() },
    })
}

fn id(client: u32, which: u32, attempt: u32) -> MessageId {
    let number = u128::from(client) << 80 | u128::from(which) << 40 | u128::from(attempt);
    MessageId(Uuid::from_u128(0x0190_0000_0000 << 80 | 0x7_f00 << 64 | 0b10 << 62 | number))
}

/// A command that is sent again is the same.
fn key(client: u32, which: u32, fingerprint: String) -> Idempotency {
    Idempotency { scope: format!("client {client}"), key: which.to_string(), fingerprint }
}
