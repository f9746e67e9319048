//! Interprets the relay machine.

use std::sync::Arc;

use ecom_core::engine::relay::{Completion, Request};
use ecom_core::event::Envelope;
use ecom_core::port::{Claimed, Published};

use super::super::node::Env;
use super::super::process::Process;
use super::super::service::{Service, name};
use super::consume::away;
use crate::choose::{Fate, Op};
use crate::coverage::Step;
use crate::mutant::Mutant;
use crate::port::{Simulated, Stored};

const ENDS: &[Fate] = &[
    Fate::Fine,
    Fate::UnknownNotDone,
    Fate::UnknownDone,
    Fate::UnknownHalf,
    Fate::CrashBefore,
    Fate::CrashAfter,
    Fate::Returned,
];

impl<C: Simulated> Process<C> {
    /// One step; `None` when the process died.
    pub(in super::super) fn publish(&mut self, service: &mut Service<C>, env: &mut Env<'_>) -> Option<()> {
        let completion = match &self.relay.request {
            Request::Wait { .. } => self.rows.pop_front().map_or_else(
                || {
                    self.wakes.outbox.take_if(|wake| *wake <= env.now);
                    Completion::Woken
                },
                Completion::Rows,
            ),
            Request::Pause { .. } => Completion::Rested,
            Request::Publish { .. } => {
                let cut = service.is_cut(env.time);
                let fate = if cut { Fate::UnknownNotDone } else { env.fate(self.node, Op::Publish, ENDS) };
                let ended = if cut { "cut off" } else { fate.word() };
                self.send(fate, ended, service, env)?
            }
            Request::Claim { .. } | Request::Delete { .. } => {
                self.sweep(service, env);
                return Some(());
            }
        };
        self.relay.request = self.relay.machine.resume(completion);
        self.relay.rest = None;
        self.sweep(service, env);
        Some(())
    }

    fn send(&self, fate: Fate, ended: &'static str, service: &Service<C>, env: &mut Env<'_>) -> Option<Completion> {
        let Request::Publish { rows } = &self.relay.request else { return None };
        let stored = match fate {
            Fate::Fine | Fate::UnknownDone | Fate::CrashAfter | Fate::Returned => Some(Stored::All),
            Fate::UnknownHalf => Some(Stored::First),
            _ => None,
        };
        // No queue is bound to the event of the first row; what else is published with it finds its queues.
        let unbound = rows.first().filter(|_| fate == Fate::Returned).map(|row| row.event.event_type());
        let is_returned = |row: &Envelope| Some(row.event.event_type()) == unbound;
        for row in rows {
            env.trace.id(row.event_id);
            if let Some(coverage) = env.trace.coverage() {
                let ended = if unbound.is_some() && !is_returned(row) { Fate::Fine.word() } else { ended };
                coverage.reach(self.node, (row.event.event_type().name(), "-"), Step::Publish, ended);
            }
            if let Some(stored) = stored.filter(|_| !is_returned(row)) {
                store(row, stored, service, env);
            }
        }
        env.trace.say(fate != Fate::Fine, || {
            let names: Vec<_> = rows.iter().map(|row| row.event.event_type().name()).collect();
            let how = match fate {
                Fate::Fine => "",
                Fate::UnknownDone => ": stored, but the confirm is lost",
                Fate::UnknownHalf => ": stored in one queue alone, and the confirm is lost",
                Fate::CrashAfter => ": stored, and the process dies",
                Fate::CrashBefore => ": the process dies before",
                Fate::Returned => ": the broker has no queue for the first and gives it back",
                _ => ": not stored, and no confirm",
            };
            format!("{} publishes {}{how}", name::<C>(), names.join(", "))
        });
        if fate.crashes() {
            return None;
        }
        let granted = env.has(Mutant::ConfirmTakenForGranted);
        let result = |row: &Arc<Envelope>| match fate {
            _ if granted => Published::Confirmed,
            Fate::Returned if is_returned(row) => Published::Unroutable,
            Fate::Fine | Fate::Returned => Published::Confirmed,
            _ => Published::Unknown("no confirm".to_owned()),
        };
        Some(Completion::Published(rows.iter().map(result).collect()))
    }

    /// Does what needs nobody else.
    pub(in super::super) fn sweep(&mut self, service: &mut Service<C>, env: &mut Env<'_>) {
        loop {
            let completion = match &self.relay.request {
                Request::Claim { limit } => {
                    if env.has(Mutant::OutboxNotSwept) {
                        Completion::Claimed(Claimed { items: vec![], next: None })
                    } else if env.small_fault(self.node, Op::Claim) {
                        Completion::Failed(away())
                    } else {
                        Completion::Claimed(service.tables.claim_outbox(*limit, env.now, env.settings.lease))
                    }
                }
                Request::Delete { ids } => {
                    // Rides in the service's next transaction; a crash before it means a publication more.
                    self.delivered.extend(ids);
                    Completion::Deleted
                }
                Request::Pause { delay } => {
                    self.relay.rest.get_or_insert(env.now.after(*delay));
                    return;
                }
                Request::Wait { .. } | Request::Publish { .. } => return,
            };
            self.relay.request = self.relay.machine.resume(completion);
        }
    }

    /// Deletes confirmed rows on their own.
    pub(in super::super) fn flush(&mut self, service: &mut Service<C>, env: &mut Env<'_>) {
        let ids = std::mem::take(&mut self.delivered);
        if env.small_fault(self.node, Op::Write) {
            self.sweep_after(env.settings.lease, env.now);
        } else {
            service.tables.delivered(&ids);
        }
        env.trace.touch_rows(self.node);
    }
}

/// The broker takes an event, which somebody must have written down before.
pub(super) fn store<C: Simulated>(row: &Arc<Envelope>, stored: Stored, service: &Service<C>, env: &mut Env<'_>) {
    if !service.tables.raised().iter().any(|it| it.event_id == row.event_id) {
        env.trace.unfounded(C::SERVICE as u8, row);
    }
    env.broker.store(row, stored, env.time);
}
