//! A service: its rows, what its effects reach, and its processes.

use std::any::Any;
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, OnceLock};

use ecom_core::decide::{BoundedContext, Row};
use ecom_core::engine::{EffectRow, Message};
use ecom_core::event::Envelope;
use ecom_core::id::MessageId;
use ecom_core::testing::MemoryTables;
use ecom_core::time::Timestamp;

use super::client::Look;
use super::node::{Answered, Env, Node};
use super::process::{OUTSIDE, Process};
use super::timepiece::Timepiece;
use super::{Action, Lane, Trouble};
use crate::choose::{Fate, Op};
use crate::facts::Fact;
use crate::hash::{Hasher128, bag};
use crate::mutant::Mutant;
use crate::port::{Broker, OutsideWorld, Simulated};

/// A service.
pub struct Service<C: Simulated> {
    pub(super) node: u8,
    pub(super) tables: MemoryTables<C>,
    pub(super) outside: C::Outside,
    pub(super) late: Vec<EffectRow<C::Effect>>,
    /// What the outside will tell of its own accord, until it is taken.
    pub(super) told: Vec<Message<C>>,
    /// What it is just telling, and to which process.
    pub(super) telling: Vec<(u8, Message<C>)>,
    pub(super) processes: Vec<Process<C>>,
    pub(super) timepiece: Timepiece,
    /// Until when it does not reach the broker, by the world's clock.
    cut_until: Timestamp,
    /// Whether an upgrade was seen through: nobody rolls it back any more.
    is_upgraded: bool,
    /// How often it was read, and the rows as they were then for the first time: of a planted bug alone.
    replica: Option<(u32, C::Snapshot)>,
    print: OnceLock<u128>,
}

impl<C: Simulated> Service<C> {
    /// A service with empty tables; its processes are not started.
    pub fn new() -> Self {
        Self {
            node: C::SERVICE as u8,
            tables: MemoryTables::default(),
            outside: C::Outside::default(),
            late: vec![],
            told: vec![],
            telling: vec![],
            processes: vec![],
            timepiece: Timepiece::default(),
            cut_until: Timestamp::EPOCH,
            is_upgraded: false,
            replica: None,
            print: OnceLock::new(),
        }
    }

    /// Whether its clock was ever set back: then its times do not say how long something took.
    pub const fn was_set_back(&self) -> bool {
        self.timepiece.was_set_back()
    }

    /// The same, with something outside already.
    #[must_use]
    pub fn with_outside(mut self, outside: C::Outside) -> Self {
        self.outside = outside;
        self
    }

    /// Its rows.
    pub const fn tables(&self) -> &MemoryTables<C> {
        &self.tables
    }

    /// What its effects reach.
    pub const fn outside(&self) -> &C::Outside {
        &self.outside
    }

    fn lane_can_run(&self, process: &Process<C>, lane: Lane, time: Timestamp, broker: &Broker) -> bool {
        // Whoever waits for a message hears that the broker is gone.
        let is_closed = self.is_cut(time) && process.would_receive(lane);
        is_closed || process.can_run(lane, self.clock(time), broker, time)
    }

    /// Whether it does not reach the broker.
    pub(super) fn is_cut(&self, time: Timestamp) -> bool {
        time < self.cut_until
    }

    fn clock(&self, time: Timestamp) -> Timestamp {
        self.timepiece.shows(time)
    }

    fn with<R>(&mut self, copy: u8, work: impl FnOnce(&mut Self, &mut Process<C>) -> R) -> Option<R> {
        self.print.take();
        let mut processes = std::mem::take(&mut self.processes);
        let result = processes.get_mut(usize::from(copy)).map(|process| work(self, process));
        self.processes = processes;
        result
    }
}

impl<C: Simulated> Service<C> {
    /// What whoever reads is shown: the rows, as they are.
    fn shown(&mut self, mutant: Option<Mutant>) -> &C::Snapshot {
        let rows = self.tables.snapshot();
        if mutant != Some(Mutant::ReplicaRead) {
            return rows;
        }
        self.print.take();
        let (looks, replica) = self.replica.get_or_insert_with(|| (0, rows.clone()));
        *looks += 1;
        if looks.is_multiple_of(3) { replica } else { rows }
    }

    /// How what the outside was just telling a process has ended: what was not taken is told again.
    fn heard(&mut self, copy: u8, env: &mut Env<'_>) {
        let Some(place) = env.replies.iter().position(|(client, _)| *client == OUTSIDE) else { return };
        let (_, answered) = env.replies.remove(place);
        if let Some(place) = self.telling.iter().position(|(to, _)| *to == copy) {
            let (_, news) = self.telling.remove(place);
            self.told.extend((!matches!(answered, Answered::Done { .. })).then_some(news));
        }
    }
}

impl<C: Simulated> Default for Service<C> {
    fn default() -> Self {
        Self::new()
    }
}

