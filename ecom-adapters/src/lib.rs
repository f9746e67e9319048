//! Adapters of Ecom: one folder per technology, each behind a feature.
//!
//! - `sqlite`: one file per service, the embedded default.
//! - `postgres`: one database per service, for services in several processes; not in the default features.
//! - `local`: a durable topic exchange inside one process.
//! - `rabbitmq`: RabbitMQ, for services in several processes; not in the default features.
//! - `sandbox`: the payment provider of the development shop.
//! - `system`: clock, ids, password hashing, tokens.

#![cfg_attr(
    all(test, feature = "sqlite", feature = "postgres"),
    expect(
        clippy::duplicate_mod,
        reason = "the tests of a context's tables are written once and run on each database"
    )
)]

#[cfg(feature = "local")]
pub mod local;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "rabbitmq")]
pub mod rabbitmq;
#[cfg(feature = "sandbox")]
pub mod sandbox;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod sql;
#[cfg(feature = "sqlite")]
pub mod sqlite;
#[cfg(feature = "system")]
pub mod system;
