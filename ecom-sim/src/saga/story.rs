//! One way in which a saga is used.

use std::hash::Hash;

use ecom_core::engine::{Idempotency, Message, Origin};
use ecom_core::id::{CorrelationId, MessageId};
use ecom_core::saga::{Addressed, Hosted, Label, SagaContext, Signal};
use uuid::Uuid;

use crate::port::{Calls, Desk};
use crate::scenario::Scenario;
use crate::world::{Client, Command, Fleet, Service, Settings};

/// How often a client sends an input again whose end it does not know.
const RETRIES: u32 = 12;

/// One way in which a saga is used: what is outside at first, and who sends what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story<S: Hosted, D> {
    desk: D,
    clients: Vec<Vec<(Uuid, S::Input)>>,
}

impl<S: Hosted<EffectAnswer: Hash>, D: Desk<S>> Story<S, D> {
    /// A story in which that is outside, and one client who says nothing yet.
    pub fn new(desk: D) -> Self {
        Self { desk, clients: vec![vec![]] }
    }

    /// The client sends an input to a saga, once he has heard how the one before ended.
    #[must_use]
    pub fn send(mut self, saga: Uuid, input: S::Input) -> Self {
        match self.clients.last_mut() {
            Some(client) => client.push((saga, input)),
            None => self.clients.push(vec![(saga, input)]),
        }
        self
    }

    /// From here on another client sends, who does not wait for those before.
    #[must_use]
    pub fn meanwhile(mut self) -> Self {
        self.clients.push(vec![]);
        self
    }

    /// The story as the code that tells it.
    pub(super) fn source(&self) -> String {
        let mut source = format!("ecom_sim::saga::Story::new({:?})", self.desk);
        for (number, inputs) in self.clients.iter().enumerate() {
            if number > 0 {
                source.push_str(".meanwhile()");
            }
            for (saga, input) in inputs {
                let send = format!("\n        .send(uuid::Uuid::from_u128({:#x}), {input:?})", saga.as_u128());
                source.push_str(&send);
            }
        }
        source
    }

    /// The world of the story.
    pub(super) fn scenario(&self, settings: Settings) -> Scenario {
        let service = Service::<SagaContext<S>>::new().with_outside(Calls::to(self.desk.clone()));
        let name = if settings.copies > 1 { format!("{}x{}", S::NAME, settings.copies) } else { S::NAME.to_owned() };
        let fleet = Fleet::default().with_service(service);
        let clients = (0_u32..).zip(&self.clients).map(|(number, inputs)| {
            let commands =
                (0_u32..).zip(inputs).map(|(which, (saga, input))| command::<S>(number, which, *saga, input));
            Client::new(false, commands.collect::<Vec<_>>())
        });
        Scenario::new(&name, &fleet, settings, vec![], clients.collect())
    }
}

fn command<S: Hosted<EffectAnswer: Hash>>(client: u32, which: u32, saga: Uuid, input: &S::Input) -> Command {
    let input = input.clone();
    Command::new::<SagaContext<S>>(input.label(), RETRIES, move |known| {
        let number = u128::from(client) << 80 | u128::from(which) << 40 | u128::from(known.attempt);
        let id = Uuid::from_u128(0x0190_0000_0000 << 80 | 0x7_f00 << 64 | 0b10 << 62 | number);
        let key = Idempotency {
            scope: format!("client {client}"),
            key: which.to_string(),
            fingerprint: format!("{saga} {input:?}"),
        };
        Message {
            id: MessageId(id),
            origin: Origin::Command(Some(key)),
            correlation: CorrelationId(saga),
            causation: None,
            traceparent: None,
            input: Addressed { saga, signal: Signal::Input(input.clone()) },
        }
    })
}
