//! Helpers for tests, of this crate and of yours: rules told as *given, when, then*; a store in memory; and for each
//! port the suite that every adapter *must* pass, so that the simulated one cannot be kinder than the real one.
//!
//! No runtime is needed: the suites are async functions that await ports alone, what else they need of the world (a
//! fresh database, the passing of time) comes from a fixture. [`block_on`] runs them where there is no runtime.

pub mod bus;
pub mod counter;
mod memory;
pub mod sample;
mod scenario;
pub mod store;
pub mod trip;
mod wait;

pub use memory::{Begun, Constraint, Leased, ManualClock, MemoryStore, MemoryTables, Terms};
pub use scenario::Scenario;
pub use wait::{Boxed, block_on, both, join_all, within};
