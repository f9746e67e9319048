//! A provider that keeps its word: what moved under each key, and what it does not want to do now.

use std::collections::{BTreeMap, BTreeSet};

use super::super::Refusal;
use super::*;

/// How a call goes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Way {
    /// The provider does it and says so.
    Done,
    /// The provider does it and its answer is lost.
    DoneAndLost,
    /// The provider does not hear of it, and nobody knows.
    Lost,
    /// The provider does it and the caller is killed before he can say anything.
    DoneAndKilled,
    /// The provider cannot now.
    Transient,
    /// The provider does not want to, unless it has done it already.
    Refused,
    /// The same, and the caller is killed before he can say anything.
    RefusedAndKilled,
}

/// The provider's books: what moved under each key. A charge that was refused stays refused; a refund may be done later.
#[derive(Debug, Default)]
pub(super) struct Provider {
    pub(super) moved: BTreeMap<MessageId, i64>,
    pub(super) refused: BTreeSet<MessageId>,
}

impl Provider {
    pub(super) fn call(&mut self, key: MessageId, effect: &Effect, way: Way) -> ProviderAnswer {
        let minor = match effect {
            Effect::Charge(charge) => charge.amount.minor(),
            Effect::Refund(refund) => -refund.amount.minor(),
        };
        let known = self.moved.contains_key(&key);
        match way {
            Way::Done | Way::DoneAndLost | Way::DoneAndKilled if minor < 0 || !self.refused.contains(&key) => {
                let before = *self.moved.entry(key).or_insert(minor);
                assert_eq!(before, minor, "a key is never used for another amount");
            }
            Way::Refused | Way::RefusedAndKilled if !known => {
                self.refused.insert(key);
            }
            Way::Done
            | Way::DoneAndLost
            | Way::DoneAndKilled
            | Way::Refused
            | Way::RefusedAndKilled
            | Way::Lost
            | Way::Transient => {}
        }
        let lost = || ProviderAnswer::Unknown { detail: "no answer".to_owned() };
        let no = || ProviderAnswer::Refused { code: Refusal::Declined, detail: "no".to_owned() };
        match way {
            Way::Done | Way::Refused if self.moved.contains_key(&key) => {
                ProviderAnswer::Succeeded { reference: format!("ref_{key}") }
            }
            Way::Done | Way::Refused => no(),
            Way::DoneAndLost | Way::DoneAndKilled | Way::RefusedAndKilled | Way::Lost => lost(),
            Way::Transient => ProviderAnswer::Transient { detail: "later".to_owned() },
        }
    }

    pub(super) fn net(&self) -> i64 {
        self.moved.values().sum()
    }
}
