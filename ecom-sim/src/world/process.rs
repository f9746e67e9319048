//! One process of a service: the engine's machines, and what the host keeps in memory around them.
//!
//! It interprets the machines as the services' host does, with the simulated doors in place of the real ones.

use std::collections::{BTreeMap, VecDeque};
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use ecom_core::engine::clockwork::{self, Clockwork};
use ecom_core::engine::consumer::{self, Consumer};
use ecom_core::engine::effector::{self, Call, CallRequest, Effector, Ticket};
use ecom_core::engine::relay::{self, Relay};
use ecom_core::engine::{EffectRow, Message};
use ecom_core::event::Envelope;
use ecom_core::fleet;
use ecom_core::id::MessageId;
use ecom_core::testing::Begun;
use ecom_core::time::Timestamp;

use super::Lane;
use super::node::Env;
use super::service::Service;
use crate::hash::Hasher128;
use crate::port::{Broker, Simulated};

/// Calls of one process at a time.
pub(super) const CALLS_MAX: usize = 64;

/// Stands for the outside among the clients.
pub(super) const OUTSIDE: u8 = u8::MAX;

/// A machine, what it asks for, and when its pause ends.
#[derive(Clone, Debug)]
pub(super) struct Driven<M, R> {
    pub(super) machine: M,
    pub(super) request: R,
    pub(super) rest: Option<Timestamp>,
}

impl<M, R> Driven<M, R> {
    pub(super) const fn new(machine: M, request: R) -> Self {
        Self { machine, request, rest: None }
    }
}

/// A call of the outside under way.
#[derive(Clone, Debug)]
pub(super) struct Calling<C: Simulated> {
    pub(super) number: u8,
    pub(super) call: Driven<Call, CallRequest>,
    pub(super) row: EffectRow<C::Effect>,
    pub(super) since: Timestamp,
    pub(super) answer: Option<C::EffectAnswer>,
}

/// When each loop is to wake: what one forgets when it wakes, another must not miss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Wakes {
    pub(super) outbox: Option<Timestamp>,
    pub(super) effects: Option<Timestamp>,
    pub(super) timers: Option<Timestamp>,
    pub(super) delayed: Option<Timestamp>,
}

/// A transaction that has read and decided.
#[derive(Clone, Debug)]
pub(super) struct Under<C: Simulated> {
    pub(super) lane: Lane,
    pub(super) begun: Begun<C>,
    pub(super) messages: Vec<Message<C>>,
    pub(super) delivered: Vec<MessageId>,
    pub(super) conflicts: u32,
}

/// One process.
pub(super) struct Process<C: Simulated> {
    pub(super) node: u8,
    pub(super) copy: u8,
    /// Which of several releases it runs.
    pub(super) release: u8,
    pub(super) consumer: Option<Driven<Consumer, consumer::Request>>,
    pub(super) relay: Driven<Relay, relay::Request>,
    pub(super) effector: Driven<Effector, effector::Request>,
    pub(super) clock: Driven<Clockwork, clockwork::Request>,
    pub(super) calls: Vec<Calling<C>>,
    /// Events that were just committed, for the relay.
    pub(super) rows: VecDeque<Vec<Arc<Envelope>>>,
    pub(super) claimed: BTreeMap<Ticket, EffectRow<C::Effect>>,
    pub(super) claimed_at: Timestamp,
    /// Confirmed outbox rows that the next transaction deletes.
    pub(super) delivered: Vec<MessageId>,
    pub(super) wakes: Wakes,
    pub(super) under: Option<Under<C>>,
    pub(super) limits: effector::Limits,
}

impl<C: Simulated> Clone for Process<C> {
    fn clone(&self) -> Self {
        Self {
            node: self.node,
            copy: self.copy,
            release: self.release,
            consumer: self.consumer.clone(),
            relay: self.relay.clone(),
            effector: self.effector.clone(),
            clock: self.clock.clone(),
            calls: self.calls.clone(),
            rows: self.rows.clone(),
            claimed: self.claimed.clone(),
            claimed_at: self.claimed_at,
            delivered: self.delivered.clone(),
            wakes: self.wakes,
            under: self.under.clone(),
            limits: self.limits,
        }
    }
}

