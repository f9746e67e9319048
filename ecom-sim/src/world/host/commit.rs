//! A transaction: with one process read, decided and written in one step; with several, in two, so that others can come
//! between.

use ecom_core::decide::Answer;
use ecom_core::engine::{Batch, Committed, Fault, Message, Outcome};
use ecom_core::testing::Terms;

use super::super::Lane;
use super::super::node::{Answered, Env, Said};
use super::super::process::{Process, Under};
use super::super::service::{Service, name};
use super::publish::store;
use crate::choose::{Fate, Op};
use crate::coverage;
use crate::mutant::{self, Mutant};
use crate::port::{self, Simulated, Stored, fault, is_done};

/// How often a transaction that met a concurrent change is tried again before it is given back.
const CONFLICT_RETRIES: u32 = 3;

const ENDS: &[Fate] = &[
    Fate::Fine,
    Fate::Away,
    Fate::Conflict,
    Fate::Broken,
    Fate::UnknownDone,
    Fate::UnknownNotDone,
    Fate::CrashBefore,
    Fate::CrashAfter,
];

/// How a transaction ended, as whoever asked for it hears.
pub(in super::super) enum Ended<C: Simulated> {
    /// It is durable.
    Committed(Vec<Outcome<C>>),
    /// Nothing of it happened.
    RolledBack(Fault),
    /// It may have happened.
    Unknown,
    /// It has begun; the next step ends it.
    Begun,
    /// The process died.
    Died,
}

impl<C: Simulated> Process<C> {
    /// Handles messages in one transaction.
    pub(super) fn commit(
        &mut self,
        lane: Lane,
        mut messages: Vec<Message<C>>,
        service: &mut Service<C>,
        env: &mut Env<'_>,
    ) -> Ended<C> {
        let release = self.release_now(env);
        for message in &mut messages {
            C::hand_to(message, release);
        }
        if env.settings.copies > 1 {
            return match self.under.take() {
                None => self.begin(lane, messages, 0, service, env),
                Some(under) => self.finish(under, service, env),
            };
        }
        let fate = env.fate(self.node, Op::Commit, ENDS);
        let met = env.trace.is_covering().then(|| coverage::met(&messages, &service.tables, terms(env)));
        let batch = self.batch(messages);
        let result = match env.settings.mutant {
            Some(mutant) => transact(mutant, fate, batch, service, env),
            None if is_done(fate) => service.tables.transact(batch, terms(env)),
            None => Err(fault(fate)),
        };
        if let (Some(coverage), Some(met)) = (env.trace.coverage(), met) {
            coverage.transacted(self.node, &met, fate, &result);
        }
        self.ended(result, fate, service, env)
    }

    fn begin(
        &mut self,
        lane: Lane,
        messages: Vec<Message<C>>,
        conflicts: u32,
        service: &Service<C>,
        env: &mut Env<'_>,
    ) -> Ended<C> {
        let batch = self.batch(messages.clone());
        let delivered = batch.delivered.clone();
        let begun = match env.settings.mutant {
            Some(mutant) => {
                let mut begun = mutant::begin(mutant, &service.tables, batch, terms(env), None);
                if !matches!(mutant, Mutant::VersionsNotChecked | Mutant::ReadsNotLocked) {
                    port::lock(&service.tables, &mut begun, &messages);
                }
                begun
            }
            None => port::begin(&service.tables, batch, terms(env)),
        };
        env.trace.say(false, || format!("{} reads and decides", name::<C>()));
        self.under = Some(Under { lane, begun, messages, delivered, conflicts });
        Ended::Begun
    }

