//! SQLite as the durable store of every context: one file per service, WAL, `synchronous=FULL`.
//!
//! [`SqliteStore`] is the shared part: one transaction for inbox, state, outbox, effects, timers, history and kept
//! answers. A context adds its own tables through [`Tables`] and its queries through its reader.

mod claims;
mod database;
pub mod inventory;
mod kit;
mod latest;
mod letters;
pub mod notification;
pub mod order;
pub mod payment;
mod rows;
pub mod saga;
mod script;
mod store;
mod tables;
#[cfg(test)]
mod testing;
pub mod user;

pub use crate::sql::Inconsistent;
pub use database::{Database, OpenError};
pub use rows::{column, json, parse, text_list};
pub use script::Script;
#[cfg(feature = "sandbox")]
pub(crate) use store::fault;
pub use store::{SqliteStore, StoreOptions};
pub use tables::Tables;

/// The pool of reading connections that readers are made of.
pub type Readers = sqlx::SqlitePool;
