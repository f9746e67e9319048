//! Interprets the clockwork machine.

use ecom_core::engine::Message;
use ecom_core::engine::clockwork::{Completion, Request};
use ecom_core::engine::consumer::Verdict;

use super::super::Lane;
use super::super::node::Env;
use super::super::process::Process;
use super::super::service::{Service, name};
use super::commit::Ended;
use super::consume::{away, verdicts};
use crate::choose::Op;
use crate::port::Simulated;

impl<C: Simulated> Process<C> {
    /// One step; `None` when the process died.
    pub(in super::super) fn tick(&mut self, service: &mut Service<C>, env: &mut Env<'_>) -> Option<()> {
        let completion = match &self.clock.request {
            Request::Wait { .. } => {
                self.wakes.timers.take_if(|wake| *wake <= env.now);
                Completion::Woken
            }
            Request::Pause { .. } => Completion::Rested,
            Request::Find { .. } => {
                self.find_timers(service, env);
                return Some(());
            }
            Request::Transact { timers } => {
                let timers = timers.clone();
                for timer in &timers {
                    env.trace.about(timer.subject);
                }
                env.trace.say(false, || {
                    let kinds: Vec<_> = timers.iter().map(|timer| timer.kind.as_ref()).collect();
                    format!("{}: the timer {} fires", name::<C>(), kinds.join(", "))
                });
                let made: Vec<Option<Message<C>>> = timers.iter().map(Message::from_timer).collect();
                let concerned: Vec<bool> = made.iter().map(Option::is_some).collect();
                let messages: Vec<Message<C>> = made.into_iter().flatten().collect();
                if messages.is_empty() {
                    Completion::Transacted(vec![Verdict::NotConcerned; concerned.len()])
                } else {
                    match self.commit(Lane::Clock, messages, service, env) {
                        Ended::Died => return None,
                        Ended::Begun => return Some(()),
                        Ended::RolledBack(fault) => Completion::Failed(fault),
                        Ended::Unknown => Completion::Unknown,
                        Ended::Committed(outcomes) => Completion::Transacted(verdicts(&concerned, &outcomes)),
                    }
                }
            }
        };
        self.clock.request = self.clock.machine.resume(completion);
        self.clock.rest = None;
        self.find_timers(service, env);
        Some(())
    }

    /// Does what needs nobody else.
    pub(in super::super) fn find_timers(&mut self, service: &Service<C>, env: &mut Env<'_>) {
        loop {
            let completion = match &self.clock.request {
                Request::Find { limit } => {
                    if env.small_fault(self.node, Op::Claim) {
                        Completion::Failed(away())
                    } else {
                        Completion::Found(service.tables.due_timers(*limit, env.now))
                    }
                }
                Request::Wait { at_most, .. } => {
                    if let Some(delay) = at_most {
                        self.clock.rest.get_or_insert(env.now.after(*delay));
                    }
                    return;
                }
                Request::Pause { delay } => {
                    self.clock.rest.get_or_insert(env.now.after(*delay));
                    return;
                }
                Request::Transact { .. } => return,
            };
            self.clock.request = self.clock.machine.resume(completion);
        }
    }
}
