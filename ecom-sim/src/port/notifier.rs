//! The channels of notices: each takes a letter once under its id.

use std::collections::BTreeMap;

use ecom_core::engine::EffectRow;
use ecom_core::id::MessageId;
use ecom_core::notification::{Effect, EffectAnswer, Letter, NotificationContext, Template};

use super::OutsideWorld;
use crate::facts::{Fact, list};
use crate::scenario::REFUSED;

/// The channels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Notifier {
    letters: BTreeMap<MessageId, Letter>,
}

impl Notifier {
    /// The letters that were taken.
    pub fn letters(&self) -> impl Iterator<Item = &Letter> {
        self.letters.values()
    }

    /// How many letters of these kinds were taken.
    pub fn count(&self, kinds: &[Template]) -> usize {
        self.letters.values().filter(|letter| kinds.contains(&letter.template)).count()
    }
}

impl OutsideWorld<NotificationContext> for Notifier {
    fn facts(&self, named: &str) -> Vec<Fact> {
        let letter = |it: &Letter| it.template.name().replace('_', " ");
        vec![Fact::new(named, "letters taken", list(self.letters().map(letter)))]
    }

    fn call(&mut self, row: &EffectRow<Effect>) -> Option<EffectAnswer> {
        let Effect::Send(letter) = &row.effect;
        if letter.to.ends_with(REFUSED) {
            let detail = "nobody takes letters there".to_owned();
            return Some(EffectAnswer::NotSent { transient: false, detail });
        }
        self.letters.entry(row.id).or_insert_with(|| letter.clone());
        Some(EffectAnswer::Sent)
    }

    fn unknown(&self) -> Option<EffectAnswer> {
        Some(EffectAnswer::Unknown { detail: "no answer in time".to_owned() })
    }

    fn transient(&self) -> Option<EffectAnswer> {
        Some(EffectAnswer::NotSent { transient: true, detail: "try again in a moment".to_owned() })
    }
}
