//! Putting the parts together: databases, bus, services, routes. The only place that names adapters.
//!
//! An [`Assembly`](assembly) starts services one by one. [`Embedded`] is all of them and the gateway in one process,
//! [`ServiceProcess`] one alone, [`GatewayProcess`] the gateway alone.

mod administrator;
mod assembly;
mod bus;
#[cfg(feature = "rabbitmq")]
mod collector;
mod data_dir;
mod database;
mod embedded;
mod error;
mod front;
mod gateway;
mod identity;
mod keys;
mod probe;
mod reference;
mod routes;
mod service;
mod shop;
mod webhook;

pub use administrator::create_administrator;
pub use assembly::{Materials, Payments, Running, Users};
pub use data_dir::{DataDir, DataDirError};
pub use embedded::Embedded;
pub use error::StartError;
pub use front::Server;
pub use gateway::GatewayProcess;
pub use identity::{GeneratedPassword, Identity, IdentityError};
pub use service::ServiceProcess;
pub use shop::{Shop, migrate};
