//! Interprets the consumer machine.

use ecom_core::engine::consumer::{Completion, Request, Verdict};
use ecom_core::engine::{Fault, Message, Outcome};
use ecom_core::port::{Body, Delivery, Settlement};

use super::super::Lane;
use super::super::node::Env;
use super::super::process::Process;
use super::super::service::{Service, name};
use super::commit::Ended;
use crate::choose::{Fate, Op, Site};
use crate::coverage::{self, Step};
use crate::invariant::Broken;
use crate::mutant::Mutant;
use crate::port::{Simulated, wire};

const SETTLED: &[Fate] = &[Fate::Fine, Fate::UnknownNotDone, Fate::CrashBefore, Fate::CrashAfter];

/// A consumer that waits hears that its connection is gone.
const CLOSED: &str = "the subscription ends";

/// A consumer finds no broker to subscribe at.
const UNSUBSCRIBED: &str = "no subscription is to be had";

/// How far a transaction came in one step.
enum Handled {
    /// To its end.
    Ended(Completion),
    /// It has only begun.
    Begun,
    /// The process died.
    Died,
}

impl<C: Simulated> Process<C> {
    /// One step; `None` when the process died.
    pub(in super::super) fn consume(&mut self, service: &mut Service<C>, env: &mut Env<'_>) -> Option<()> {
        // Taken, not copied: the machine's next request takes its place.
        let request = std::mem::replace(&mut self.consumer.as_mut()?.request, Request::Subscribe);
        let completion = match request {
            Request::Subscribe if service.is_cut(env.time) => {
                env.happens(UNSUBSCRIBED);
                Completion::Closed
            }
            Request::Subscribe => Completion::Subscribed,
            Request::Receive { .. } if service.is_cut(env.time) => self.lose_broker(env),
            Request::Receive { max } => self.receive(max, service, env),
            Request::Transact { deliveries } => match self.handle(&deliveries, service, env) {
                Handled::Ended(completion) => completion,
                Handled::Begun => {
                    self.consumer.as_mut()?.request = Request::Transact { deliveries };
                    return Some(());
                }
                Handled::Died => return None,
            },
            Request::CountAttempts { ids } => {
                let queue = self.consumer.as_ref()?.machine.queue().to_owned();
                env.trace.touch(self.node);
                let mut count = |id| {
                    if env.small_fault(self.node, Op::Write) {
                        return Err(away());
                    }
                    Ok(service.tables.count_attempt(&queue, id, env.now))
                };
                Completion::Counted(ids.into_iter().map(&mut count).collect())
            }
            Request::Bury { letters } => {
                env.trace.touch(self.node);
                let mut bury = |letter: ecom_core::engine::DeadLetter| {
                    if env.small_fault(self.node, Op::Write) {
                        return Err(away());
                    }
                    env.trace
                        .say(true, || format!("{} gives {} up: {}", name::<C>(), letter.event_type, letter.reason));
                    service.tables.bury(letter, env.now);
                    Ok(())
                };
                Completion::Buried(letters.into_iter().map(&mut bury).collect())
            }
            Request::Settle { settlements } if service.is_cut(env.time) => {
                self.settles(&settlements, None, service, env);
                env.broker.close(self.node, self.copy);
                Completion::Closed
            }
            Request::Settle { settlements } => match self.settlement(&settlements, service, env) {
                Fate::CrashBefore => return None,
                Fate::UnknownNotDone => {
                    env.trace.say(true, || format!("the settlement of {} is lost with its channel", name::<C>()));
                    env.broker.close(self.node, self.copy);
                    Completion::Closed
                }
                fate => {
                    env.broker.settle(self.node, self.copy, &settlements, env.time);
                    env.trace.deliveries += settlements.len() as u64;
                    if fate.crashes() {
                        return None;
                    }
                    Completion::Settled
                }
            },
            Request::Pause { .. } => Completion::Rested,
        };
        self.consumed(completion, service, env);
        Some(())
    }

    /// Whoever waits for a message hears that the broker is gone.
    fn lose_broker(&self, env: &mut Env<'_>) -> Completion {
        env.trace.say(true, || format!("the subscription of {} ends with its connection", name::<C>()));
        env.happens(CLOSED);
        env.broker.close(self.node, self.copy);
        Completion::Closed
    }

    /// Subscribes at once when the broker is there: that needs no step.
    pub(in super::super) fn subscribe(&mut self, service: &Service<C>, env: &Env<'_>) {
        if service.is_cut(env.time) {
            return;
        }
        if let Some(driven) = &mut self.consumer
            && driven.request == Request::Subscribe
        {
            driven.request = driven.machine.resume(Completion::Subscribed);
        }
    }

    fn consumed(&mut self, completion: Completion, service: &Service<C>, env: &Env<'_>) {
        let Some(driven) = &mut self.consumer else { return };
        driven.request = driven.machine.resume(completion);
        driven.rest = match &driven.request {
            Request::Pause { delay } => Some(env.now.after(*delay)),
            _ => None,
        };
        self.subscribe(service, env);
    }

    /// How a settlement ends.
    fn settlement(&self, settlements: &[(u64, Settlement)], service: &Service<C>, env: &mut Env<'_>) -> Fate {
        let fate = env.fate(self.node, Op::Settle, SETTLED);
        self.settles(settlements, Some(fate), service, env);
        fate
    }

