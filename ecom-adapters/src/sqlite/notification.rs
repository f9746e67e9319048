//! The tables of the notification context.
