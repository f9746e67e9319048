//! Bugs on purpose: the proof that the simulator finds bugs.
//!
//! A planted bug is a value in the world's [`Settings`](crate::world::Settings) and lives at the seam where the
//! simulator drives the production code: in what a transaction hears, reads and writes ([`Mutable`]), or in how the
//! host interprets the machines. Those of an upgrade are in the releases of its world. The services are built without any
//! of it.

mod catalogue;
mod caught;
mod former;
mod hunt;
mod keys;
mod refusal;
mod rows;
mod rules;
mod switch;
mod upgrade;
mod verdict;
mod webhook;

pub use former::FORMER;
pub use hunt::{Checked, Control, Found, Hunt, Kill, hunt};
pub use rules::Mutable;
pub use switch::Mutant;
pub use verdict::{Bars, Verdict};

use ecom_core::decide::BoundedContext;
use ecom_core::engine::{Batch, Loaded, Message, Origin, Writes};
use ecom_core::id::MessageId;
use ecom_core::testing::{Begun, MemoryTables, Terms};

use crate::choose::Fate;

/// A planted bug, and where the exhaustive search looks for it.
#[derive(Clone, Copy, Debug)]
pub struct Planted {
    /// Where it is switched on.
    pub switch: Switch,
    /// Its name.
    pub name: &'static str,
    /// The part of the protocol that it is in.
    pub area: &'static str,
    /// What is wrong, in a sentence.
    pub about: &'static str,
    /// Where everything is tried.
    pub lane: Lane,
    /// The beginnings of the names of the invariants that may catch it.
    pub expected: &'static [&'static str],
}

impl Planted {
    /// By its name.
    pub fn named(name: &str) -> Option<&'static Self> {
        Self::known().find(|planted| planted.name == name)
    }

    /// All that have a name: those of the catalogue, and former ones.
    pub fn known() -> impl Iterator<Item = &'static Self> {
        ALL.iter().chain(FORMER)
    }
}

/// Where a planted bug is switched on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// In the settings of any world.
    Settings(Mutant),
    /// In the releases of a world of upgrades.
    Releases(crate::upgrade::Bug),
}

impl Switch {
    /// The name of its bug.
    pub fn name(self) -> &'static str {
        Planted::known().find(|planted| planted.switch == self).map_or("", |planted| planted.name)
    }
}

/// All planted bugs of the catalogue.
pub const ALL: &[Planted] = &all();

const LISTS: [&[Planted]; 6] = [catalogue::BUGS, keys::BUGS, rows::BUGS, webhook::BUGS, refusal::BUGS, upgrade::BUGS];

const COUNT: usize =
    LISTS[0].len() + LISTS[1].len() + LISTS[2].len() + LISTS[3].len() + LISTS[4].len() + LISTS[5].len();

const fn all() -> [Planted; COUNT] {
    let (mut all, lists) = ([catalogue::BUGS[0]; COUNT], LISTS);
    let (mut list, mut end) = (0, 0);
    while list < lists.len() {
        let mut place = 0;
        while place < lists[list].len() {
            all[end] = lists[list][place];
            (place, end) = (place + 1, end + 1);
        }
        list += 1;
    }
    all
}

/// A small world in which everything is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lane {
    /// The scenario.
    pub scenario: &'static str,
    /// How many faults.
    pub faults: u32,
    /// Processes of each service.
    pub copies: u8,
    /// Whether time may pass early.
    pub elapse: bool,
}

/// Reads and decides, with the bug. `fate` is how the transaction will end, where that is known.
pub(crate) fn begin<C: Mutable>(
    mutant: Mutant,
    tables: &MemoryTables<C>,
    mut batch: Batch<C>,
    terms: Terms<'_>,
    fate: Option<Fate>,
) -> Begun<C> {
    for message in &mut batch.messages {
        mishear(mutant, message);
        C::mishear(mutant, message, tables.snapshot());
    }
    let messages = batch.messages.clone();
    let read = |loaded: &mut Loaded<C>| {
        for message in &messages {
            if let (Mutant::DeadlineUnchecked, Origin::Timer(timer)) = (mutant, &message.origin) {
                loaded.armed.insert(timer.clone());
            }
            if mutant == Mutant::WebhookBookedTwice && !matches!(message.origin, Origin::Answer { .. }) {
                C::unsee(message, &mut loaded.seen);
            }
            C::misread(mutant, message, &mut loaded.snapshot);
        }
    };
    let write = |rows: &C::Snapshot, writes: &mut Writes<C>| {
        miswrite(mutant, &messages, fate, writes);
        for message in &messages {
            C::miswrite(mutant, message, rows, writes);
        }
    };
    let mut begun = tables.begin_tampered(batch, terms, read, write);
    if mutant == Mutant::VersionsNotChecked {
        begun.forget_versions();
    }
    begun
}

/// What is durable of a transaction that did not become so.
pub(crate) fn leftovers<C: Mutable>(mutant: Mutant, tables: &mut MemoryTables<C>, batch: Batch<C>, terms: Terms<'_>) {
    if !matches!(mutant, Mutant::InboxBeforeCommit | Mutant::KeyBeforeCommit) {
        return;
    }
    let write = |_: &C::Snapshot, writes: &mut Writes<C>| {
        let (inbox, kept) = (std::mem::take(&mut writes.inbox), std::mem::take(&mut writes.kept));
        *writes = match mutant {
            Mutant::InboxBeforeCommit => Writes { inbox, ..Writes::default() },
            _ => Writes { kept, ..Writes::default() },
        };
    };
    let begun = tables.begin_tampered(batch, terms, |_| {}, write);
    // It cannot fail: nobody comes between.
    drop(tables.commit(begun, terms.lease));
}

fn mishear<C: BoundedContext>(mutant: Mutant, message: &mut Message<C>) {
    match (mutant, &mut message.origin) {
        (Mutant::InboxByOrder, Origin::Event) => message.id = MessageId(message.correlation.0),
        (Mutant::KeyWithoutUser, Origin::Command(Some(key))) => key.scope.clear(),
        (Mutant::FingerprintIgnored, Origin::Command(Some(key))) => key.fingerprint.clear(),
        _ => {}
    }
}

fn miswrite<C: BoundedContext>(mutant: Mutant, messages: &[Message<C>], fate: Option<Fate>, writes: &mut Writes<C>) {
    let torn = matches!(fate, Some(Fate::CrashAfter | Fate::UnknownDone));
    match mutant {
        Mutant::KeyNotKept => writes.kept.clear(),
        Mutant::OutboxBesideState if torn => writes.outbox.clear(),
        Mutant::EffectBesideState if torn => writes.effects.retain(|_, row| row.is_none()),
        Mutant::EffectNotDeleted => writes.effects.retain(|_, row| row.is_some()),
        Mutant::TimerNotDeleted if messages.iter().any(|it| matches!(it.origin, Origin::Timer(_))) => {
            writes.timers.retain(|_, timer| timer.is_some());
        }
        _ => {}
    }
}

/// A planted bug in the words of the catalogue.
const fn plant(
    mutant: Mutant,
    name: &'static str,
    area: &'static str,
    about: &'static str,
    (scenario, faults, copies, elapse): (&'static str, u32, u8, bool),
    expected: &'static [&'static str],
) -> Planted {
    let lane = Lane { scenario, faults, copies, elapse };
    Planted { switch: Switch::Settings(mutant), name, area, about, lane, expected }
}