impl<C: Simulated> Clone for Service<C> {
    fn clone(&self) -> Self {
        Self {
            node: self.node,
            tables: self.tables.clone(),
            outside: self.outside.clone(),
            late: self.late.clone(),
            told: self.told.clone(),
            telling: self.telling.clone(),
            processes: self.processes.clone(),
            timepiece: self.timepiece,
            cut_until: self.cut_until,
            is_upgraded: self.is_upgraded,
            replica: self.replica.clone(),
            print: self.print.clone(),
        }
    }
}

impl<C: Simulated> fmt::Debug for Service<C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct(C::SERVICE.short_name());
        shown.field("rows", self.tables.snapshot());
        shown.field("outbox", &self.tables.outbox().iter().map(|row| row.item.event.event_type()).collect::<Vec<_>>());
        shown.field("effects", &self.tables.effects().map(|row| &row.item).collect::<Vec<_>>());
        shown.field("timers", &self.tables.timers());
        shown.field("letters", &self.tables.letters().collect::<Vec<_>>());
        shown.field("outside", &self.outside).finish_non_exhaustive()
    }
}

impl<C: Simulated> Node for Service<C> {
    fn boxed(&self) -> Arc<dyn Node> {
        Arc::new(self.clone())
    }

    fn fingerprint(&self) -> u128 {
        *self.print.get_or_init(|| {
            let mut hasher = Hasher128::default();
            (&self.tables, &self.outside, &self.late, self.timepiece, self.cut_until).hash(&mut hasher);
            // No future depends on the journals, but what must hold at rest is read in them.
            (bag(self.tables.lines()), bag(self.tables.history())).hash(&mut hasher);
            if self.is_upgraded {
                self.is_upgraded.hash(&mut hasher);
            }
            if self.replica.is_some() {
                self.replica.hash(&mut hasher);
            }
            self.told.iter().for_each(|news| news.id.hash(&mut hasher));
            self.telling.iter().for_each(|(copy, news)| (copy, news.id).hash(&mut hasher));
            for process in &self.processes {
                process.hash_into(&mut hasher);
                process.under.as_ref().map(|under| self.tables.is_current(&under.begun)).hash(&mut hasher);
            }
            hasher.finish128()
        })
    }

    fn boot(&mut self, env: &mut Env<'_>) {
        self.print.take();
        self.timepiece = Timepiece::ahead(env.settings.skews[usize::from(self.node)]);
        env.now = self.clock(env.time);
        // What those before held is delivered again.
        self.processes.drain(..).for_each(|process| env.broker.close(process.node, process.copy));
        for copy in 0..env.settings.copies {
            let mut process = Process::new(self.node, copy, env);
            process.start(self, env);
            self.processes.push(process);
        }
    }

    fn runnable(&self, now: Timestamp, broker: &Broker, actions: &mut Vec<Action>) {
        for (copy, process) in (0_u8..).zip(&self.processes) {
            let lanes = process.lanes().filter(|lane| self.lane_can_run(process, *lane, now, broker));
            actions.extend(lanes.map(|lane| Action::Run { node: self.node, copy, lane }));
        }
    }

    fn can_run(&self, copy: u8, lane: Lane, now: Timestamp, broker: &Broker) -> bool {
        let process = self.processes.get(usize::from(copy));
        process.is_some_and(|process| self.lane_can_run(process, lane, now, broker))
    }

    fn first(&self, now: Timestamp, broker: &Broker) -> Option<Action> {
        for (copy, process) in (0_u8..).zip(&self.processes) {
            if let Some(lane) = process.lanes().find(|lane| self.lane_can_run(process, *lane, now, broker)) {
                return Some(Action::Run { node: self.node, copy, lane });
            }
        }
        None
    }

    fn dues(&self, now: Timestamp, tell: &mut dyn FnMut(Timestamp, Action)) {
        for (copy, process) in (0_u8..).zip(&self.processes) {
            for lane in process.lanes() {
                let due = process.due(lane).map(|due| self.timepiece.when(due));
                if let Some(due) = due.filter(|due| *due > now) {
                    tell(due, Action::Run { node: self.node, copy, lane });
                }
            }
        }
    }

    fn run(&mut self, copy: u8, lane: Lane, env: &mut Env<'_>) {
        env.now = self.clock(env.time);
        let died = self.with(copy, |service, process| process.run(lane, service, env));
        if died == Some(true) {
            self.crash(copy, env);
        }
        self.heard(copy, env);
    }

    fn is_busy(&self, copy: u8, lane: Lane) -> bool {
        self.processes.get(usize::from(copy)).is_some_and(|process| process.is_busy(lane))
    }

    fn is_free(&self, copy: u8) -> bool {
        self.processes.get(usize::from(copy)).is_some_and(|process| process.under.is_none())
    }

