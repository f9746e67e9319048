//! Who can go on, who does, and what happens then.

use ecom_core::time::Timestamp;

use super::{Action, NODES, Trace, Trouble, World};
use crate::choose::{Chooser, Fate, Op, Wanted};

/// How many due times time may jump to.
const JUMPS_MAX: usize = 6;

/// After so many steps others may go on as well, although the lane is still busy: one that is broken may be for ever.
pub(crate) const MACRO_STEPS_MAX: usize = 1_000;

impl World {
    /// Whoever goes on when nothing is chosen: who is in the middle of something, clients in a hurry, services in
    /// their order, other clients, and, when nobody can, time. `None` when all is done.
    pub fn default_action(&self) -> Option<Action> {
        if let Some(last) = self.last.filter(|last| self.is_possible(*last)) {
            return Some(last);
        }
        self.client(true)
            .or_else(|| self.nodes.iter().flatten().find_map(|node| node.first(self.now, &self.broker)))
            .or_else(|| self.client(false))
            .or_else(|| self.next_due().map(|_| Action::Elapse(0)))
            .or_else(|| self.late().next())
    }

    /// What keeps it from coming to rest, in words.
    pub(crate) fn left(&self) -> String {
        if let Some(left) = self.nodes().flat_map(super::Node::residue).next() {
            return left;
        }
        let messages = self.broker.depth();
        if messages > 0 {
            return format!("messages in the queues: {messages}");
        }
        if self.late().next().is_some() {
            return "a call or a webhook that has not arrived".to_owned();
        }
        match self.clients.iter().filter(|client| !client.is_done()).count() {
            0 => "nothing is left, but something always comes next".to_owned(),
            waiting => format!("clients without an answer: {waiting}"),
        }
    }

    /// All that can happen, the default first.
    pub fn actions(&self, actions: &mut Vec<Action>) {
        self.list(actions, self.default_action(), Wanted::ALL);
    }

    /// All that can happen: the default, what is no fault, and what is wanted of the faults.
    pub(crate) fn list(&self, actions: &mut Vec<Action>, default: Option<Action>, wanted: Wanted) {
        actions.extend(default);
        // Nothing else comes twice.
        let mut push = |action: Action| {
            if Some(action) != default {
                actions.push(action);
            }
        };
        (0..self.clients.len()).filter(|client| self.can_send(*client)).for_each(|it| push(Action::Client(it as u8)));
        let before = actions.len();
        self.nodes.iter().flatten().for_each(|node| node.runnable(self.now, &self.broker, actions));
        if let Some(place) = actions[before..].iter().position(|action| Some(*action) == default) {
            actions.remove(before + place);
        }
        let mut push = |action: Action| {
            if Some(action) != default {
                actions.push(action);
            }
        };
        self.late().for_each(&mut push);
        if wanted.elapse {
            (0..self.dues().len()).for_each(|due| push(Action::Elapse(due as u8)));
        }
        let crash = wanted.crash && !self.settings.never.contains(&(Op::Schedule, Fate::CrashBefore));
        for node in (0..NODES as u8).filter(|node| self.nodes[usize::from(*node)].is_some()) {
            if crash {
                (0..self.settings.copies).for_each(|copy| push(Action::Crash { node, copy }));
            }
            if wanted.trouble {
                for (trouble, _) in Trouble::ALL {
                    push(Action::Trouble { node, trouble });
                }
            }
        }
    }

    /// One step.
    pub fn step(&mut self, action: Action, chooser: &mut dyn Chooser, trace: &mut Trace) {
        trace.begin(action, self.now);
        self.last = None;
        match action {
            Action::Run { node, copy, lane } => {
                self.visit(node, chooser, trace, |node, env| node.run(copy, lane, env));
                let service = self.nodes.get(usize::from(node)).and_then(Option::as_ref);
                self.last = service.filter(|it| it.is_busy(copy, lane)).map(|_| action);
            }
            Action::Crash { node, copy } => self.visit(node, chooser, trace, |node, env| node.crash(copy, env)),
            Action::Trouble { node, trouble } => {
                self.visit(node, chooser, trace, |node, env| node.trouble(trouble, env));
            }
            Action::Arrive { node, which } => {
                self.visit(node, chooser, trace, |node, env| node.arrive(which, env));
            }
            Action::Client(client) => {
                let sent = self.clients.get_mut(usize::from(client)).and_then(super::Client::send);
                if let Some((node, label, message)) = sent {
                    trace.say(false, || format!("client {client} sends \"{label}\""));
                    self.visit(node, chooser, trace, |node, env| node.execute(client, message.as_ref(), env));
                }
            }
            Action::Elapse(which) => {
                if let Some((due, first)) = self.dues().get(usize::from(which)).copied() {
                    trace.say(which > 0, || format!("{:.3} s pass", due.since(self.now).as_secs_f64()));
                    self.now = due;
                    self.last = first;
                }
            }
        }
    }

