//! Putting the parts together: data directory, databases, bus, services, routes. The only place that names adapters.

mod data_dir;
mod embedded;
mod identity;
mod shop;

pub use data_dir::{DataDir, DataDirError};
pub use embedded::{Embedded, EmbeddedError, Server};
pub use identity::{GeneratedPassword, Identity, IdentityError};
pub use shop::{Running, Shop, StartError};
