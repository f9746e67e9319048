//! Where rules meet doors: the at-least-once protocol, written once for all services, without I/O.
//!
//! [`fold`] turns a batch of messages into everything that one transaction writes. The machines around it
//! ([`consumer`], [`relay`], [`effector`], [`clockwork`]) say what to do next and take the result: requests and
//! results are data, `Unknown` is a possible result of every commit, publish and call. What a host was asked and answered
//! can be written down and replayed: [`record`].

pub mod clockwork;
pub mod consumer;
pub mod effector;
mod fold;
mod inbound;
mod message;
mod pacing;
pub mod record;
pub mod relay;

pub use fold::{Loaded, Writes, fold, fold_into};
pub use message::{
    Batch, Buried, Committed, DeadLetter, EffectRow, Fault, HistoryRow, Idempotency, KeptAnswer, Message, Origin,
    Outcome, Retention, Transacted, Verdict,
};
pub use pacing::{BACKOFF_MAX, Ladder};
