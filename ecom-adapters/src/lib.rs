//! Adapters of Ecom: one folder per technology, each behind a feature.
//!
//! - `sqlite`: one file per service, the embedded default.
//! - `local`: a durable topic exchange inside one process.
//! - `rabbitmq`: RabbitMQ, for services in several processes; not in the default features.
//! - `sandbox`: the payment provider of the development shop.
//! - `system`: clock, ids, password hashing, tokens.

#[cfg(feature = "local")]
pub mod local;
#[cfg(feature = "rabbitmq")]
pub mod rabbitmq;
#[cfg(feature = "sandbox")]
pub mod sandbox;
#[cfg(feature = "sqlite")]
pub mod sqlite;
#[cfg(feature = "system")]
pub mod system;
