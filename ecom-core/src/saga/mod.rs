//! The saga kit.
