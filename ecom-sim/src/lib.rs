//! Deterministic simulation of the Ecom services.

pub mod choose;
pub mod cli;
pub mod coverage;
pub mod explore;
pub mod hash;
pub mod invariant;
pub mod mutant;
pub mod port;
pub mod report;
pub mod run;
pub mod saga;
pub mod scenario;
pub mod shrink;
pub mod twice;
pub mod upgrade;
pub mod world;
