//! PostgreSQL as the durable store of every context: one database per service, any number of copies of the service.
//!
//! [`PgStore`] is the shared part: one transaction for inbox, state, outbox, effects, timers, history and kept answers.
//! A context adds its own tables through [`Tables`] and its queries through its reader.
//!
//! Every statement is a constant of a `statements!` block. A test prepares all of them against the migrated schema, so
//! that statement and schema cannot drift apart, and looks at their plans: none scans a table that grows.

mod claims;
mod database;
mod fault;
pub mod inventory;
mod kit;
mod letters;
mod migrate;
pub mod notification;
pub mod order;
pub mod payment;
#[cfg(target_os = "linux")]
mod relay;
mod rows;
pub mod saga;
mod store;
mod tables;
#[cfg(test)]
mod tests;
pub mod user;

pub use crate::sql::Inconsistent;
pub use database::{Database, OpenError, Pools, Settings, Timeouts};
pub use fault::Stale;
#[cfg(feature = "sandbox")]
pub(crate) use fault::fault;
pub use store::{DatabaseClock, PgStore, StoreOptions};
pub use tables::Tables;

/// The pool of reading connections that readers are made of.
pub type Readers = sqlx::PgPool;
