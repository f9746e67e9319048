//! One saga under way, and what each signal does to it.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

use super::definition::{Label, Repair, Saga, State, Step};
use super::ledger::{Confirmed, Ledger};
use super::stored::Unknown;
use crate::decide::{Because, Context, DeadlineChange, HistoryEntry, Timer};
use crate::policy::Policy;

/// The kit's own timer: what is owed was not answered in time.
pub const OWED: &str = "owed";

/// One saga under way or at its end.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Instance<S: Saga> {
    /// Which one.
    pub id: Uuid,
    /// The version of the definition that it was written with; its name is [`Saga::NAME`].
    pub definition_version: u32,
    /// 1 at the beginning, one more with each advance.
    pub version: u64,
    /// Where it stands.
    pub state: State<S>,
    /// What it is owed after its end.
    pub ledger: Ledger<S::Debt>,
    /// The timer that it waits on.
    pub armed: Option<Armed>,
    /// Whether an operator must look, and why. Never replaces the state.
    pub attention: Option<Attention>,
    /// What another release has written into it, and this one does not know.
    #[serde(skip)]
    pub unknown: Unknown,
}

/// The timer that an instance waits on.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Armed {
    /// Its kind.
    pub kind: Cow<'static, str>,
    /// The version of the instance that armed it.
    pub epoch: u64,
}

/// Why an operator must look.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attention {
    /// What is owed was asked for as often as the policy allows, and not answered. Ends when it is answered.
    Overdue,
    /// Two facts cannot both be right. Ends when an operator resolves it.
    Contradiction(String),
}

impl fmt::Display for Attention {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Overdue => formatter.write_str("overdue"),
            Self::Contradiction(detail) => write!(formatter, "contradiction: {detail}"),
        }
    }
}

/// What comes to an instance.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Signal<I> {
    /// A fact or a command of the saga's own.
    Input(I),
    /// A timer fired.
    Deadline {
        /// Its kind.
        kind: Cow<'static, str>,
        /// The version of the instance that armed it.
        epoch: u64,
    },
    /// An operator lets what is open be asked for again, from the first delay on.
    Retry {
        /// Who and why, for the history.
        reason: String,
    },
    /// An operator ends the flag and takes what is open on himself.
    Resolve {
        /// Who and why, for the history.
        reason: String,
    },
}

/// What became of a signal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Handled<S: Saga> {
    /// The instance changed.
    Advanced(Box<Advance<S>>),
    /// It did not, and that is right.
    Stayed(Because),
}

/// A change of an instance and what follows from it, to be written in one transaction.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Advance<S: Saga> {
    /// The instance as it now is.
    pub instance: Instance<S>,
    /// What others are told.
    pub outputs: Vec<S::Output>,
    /// Timers set and cancelled.
    pub deadlines: Vec<DeadlineChange>,
    /// The line of history.
    pub history: HistoryEntry,
}

/// Why a signal was refused.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Error)]
pub enum Refused<R> {
    /// The saga's own rule.
    #[error(transparent)]
    Rule(#[from] R),
    /// There is nothing open that could be asked for again.
    #[error("nothing is owed, so there is nothing to ask for again")]
    NothingToRetry,
    /// Nobody has flagged it.
    #[error("it does not need attention, so there is nothing to resolve")]
    NothingToResolve,
    /// No instance has that id, and the input does not begin one.
    #[error("saga {0} is not known")]
    Unknown(Uuid),
}

impl<S: Saga> Instance<S> {
    /// A new instance in its first state.
    pub fn begin(
        id: Uuid,
        event: &'static str,
        state: S::Running,
        outputs: Vec<S::Output>,
        policy: &Policy,
    ) -> Advance<S> {
        let state = State::Running(state);
        let history =
            HistoryEntry { subject: id, event: event.into(), from: "".into(), to: state.label().into(), detail: None };
        let (definition_version, ledger) = (S::VERSION, Ledger::default());
        let instance = Self {
            id,
            definition_version,
            version: 1,
            state,
            ledger,
            armed: None,
            attention: None,
            unknown: Unknown::default(),
        };
        let mut advance = Advance { instance, outputs, deadlines: vec![], history };
        advance.await_state(policy);
        advance
    }

    /// Whether nothing can change the state any more.
    pub const fn has_ended(&self) -> bool {
        matches!(self.state, State::Ended(_))
    }

    /// Whether it has ended and everything owed is answered.
    pub fn is_settled(&self) -> bool {
        self.has_ended() && self.ledger.is_settled()
    }

