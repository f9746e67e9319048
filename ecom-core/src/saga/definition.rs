//! What one writes to define a saga.

use std::error::Error;
use std::fmt::Debug;
use std::hash::Hash;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::ledger::{Answered, Ledger};
use crate::decide::{Because, Context};
use crate::policy::Policy;

/// A name for history, diagrams and operators.
pub trait Label {
    /// Short and stable: `processing`, `payment.processed`.
    fn label(&self) -> &'static str;

    /// What a line of history adds to the name.
    fn detail(&self) -> Option<String> {
        None
    }
}

/// A saga as a pure type: its states, its inputs, its waits, and what is owed after its end.
pub trait Saga:
    Sized + Clone + Copy + Debug + PartialEq + Eq + PartialOrd + Ord + Hash + Send + Sync + 'static
{
    /// The definition's name, stored with each instance.
    const NAME: &'static str;
    /// The definition's version, stored with each instance. It rises whenever stored states mean something else.
    const VERSION: u32;
    /// Every change of state, for the diagram. Test it against the rules with [`super::observe`].
    const TRANSITIONS: &'static [Transition];

    /// A state in which the saga waits for something.
    type Running: Label + Clone + Debug + PartialEq + Eq + Hash + Serialize + DeserializeOwned + Send + Sync + 'static;
    /// A state that nothing changes any more.
    type Ended: Label + Clone + Debug + PartialEq + Eq + Hash + Serialize + DeserializeOwned + Send + Sync + 'static;
    /// Something that happened or is asked for.
    type Input: Label + Clone + Debug + PartialEq + Eq + Hash + Send + Sync + 'static;
    /// What can be owed after an end: one variant for each obligation, at most once for each instance.
    type Debt: Label + Clone + Copy + Debug + Ord + Hash + Serialize + DeserializeOwned + Send + Sync + 'static;
    /// What the saga tells others.
    type Output: Clone + Debug + PartialEq + Eq + Hash + Send + Sync + 'static;
    /// Why an input is refused.
    type Rejection: Error + Clone + PartialEq + Send + Sync + 'static;

    /// What the state waits for, at most how long. A wait of the same kind goes on from state to state.
    fn wait(state: &Self::Running, policy: &Policy) -> Option<Wait>;

    /// The rules of the running states: one function for each state, each a full match over the inputs.
    fn decide(state: &Self::Running, input: &Self::Input, context: &Context<'_>)
    -> Result<Step<Self>, Self::Rejection>;

    /// The wait of that state is over and nothing came. What was asked for may have happened all the same.
    fn expire(state: &Self::Running, context: &Context<'_>) -> Step<Self>;

    /// What is owed after that end. Undo every step that was begun, also when its outcome is not known.
    fn obligations(state: &Self::Ended) -> Vec<Self::Debt>;

    /// How to ask for what is open. Sent at the end, and again until all is answered: it *must* be harmless twice.
    fn ask(state: &Self::Ended, ledger: &Ledger<Self::Debt>) -> Vec<Self::Output>;

    /// Brings what an older version of the definition has stored, an [`Instance`](super::Instance) as JSON, into the form
    /// of this one; false when that version lives no more. While its instances live, a version *must* be readable.
    fn upcast(_version: u32, _stored: &mut serde_json::Value) -> bool {
        false
    }

    /// The rules of the ended states. The type of the result says that the state stays.
    fn repair(state: &Self::Ended, input: &Self::Input, context: &Context<'_>)
    -> Result<Repair<Self>, Self::Rejection>;
}

/// The state of an instance.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", bound = "")]
pub enum State<S: Saga> {
    /// It waits for something.
    Running(S::Running),
    /// It has ended, for ever.
    Ended(S::Ended),
}

impl<S: Saga> Label for State<S> {
    fn label(&self) -> &'static str {
        match self {
            Self::Running(state) => state.label(),
            Self::Ended(state) => state.label(),
        }
    }
}

/// A change of state as the definition declares it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Transition {
    /// The state before.
    pub from: &'static str,
    /// The input, or `deadline.<kind>`.
    pub input: &'static str,
    /// The state after.
    pub to: &'static str,
}

/// What a state waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Wait {
    /// Names the timer.
    pub kind: &'static str,
    /// How long.
    pub after: Duration,
}

/// What a running saga does about an input.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step<S: Saga> {
    /// Goes on, in that state.
    Go {
        /// The next state; the same one with other data is fine.
        to: S::Running,
        /// What others are told.
        outputs: Vec<S::Output>,
    },
    /// Ends. The debts of that end are opened and asked for.
    End {
        /// The end.
        to: S::Ended,
        /// What others are told beside what the debts ask for.
        outputs: Vec<S::Output>,
    },
    /// Nothing of this can be right: stays, and asks for an operator.
    Flag(String),
    /// Nothing changes, and that is right.
    Stay(Because),
}

impl<S: Saga> Step<S> {
    /// Goes on silently.
    pub const fn go(to: S::Running) -> Self {
        Self::Go { to, outputs: vec![] }
    }

    /// Ends, and tells others no more than what the debts ask for.
    pub const fn end(to: S::Ended) -> Self {
        Self::End { to, outputs: vec![] }
    }
}

/// What an ended saga does about an input. None of these names a state.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Repair<S: Saga> {
    /// A debt is answered.
    Answered(S::Debt, Answered),
    /// The step that this debt undoes has succeeded: an answer that knew of nothing to undo is void.
    Late(S::Debt),
    /// Somebody has not heard of the end: asks again.
    Ask {
        /// The debt for which there is certainly something to undo, if any.
        confirms: Option<S::Debt>,
    },
    /// It contradicts the end: an operator must look.
    Flag(String),
    /// Nothing changes, and that is right.
    Stay(Because),
}