    /// Steps on until the lane that goes on holds nothing any more: everything that only it can see.
    pub fn macro_step(&mut self, action: Action, chooser: &mut dyn Chooser, trace: &mut Trace) {
        self.step(action, chooser, trace);
        for _ in 0..MACRO_STEPS_MAX {
            if !self.goes_on(action) {
                break;
            }
            self.step(action, chooser, trace);
        }
    }

    /// Whether the lane that went on last holds what only it can see.
    pub(crate) fn goes_on(&self, action: Action) -> bool {
        let is_lane = self.settings.copies == 1 && matches!(action, Action::Run { .. });
        is_lane && self.last == Some(action) && self.is_possible(action)
    }

    /// Gives every dead letter back to its queue; how many there were.
    pub fn replay_letters(&mut self, chooser: &mut dyn Chooser, trace: &mut Trace) -> usize {
        let mut count = 0;
        for node in 0..NODES as u8 {
            self.visit(node, chooser, trace, |node, env| count += node.replay_letters(env));
        }
        count
    }

    /// Whether no service and no client can go on before time passes.
    pub fn is_at_rest(&self) -> bool {
        !matches!(self.default_action(), Some(Action::Run { .. } | Action::Client(_)))
    }

    fn is_possible(&self, action: Action) -> bool {
        match action {
            Action::Run { node, copy, lane } => {
                let service = self.nodes.get(usize::from(node)).and_then(Option::as_ref);
                service.is_some_and(|node| node.can_run(copy, lane, self.now, &self.broker))
            }
            Action::Client(client) => self.can_send(usize::from(client)),
            Action::Crash { .. } | Action::Trouble { .. } | Action::Arrive { .. } | Action::Elapse(_) => false,
        }
    }

    fn client(&self, eager: bool) -> Option<Action> {
        let ready = |(number, client): &(usize, &super::Client)| client.is_eager() == eager && self.can_send(*number);
        self.clients.iter().enumerate().find(ready).map(|(number, _)| Action::Client(number as u8))
    }

    fn can_send(&self, client: usize) -> bool {
        let Some(command) = self.clients.get(client).and_then(super::Client::next) else { return false };
        let node = self.nodes.get(usize::from(command.node)).and_then(Option::as_ref);
        let copy = client as u8 % self.settings.copies.max(1);
        node.is_some_and(|node| node.is_free(copy))
    }

    fn late(&self) -> impl Iterator<Item = Action> {
        self.nodes
            .iter()
            .enumerate()
            .filter_map(|(node, service)| Some((node as u8, service.as_ref()?.late())))
            .flat_map(|(node, count)| (0..count as u8).map(move |which| Action::Arrive { node, which }))
    }

    fn next_due(&self) -> Option<Timestamp> {
        let mut next = self.broker.next_due(self.now);
        let mut tell = |due, _| next = Some(next.map_or(due, |next: Timestamp| next.min(due)));
        self.nodes.iter().flatten().for_each(|node| node.dues(self.now, &mut tell));
        next
    }

    /// The times that time may jump to, each with the lane that goes on then.
    fn dues(&self) -> Vec<(Timestamp, Option<Action>)> {
        let mut dues = vec![];
        self.nodes.iter().flatten().for_each(|node| node.dues(self.now, &mut |due, it| dues.push((due, Some(it)))));
        dues.extend(self.broker.next_due(self.now).map(|due| (due, None)));
        dues.sort_unstable_by_key(|(due, action)| (*due, action.is_none(), *action));
        dues.dedup_by_key(|(due, _)| *due);
        dues.truncate(JUMPS_MAX);
        dues
    }
}