    fn finish(&mut self, under: Under<C>, service: &mut Service<C>, env: &mut Env<'_>) -> Ended<C> {
        let Under { lane, begun, messages, delivered, conflicts } = under;
        let fate = env.fate(self.node, Op::Commit, ENDS);
        let met = env.trace.is_covering().then(|| coverage::met(&messages, &service.tables, terms(env)));
        let result = if is_done(fate) { service.tables.commit(begun, env.settings.lease) } else { Err(fault(fate)) };
        if let (Some(coverage), Some(met)) = (env.trace.coverage(), met) {
            coverage.transacted(self.node, &met, fate, &result);
        }
        if env.has(Mutant::ConflictIsDone) && matches!(result, Err(Fault::Conflict)) {
            return Ended::Committed(messages.iter().map(|_| Outcome::Duplicate).collect());
        }
        if fate == Fate::Fine && matches!(result, Err(Fault::Conflict)) && conflicts < CONFLICT_RETRIES {
            env.trace.say(false, || format!("{}: another process was quicker", name::<C>()));
            self.delivered.extend(delivered);
            return self.begin(lane, messages, conflicts + 1, service, env);
        }
        self.ended(result, fate, service, env)
    }

    fn batch(&mut self, messages: Vec<Message<C>>) -> Batch<C> {
        Batch { messages, delivered: std::mem::take(&mut self.delivered), leased: true }
    }

    fn ended(
        &mut self,
        result: Result<Committed<C>, Fault>,
        fate: Fate,
        service: &Service<C>,
        env: &mut Env<'_>,
    ) -> Ended<C> {
        if result.is_ok() {
            env.trace.wrote(self.node, service.tables.written());
            if env.settings.wire {
                self.kept(service, env);
            }
        }
        match (fate, result) {
            (Fate::CrashBefore | Fate::CrashAfter, _) => {
                let when = if fate == Fate::CrashBefore { "before" } else { "after" };
                env.trace.say(true, || format!("{} dies just {when} its transaction is durable", name::<C>()));
                Ended::Died
            }
            (Fate::UnknownDone | Fate::UnknownNotDone, _) => {
                let really = if fate == Fate::UnknownDone { "is" } else { "is not" };
                env.trace.say(true, || format!("{} does not hear that its transaction {really} durable", name::<C>()));
                self.sweep_after(env.settings.lease, env.now);
                // It may have armed timers and delayed effects: their keepers look for themselves.
                self.due_at(env.now);
                Ended::Unknown
            }
            (_, Ok(committed)) => Ended::Committed(self.hand_over(committed, env)),
            (_, Err(fault)) => {
                env.trace.say(fate != Fate::Fine, || format!("{}: rolled back: {fault}", name::<C>()));
                self.sweep_after(env.settings.lease, env.now);
                Ended::RolledBack(fault)
            }
        }
    }

    /// Whether what it wrote is read as it was stored.
    fn kept(&self, service: &Service<C>, env: &mut Env<'_>) {
        for (_, key) in service.tables.written() {
            if let Err(broken) = C::survives(service.tables.snapshot(), key) {
                env.trace.garble(self.node, broken);
            }
        }
    }

    /// What a commit wrote is driven from memory.
    fn hand_over(&mut self, committed: Committed<C>, env: &mut Env<'_>) -> Vec<Outcome<C>> {
        let Committed { outcomes, outbox, effects, next_due, touched: _ } = committed;
        for row in &outbox {
            env.trace.id(row.event_id);
        }
        for row in &effects {
            env.trace.about(row.id.0);
        }
        env.trace.say(false, || {
            let events: Vec<_> = outbox.iter().map(|row| row.event.event_type().name()).collect();
            let outcomes: Vec<_> = outcomes.iter().map(word).collect();
            let told = if events.is_empty() { String::new() } else { format!(", tells {}", events.join(", ")) };
            let owes = match effects.len() {
                0 => String::new(),
                1 => ", owes a call".to_owned(),
                calls => format!(", owes {calls} calls"),
            };
            format!("{} commits: {}{told}{owes}", name::<C>(), outcomes.join(", "))
        });
        if let Some(due) = next_due.filter(|_| !env.has(Mutant::WakeLost)) {
            self.due_at(due);
        }
        if !outbox.is_empty() {
            self.rows.push_back(outbox);
        }
        for row in effects {
            self.call(row, env.now, env);
        }
        outcomes
    }