impl<C: Simulated> Process<C> {
    /// A process that has not done anything.
    pub(super) fn new(node: u8, copy: u8, env: &Env<'_>) -> Self {
        let limits = effector::Limits {
            lease: env.settings.lease,
            call_max: env.settings.call_max,
            ..effector::Limits::default()
        };
        let role = fleet::role(C::SERVICE).filter(|role| !role.consumes.is_empty());
        let consumer = role.map(|role| {
            let machine = Consumer::new(role.queue, env.settings.consumer);
            let request = machine.start();
            Driven::new(machine, request)
        });
        let relay = Relay::new(relay::Limits::default());
        let effector = Effector::new(limits, CALLS_MAX);
        let clock = Clockwork::new(clockwork::Limits::default());
        let (relay_request, effector_request, clock_request) = (relay.start(), effector.start(), clock.start());
        Self {
            node,
            copy,
            release: C::release(copy, None),
            consumer,
            relay: Driven::new(relay, relay_request),
            effector: Driven::new(effector, effector_request),
            clock: Driven::new(clock, clock_request),
            calls: vec![],
            rows: VecDeque::new(),
            claimed: BTreeMap::new(),
            claimed_at: env.now,
            delivered: vec![],
            wakes: Wakes::default(),
            under: None,
            limits,
        }
    }

    /// Looks for what a former life left.
    pub(super) fn start(&mut self, service: &mut Service<C>, env: &mut Env<'_>) {
        self.subscribe(service, env);
        self.sweep(service, env);
        self.claim_effects(service, env);
        self.find_timers(service, env);
    }

    /// Which of several releases it runs now.
    pub(super) fn release_now(&self, env: &Env<'_>) -> u8 {
        C::release_at(self.release, env.time.since(super::DAWN))
    }

    /// All lanes, in the order in which they go on.
    pub(super) fn lanes(&self) -> impl Iterator<Item = Lane> {
        let command = self.under.as_ref().map(|under| under.lane).filter(|lane| matches!(lane, Lane::Command(_)));
        [Lane::Relay, Lane::Effector]
            .into_iter()
            .chain(self.calls.iter().map(|calling| Lane::Call(calling.number)))
            .chain([Lane::Consumer, Lane::Clock])
            .chain(command)
            .chain((!self.delivered.is_empty()).then_some(Lane::Flush))
    }

    /// Whether the lane waits for a message.
    pub(super) fn would_receive(&self, lane: Lane) -> bool {
        let receives = |request: &consumer::Request| matches!(request, consumer::Request::Receive { .. });
        lane == Lane::Consumer && self.consumer.as_ref().is_some_and(|driven| receives(&driven.request))
    }

    /// Whether the lane can go on: `now` by the service's clock, `time` by the broker's.
    pub(super) fn can_run(&self, lane: Lane, now: Timestamp, broker: &Broker, time: Timestamp) -> bool {
        let rested = |rest: Option<Timestamp>| rest.is_none_or(|rest| rest <= now);
        let due = |time: Option<Timestamp>| time.is_some_and(|time| time <= now);
        match lane {
            Lane::Consumer => self.consumer.as_ref().is_some_and(|driven| match &driven.request {
                consumer::Request::Receive { .. } => broker.has_ready(self.node, time),
                consumer::Request::Transact { .. } => self.is_free_for(lane),
                consumer::Request::Pause { .. } => rested(driven.rest),
                consumer::Request::Subscribe
                | consumer::Request::CountAttempts { .. }
                | consumer::Request::Bury { .. }
                | consumer::Request::Settle { .. } => true,
            }),
            Lane::Relay => match &self.relay.request {
                relay::Request::Wait { until } => !self.rows.is_empty() || due(*until) || due(self.wakes.outbox),
                relay::Request::Pause { .. } => rested(self.relay.rest),
                relay::Request::Claim { .. } | relay::Request::Publish { .. } | relay::Request::Delete { .. } => true,
            },
            Lane::Effector => match &self.effector.request {
                effector::Request::Room => self.calls.len() < CALLS_MAX,
                effector::Request::Wait { until } => due(*until) || due(self.wakes.effects) || due(self.wakes.delayed),
                effector::Request::Pause { .. } => rested(self.effector.rest),
                effector::Request::Claim { .. } | effector::Request::Begin { .. } => true,
            },
            Lane::Clock => match &self.clock.request {
                clockwork::Request::Wait { until, .. } => due(*until) || due(self.wakes.timers) || due(self.clock.rest),
                clockwork::Request::Pause { .. } => rested(self.clock.rest),
                clockwork::Request::Transact { .. } => self.is_free_for(lane),
                clockwork::Request::Find { .. } => true,
            },
            Lane::Call(number) => self.calling(number).is_some_and(|calling| match calling.call.request {
                CallRequest::Transact(_) => self.is_free_for(lane),
                CallRequest::Pause { .. } => rested(calling.call.rest),
                CallRequest::Turn | CallRequest::Perform(_) | CallRequest::End(_) => true,
            }),
            Lane::Flush => !self.delivered.is_empty() && self.under.is_none(),
            Lane::Command(_) => self.under.as_ref().is_some_and(|under| under.lane == lane),
        }
    }

