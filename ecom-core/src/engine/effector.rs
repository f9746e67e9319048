//! The effector machine.
