//! The tables of the order context.