    /// When a lane that waits goes on by itself.
    pub(super) fn due(&self, lane: Lane) -> Option<Timestamp> {
        let earliest = |times: [Option<Timestamp>; 3]| times.into_iter().flatten().min();
        match lane {
            Lane::Consumer => self.consumer.as_ref().and_then(|driven| driven.rest),
            Lane::Relay => match &self.relay.request {
                relay::Request::Wait { until } => earliest([*until, self.wakes.outbox, None]),
                _ => self.relay.rest,
            },
            Lane::Effector => match &self.effector.request {
                effector::Request::Wait { until } => earliest([*until, self.wakes.effects, self.wakes.delayed]),
                _ => self.effector.rest,
            },
            Lane::Clock => match &self.clock.request {
                clockwork::Request::Wait { until, .. } => earliest([*until, self.wakes.timers, self.clock.rest]),
                _ => self.clock.rest,
            },
            Lane::Call(number) => self.calling(number).and_then(|calling| calling.call.rest),
            Lane::Flush | Lane::Command(_) => None,
        }
    }

    /// Whether a lane holds something that nobody else can carry on.
    pub(super) fn is_busy(&self, lane: Lane) -> bool {
        match lane {
            Lane::Consumer => self.consumer.as_ref().is_some_and(|driven| !driven.machine.is_idle()),
            Lane::Relay => !self.relay.machine.is_idle(),
            Lane::Clock => !self.clock.machine.is_idle(),
            Lane::Call(number) => self.calling(number).is_some(),
            Lane::Effector | Lane::Flush => false,
            Lane::Command(_) => true,
        }
    }

    /// One step; whether the process died.
    pub(super) fn run(&mut self, lane: Lane, service: &mut Service<C>, env: &mut Env<'_>) -> bool {
        let ended = match lane {
            Lane::Consumer => self.consume(service, env),
            Lane::Relay => self.publish(service, env),
            Lane::Effector => {
                self.effects(service, env);
                return false;
            }
            Lane::Clock => self.tick(service, env),
            Lane::Call(number) => self.carry(number, service, env),
            Lane::Flush => {
                self.flush(service, env);
                return false;
            }
            Lane::Command(client) => self.conclude(client, service, env),
        };
        ended.is_none()
    }

    /// The client whose command is in a transaction.
    pub(super) fn client(&self) -> Option<u8> {
        match self.under.as_ref().map(|under| under.lane) {
            Some(Lane::Command(client)) => Some(client),
            Some(Lane::Consumer | Lane::Relay | Lane::Effector | Lane::Clock | Lane::Flush | Lane::Call(_)) | None => {
                None
            }
        }
    }

    pub(super) fn calling(&self, number: u8) -> Option<&Calling<C>> {
        self.calls.iter().find(|calling| calling.number == number)
    }

    fn is_free_for(&self, lane: Lane) -> bool {
        self.under.as_ref().is_none_or(|under| under.lane == lane)
    }

    /// Wakes the sweepers after that time.
    pub(super) fn sweep_after(&mut self, delay: Duration, now: Timestamp) {
        wake(&mut self.wakes.outbox, now.after(delay));
        wake(&mut self.wakes.effects, now.after(delay));
    }

    /// Wakes the keepers of timers and delayed effects.
    pub(super) fn due_at(&mut self, due: Timestamp) {
        wake(&mut self.wakes.timers, due);
        wake(&mut self.wakes.delayed, due);
    }

    pub(super) fn hash_into(&self, hasher: &mut Hasher128) {
        let consumer = self.consumer.as_ref().map(|driven| (&driven.machine, driven.rest));
        consumer.hash(hasher);
        (&self.relay.machine, self.relay.rest, &self.effector.machine, self.effector.rest).hash(hasher);
        (&self.clock.machine, self.clock.rest, &self.rows, &self.wakes).hash(hasher);
        self.delivered.hash(hasher);
        for calling in &self.calls {
            (&calling.call.machine, calling.call.rest, calling.since, &calling.row, &calling.answer).hash(hasher);
        }
        if self.release != 0 {
            self.release.hash(hasher);
        }
        if let Some(under) = &self.under {
            (under.lane, under.conflicts, &under.begun).hash(hasher);
        }
    }
}

/// Wakes at that time, or earlier if an earlier one is set.
pub(super) fn wake(wake: &mut Option<Timestamp>, at: Timestamp) {
    *wake = Some(wake.map_or(at, |known| known.min(at)));
}
