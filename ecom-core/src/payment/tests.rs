//! The payment context, by tables and by chance.
