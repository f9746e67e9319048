//! Interprets the effector machines.

use ecom_core::engine::effector::{Call, CallCompletion, CallRequest, Completion, Ending, Request, Ticket};
use ecom_core::engine::{EffectRow, Fault, Message, Outcome};
use ecom_core::port::Claimed;
use ecom_core::time::Timestamp;

use super::super::Lane;
use super::super::node::Env;
use super::super::process::{CALLS_MAX, Calling, Driven, OUTSIDE, Process, wake};
use super::super::service::{Service, name};
use super::commit::Ended;
use super::consume::away;
use crate::choose::{Fate, Op};
use crate::coverage::Step;
use crate::invariant::Broken;
use crate::mutant::Mutant;
use crate::port::{CALLS, OutsideWorld, REFUSABLE, Simulated, WEBHOOKS, wire};

impl<C: Simulated> Process<C> {
    /// One step of the effector.
    pub(in super::super) fn effects(&mut self, service: &mut Service<C>, env: &mut Env<'_>) {
        let completion = match &self.effector.request {
            Request::Pause { .. } => Some(Completion::Rested),
            Request::Wait { .. } => {
                self.wakes.effects.take_if(|wake| *wake <= env.now);
                self.wakes.delayed.take_if(|wake| *wake <= env.now);
                Some(Completion::Woken { room: self.room() })
            }
            Request::Claim { .. } | Request::Begin { .. } | Request::Room => None,
        };
        if let Some(completion) = completion {
            self.effector.request = self.effector.machine.resume(completion);
            self.effector.rest = None;
        }
        self.claim_effects(service, env);
    }

    /// Does what needs nobody else.
    pub(in super::super) fn claim_effects(&mut self, service: &mut Service<C>, env: &mut Env<'_>) {
        loop {
            let completion = match &self.effector.request {
                Request::Claim { limit } => {
                    if env.small_fault(self.node, Op::Claim) {
                        Completion::Failed(away())
                    } else {
                        let Claimed { mut items, next } =
                            service.tables.claim_effects(*limit, env.now, env.settings.lease);
                        if env.has(Mutant::EffectsNotSwept) {
                            items.clear();
                        }
                        self.claimed_at = env.now;
                        self.claimed = items.into_iter().map(|row| (Ticket::from(&row), row)).collect();
                        Completion::Claimed(Claimed { items: self.claimed.keys().copied().collect(), next })
                    }
                }
                Request::Begin { .. } => {
                    for row in std::mem::take(&mut self.claimed).into_values() {
                        self.call(row, self.claimed_at, env);
                    }
                    Completion::Begun { room: self.room() }
                }
                Request::Room if self.room() > 0 => Completion::Woken { room: self.room() },
                Request::Pause { delay } => {
                    self.effector.rest.get_or_insert(env.now.after(*delay));
                    return;
                }
                Request::Room | Request::Wait { .. } => return,
            };
            self.effector.request = self.effector.machine.resume(completion);
        }
    }

    const fn room(&self) -> usize {
        CALLS_MAX.saturating_sub(self.calls.len())
    }

    /// Begins a call.
    pub(super) fn call(&mut self, row: EffectRow<C::Effect>, since: Timestamp, env: &mut Env<'_>) {
        let row = if env.settings.wire { self.stored(row, env) } else { row };
        let mut machine = Call::new(Ticket::from(&row), self.limits);
        let request = machine.resume(&CallCompletion::Turn { held: env.now.since(since) });
        if let CallRequest::End(_) = request {
            wake(&mut self.wakes.effects, env.now.after(env.settings.lease));
            return;
        }
        let number = (0..=u8::MAX).find(|number| self.calling(*number).is_none()).unwrap_or(u8::MAX);
        let call = Driven::new(machine, request);
        self.calls.push(Calling { number, call, row, since, answer: None });
    }

    /// The same as it is read from where it is stored.
    fn stored(&self, row: EffectRow<C::Effect>, env: &mut Env<'_>) -> EffectRow<C::Effect> {
        let broken = |read: String| Broken::new("a call", format!("{:?}", row.effect), read);
        match wire::stored(&row.effect) {
            Ok(effect) if effect == row.effect => EffectRow { effect, ..row },
            Ok(effect) => {
                env.trace.garble(self.node, broken(format!("{effect:?}")));
                EffectRow { effect, ..row }
            }
            Err(error) => {
                env.trace.garble(self.node, broken(error));
                row
            }
        }
    }

    /// One step of a call; `None` when the process died.
    pub(in super::super) fn carry(&mut self, number: u8, service: &mut Service<C>, env: &mut Env<'_>) -> Option<()> {
        let place = self.calls.iter().position(|calling| calling.number == number)?;
        let completion = match self.calls[place].call.request {
            CallRequest::Turn => CallCompletion::Turn { held: env.now.since(self.calls[place].since) },
            CallRequest::Perform(_) => {
                let performed = perform(self.node, &self.calls[place].row, service, env);
                self.webhook(service, env)?;
                let answer = match performed {
                    Performed::Died => return None,
                    Performed::Ended(answer) => answer,
                };
                let is_answered = answer.is_some();
                self.calls[place].answer = answer;
                if is_answered { CallCompletion::Answered } else { CallCompletion::Lost }
            }
            CallRequest::Transact(_) => {
                let calling = &self.calls[place];
                let Some(answer) = calling.answer.clone() else { return Some(()) };
                let message = Message::from_answer(calling.row.clone(), answer);
                match self.commit(Lane::Call(number), vec![message], service, env) {
                    Ended::Died => return None,
                    Ended::Begun => return Some(()),
                    Ended::RolledBack(fault) => CallCompletion::RolledBack(fault),
                    Ended::Unknown => CallCompletion::Unknown,
                    Ended::Committed(outcomes) => match outcomes.first() {
                        Some(Outcome::Rejected(rejection)) => {
                            CallCompletion::RolledBack(Fault::Broken(rejection.to_string()))
                        }
                        _ => CallCompletion::Committed,
                    },
                }
            }
            CallRequest::Pause { .. } => CallCompletion::Rested,
            CallRequest::End(_) => return Some(()),
        };
        // New calls may have begun meanwhile, but this one has kept its place.
        let call = &mut self.calls[place].call;
        call.request = call.machine.resume(&completion);
        call.rest = match call.request {
            CallRequest::Pause { delay } => Some(env.now.after(delay)),
            _ => None,
        };
        if let CallRequest::End(ending) = call.request {
            self.calls.remove(place);
            if ending == Ending::Left {
                wake(&mut self.wakes.effects, env.now.after(env.settings.lease));
            }
        }
        Some(())
    }
}

