//! The in-process durable bus.
