//! The notification context.
