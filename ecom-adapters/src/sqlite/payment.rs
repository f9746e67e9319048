//! The tables of the payment context.