impl<C: Simulated> Process<C> {
    /// What the outside tells of its own accord about a call that has just done something, before the caller hears the
    /// answer; `None` when the process died of it.
    fn webhook(&mut self, service: &mut Service<C>, env: &mut Env<'_>) -> Option<()> {
        if !service.outside.has_news() {
            service.outside.drop_news();
            return Some(());
        }
        let fate = env.fate(self.node, Op::Webhook, WEBHOOKS);
        if fate == Fate::Fine {
            service.outside.drop_news();
            return Some(());
        }
        env.trace.say(true, || {
            let when = match fate {
                Fate::Early => "before it answers",
                Fate::Twice => "before it answers and again later",
                _ => "later",
            };
            format!("{} tells it by webhook as well, {when}", C::OUTSIDE)
        });
        let Some(news) = service.outside.news() else { return Some(()) };
        match fate {
            // With several processes a transaction takes two steps, and others may come between: it is told as later ones are.
            Fate::Early | Fate::Twice if env.settings.copies == 1 => {
                if fate == Fate::Twice {
                    service.told.push(news.clone());
                }
                self.hear(news, service, env)
            }
            _ => {
                service.told.extend((fate == Fate::Twice).then(|| news.clone()));
                service.told.push(news);
                Some(())
            }
        }
    }

    /// Hears a webhook; what is not taken is told again. `None` when the process died of it.
    pub(in super::super) fn hear(
        &mut self,
        news: Message<C>,
        service: &mut Service<C>,
        env: &mut Env<'_>,
    ) -> Option<()> {
        match self.commit(Lane::Command(OUTSIDE), vec![news.clone()], service, env) {
            Ended::Committed(outcomes) => {
                let is_taken = !matches!(outcomes.first(), Some(Outcome::Rejected(_)) | None);
                service.told.extend((!is_taken).then_some(news));
                Some(())
            }
            Ended::Begun => {
                service.telling.push((self.copy, news));
                Some(())
            }
            Ended::RolledBack(_) | Ended::Unknown => {
                service.told.push(news);
                Some(())
            }
            Ended::Died => {
                service.told.push(news);
                None
            }
        }
    }
}

/// How a call of the outside went.
enum Performed<A> {
    /// It ended, with an answer or without one.
    Ended(Option<A>),
    /// The process died.
    Died,
}

/// The call itself.
fn perform<C: Simulated>(
    node: u8,
    row: &EffectRow<C::Effect>,
    service: &mut Service<C>,
    env: &mut Env<'_>,
) -> Performed<C::EffectAnswer> {
    let ends = if service.outside.may_refuse(row) { REFUSABLE } else { CALLS };
    let fate = env.fate(node, Op::Call, ends);
    if let Some(coverage) = env.trace.coverage() {
        coverage.reach(node, C::asks(&row.effect, service.tables.snapshot()), Step::Call, fate.word());
    }
    env.trace.id(row.id);
    env.trace.touch(node);
    let answer = match fate {
        Fate::Fine | Fate::UnknownDone | Fate::CrashAfter => {
            let answer = service.outside.call(row);
            if fate == Fate::Fine { answer } else { service.outside.unknown() }
        }
        Fate::Late | Fate::CrashLate => {
            service.late.push(row.clone());
            service.outside.unknown()
        }
        Fate::Transient => service.outside.transient(),
        Fate::Refused => service.outside.refuse(row),
        _ => service.outside.unknown(),
    };
    env.trace.say(fate != Fate::Fine, || {
        let how = match fate {
            Fate::Fine | Fate::Refused => said::<C>(answer.as_ref()),
            Fate::UnknownDone => "done, but the answer is lost".to_owned(),
            Fate::Late => "no answer; it will arrive later".to_owned(),
            Fate::CrashLate => "the process dies; it will arrive later".to_owned(),
            Fate::CrashAfter => "done, and the process dies".to_owned(),
            Fate::CrashBefore => "the process dies before it arrives".to_owned(),
            Fate::Transient => "not done, try again".to_owned(),
            _ => "not done, and no answer".to_owned(),
        };
        let (name, asks) = (name::<C>(), C::asks_for(&row.effect));
        format!("{name} calls {}, attempt {}: {asks}: {how}", C::OUTSIDE, row.attempts)
    });
    if fate.crashes() { Performed::Died } else { Performed::Ended(answer) }
}

/// An answer in words.
pub(in super::super) fn said<C: Simulated>(answer: Option<&C::EffectAnswer>) -> String {
    answer.map_or_else(|| "nobody answers".to_owned(), C::answers)
}
