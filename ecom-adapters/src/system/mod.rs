//! Clock, ids, password hashing, tokens.