    /// What a signal does to it. Pure: call it again with the same arguments and get the same result.
    pub fn handle(
        &self,
        signal: &Signal<S::Input>,
        context: &Context<'_>,
    ) -> Result<Handled<S>, Refused<S::Rejection>> {
        match (&self.state, signal) {
            (_, Signal::Deadline { kind, epoch }) if !self.waits_on(kind, *epoch) => {
                Ok(Handled::Stayed(Because::StaleTimer))
            }
            (State::Running(state), Signal::Input(input)) => {
                Ok(self.follow(S::decide(state, input, context)?, signal, context))
            }
            (State::Running(state), Signal::Deadline { .. }) => {
                Ok(self.follow(S::expire(state, context), signal, context))
            }
            (State::Running(_), Signal::Retry { .. }) => Err(Refused::NothingToRetry),
            (State::Ended(state), Signal::Input(input)) => {
                Ok(self.mend(state, S::repair(state, input, context)?, signal, context))
            }
            (State::Ended(state), Signal::Deadline { .. }) => Ok(self.overdue(state, signal, context)),
            (State::Ended(state), Signal::Retry { .. }) => self.retry(state, signal, context),
            (State::Running(_) | State::Ended(_), Signal::Resolve { .. }) => self.resolve(signal),
        }
    }

    /// The same state, one version on: something beside the saga changed.
    pub fn touch(&self, event: impl Into<Cow<'static, str>>, detail: Option<String>) -> Advance<S> {
        let state: Cow<'static, str> = self.state.label().into();
        let mut instance = self.clone();
        instance.version += 1;
        let history = HistoryEntry { subject: self.id, event: event.into(), from: state.clone(), to: state, detail };
        Advance { instance, outputs: vec![], deadlines: vec![], history }
    }

    fn waits_on(&self, kind: &str, epoch: u64) -> bool {
        self.armed.as_ref().is_some_and(|armed| armed.kind == kind && armed.epoch == epoch)
    }

    fn advance(&self, signal: &Signal<S::Input>) -> Box<Advance<S>> {
        Box::new(self.touch(event_name(signal), detail(signal)))
    }

    fn follow(&self, step: Step<S>, signal: &Signal<S::Input>, context: &Context<'_>) -> Handled<S> {
        let (to, outputs) = match step {
            Step::Go { to, outputs } => (State::Running(to), outputs),
            Step::End { to, outputs } => (State::Ended(to), outputs),
            Step::Flag(detail) => return self.flag(&detail, signal),
            Step::Stay(because) => return Handled::Stayed(because),
        };
        let mut advance = self.advance(signal);
        advance.history.to = to.label().into();
        advance.outputs = outputs;
        if let State::Ended(end) = &to {
            advance.instance.ledger = Ledger::open(S::obligations(end));
            if !advance.instance.ledger.is_settled() {
                advance.outputs.extend(S::ask(end, &advance.instance.ledger));
            }
        }
        advance.instance.state = to;
        advance.await_state(context.policy);
        Handled::Advanced(advance)
    }

    fn mend(&self, end: &S::Ended, repair: Repair<S>, signal: &Signal<S::Input>, context: &Context<'_>) -> Handled<S> {
        let mut advance = self.advance(signal);
        match repair {
            Repair::Stay(because) => return Handled::Stayed(because),
            Repair::Flag(detail) => return self.flag(&detail, signal),
            Repair::Ask { confirms } => {
                if let Some(debt) = confirms {
                    advance.instance.ledger.confirm(debt);
                }
                advance.outputs = S::ask(end, &advance.instance.ledger);
            }
            Repair::Answered(debt, how) => {
                if !advance.instance.ledger.answer(debt, how) {
                    return Handled::Stayed(Because::AlreadyKnown);
                }
                if advance.instance.ledger.is_settled() {
                    advance.instance.attention.take_if(|attention| *attention == Attention::Overdue);
                }
            }
            Repair::Late(debt) => match advance.instance.ledger.confirm(debt) {
                Confirmed::NotConcerned => return Handled::Stayed(Because::AlreadyEnded),
                Confirmed::Noted => {}
                Confirmed::Reopened => advance.outputs = S::ask(end, &advance.instance.ledger),
            },
        }
        advance.await_state(context.policy);
        Handled::Advanced(advance)
    }

    /// What is owed was not answered in time: asks again, later each time, and flags it past the limit.
    fn overdue(&self, end: &S::Ended, signal: &Signal<S::Input>, context: &Context<'_>) -> Handled<S> {
        let mut advance = self.advance(signal);
        let (repeats, limit) = (self.ledger.repeats(), context.policy.owed_attempts_max);
        if repeats >= limit {
            advance.instance.attention.get_or_insert(Attention::Overdue);
        } else {
            advance.instance.ledger.set_repeats(repeats + 1);
        }
        advance.outputs = S::ask(end, &advance.instance.ledger);
        advance.arm(OWED, owed_delay(context.policy, advance.instance.ledger.repeats()));
        Handled::Advanced(advance)
    }

