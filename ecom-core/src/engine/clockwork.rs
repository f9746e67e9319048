//! The clockwork machine.
