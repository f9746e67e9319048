//! The simulator is held to what it says. One binary: each would compile the shop and its world once more.

mod cli;
mod coverage;
mod golden;
mod mutants;
mod ports;
mod regressions;
mod runs;
mod saga_bugs;
mod search;
mod trip;
mod twice;
mod upgrade;
mod wire;