    /// A client's command; whether the process died.
    pub(in super::super) fn execute(
        &mut self,
        client: u8,
        message: Message<C>,
        service: &mut Service<C>,
        env: &mut Env<'_>,
    ) -> bool {
        let ended = self.commit(Lane::Command(client), vec![message], service, env);
        Self::reply(client, ended, env).is_none()
    }

    /// The second half of a client's command.
    pub(in super::super) fn conclude(&mut self, client: u8, service: &mut Service<C>, env: &mut Env<'_>) -> Option<()> {
        let under = self.under.take()?;
        let ended = self.finish(under, service, env);
        Self::reply(client, ended, env)
    }

    fn reply(client: u8, ended: Ended<C>, env: &mut Env<'_>) -> Option<()> {
        let answered = match ended {
            Ended::Begun => return Some(()),
            Ended::Committed(outcomes) => outcomes.first().map_or(Answered::Unknown, |it| answered(it, env)),
            Ended::RolledBack(_) => Answered::Failed,
            Ended::Unknown => Answered::Unknown,
            Ended::Died => {
                env.replies.push((client, Answered::Unknown));
                return None;
            }
        };
        env.replies.push((client, answered));
        Some(())
    }
}

/// A transaction with a planted bug.
fn transact<C: Simulated>(
    mutant: Mutant,
    fate: Fate,
    batch: Batch<C>,
    service: &mut Service<C>,
    env: &mut Env<'_>,
) -> Result<Committed<C>, Fault> {
    let begun = mutant::begin(mutant, &service.tables, batch.clone(), terms(env), Some(fate));
    if !is_done(fate) {
        mutant::leftovers(mutant, &mut service.tables, batch, terms(env));
        if mutant == Mutant::PublishBeforeCommit {
            begun.writes().outbox.iter().for_each(|row| store(row, Stored::All, service, env));
        }
        return Err(fault(fate));
    }
    let result = service.tables.commit(begun, env.settings.lease);
    if let (Mutant::OutboxDeletedAtOnce, Ok(committed)) = (mutant, &result) {
        let ids: Vec<_> = committed.outbox.iter().map(|row| row.event_id).collect();
        service.tables.delivered(&ids);
    }
    result
}

const fn terms<'a>(env: &Env<'a>) -> Terms<'a> {
    Terms { now: env.now, lease: env.settings.lease, policy: &env.settings.policy }
}

fn word<C: Simulated>(outcome: &Outcome<C>) -> String {
    match outcome {
        Outcome::Applied(_) => "applied".to_owned(),
        Outcome::Stayed(because, _) => format!("stayed ({because:?})"),
        Outcome::Duplicate => "duplicate".to_owned(),
        Outcome::Replayed(_) => "first answer given again".to_owned(),
        Outcome::KeyReused => "key reused".to_owned(),
        Outcome::Rejected(rejection) => format!("refused: {rejection}"),
    }
}

fn answered<C: Simulated>(outcome: &Outcome<C>, env: &Env<'_>) -> Answered {
    let done = |answer: &Answer| {
        let said = if env.settings.wire { Said::of(&answer.body) } else { Said::default() };
        Answered::Done { status: answer.status, resource: answer.resource, said }
    };
    match outcome {
        Outcome::Applied(Some(reply)) | Outcome::Stayed(_, Some(reply)) => done(&C::answer(reply)),
        Outcome::Replayed(answer) if env.has(Mutant::KeyAnsweredAfresh) => {
            done(&Answer { status: 200, ..answer.clone() })
        }
        Outcome::Replayed(answer) => done(answer),
        Outcome::Applied(None) | Outcome::Stayed(_, None) | Outcome::Duplicate => {
            Answered::Done { status: 204, resource: uuid::Uuid::nil(), said: Said::default() }
        }
        Outcome::KeyReused | Outcome::Rejected(_) => Answered::Refused,
    }
}
