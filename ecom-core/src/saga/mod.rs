//! The kit under every saga: it knows no order, no stock and no money. Write your own flow as a pure type.
//!
//! A saga drives something that several parties have a share in to one of its ends, and then sees to it that what is
//! owed after that end (release, refund, cancel) is really done. The kit promises, whatever order facts arrive in:
//!
//! - **An end is an end.** A running state goes on or ends ([`Step`]); an ended one can only be repaired ([`Repair`]):
//!   no value of that type can name another state.
//! - **Every wait has a deadline**, declared by the state that waits ([`Saga::wait`]); a timer of another epoch than
//!   the armed one changes nothing.
//! - **Nothing owed is forgotten.** The end opens a [`Ledger`] of debts; the kit asks again, at doubling delays, until
//!   each is answered. Past the limit the instance is flagged ([`Attention`]) and the kit goes on asking.
//! - **A late success is a fact.** What was closed with "there was nothing" is opened again.
//! - **Nothing is silent**: each signal ends as an [`Advance`] with a line of history, a reason to stay, or a refusal.
//! - **Releases work beside each other** on the same instances: see [`stored`].
//!
//! [`Saga`] is the type to write, [`Instance::handle`] runs it anywhere, [`SagaContext`] hosts it on the engine (tables,
//! timers, retries, effects), [`diagram`] draws it. The examples `order_saga` and `trip_saga` show both ways.

mod context;
mod definition;
mod diagram;
mod instance;
mod ledger;
pub mod stored;
#[cfg(test)]
mod tests;

pub use context::{Addressed, Call, Hosted, SagaContext, SagaReply};
pub use definition::{Label, Repair, Saga, State, Step, Transition, Wait};
pub use diagram::{diagram, observe};
pub use instance::{Advance, Armed, Attention, Handled, Instance, OWED, Refused, Signal};
pub use ledger::{Answered, Entry, Ledger, Standing};
pub use stored::NotRead;
