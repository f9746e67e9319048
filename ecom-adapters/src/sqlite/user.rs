//! The tables of the user context.
