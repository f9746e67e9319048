//! Interprets the engine's machines, one file for each; `commit` is the one place that runs transactions.

mod call;
mod clock;
mod commit;
mod consume;
mod publish;

pub(super) use call::said;
