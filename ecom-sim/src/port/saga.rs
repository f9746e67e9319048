//! What the calls of somebody's own saga reach.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Debug};
use std::hash::{Hash, Hasher};

use ecom_core::engine::EffectRow;
use ecom_core::id::MessageId;
use ecom_core::saga::{Hosted, Instance, SagaContext};
use uuid::Uuid;

use super::{OutsideWorld, RowKey, Simulated};
use crate::hash::fingerprint;
use crate::invariant::Broken;

/// What the calls of a saga reach, as a value: rooms, money, letters. It keeps what is true outside, and knows nothing
/// of keys and repetitions: [`Calls`] asks it once for each key.
pub trait Desk<S: Hosted>: Clone + Debug + Hash + Send + Sync + 'static {
    /// Does what is asked, and says how it ended.
    fn carry_out(&mut self, effect: &S::Effect) -> S::EffectAnswer;

    /// The answer of a call that nobody knows the end of. `None`: the saga has no such answer, and the call is
    /// repeated until there is one.
    fn unknown(&self) -> Option<S::EffectAnswer> {
        None
    }

    /// The answer of a call that was certainly not carried out. `None` as above.
    fn transient(&self) -> Option<S::EffectAnswer> {
        None
    }
}

/// A [`Desk`] whose type is not known.
trait AnyDesk<S: Hosted>: Debug + Send + Sync {
    fn boxed(&self) -> Box<dyn AnyDesk<S>>;
    fn do_it(&mut self, effect: &S::Effect) -> S::EffectAnswer;
    fn say_unknown(&self) -> Option<S::EffectAnswer>;
    fn say_transient(&self) -> Option<S::EffectAnswer>;
    fn print(&self) -> u128;
    fn as_any(&self) -> &dyn Any;
}

impl<S: Hosted, D: Desk<S>> AnyDesk<S> for D {
    fn boxed(&self) -> Box<dyn AnyDesk<S>> {
        Box::new(self.clone())
    }

    fn do_it(&mut self, effect: &S::Effect) -> S::EffectAnswer {
        self.carry_out(effect)
    }

    fn say_unknown(&self) -> Option<S::EffectAnswer> {
        self.unknown()
    }

    fn say_transient(&self) -> Option<S::EffectAnswer> {
        self.transient()
    }

    fn print(&self) -> u128 {
        fingerprint(self)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The door of a saga: under one key its desk is asked once, and what it said is said again.
pub struct Calls<S: Hosted> {
    desk: Option<Box<dyn AnyDesk<S>>>,
    keys: BTreeMap<MessageId, (S::Effect, S::EffectAnswer)>,
    changed: Vec<S::Effect>,
    reused: Option<S::Effect>,
    twice: Option<S::Effect>,
}

impl<S: Hosted> Calls<S> {
    /// The door to that desk.
    pub fn to(desk: impl Desk<S>) -> Self {
        Self { desk: Some(Box::new(desk)), ..Self::default() }
    }

    /// The desk, for whoever knows its type.
    pub fn desk<D: Desk<S>>(&self) -> Option<&D> {
        self.desk.as_ref()?.as_any().downcast_ref()
    }

    /// The first request under a known key that asked for something else than the first one.
    pub const fn reused(&self) -> Option<&S::Effect> {
        self.reused.as_ref()
    }

    /// The first request that changed something outside although the same, under another key, had done so before.
    pub const fn twice(&self) -> Option<&S::Effect> {
        self.twice.as_ref()
    }

    fn carry_out(&mut self, effect: &S::Effect) -> Option<S::EffectAnswer> {
        let desk = self.desk.as_mut()?;
        let before = desk.print();
        let answer = desk.do_it(effect);
        if desk.print() != before {
            if self.changed.contains(effect) {
                self.twice.get_or_insert_with(|| effect.clone());
            }
            self.changed.push(effect.clone());
        }
        Some(answer)
    }
}

impl<S: Hosted> Default for Calls<S> {
    fn default() -> Self {
        Self { desk: None, keys: BTreeMap::new(), changed: vec![], reused: None, twice: None }
    }
}

impl<S: Hosted> Clone for Calls<S> {
    fn clone(&self) -> Self {
        Self {
            desk: self.desk.as_ref().map(|desk| desk.boxed()),
            keys: self.keys.clone(),
            changed: self.changed.clone(),
            reused: self.reused.clone(),
            twice: self.twice.clone(),
        }
    }
}

impl<S: Hosted> Debug for Calls<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.desk {
            Some(desk) => desk.fmt(formatter),
            None => formatter.write_str("nobody"),
        }
    }
}

impl<S: Hosted<EffectAnswer: Hash>> Hash for Calls<S> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.desk.as_ref().map(|desk| desk.print()).hash(state);
        (&self.keys, &self.changed, &self.reused, &self.twice).hash(state);
    }
}

impl<S: Hosted<EffectAnswer: Hash>> OutsideWorld<SagaContext<S>> for Calls<S> {
    fn call(&mut self, row: &EffectRow<S::Effect>) -> Option<S::EffectAnswer> {
        if let Some((first, answer)) = self.keys.get(&row.id) {
            if *first != row.effect {
                self.reused.get_or_insert_with(|| row.effect.clone());
            }
            return Some(answer.clone());
        }
        let answer = self.carry_out(&row.effect)?;
        self.keys.insert(row.id, (row.effect.clone(), answer.clone()));
        Some(answer)
    }

    fn unknown(&self) -> Option<S::EffectAnswer> {
        self.desk.as_ref()?.say_unknown()
    }

    fn transient(&self) -> Option<S::EffectAnswer> {
        self.desk.as_ref()?.say_transient()
    }
}

impl<S: Hosted<EffectAnswer: Hash>> Simulated for SagaContext<S> {
    type Outside = Calls<S>;

    fn locks(scope: &BTreeSet<Uuid>, _rows: &BTreeMap<Uuid, Instance<S>>) -> Vec<RowKey> {
        scope.iter().map(|id| (S::NAME, *id)).collect()
    }

    fn survives(rows: &BTreeMap<Uuid, Instance<S>>, key: Uuid) -> Result<(), Broken> {
        let Some(instance) = rows.get(&key) else { return Ok(()) };
        let broken = |read: String| Err(Broken::new(S::NAME, format!("{instance:?}"), read));
        let text = instance.to_stored().map_err(|error| error.to_string());
        let read = text.and_then(|text| {
            Instance::<S>::from_stored(instance.definition_version, &text).map_err(|error| error.to_string())
        });
        match read {
            Ok(read) if read == *instance => Ok(()),
            Ok(read) => broken(format!("{read:?}")),
            Err(error) => broken(error),
        }
    }
}
