//! Deterministic simulation of the Ecom services.

#[warn(clippy::float_arithmetic)]
pub mod choose;
pub mod cli;
pub mod coverage;
pub mod explore;
pub mod facts;
pub mod hash;
#[warn(clippy::float_arithmetic)]
pub mod invariant;
pub mod mutant;
#[warn(clippy::float_arithmetic)]
pub mod port;
pub mod report;
pub mod run;
pub mod saga;
#[warn(clippy::float_arithmetic)]
pub mod scenario;
pub mod shrink;
pub mod twice;
pub mod upgrade;
mod watch;
#[warn(clippy::float_arithmetic)]
pub mod world;