    fn crash(&mut self, copy: u8, env: &mut Env<'_>) {
        env.now = self.clock(env.time);
        env.trace.say(true, || format!("{} dies and starts again", C::SERVICE));
        self.with(copy, |service, process| {
            env.broker.close(service.node, copy);
            if let Some(client) = process.client() {
                env.replies.push((client, Answered::Unknown));
            }
            let release = if service.is_upgraded { C::newest() } else { C::release(copy, Some(process.release)) };
            *process = Process::new(service.node, copy, env);
            process.release = release;
            process.start(service, env);
        });
        self.heard(copy, env);
    }

    fn trouble(&mut self, trouble: Trouble, env: &mut Env<'_>) {
        self.print.take();
        env.trace.say(true, || trouble.told(name::<C>()));
        match trouble {
            Trouble::Clock(micros) => self.timepiece.jump(micros),
            Trouble::Drift(rate) => self.timepiece.drift(rate, env.time),
            Trouble::Cut(time) => self.cut_until = self.cut_until.max(env.time.after(time)),
        }
    }

    fn late(&self) -> usize {
        self.late.len() + self.told.len()
    }

    fn arrive(&mut self, which: u8, env: &mut Env<'_>) {
        self.print.take();
        if usize::from(which) < self.late.len() {
            let row = self.late.remove(usize::from(which));
            env.trace.touch(self.node);
            env.trace.id(row.id);
            let answer = self.outside.call(&row);
            let said = || super::host::said::<C>(answer.as_ref());
            env.trace.say(true, || {
                format!("{}'s late call reaches {}: {}: {}", name::<C>(), C::OUTSIDE, C::asks_for(&row.effect), said())
            });
            // It may tell that of its own accord, and nobody knows anything else of it.
            let news = self.outside.news();
            self.told
                .extend(news.filter(|_| env.fate(self.node, Op::Webhook, &[Fate::Fine, Fate::Late]) == Fate::Late));
            return;
        }
        let copy = which % self.processes.len().max(1) as u8;
        let place = usize::from(which) - self.late.len();
        if place < self.told.len() && self.is_free(copy) {
            let news = self.told.remove(place);
            env.trace
                .say(false, || format!("{} tells {} by webhook: {}", C::OUTSIDE, name::<C>(), C::tells(&news.input)));
            env.now = self.clock(env.time);
            let died = self.with(copy, |service, process| process.hear(news, service, env).is_none());
            if died == Some(true) {
                self.crash(copy, env);
            }
        }
    }

    fn execute(&mut self, client: u8, message: &(dyn Any + Send + Sync), env: &mut Env<'_>) {
        if let Some(Look(at)) = message.downcast_ref() {
            let seen = C::look(self.shown(env.settings.mutant), *at);
            env.replies.push((client, seen.map_or(Answered::Refused, Answered::Seen)));
            return;
        }
        let Some(message) = message.downcast_ref::<Message<C>>() else {
            env.replies.push((client, Answered::Refused));
            return;
        };
        env.now = self.clock(env.time);
        // Clients reach the processes in turn.
        let copy = client % self.processes.len().max(1) as u8;
        let died = self.with(copy, |service, process| process.execute(client, message.clone(), service, env));
        if died == Some(true) {
            self.crash(copy, env);
        }
    }

    fn replay_letters(&mut self, env: &mut Env<'_>) -> usize {
        self.print.take();
        // Whoever replays has seen the upgrade through.
        self.is_upgraded = true;
        self.processes.iter_mut().for_each(|process| process.release = C::newest());
        let letters: Vec<_> = self.tables.letters().cloned().collect();
        for letter in &letters {
            self.tables.exhume(letter.id, "operator", "replay");
            env.trace.say(false, || format!("the operator replays {} ({})", letter.event_type, letter.reason));
            if let Ok(envelope) = Envelope::from_json(&letter.body) {
                env.broker.replay(self.node, Arc::new(envelope), env.time);
            }
        }
        letters.len()
    }

    fn residue(&self) -> Vec<String> {
        let name = C::SERVICE.short_name();
        let mut left = vec![];
        for row in self.tables.outbox() {
            left.push(format!("{name}: {} in the outbox", row.item.event.event_type().name()));
        }
        for row in self.tables.effects() {
            left.push(format!("{name}: a call is owed: {:?}, {} attempts", row.item.effect, row.item.attempts));
        }
        for (timer, due) in self.tables.timers() {
            left.push(format!("{name}: the timer {} of {} is armed for {due}", timer.kind, timer.subject));
        }
        for letter in self.tables.letters() {
            left.push(format!("{name}: the dead letter {}: {}", letter.event_type, letter.reason));
        }
        left
    }

    fn has_handled(&self, id: MessageId) -> bool {
        self.tables.has_handled(id)
    }

    fn raised(&self) -> &[Arc<Envelope>] {
        self.tables.raised()
    }

    fn unraised(&self) -> Option<(Row, u64)> {
        self.tables.unraised()
    }

    fn facts(&self, broker: &Broker, now: Timestamp) -> Vec<Fact> {
        super::told::facts(self, broker, now)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The name of a context's service.
pub(super) const fn name<C: BoundedContext>() -> &'static str {
    C::SERVICE.short_name()
}
