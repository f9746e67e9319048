//! The one oracle: every step that could go otherwise asks a [`Chooser`], and the first option is what happens without
//! faults, in order of arrival. A run is its scenario and the list of [`Deviation`]s from that.

mod exhaust;
mod random;
mod replay;
mod text;

use std::fmt;

pub use exhaust::{Exhaust, Fork};
pub use random::{Random, Swarm};
pub use replay::{Default0, Replay};
pub use text::ParseError;

use crate::world::Action;

/// What is chosen at a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Op {
    /// Who goes on.
    Schedule,
    /// Which message is delivered.
    Deliver,
    /// Whether a message comes twice.
    Duplicate,
    /// How a transaction ends.
    Commit,
    /// How a publication ends.
    Publish,
    /// How a settlement ends.
    Settle,
    /// How a call of the outside ends.
    Call,
    /// Whether a claim reaches the database.
    Claim,
    /// Whether a small write (an attempt, a dead letter) reaches the database.
    Write,
    /// Whether the outside tells of its own accord what it did, and when.
    Webhook,
}

impl Op {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Schedule,
        Self::Deliver,
        Self::Duplicate,
        Self::Commit,
        Self::Publish,
        Self::Settle,
        Self::Call,
        Self::Claim,
        Self::Write,
        Self::Webhook,
    ];

    /// The word in a replay string.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Schedule => "schedule",
            Self::Deliver => "deliver",
            Self::Duplicate => "duplicate",
            Self::Commit => "commit",
            Self::Publish => "publish",
            Self::Settle => "settle",
            Self::Call => "call",
            Self::Claim => "claim",
            Self::Write => "write",
            Self::Webhook => "webhook",
        }
    }
}

/// Where something is chosen: a kind of step of one service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Site {
    /// The service's number in the world; [`Site::WORLD`] for the schedule.
    pub node: u8,
    /// The kind of step.
    pub op: Op,
}

impl Site {
    /// Stands for no service.
    pub const WORLD: u8 = 7;

    /// The schedule.
    pub const SCHEDULE: Self = Self { node: Self::WORLD, op: Op::Schedule };

    /// How many there are.
    pub const COUNT: usize = 8 * Op::ALL.len();

    /// Its number.
    pub const fn index(self) -> usize {
        self.node as usize * Op::ALL.len() + self.op as usize
    }
}

/// How a step of a port can end. The first option of a site is always [`Fate::Fine`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Fate {
    /// As it should.
    Fine,
    /// The database is away; nothing happened.
    Away,
    /// Somebody else changed the same rows, as often as it was tried; nothing happened.
    Conflict,
    /// The database refuses; nothing happened.
    Broken,
    /// Nobody knows: it happened.
    UnknownDone,
    /// Nobody knows: it did not happen.
    UnknownNotDone,
    /// The process dies before it happens.
    CrashBefore,
    /// It happens, and the process dies before it hears of it.
    CrashAfter,
    /// It happens in part, and nobody knows.
    UnknownHalf,
    /// The other side says that it did not happen and may be asked again.
    Transient,
    /// Nobody knows, and it happens later.
    Late,
    /// The process dies, and it happens later.
    CrashLate,
    /// The message stays in the queue as well; the webhook comes before the answer, and again later.
    Twice,
    /// The webhook comes before the answer.
    Early,
    /// The broker has no queue for it and gives it back.
    Returned,
    /// The other side refuses now what it would do later.
    Refused,
}

impl Fate {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::Fine,
        Self::Away,
        Self::Conflict,
        Self::Broken,
        Self::UnknownDone,
        Self::UnknownNotDone,
        Self::CrashBefore,
        Self::CrashAfter,
        Self::UnknownHalf,
        Self::Transient,
        Self::Late,
        Self::CrashLate,
        Self::Twice,
        Self::Early,
        Self::Returned,
        Self::Refused,
    ];

    /// The word in a replay string.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Away => "away",
            Self::Conflict => "conflict",
            Self::Broken => "broken",
            Self::UnknownDone => "unknown-done",
            Self::UnknownNotDone => "unknown-not-done",
            Self::CrashBefore => "crash-before",
            Self::CrashAfter => "crash-after",
            Self::UnknownHalf => "unknown-half",
            Self::Transient => "transient",
            Self::Late => "late",
            Self::CrashLate => "crash-late",
            Self::Twice => "twice",
            Self::Early => "early",
            Self::Returned => "returned",
            Self::Refused => "refused",
        }
    }

    /// Whether the process dies.
    pub const fn crashes(self) -> bool {
        matches!(self, Self::CrashBefore | Self::CrashAfter | Self::CrashLate)
    }
}

/// What was chosen instead of the first option.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pick {
    /// Another end of the step.
    Fate(Fate),
    /// Another message than the first: so many places behind it.
    Message(u16),
    /// Another one goes on.
    Action(Action),
}

/// One step that went otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Deviation {
    /// Where.
    pub site: Site,
    /// Which choice of that site, counted from 1.
    pub at: u32,
    /// What was chosen.
    pub pick: Pick,
}

impl Deviation {
    /// Whether it is a fault, and not only another order of things.
    pub const fn is_fault(&self) -> bool {
        match self.pick {
            Pick::Fate(_) => true,
            Pick::Message(_) => false,
            Pick::Action(action) => action.is_fault(),
        }
    }
}

/// Which faults of the schedule are listed beside what is no fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Time that passes before its turn.
    pub elapse: bool,
    /// Processes that die between two steps.
    pub crash: bool,
    /// Clocks that jump, and services that are cut off.
    pub trouble: bool,
}

impl Wanted {
    /// All of them.
    pub const ALL: Self = Self { elapse: true, crash: true, trouble: true };

    /// None of them.
    pub const NONE: Self = Self { elapse: false, crash: false, trouble: false };
}

/// Chooses.
pub trait Chooser {
    /// How a step ends; `options` begins with [`Fate::Fine`].
    fn fate(&mut self, site: Site, options: &[Fate]) -> Fate;

    /// Which of `count` messages; 0 is the oldest.
    fn message(&mut self, site: Site, count: usize) -> usize;

    /// Who goes on: `None` for whoever would without deviations. `list` fills in who could, and of the faults those
    /// that are wanted.
    fn action(&mut self, list: &mut dyn FnMut(&mut Vec<Action>, Wanted)) -> Option<Action>;

    /// How often something else than the first option was chosen.
    fn deviated(&self) -> usize;
}

/// How often each site was asked.
#[derive(Clone, Debug)]
pub struct Counts([u32; Site::COUNT]);

impl Default for Counts {
    fn default() -> Self {
        Self([0; Site::COUNT])
    }
}

impl Counts {
    /// Counts one more and returns its number, from 1.
    pub const fn next(&mut self, site: Site) -> u32 {
        let count = &mut self.0[site.index()];
        *count += 1;
        *count
    }

    /// How often a site was asked.
    pub const fn of(&self, site: Site) -> u32 {
        self.0[site.index()]
    }
}

impl fmt::Display for Deviation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        text::write(self, formatter)
    }
}
