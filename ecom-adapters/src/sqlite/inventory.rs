//! The tables of the inventory context.