    /// Keeps what is settled; without a fate the broker is not reached.
    fn settles(&self, settlements: &[(u64, Settlement)], fate: Option<Fate>, service: &Service<C>, env: &mut Env<'_>) {
        let Some(coverage) = env.trace.coverage() else { return };
        for (tag, settlement) in settlements {
            let Some(envelope) = env.broker.held(self.node, self.copy, *tag) else { continue };
            let outcome = match (fate, settlement) {
                (None, _) => "cut off",
                (Some(Fate::Fine), Settlement::Retry(_)) => "given back",
                (Some(fate), _) => fate.word(),
            };
            let met = coverage::meets_event::<C>(envelope, service.tables.snapshot());
            coverage.reach(self.node, met, Step::Settle, outcome);
        }
    }

    fn receive(&self, max: usize, service: &Service<C>, env: &mut Env<'_>) -> Completion {
        let waiting = env.broker.ready(self.node, env.time);
        let site = Site { node: self.node, op: Op::Deliver };
        let skip = if waiting > 1 { env.chooser.message(site, waiting) } else { 0 };
        let deliveries = env.broker.deliver(self.node, self.copy, skip, max, env.time);
        for delivery in &deliveries {
            env.trace.id(delivery.id());
        }
        let twice =
            !deliveries.is_empty() && env.fate(self.node, Op::Duplicate, &[Fate::Fine, Fate::Twice]) == Fate::Twice;
        if let Some(coverage) = env.trace.coverage() {
            coverage.delivered::<C>(self.node, &deliveries, (skip > 0, twice), service.tables.snapshot());
        }
        if let Some(first) = deliveries.first().filter(|_| twice) {
            env.broker.double(self.node, self.copy, first.tag);
            env.trace.say(true, || format!("{} will come to {} twice", names(&deliveries[..1]), name::<C>()));
        }
        if env.has(Mutant::AckBeforeCommit) {
            let done: Vec<_> = deliveries.iter().map(|delivery| (delivery.tag, Settlement::Done)).collect();
            env.broker.settle(self.node, self.copy, &done, env.now);
        }
        env.trace.say(false, || {
            let again = if deliveries.iter().any(|it| it.redelivered) { " again" } else { "" };
            let overtaking = if skip > 0 { ", before older ones" } else { "" };
            format!("{} gets {}{again}{overtaking}", name::<C>(), names(&deliveries))
        });
        let deliveries = if env.settings.wire { self.arrived(deliveries, env) } else { deliveries };
        let release = self.release_now(env);
        Completion::Received(deliveries.into_iter().map(|delivery| C::read_as(delivery, release)).collect())
    }

    /// The same after they went over the wire.
    fn arrived(&self, deliveries: Vec<Delivery>, env: &mut Env<'_>) -> Vec<Delivery> {
        let arrive = |delivery: Delivery| {
            let Body::Event(sent) = &delivery.body else { return delivery };
            let body = wire::arrived(sent, env.settings.mutant);
            if body != delivery.body {
                let read = match &body {
                    Body::Event(envelope) => format!("{envelope:?}"),
                    Body::Unreadable { error, .. } => error.clone(),
                };
                env.trace.garble(self.node, Broken::new("an event", format!("{sent:?}"), read));
            }
            Delivery { body, ..delivery }
        };
        deliveries.into_iter().map(arrive).collect()
    }

    /// The transaction of a group.
    fn handle(&mut self, deliveries: &[Delivery], service: &mut Service<C>, env: &mut Env<'_>) -> Handled {
        let made: Vec<Option<Message<C>>> = deliveries
            .iter()
            .map(|delivery| match &delivery.body {
                Body::Event(envelope) => Message::from_event(envelope),
                Body::Unreadable { .. } => None,
            })
            .collect();
        let concerned: Vec<bool> = made.iter().map(Option::is_some).collect();
        let messages: Vec<Message<C>> = made.into_iter().flatten().collect();
        if messages.is_empty() {
            return Handled::Ended(Completion::Transacted(vec![Verdict::NotConcerned; concerned.len()]));
        }
        Handled::Ended(match self.commit(Lane::Consumer, messages, service, env) {
            Ended::Died => return Handled::Died,
            Ended::Begun => return Handled::Begun,
            Ended::RolledBack(_) if env.has(Mutant::AckAfterRollback) => {
                Completion::Transacted(vec![Verdict::Done; concerned.len()])
            }
            Ended::Unknown if env.has(Mutant::AckAfterUnknown) => {
                Completion::Transacted(vec![Verdict::Done; concerned.len()])
            }
            Ended::RolledBack(fault) => Completion::RolledBack(fault),
            Ended::Unknown => Completion::Unknown,
            Ended::Committed(outcomes) => Completion::Transacted(verdicts(&concerned, &outcomes)),
        })
    }
}

/// One verdict for each message that was asked about.
pub(super) fn verdicts<C: Simulated>(concerned: &[bool], outcomes: &[Outcome<C>]) -> Vec<Verdict> {
    let mut outcomes = outcomes.iter().map(Verdict::from);
    let mut verdict =
        |concerned: &bool| if *concerned { outcomes.next() } else { None }.unwrap_or(Verdict::NotConcerned);
    concerned.iter().map(&mut verdict).collect()
}

fn names(deliveries: &[Delivery]) -> String {
    let name = |delivery: &Delivery| match &delivery.body {
        Body::Event(envelope) => envelope.event.event_type().name().to_owned(),
        Body::Unreadable { event_type, .. } => event_type.clone(),
    };
    deliveries.iter().map(name).collect::<Vec<_>>().join(", ")
}

pub(super) fn away() -> Fault {
    Fault::Unavailable("the simulated database is away".to_owned())
}
