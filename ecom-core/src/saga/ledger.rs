//! What an instance is owed after its end.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The debts of an ended instance and how they stand. Empty while it runs.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(bound(serialize = "D: Ord + Serialize", deserialize = "D: Ord + DeserializeOwned"))]
pub struct Ledger<D> {
    debts: BTreeMap<D, Entry>,
    repeats: u32,
}

/// One debt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Entry {
    /// How it stands.
    pub standing: Standing,
    /// 1, and one more each time it was opened again or its answer was void.
    pub round: u32,
    /// Whether there is certainly something to undo: then "there was nothing" is no answer.
    pub confirmed: bool,
    /// Whether its round is one that was begun after that was known. One before may have been answered with "there was
    /// nothing", and whoever keeps keys gives that answer under its key for ever.
    #[serde(default)]
    pub renewed: bool,
}

/// How a debt stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Not answered.
    Open,
    /// Done.
    Done,
    /// There was nothing to do.
    Nothing,
    /// An operator has taken it on himself.
    WrittenOff,
}

/// How a debt was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Answered {
    /// It was done.
    Done,
    /// There was nothing to do.
    Nothing,
}

impl<D> Default for Ledger<D> {
    fn default() -> Self {
        Self { debts: BTreeMap::new(), repeats: 0 }
    }
}

impl<D: Ord + Copy> Ledger<D> {
    /// A ledger in which all of these are open.
    pub(super) fn open(debts: impl IntoIterator<Item = D>) -> Self {
        let entry = Entry { standing: Standing::Open, round: 1, confirmed: false, renewed: false };
        Self { debts: debts.into_iter().map(|debt| (debt, entry)).collect(), repeats: 0 }
    }

    /// How a debt stands; `None` when this end never owed it.
    pub fn get(&self, debt: D) -> Option<Entry> {
        self.debts.get(&debt).copied()
    }

    /// All debts with their standing, in order.
    pub fn iter(&self) -> impl Iterator<Item = (D, Entry)> {
        self.debts.iter().map(|(debt, entry)| (*debt, *entry))
    }

    /// The open debts, each with its round.
    pub fn outstanding(&self) -> impl Iterator<Item = (D, u32)> {
        self.iter().filter(|(_, entry)| entry.standing == Standing::Open).map(|(debt, entry)| (debt, entry.round))
    }

    /// Whether nothing is open.
    pub fn is_settled(&self) -> bool {
        self.outstanding().next().is_none()
    }

    /// How often what is open was asked for again.
    pub const fn repeats(&self) -> u32 {
        self.repeats
    }

    pub(super) const fn set_repeats(&mut self, repeats: u32) {
        self.repeats = repeats;
    }

    /// Notes an answer; whether it changed anything.
    ///
    /// "Done" always counts. "There was nothing" closes only what is open and not known to have happened: an answer
    /// from before a late success must not close the debt again. It begins another round instead, once: what is
    /// asked for next is a request of its own and not the one that has this answer.
    pub(super) fn answer(&mut self, debt: D, how: Answered) -> bool {
        let Some(entry) = self.debts.get_mut(&debt) else { return false };
        let standing = match how {
            Answered::Done => Standing::Done,
            Answered::Nothing if entry.standing != Standing::Open => return false,
            Answered::Nothing if !entry.confirmed => Standing::Nothing,
            Answered::Nothing if entry.renewed => return false,
            Answered::Nothing => {
                entry.round += 1;
                entry.renewed = true;
                return true;
            }
        };
        std::mem::replace(&mut entry.standing, standing) != standing
    }

    /// Notes that there is something to undo.
    pub(super) fn confirm(&mut self, debt: D) -> Confirmed {
        let Some(entry) = self.debts.get_mut(&debt) else { return Confirmed::NotConcerned };
        let known = std::mem::replace(&mut entry.confirmed, true);
        match entry.standing {
            Standing::Done => Confirmed::NotConcerned,
            Standing::Open if known => Confirmed::NotConcerned,
            Standing::Open => Confirmed::Noted,
            Standing::Nothing | Standing::WrittenOff => {
                entry.standing = Standing::Open;
                entry.round += 1;
                entry.renewed = true;
                self.repeats = 0;
                Confirmed::Reopened
            }
        }
    }

    /// Closes what is open: an operator sees to it.
    pub(super) fn write_off(&mut self) {
        for entry in self.debts.values_mut().filter(|entry| entry.standing == Standing::Open) {
            entry.standing = Standing::WrittenOff;
        }
    }
}

/// What the confirmation of a debt did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Confirmed {
    /// It was open and stays so; "there was nothing" will not close it.
    Noted,
    /// It was closed and is open again.
    Reopened,
    /// It was known, is done, or was never owed.
    NotConcerned,
}