    fn retry(
        &self,
        end: &S::Ended,
        signal: &Signal<S::Input>,
        context: &Context<'_>,
    ) -> Result<Handled<S>, Refused<S::Rejection>> {
        if self.ledger.is_settled() && self.attention.is_none() {
            return Err(Refused::NothingToRetry);
        }
        let mut advance = self.advance(signal);
        advance.instance.attention.take_if(|attention| *attention == Attention::Overdue);
        advance.instance.ledger.set_repeats(0);
        advance.outputs = S::ask(end, &advance.instance.ledger);
        if !advance.instance.ledger.is_settled() {
            advance.arm(OWED, owed_delay(context.policy, 0));
        }
        Ok(Handled::Advanced(advance))
    }

    fn resolve(&self, signal: &Signal<S::Input>) -> Result<Handled<S>, Refused<S::Rejection>> {
        if self.attention.is_none() {
            return Err(Refused::NothingToResolve);
        }
        let mut advance = self.advance(signal);
        advance.instance.attention = None;
        let open: Vec<&str> = self.ledger.outstanding().map(|(debt, _)| debt.label()).collect();
        if !open.is_empty() {
            advance.instance.ledger.write_off();
            advance.disarm();
            let residue = format!("written off: {}", open.join(", "));
            advance.history.detail =
                Some(detail(signal).map_or_else(|| residue.clone(), |detail| format!("{detail}; {residue}")));
        }
        Ok(Handled::Advanced(advance))
    }

    fn flag(&self, contradiction: &str, signal: &Signal<S::Input>) -> Handled<S> {
        let attention = Some(Attention::Contradiction(contradiction.to_owned()));
        if self.attention == attention {
            return Handled::Stayed(Because::AlreadyKnown);
        }
        let mut advance = self.advance(signal);
        advance.instance.attention = attention;
        advance.history.detail = Some(format!("needs attention: {contradiction}"));
        Handled::Advanced(advance)
    }
}

impl<S: Saga> Advance<S> {
    /// Sets the timer of the state that it is in now, unless it waits on that one already.
    fn await_state(&mut self, policy: &Policy) {
        let wanted = match &self.instance.state {
            State::Running(state) => S::wait(state, policy).map(|wait| (wait.kind, wait.after)),
            State::Ended(_) if self.instance.ledger.is_settled() => None,
            State::Ended(_) => Some((OWED, owed_delay(policy, self.instance.ledger.repeats()))),
        };
        match (wanted, &self.instance.armed) {
            (Some((kind, _)), Some(armed)) if armed.kind == kind => {}
            (Some((kind, after)), _) => {
                self.disarm();
                self.arm(kind, after);
            }
            (None, _) => self.disarm(),
        }
    }

    fn arm(&mut self, kind: &'static str, after: Duration) {
        let (subject, epoch) = (self.instance.id, self.instance.version);
        self.instance.armed = Some(Armed { kind: kind.into(), epoch });
        self.deadlines.push(DeadlineChange::Arm { timer: Timer { subject, kind: kind.into(), epoch }, after });
    }

    fn disarm(&mut self) {
        if let Some(armed) = self.instance.armed.take() {
            self.deadlines.push(DeadlineChange::Disarm { subject: self.instance.id, kind: armed.kind });
        }
    }
}

/// The delay before what is owed is asked for again: doubles with each repetition and stops rising at the limit.
fn owed_delay(policy: &Policy, repeats: u32) -> Duration {
    let doublings = repeats.min(policy.owed_attempts_max).min(31);
    policy.owed_deadline.saturating_mul(1 << doublings)
}

/// The name of a signal in history and in declared transitions.
pub(super) fn event_name<I: Label>(signal: &Signal<I>) -> Cow<'static, str> {
    match signal {
        Signal::Input(input) => input.label().into(),
        Signal::Deadline { kind, .. } => format!("deadline.{kind}").into(),
        Signal::Retry { .. } => "retry".into(),
        Signal::Resolve { .. } => "resolve".into(),
    }
}

fn detail<I: Label>(signal: &Signal<I>) -> Option<String> {
    match signal {
        Signal::Input(input) => input.detail(),
        Signal::Deadline { .. } => None,
        Signal::Retry { reason } | Signal::Resolve { reason } => Some(reason.clone()),
    }
}
