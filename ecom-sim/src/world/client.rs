//! Clients: each sends its commands one after the other, and again when it does not hear how one ended.

use std::any::Any;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use ecom_core::engine::Message;
use ecom_core::id::{OrderId, RefundId, UserId};
use ecom_core::time::Timestamp;
use uuid::Uuid;

use super::node::{Answered, Seen};
use super::trace::Trace;
use crate::port::Simulated;

/// What a client knows when it writes its next command.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// How often it has sent this command before.
    pub attempt: u32,
    /// What it heard so far, one for each command.
    pub replies: &'a [Reply],
}

/// How a command ended for its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reply {
    /// The last answer.
    pub answered: Answered,
    /// How often the command was sent.
    pub attempts: u32,
    /// When it was answered.
    pub at: Timestamp,
}

impl Reply {
    /// What was created or changed.
    pub fn resource(&self) -> Uuid {
        match self.answered {
            Answered::Done { resource, .. } | Answered::Seen(Seen { resource, .. }) => resource,
            Answered::Refused | Answered::Failed | Answered::Unknown => Uuid::nil(),
        }
    }
}

/// Something that is there when an attempt of a command was carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trail {
    /// This order.
    Order(OrderId),
    /// This refund; of so much, in the smallest unit, where the command says how much.
    Refund(RefundId, Option<i64>),
    /// This line in the log of stock, with so many pieces.
    Movement(Uuid, i64),
}

/// A key under which a command is carried out once, however often it is sent.
#[derive(Clone)]
pub struct Keyed {
    /// Whose, for what, and which.
    pub key: Arc<str>,
    trail: Arc<dyn Fn(u32) -> Trail + Send + Sync>,
}

impl Keyed {
    /// What this attempt leaves, counted from 0.
    pub fn trail(&self, attempt: u32) -> Trail {
        (self.trail)(attempt)
    }
}

type Made = Arc<dyn Any + Send + Sync>;

/// Asks what something looks like.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look(pub(super) Uuid);

/// The same command with other pieces of each of its lines.
type Remake = Arc<dyn Fn(&[u32]) -> Command + Send + Sync>;

/// Who asks for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Who.
    pub user: UserId,
    /// What, in words that are the same for the same request.
    pub asks: String,
}

/// A command that a client will send.
#[derive(Clone)]
pub struct Command {
    /// For people.
    pub label: &'static str,
    /// The service's number.
    pub node: u8,
    /// How often it is sent again when its end is not known.
    pub retries: u32,
    /// Who asks for what, where its answer must be about that.
    pub request: Option<Request>,
    /// Its key, if it has one.
    pub keyed: Option<Keyed>,
    make: Arc<dyn Fn(Known<'_>) -> Made + Send + Sync>,
    lines: Option<(Arc<[u32]>, Remake)>,
    left_out: bool,
    at_once: bool,
}

impl Command {
    /// A command to a context's service. Each attempt makes its message anew.
    pub fn new<C: Simulated>(
        label: &'static str,
        retries: u32,
        make: impl Fn(Known<'_>) -> Message<C> + Send + Sync + 'static,
    ) -> Self {
        Self::of::<C>(label, retries, move |known| Arc::new(make(known)) as Made)
    }

    /// A look at something of a context's service: what it looks like to whoever reads it.
    pub fn look<C: Simulated>(label: &'static str, at: impl Fn(Known<'_>) -> Uuid + Send + Sync + 'static) -> Self {
        Self::of::<C>(label, 0, move |known| Arc::new(Look(at(known))) as Made)
    }

