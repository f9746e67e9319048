//! The door through which effects leave, for any context.

use std::fmt::Debug;
use std::hash::Hash;
use std::time::Duration;

use ecom_core::decide::{BoundedContext, NoEffect};
use ecom_core::engine::{EffectRow, Message};
use ecom_core::port::Delivery;
use uuid::Uuid;

use super::RowKey;
use crate::choose::Fate;
use crate::coverage::Covered;
use crate::facts::{self, Fact};
use crate::invariant::Broken;
use crate::mutant::Mutable;
use crate::world::Seen;

/// A context that can be simulated.
pub trait Simulated: Mutable + Covered + BoundedContext<Snapshot: Hash, Change: Hash, EffectAnswer: Hash> {
    /// What its effects reach.
    type Outside: OutsideWorld<Self>;

    /// What that is called.
    const OUTSIDE: &'static str = "the outside";

    /// What a call asks for, in words.
    fn asks_for(effect: &Self::Effect) -> String {
        format!("{effect:?}")
    }

    /// What is answered, in words.
    fn answers(answer: &Self::EffectAnswer) -> String {
        format!("{answer:?}")
    }

    /// What comes from there of its own accord, in words.
    fn tells(input: &Self::Input) -> String {
        format!("{input:?}")
    }

    /// What its rows say, in words.
    fn facts(rows: &Self::Snapshot) -> Vec<Fact> {
        facts::flat("rows", rows)
    }

    /// What something of it looks like to whoever reads it, as HTTP shows it; `None` when it is not there.
    fn look(_rows: &Self::Snapshot, _at: Uuid) -> Option<Seen> {
        None
    }

    /// The rows that its stores lock when they read for that scope.
    fn locks(scope: &Self::Scope, rows: &Self::Snapshot) -> Vec<RowKey>;

    /// Whether the row of that key is read as it was stored, where the core knows its stored form.
    fn survives(_rows: &Self::Snapshot, _key: Uuid) -> Result<(), Broken> {
        Ok(())
    }

    /// The release that a process of that number runs, after the one that it ran before it died. Most worlds have one.
    fn release(_copy: u8, _before: Option<u8>) -> u8 {
        0
    }

    /// What that release has become so long after the beginning: an upgrade ends.
    fn release_at(release: u8, _since: Duration) -> u8 {
        release
    }

    /// The release that an upgrade ends with.
    fn newest() -> u8 {
        0
    }

    /// Tells the message which release handles it.
    fn hand_to(_message: &mut Message<Self>, _release: u8) {}

    /// The delivery as that release can read it.
    fn read_as(delivery: Delivery, _release: u8) -> Delivery {
        delivery
    }
}

/// How a call can end that may be refused now and carried out later.
pub const REFUSABLE: &[Fate] = &[
    Fate::Fine,
    Fate::UnknownDone,
    Fate::UnknownNotDone,
    Fate::Transient,
    Fate::Late,
    Fate::CrashBefore,
    Fate::CrashAfter,
    Fate::CrashLate,
    Fate::Refused,
];

/// How any other call can end.
pub const CALLS: &[Fate] = REFUSABLE.split_at(REFUSABLE.len() - 1).0;

/// What can become of the webhook of a call: none is sent; it comes before the answer; later; before it and later again.
pub const WEBHOOKS: &[Fate] = &[Fate::Fine, Fate::Early, Fate::Late, Fate::Twice];

/// Everything outside that a context's effects reach, as a value: it keeps what really happened.
pub trait OutsideWorld<C: BoundedContext>: Clone + Debug + Default + Hash + Send + Sync + 'static {
    /// The call reaches the outside, which does what is asked, once for each key, and gives its answer; `None` when
    /// nobody answers there.
    fn call(&mut self, row: &EffectRow<C::Effect>) -> Option<C::EffectAnswer>;

    /// Whether that call may be refused now although it is in order, and be carried out when it is asked for again.
    fn may_refuse(&self, _row: &EffectRow<C::Effect>) -> bool {
        false
    }

    /// The call reaches the outside, which refuses it, and does not know it when it is asked for again.
    fn refuse(&mut self, _row: &EffectRow<C::Effect>) -> Option<C::EffectAnswer> {
        None
    }

    /// Whether the last call did something that the outside could tell of its own accord, until that is taken or
    /// dropped.
    fn has_news(&self) -> bool {
        false
    }

    /// Tells nothing of it.
    fn drop_news(&mut self) {}

    /// What the outside would tell of its own accord about the last call, if that did something; taken once.
    fn news(&mut self) -> Option<Message<C>> {
        None
    }

    /// What has happened there, in words; `named` is what it is called.
    fn facts(&self, named: &str) -> Vec<Fact> {
        facts::flat(named, self)
    }

    /// The answer of a call that nobody knows the end of; `None` when the context has no such answer: the call is
    /// repeated when its lease ends.
    fn unknown(&self) -> Option<C::EffectAnswer>;

    /// The answer of a call that was certainly not carried out and may be repeated; `None` as above.
    fn transient(&self) -> Option<C::EffectAnswer>;
}

/// For contexts that call nobody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct NoOutside;

impl<C: BoundedContext<Effect = NoEffect, EffectAnswer = NoEffect>> OutsideWorld<C> for NoOutside {
    fn facts(&self, _named: &str) -> Vec<Fact> {
        vec![]
    }

    fn call(&mut self, row: &EffectRow<NoEffect>) -> Option<NoEffect> {
        Some(row.effect)
    }

    fn unknown(&self) -> Option<NoEffect> {
        None
    }

    fn transient(&self) -> Option<NoEffect> {
        None
    }
}
