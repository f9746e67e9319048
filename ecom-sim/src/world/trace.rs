//! What a run leaves behind: a hash of every step, and, when somebody wants to read it, the steps in words.

use ecom_core::event::Envelope;
use ecom_core::id::MessageId;
use ecom_core::time::Timestamp;
use uuid::Uuid;

use super::Action;
use crate::choose::{Fate, Op};
use crate::coverage::Coverage;
use crate::hash::Hasher128;
use crate::invariant::{self, Broken, Invariant};

/// The hash, and perhaps the words.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    hash: Hasher128,
    /// Steps so far.
    pub steps: u64,
    /// Deliveries that were handled to the end.
    pub deliveries: u64,
    /// The services whose durable state the current step has changed, one bit each.
    pub changed: u8,
    touched: u8,
    /// The services of which something changed that `written` does not tell.
    vague: u8,
    written: Vec<Written>,
    lines: Option<Vec<Line>>,
    /// What the current step was about so far, for its lines.
    about: Vec<Uuid>,
    /// What the current step wrote so far, for its lines.
    rows: Vec<Uuid>,
    hashes: Option<Vec<u128>>,
    now: Timestamp,
    action: Option<Action>,
    coverage: Option<Box<Coverage>>,
    broken: Option<Box<(Invariant, Broken)>>,
}

/// A row that a step wrote, or the subject of a timer or a line of history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// The service's number.
    pub node: u8,
    /// The kind of row.
    pub kind: &'static str,
    /// Which of its kind.
    pub key: Uuid,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// In which step, counted from 1.
    pub step: u64,
    /// When.
    pub at: Timestamp,
    /// Who went on.
    pub action: Action,
    /// What happened, in words.
    pub text: String,
    /// Whether it went otherwise than it should.
    pub is_fault: bool,
    /// The messages and calls that it is about, and the subjects of timers that fire.
    pub about: Vec<Uuid>,
    /// The rows that it wrote.
    pub wrote: Vec<Uuid>,
}

impl Trace {
    /// Keeps the words too.
    pub fn verbose() -> Self {
        Self { lines: Some(vec![]), ..Self::default() }
    }

    /// Keeps the hash after each step, to find the first step that differs.
    pub fn hashed() -> Self {
        Self { hashes: Some(vec![]), ..Self::default() }
    }

    /// Keeps both, and the hashes tell what the world holds as well: slow, and shows the first step that differs in contents
    /// alone.
    pub fn told() -> Self {
        Self { hashes: Some(vec![]), ..Self::verbose() }
    }

    /// Keeps what is reached, added to what was before.
    pub fn covering(before: Coverage) -> Self {
        Self { coverage: Some(Box::new(before)), ..Self::default() }
    }

    /// What was reached, for whoever asked.
    pub const fn coverage(&mut self) -> Option<&mut Coverage> {
        match &mut self.coverage {
            Some(coverage) => Some(coverage),
            None => None,
        }
    }

    /// The first thing that was seen to be broken while it happened, and that no look at the world tells.
    pub fn broken(&self) -> Option<&(Invariant, Broken)> {
        self.broken.as_deref()
    }

    /// Something was not read as it was sent or stored.
    pub(super) fn garble(&mut self, node: u8, broken: Broken) {
        self.touch_rows(node);
        self.say(true, || format!("{} is read as {} and was {}", broken.subject, broken.actual, broken.expected));
        self.broken.get_or_insert_with(|| Box::new((invariant::UNGARBLED, broken)));
    }

    /// An event was published that nobody has written down.
    pub(super) fn unfounded(&mut self, node: u8, envelope: &Envelope) {
        self.touch_rows(node);
        self.broken.get_or_insert_with(|| Box::new(invariant::unfounded(envelope)));
    }

    /// Whether somebody asked what is reached.
    pub const fn is_covering(&self) -> bool {
        self.coverage.is_some()
    }

    /// Hands over what was reached.
    pub fn into_coverage(self) -> Coverage {
        self.coverage.map_or_else(Coverage::default, |coverage| *coverage)
    }

    /// The hash of everything so far.
    pub fn digest(&self) -> u128 {
        self.hash.finish128()
    }

    /// The services whose durable state any step has changed, one bit each.
    pub const fn touched(&self) -> u8 {
        self.touched
    }

    /// The rows that were written since somebody last looked.
    pub fn written(&self) -> &[Written] {
        &self.written
    }

    /// The services that changed otherwise than row by row since somebody last looked, one bit each.
    pub const fn vague(&self) -> u8 {
        self.vague
    }

    /// Somebody has looked.
    pub fn looked(&mut self) {
        self.written.clear();
        self.vague = 0;
    }

    /// The words.
    pub fn lines(&self) -> &[Line] {
        self.lines.as_deref().unwrap_or_default()
    }

    /// The hashes after each step.
    pub fn hashes(&self) -> &[u128] {
        self.hashes.as_deref().unwrap_or_default()
    }

    /// Whether words are kept.
    pub const fn is_verbose(&self) -> bool {
        self.lines.is_some()
    }

    pub(super) fn begin(&mut self, action: Action, now: Timestamp) {
        if let Some(hashes) = &mut self.hashes {
            hashes.push(self.hash.finish128());
        }
        self.steps += 1;
        self.about.clear();
        self.rows.clear();
        self.changed = 0;
        self.now = now;
        self.action = Some(action);
        if let Some(coverage) = &mut self.coverage {
            coverage.happens(action);
        }
        self.hash.word(action.code());
        self.hash.word(now.as_micros().cast_unsigned());
    }

    /// What the world holds after a step.
    pub(crate) fn holds(&mut self, print: impl FnOnce() -> u128) {
        if self.hashes.is_some() && self.lines.is_some() {
            let print = print();
            self.hash.word((print >> 64) as u64);
            self.hash.word(print as u64);
        }
    }

    pub(super) fn fate(&mut self, node: u8, op: Op, fate: Fate) {
        if let Some(coverage) = &mut self.coverage {
            coverage.chosen(op, fate);
        }
        self.hash.word(u64::from(node) << 16 | (op as u64) << 8 | fate as u64);
    }

    pub(super) fn id(&mut self, id: MessageId) {
        let (high, low) = id.0.as_u64_pair();
        self.hash.word(high ^ low.rotate_left(32));
        self.about(id.0);
    }

    /// The same for the words alone.
    pub(super) fn about(&mut self, id: Uuid) {
        if self.is_verbose() {
            self.about.push(id);
        }
    }

    pub(super) const fn touch(&mut self, node: u8) {
        self.touch_rows(node);
        self.vague |= 1 << node;
    }

    /// Changed by a transaction that told what it wrote, or in what no invariant looks at.
    pub(super) const fn touch_rows(&mut self, node: u8) {
        self.changed |= 1 << node;
        self.touched |= 1 << node;
    }

    pub(super) fn wrote(&mut self, node: u8, rows: impl Iterator<Item = (&'static str, Uuid)>) {
        self.touch_rows(node);
        let before = self.written.len();
        self.written.extend(rows.map(|(kind, key)| Written { node, kind, key }));
        if self.lines.is_some() {
            self.rows.extend(self.written[before..].iter().map(|row| row.key));
        }
    }

    pub(super) fn say(&mut self, is_fault: bool, text: impl FnOnce() -> String) {
        if let (Some(lines), Some(action)) = (&mut self.lines, self.action) {
            let (about, wrote) = (self.about.clone(), self.rows.clone());
            lines.push(Line { step: self.steps, at: self.now, action, text: text(), is_fault, about, wrote });
        }
    }
}