    fn of<C: Simulated>(
        label: &'static str,
        retries: u32,
        make: impl Fn(Known<'_>) -> Made + Send + Sync + 'static,
    ) -> Self {
        let make = Arc::new(make);
        Self {
            label,
            node: C::SERVICE as u8,
            retries,
            request: None,
            keyed: None,
            make,
            lines: None,
            left_out: false,
            at_once: false,
        }
    }

    /// Its answer must be about this.
    #[must_use]
    pub fn asking(self, user: UserId, asks: String) -> Self {
        Self { request: Some(Request { user, asks }), ..self }
    }

    /// It is sent under a key, and each attempt leaves something of its own when it is carried out.
    #[must_use]
    pub fn keyed(self, key: &str, trail: impl Fn(u32) -> Trail + Send + Sync + 'static) -> Self {
        Self { keyed: Some(Keyed { key: key.into(), trail: Arc::new(trail) }), ..self }
    }

    /// It is sent as soon as the one before it is answered, before anybody else goes on.
    #[must_use]
    pub fn at_once(self) -> Self {
        Self { at_once: true, ..self }
    }

    /// It has lines of so many pieces, and `remake` makes it with others; a line of none is left out.
    #[must_use]
    pub fn of_lines(self, pieces: &[u32], remake: impl Fn(&[u32]) -> Self + Send + Sync + 'static) -> Self {
        Self { lines: Some((pieces.into(), Arc::new(remake))), ..self }
    }

    /// The pieces of each of its lines, those that are left out among them.
    pub fn pieces(&self) -> &[u32] {
        self.lines.as_ref().map_or(&[], |(pieces, _)| pieces)
    }

    /// Whether it is never sent.
    pub const fn is_left_out(&self) -> bool {
        self.left_out
    }

    /// The same with fewer pieces in a line; `None` when it has no such line, as few already, or nothing would be left.
    fn with_pieces(&self, line: usize, pieces: u32) -> Option<Self> {
        let (known, remake) = self.lines.as_ref()?;
        let mut fewer = known.to_vec();
        let place = fewer.get_mut(line).filter(|before| **before > pieces)?;
        *place = pieces;
        fewer.iter().any(|pieces| *pieces > 0).then(|| remake(&fewer))
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.label)
    }
}

/// A client.
#[derive(Clone, Debug)]
pub struct Client {
    commands: Arc<[Command]>,
    /// Whether it sends its next command before anybody else goes on.
    pub eager: bool,
    attempt: u32,
    waits: bool,
    replies: Vec<Reply>,
}

impl Client {
    /// A client with these commands.
    pub fn new(eager: bool, commands: impl Into<Arc<[Command]>>) -> Self {
        Self { commands: commands.into(), eager, attempt: 0, waits: false, replies: vec![] }
    }

    /// What it heard so far.
    pub fn replies(&self) -> &[Reply] {
        &self.replies
    }

    /// Whether its next command comes before anybody else goes on.
    pub(super) fn is_eager(&self) -> bool {
        self.eager || self.next().is_some_and(|command| command.at_once)
    }

    /// The commands that it sends.
    pub fn commands(&self) -> &[Command] {
        &self.commands
    }

    /// Never sends that command: it counts as refused, so that those behind it keep their numbers. `false` when there is no
    /// such command, or it was sent.
    pub(super) fn leave_out(&mut self, command: usize, now: Timestamp) -> bool {
        let left = |it: &mut Command| !std::mem::replace(&mut it.left_out, true);
        let changed = self.change(command, left);
        self.pass_over(now);
        changed
    }

    /// Sends that command with fewer pieces in a line; `false` when that is not possible.
    pub(super) fn lessen(&mut self, command: usize, line: usize, pieces: u32) -> bool {
        self.change(command, |it| match it.with_pieces(line, pieces) {
            Some(less) => {
                *it = less;
                true
            }
            None => false,
        })
    }

    fn change(&mut self, command: usize, change: impl FnOnce(&mut Command) -> bool) -> bool {
        let sent = self.replies.len() + usize::from(self.waits);
        let mut commands = self.commands.to_vec();
        let changed = commands.get_mut(command).filter(|it| command >= sent && !it.left_out).is_some_and(change);
        if changed {
            self.commands = commands.into();
        }
        changed
    }

    /// What is left out needs no answer.
    fn pass_over(&mut self, at: Timestamp) {
        while self.next().is_some_and(Command::is_left_out) {
            self.replies.push(Reply { answered: Answered::Refused, attempts: 0, at });
        }
    }

    /// The command that it would send now.
    pub(super) fn next(&self) -> Option<&Command> {
        if self.waits { None } else { self.commands.get(self.replies.len()) }
    }

    /// Whether it has heard of all of its commands.
    pub fn is_done(&self) -> bool {
        self.replies.len() == self.commands.len()
    }

    pub(super) fn send(&mut self) -> Option<(u8, &'static str, Made)> {
        let command = self.next()?;
        let (node, label) = (command.node, command.label);
        let made = (command.make)(Known { attempt: self.attempt, replies: &self.replies });
        self.waits = true;
        Some((node, label, made))
    }

    pub(super) fn hear(&mut self, answered: Answered, at: Timestamp, trace: &mut Trace) {
        let Some(command) = self.commands.get(self.replies.len()) else { return };
        self.waits = false;
        self.attempt += 1;
        trace.say(false, || format!("the client hears of \"{}\": {answered}", command.label));
        let again = matches!(answered, Answered::Failed | Answered::Unknown) && self.attempt <= command.retries;
        if !again {
            self.replies.push(Reply { answered, attempts: self.attempt, at });
            self.attempt = 0;
            self.pass_over(at);
        }
    }
}

impl Hash for Client {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.attempt, self.waits, &self.replies).hash(state);
    }
}
