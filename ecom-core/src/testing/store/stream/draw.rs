//! Draws operations whose ids meet again and again.

use std::time::Duration;

use uuid::Uuid;

use super::super::script::{answer, counter, event, fire, keyed, message_id, tick};
use super::play::{Answer, Operation};
use crate::engine::{Batch, DeadLetter, EffectRow, Message, Retention};
use crate::id::MessageId;
use crate::testing::counter::{Bell, Counters, Input, Ring};

/// Counters that the messages are about.
pub(super) const COUNTERS: u128 = 4;

/// Ids of events: each is always the same event.
const EVENTS: u64 = 60;

/// Rows and calls that are remembered, so that they are named again.
const KNOWN_MAX: usize = 256;

/// Draws the operations of a seed.
pub(super) struct Stream {
    state: u64,
    lease: Duration,
    rows: Vec<MessageId>,
    calls: Vec<EffectRow<Ring>>,
    /// The number of the next command.
    next: u128,
    /// Operations so far.
    steps: u64,
}

impl Stream {
    pub(super) const fn new(seed: u64, lease: Duration) -> Self {
        Self { state: seed, lease, rows: vec![], calls: vec![], next: 1_000_000, steps: 0 }
    }

    /// SplitMix64.
    const fn draw(&mut self, below: u64) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % below
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.draw(all.len() as u64) as usize]
    }

    fn counter(&mut self) -> Uuid {
        counter(u128::from(self.draw(COUNTERS as u64)))
    }

    /// How long until the next operation; never zero, so that what happens in two has two times.
    pub(super) fn pause(&mut self) -> Duration {
        let millis = self.one_of(&[1, 1, 1, 5, 20, 300]);
        if self.draw(25) == 0 { self.lease } else { Duration::from_millis(millis) }
    }

    /// Takes what is worth to be named again.
    pub(super) fn hear(&mut self, answer: &Answer) {
        self.rows.retain(|row| !answer.rows.contains(row));
        self.rows.extend(&answer.rows);
        self.calls.extend(answer.calls.iter().cloned());
        let surplus = |len: usize| len.saturating_sub(KNOWN_MAX);
        self.rows.drain(..surplus(self.rows.len()));
        self.calls.drain(..surplus(self.calls.len()));
    }

    pub(super) fn operation(&mut self) -> Operation {
        self.steps += 1;
        let operation = match self.draw(25) {
            0..=8 => Operation::Transact(self.batch()),
            9 => return self.race(),
            10 | 24 => Operation::ClaimEvents(self.one_of(&[1, 1, 2, 100])),
            11 | 12 => Operation::Delivered(self.ids()),
            13 => Operation::ClaimCalls(self.one_of(&[1, 100])),
            14 => Operation::FindTimers(self.one_of(&[1, 100])),
            15 => Operation::Count(self.queue(), self.event_id()),
            16 => Operation::Bury(self.letter()),
            17 => Operation::List(self.one_of(&[1, 2, 100])),
            18 => Operation::Look(self.letter_id()),
            19 => Operation::Exhume(self.letter_id()),
            20 => Operation::Purge(self.retention(), self.one_of(&[1, 100])),
            21 => Operation::Depth,
            22 => Operation::Ready,
            _ => Operation::VoidLeases,
        };
        if self.draw(6) == 0 { Operation::Away(Box::new(operation)) } else { operation }
    }

    /// Both write the same rows, in whatever order: what either tells must not depend on that.
    fn race(&mut self) -> Operation {
        let mut batch = || {
            let messages = (0..2).map(|_| {
                self.next += 1;
                let (id, amount) = (self.counter(), self.draw(9) as i64);
                event(self.next, Input::Add { id, amount, events: 0 })
            });
            Batch { messages: messages.collect(), delivered: vec![], leased: true }
        };
        Operation::Race(batch(), batch())
    }

    fn queue(&mut self) -> &'static str {
        self.one_of(&["a.events", "b.events"])
    }

    fn event_id(&mut self) -> MessageId {
        message_id(u128::from(self.draw(EVENTS / 4)))
    }

    /// Of few, so that there are times without any.
    fn letter_id(&mut self) -> MessageId {
        message_id(u128::from(self.draw(3)))
    }

    fn ids(&mut self) -> Vec<MessageId> {
        let mut ids = vec![message_id(999)];
        match self.draw(4) {
            0 => {}
            1 if !self.rows.is_empty() => {
                let which = self.draw(self.rows.len() as u64) as usize;
                ids.push(self.rows[which]);
            }
            _ => ids.extend(&self.rows),
        }
        ids
    }

    fn letter(&mut self) -> DeadLetter {
        DeadLetter {
            id: self.letter_id(),
            queue: "a.events".to_owned(),
            event_type: "stock.low".to_owned(),
            body: r#"{"name":"körbe"}"#.to_owned(),
            reason: self.one_of(&["broken", "refused"]).to_owned(),
            attempts: 10,
        }
    }

    fn retention(&mut self) -> Retention {
        let [answers, attempts] = [3, 5].map(|leases| self.lease * leases);
        // The inbox knows an event for longer than its own events are in the outbox: ids are never written twice.
        let young = Retention { answers, attempts, ..Retention::default() };
        if self.draw(3) == 0 { Retention::default() } else { young }
    }

    fn batch(&mut self) -> Batch<Counters> {
        let count = self.one_of(&[1, 1, 2, 4]);
        let mut messages: Vec<_> = (0..count).map(|_| self.message()).collect();
        // Tables see the last state of a row alone: what breaks one comes last.
        let breaks = |message: &Message<Counters>| matches!(message.input, Input::Break { .. });
        if let Some(last) = messages.iter().position(breaks) {
            messages.truncate(last + 1);
        }
        let delivered = if self.draw(6) == 0 { self.ids() } else { vec![] };
        Batch { messages, delivered, leased: self.draw(2) == 0 }
    }

    fn message(&mut self) -> Message<Counters> {
        match self.draw(10) {
            0..=4 => self.event(),
            5 | 6 => {
                self.next += 1;
                let (key, body) = (self.one_of(&["k", "l", "m"]), self.one_of(&["body", "body", "other"]));
                let id = self.counter();
                let add = Input::Add { id, amount: 3, events: 0 };
                let input = if self.draw(5) == 0 { Input::Refuse { id } } else { add };
                keyed(self.next, self.one_of(&["ada", "bob"]), key, body, input)
            }
            7 => fire(&tick(self.counter(), self.draw(5))),
            _ if self.calls.is_empty() => self.event(),
            _ => {
                let row = self.draw(self.calls.len() as u64) as usize;
                let silent = Bell::Silent(self.delay());
                let bell = self.one_of(&[Bell::Rang, silent]);
                answer(&self.calls[row], bell)
            }
        }
    }

    fn delay(&mut self) -> Duration {
        let lease = self.lease;
        self.one_of(&[Duration::ZERO, lease / 5, lease * 4])
    }

    /// An event; what it says follows from its number.
    fn event(&mut self) -> Message<Counters> {
        // Old ones come again, and now and then there is a new one.
        let number = 1_000 + self.steps / 2 + self.draw(EVENTS);
        let mut own = Self::new(number, self.lease);
        let id = own.counter();
        let effect = message_id(500 + u128::from(own.draw(5)));
        let input = match own.draw(16) {
            _ if number % 12 == 5 => Input::Break { id },
            0..=4 => Input::Add { id, amount: own.draw(5) as i64, events: own.draw(4) as u32 },
            5 => Input::Add { id, amount: own.draw(9) as i64, events: 1 },
            6 => Input::Refuse { id },
            7 | 8 => Input::Read { id },
            9..=11 => Input::Ring { id, effect, after: own.delay() },
            12..=14 => Input::Arm { id, epoch: own.draw(5), after: own.delay() },
            _ => Input::Disarm { id },
        };
        event(u128::from(number), input)
    }
}
